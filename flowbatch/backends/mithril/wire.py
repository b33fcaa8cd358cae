"""The API's own shapes (OpenAPI "Mithril" 1.0.0), as far as they are read here.

Tolerant on purpose: a field that is not known here is ignored, and a status is any word, so that a new one spoils no
listing (`strange` names it). Money is micro-dollars, instants are aware. A bid's start-up script is never read back: it holds a key.
"""

from __future__ import annotations

import math
from datetime import datetime, timezone
from typing import Annotated, Generic, TypeVar

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from flowbatch.backends.mithril import money
from flowbatch.text import shown
from flowbatch.units import Instant

BID_STATUSES = frozenset({"Open", "Allocated", "Preempting", "Paused", "Terminated", "Relocating"})
INSTANCE_STATUSES = frozenset(
    "STATUS_" + word
    for word in (
        "NEW", "CONFIRMED", "INITIALIZING", "STARTING", "RUNNING", "STOPPING", "TERMINATED", "RELOCATING",
        "PREEMPTING", "PREEMPTED", "REPLACED", "PAUSED", "ERROR",
    )
)  # fmt: skip


def strange(status: str) -> bool:
    """Whether a status is in no published list."""
    return status not in BID_STATUSES and status not in INSTANCE_STATUSES


def instant(stamp: datetime) -> Instant:
    """The whole second in which it lies."""
    return Instant(math.floor(stamp.timestamp()))


def stamp(at: int) -> str:
    """An instant as the API writes it."""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def _aware(said: datetime) -> datetime:
    return said if said.tzinfo else said.replace(tzinfo=timezone.utc)


Word = Annotated[str, AfterValidator(shown)]
"""A name or a state: it stands in listings, logs and addresses, and moves no terminal."""
Stamp = Annotated[datetime, AfterValidator(_aware)]
Usd = Annotated[int, BeforeValidator(money.usd)]
Cents = Annotated[int, AfterValidator(money.cents)]
WholeCents = Annotated[int, AfterValidator(money.whole_cents)]
Count = Annotated[int, Field(ge=0, le=1 << 24)]
"""Of things that a machine has, or a market: no answer makes us count for ever."""


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, protected_namespaces=())


Row = TypeVar("Row")


class Page(Wire, Generic[Row]):
    """One page of a listing; the histories call their rows `instances`."""

    rows: tuple[Row, ...] = Field(validation_alias=AliasChoices("data", "instances"))
    next_cursor: str | None = None


# Who asks


class Me(Wire):
    fid: Word
    email: Word = ""
    organization_id: Word = ""


class Project(Wire):
    fid: Word
    name: Word


class SshKey(Wire):
    fid: Word
    name: Word
    public_key: str
    required: bool = False


class ApiKey(Wire):
    fid: Word
    name: Word
    expires_at: Stamp
    deactivated_at: Stamp | None = None


class NewApiKey(ApiKey):
    """`secret` is told this once."""

    secret: SecretStr


class Quota(Wire):
    fid: Word
    name: Word
    product_type: Word
    instance_type: Word | None = None
    total_quantity: int
    used_quantity: int
    units: Word = ""


# What there is


class InstanceType(Wire):
    """One type under one id; a name may stand under several."""

    fid: Word
    name: Word
    num_cpus: Annotated[int, Field(ge=0, le=1 << 14)] = 1
    cpu_type: Word = ""
    ram_gb: Count = 0
    num_gpus: Annotated[int, Field(ge=0, le=1 << 10)] = 0
    gpu_type: Word = ""
    gpu_memory_gb: Count = 0
    gpu_socket: Word = ""
    local_storage_gb: Count = 0
    network_type: Word | None = None
    ib_count: int = 0
    hourly_price: Usd = 0


class Auction(Wire):
    """One type in one region: `capacity` in instances, prices per instance-hour."""

    fid: Word
    instance_type: Word
    region: Word
    capacity: Count = 0
    last_instance_price: Usd
    lowest_allocated_price: Usd | None = None


class CurrentPrices(Wire):
    """Micro-dollars per instance-hour, though the API's names say cents."""

    spot_price_cents: Cents | None = None
    reserved_price_cents: Cents | None = None
    minimum_price_cents: Cents | None = None
    lowest_allocated_bid_cents: Cents | None = None
    dynamic_win_price_cents: Cents | None = None
    available_capacity: int | None = None
    total_capacity: int | None = None


class PriceSeries(Wire):
    instance_type: Word
    region: Word
    timestamps: tuple[Stamp, ...]
    spot_prices: tuple[Usd, ...]
    reserved_prices: tuple[Usd, ...] = ()


class PriceHistory(Wire):
    series: tuple[PriceSeries, ...]
    complete: bool = True


class ImageVersion(Wire):
    image_version_fid: Word
    image_version_name: Word
    stable: bool = False
    supported_regions: tuple[Word, ...] = ()
    deactivated_at: Stamp | None = None


# Bids and their instances


class LaunchSpecification(Wire):
    volumes: tuple[str, ...] = ()
    ssh_keys: tuple[str, ...] = ()
    startup_script: str | None = Field(default=None, repr=False)
    image_version: str | None = None


class NewBid(Wire):
    """The body of POST /v2/spot/bids, as the vendor's own client sends it."""

    project: str
    region: str
    name: str
    instance_quantity: int
    limit_price: str
    launch_specification: LaunchSpecification
    instance_type: str


class Bid(Wire):
    fid: Word
    name: Word
    created_at: Stamp
    deactivated_at: Stamp | None = None
    limit_price: Usd
    instance_quantity: int = 1
    instance_type: Word
    region: Word | None = None
    instances: tuple[Word, ...] = ()
    status: Word


class BidStatus(Wire):
    bid_fid: Word
    status: Word


class BidEvent(Wire):
    timestamp: Stamp
    event_type: Word
    limit_price: Usd | None = None
    user_id: Word | None = None


class BidHistory(Wire):
    bid_fid: Word
    events: tuple[BidEvent, ...]


class Instance(Wire):
    fid: Word
    name: Word
    created_at: Stamp
    instance_type: Word
    region: Word | None = None
    bid: Word | None = None
    reservation: Word | None = None
    ssh_destination: Word | None = None
    private_ip: Word | None = None
    status: Word


class InstanceStatus(Wire):
    """`end_time`: when a preempting or relocating machine goes, when a reserved one ends."""

    fid: Word
    status: Word
    bid: Word | None = None
    end_time: Stamp | None = None


class StatusEvent(Wire):
    timestamp: Stamp
    status: Word


class StatusHistory(Wire):
    instance_fid: Word
    events: tuple[StatusEvent, ...]
    bid_fid: Word | None = None


class PricingEvent(Wire):
    """A time at one price; `end_time` None: it goes on. The price stays in cents: sums are rounded once."""

    price_cents: WholeCents
    start_time: Stamp
    end_time: Stamp | None = None


class PricingHistory(Wire):
    instance_fid: Word
    events: tuple[PricingEvent, ...]
    bid_fid: Word | None = None


# Volumes, reservations, scripts


class Volume(Wire):
    fid: Word
    name: Word
    region: Word
    capacity_gb: int
    interface: Word
    created_at: Stamp
    deleted_at: Stamp | None = None
    bids: tuple[Word, ...] = ()
    reservations: tuple[Word, ...] = ()


class Offer(Wire):
    key: Word
    display_name: Word = ""
    unit_price: Usd
    total_price: Usd
    pause_buyback_price: Usd | None = None
    return_buyback_price: Usd | None = None


class Quoted(Wire):
    offers: tuple[Offer, ...]


class Slot(Wire):
    start_time: Stamp
    end_time: Stamp
    quantity: int


class NewReservation(Wire):
    """The body of POST /v2/reservation; instants as `stamp` writes them."""

    project: str
    instance_type: str
    region: str
    start_time: str
    end_time: str
    instance_quantity: int
    name: str
    launch_specification: LaunchSpecification


class Reservation(Wire):
    fid: Word
    name: Word
    status: Word
    instance_type: Word
    region: Word | None = None
    instance_quantity: int
    start_time: Stamp
    end_time: Stamp
    total_price: Usd
    unit_price: Usd
    instances: tuple[Word, ...] = ()


class LifecycleScript(Wire):
    fid: Word
    name: Word
    description: Word = ""
    content_url: Word = ""
    scope: Word = "PROJECT"
