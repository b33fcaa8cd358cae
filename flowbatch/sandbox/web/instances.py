"""Instances: the machines of a bid, what became of them, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar

from fastapi import APIRouter, HTTPException, Query
from fastapi.exceptions import RequestValidationError
from pydantic import AwareDatetime, BaseModel

from flowbatch.sandbox.market.ledger import Segment
from flowbatch.sandbox.market.records import FINAL, Instance
from flowbatch.sandbox.reservations import ReservedInstance
from flowbatch.sandbox.web import images, money, stamps
from flowbatch.sandbox.web.asking import TheProject, TheWorld
from flowbatch.sandbox.web.paging import Page, SortDirection, cut
from flowbatch.sandbox.world import World

router = APIRouter(prefix="/v2/instances")

Status = Literal[
    "STATUS_NEW", "STATUS_CONFIRMED", "STATUS_INITIALIZING", "STATUS_STARTING", "STATUS_RUNNING", "STATUS_STOPPING",
    "STATUS_TERMINATED", "STATUS_RELOCATING", "STATUS_PREEMPTING", "STATUS_PREEMPTED", "STATUS_REPLACED",
    "STATUS_PAUSED", "STATUS_ERROR",
]  # fmt: skip
STATUSES = frozenset(Status.__args__)  # type: ignore[attr-defined]  # a Literal's words
ORDER_TYPES = frozenset({"Bid", "Reservation"})
SORTED_BY = {"created_at": "created_at", "instance_status": "status", "instance_type_fid": "instance_type"}


class InstanceModel(BaseModel):
    fid: str
    name: str
    project: str
    created_at: str
    created_by: str
    instance_type: str
    region: str | None
    bid: str | None
    reservation: str | None
    ssh_destination: str | None
    private_ip: str | None
    status: Status


class InstanceStatusResponse(BaseModel):
    fid: str
    name: str
    status: Status
    bid: str | None
    reservation: str | None
    end_time: str | None


class PatchInstanceStatusRequest(BaseModel):
    instances: list[str]
    status: Literal["STATUS_RUNNING", "STATUS_PAUSED"]


class PatchInstanceStatusResponse(BaseModel):
    instances: dict[str, Status]


class RefreshBootDiskRequest(BaseModel):
    image_version: str | None = None


class InstanceStatusEvent(BaseModel):
    timestamp: str
    status: Status


class InstancePricingEvent(BaseModel):
    price_cents: int
    start_time: str
    end_time: str


Event = TypeVar("Event")
Either = Instance | ReservedInstance


class InstanceEvents(BaseModel, Generic[Event]):
    instance_fid: str
    events: list[Event]
    bid_fid: str | None
    reservation_fid: str | None


class InstancesPage(BaseModel, Generic[Event]):
    instances: list[InstanceEvents[Event]]
    next_cursor: str | None


Several = Annotated[list[str] | None, Query()]
"""One value with commas, or several."""
Limit = Annotated[int | None, Query(ge=1, le=100)]


@router.get("")
async def listing(
    world: TheWorld, project: TheProject, instance_type: str | None = None, region: str | None = None,
    status_in: Several = None, order_type_in: Several = None, bid_fid_in: Several = None,
    reservation_fid_in: Several = None, next_cursor: str | None = None,
    sort_by: Literal["created_at", "instance_status", "instance_type_fid"] | None = None,
    sort_dir: SortDirection | None = None, limit: Limit = None,
) -> Page[InstanceModel]:  # fmt: skip
    statuses = _words("status_in", status_in, STATUSES)
    orders = _words("order_type_in", order_type_in, ORDER_TYPES)
    bids, reservations = _words("bid_fid_in", bid_fid_in), _words("reservation_fid_in", reservation_fid_in)
    found = [
        instance
        for instance in world.instances().values()
        if instance.project == project
        and instance_type in (None, instance.instance_type)
        and region in (None, instance.region)
        and (statuses is None or instance.status in statuses)
        and (orders is None or ("Bid" if instance.bid else "Reservation") in orders)
        and (bids is None or instance.bid in bids)
        and (reservations is None or _reservation(instance) in reservations)
    ]
    by = SORTED_BY[sort_by or "created_at"]
    rows, after = cut(found, lambda row: (getattr(row, by), row.fid), sort_dir or "desc", limit, next_cursor)
    return Page(data=[_shown(world, row) for row in rows], next_cursor=after)


@router.get("/status/history")
async def status_history(
    world: TheWorld, project: TheProject, instance_fid: str | None = None, bid_fid: str | None = None,
    reservation_fid: str | None = None, start_time: AwareDatetime | None = None, end_time: AwareDatetime | None = None,
    limit: Limit = None, next_cursor: str | None = None,
) -> InstancesPage[InstanceStatusEvent]:  # fmt: skip
    """What each went through, oldest first, within the given time."""
    rows, after = _asked(world, project, instance_fid, bid_fid, reservation_fid, limit, next_cursor)
    start, end = _bounds(world, start_time, end_time)

    def stages(row: Either) -> list[InstanceStatusEvent]:
        within = (stage for stage in row.history if start <= stage.at <= end)
        return [InstanceStatusEvent(timestamp=stamps.written(stage.at), status=stage.status) for stage in within]

    return _page(rows, stages, after)


@router.get("/pricing/history")
async def pricing_history(
    world: TheWorld, project: TheProject, instance_fid: str | None = None, bid_fid: str | None = None,
    reservation_fid: str | None = None, start_time: AwareDatetime | None = None, end_time: AwareDatetime | None = None,
    limit: Limit = None, next_cursor: str | None = None,
) -> InstancesPage[InstancePricingEvent]:  # fmt: skip
    """What each is charged for: from when to when at which price an hour. What goes on ends, so far, now."""
    rows, after = _asked(world, project, instance_fid, bid_fid, reservation_fid, limit, next_cursor)
    start, end = _bounds(world, start_time, end_time)
    return _page(rows, lambda row: _charged(_segments(world, row), start, end), after)


@router.get("/{instance_fid}/status")
async def status(instance_fid: str, world: TheWorld) -> InstanceStatusResponse:
    instance = _found(world, instance_fid)
    return InstanceStatusResponse(
        fid=instance.fid, name=instance.name, status=instance.status, bid=instance.bid, reservation=_reservation(instance),
        end_time=stamps.written_if(instance.end_time),
    )  # fmt: skip


@router.patch("")
async def pause_or_run(asked: PatchInstanceStatusRequest, world: TheWorld) -> PatchInstanceStatusResponse:
    """For instances of a reservation only; those of a bid are paused with their bid."""
    chosen = [_found(world, fid) for fid in asked.instances]
    if not all(isinstance(each, ReservedInstance) for each in chosen):
        raise HTTPException(501, "Pausing single instances of a spot bid is not supported")
    if any(each.status in FINAL for each in chosen):
        raise HTTPException(409, "A terminated instance cannot change its status")
    reserved, user = world.state.reserved, world.state.user.fid
    move = reserved.pause if asked.status == "STATUS_PAUSED" else reserved.resume
    for each in chosen:
        reservation = reserved.reservations[_reservation(each) or ""]
        world.carry_out(move(reservation, [each.fid], world.now(), user))
    return PatchInstanceStatusResponse(instances={each.fid: each.status for each in chosen})


@router.post("/{instance_fid}/refresh-boot-disk")
async def refresh_boot_disk(instance_fid: str, world: TheWorld, asked: RefreshBootDiskRequest | None = None) -> None:
    _found(world, instance_fid)
    if asked is not None and asked.image_version not in (None, *images.KNOWN):
        raise HTTPException(404, f"Image version {asked.image_version} not found")
    raise HTTPException(501, "Refreshing a boot disk is not supported in the sandbox")


@router.post("/{instance_fid}/restart", status_code=202)
async def restart(instance_fid: str, world: TheWorld) -> dict[str, str]:
    """Its machine is stopped and boots again, from the same disk; it stays RUNNING."""
    if _found(world, instance_fid).status != "STATUS_RUNNING":
        raise HTTPException(409, f"Instance {instance_fid} is not running")
    world.restart(instance_fid)
    return {"fid": instance_fid, "status": "RESTARTING"}


def _found(world: World, instance_fid: str) -> Either:
    instance = world.instances().get(instance_fid)
    if instance is None:
        raise HTTPException(404, f"Instance {instance_fid} not found")
    return instance


def _reservation(instance: Either) -> str | None:
    return instance.reservation if isinstance(instance, ReservedInstance) else None


def _segments(world: World, instance: Either) -> Iterable[Segment]:
    """What is booked ahead was paid at once, and is charged for nothing more."""
    return () if isinstance(instance, ReservedInstance) else world.market.ledger.segments(instance.fid)


def _words(name: str, said: list[str] | None, known: Iterable[str] | None = None) -> set[str] | None:
    """The values of a filter. Refuses with 422 a word that is not among the `known`."""
    if said is None:
        return None
    words = {word.strip() for each in said for word in each.split(",") if word.strip()}
    if known is not None and (wrong := sorted(words - set(known))):
        message = f"Input should be one of {', '.join(sorted(known))}"
        raise RequestValidationError([{"loc": ("query", name), "msg": message, "type": "enum", "input": wrong}])
    return words


def _asked(
    world: World, project: str, instance_fid: str | None, bid_fid: str | None, reservation_fid: str | None,
    limit: int | None, cursor: str | None,
) -> tuple[list[Either], str | None]:  # fmt: skip
    """The instances that a history is asked for, of one order or one alone. Refuses with 400 where none is named."""
    if instance_fid is None and bid_fid is None and reservation_fid is None:
        raise HTTPException(400, "One of instance_fid, bid_fid and reservation_fid is required")
    found = [
        row
        for row in world.instances().values()
        if row.project == project and instance_fid in (None, row.fid) and bid_fid in (None, row.bid)
        and reservation_fid in (None, _reservation(row))
    ]  # fmt: skip
    return cut(found, lambda row: (row.created_at, row.fid), "asc", limit, cursor)


def _bounds(world: World, start: datetime | None, end: datetime | None) -> tuple[int, int]:
    """The stretch of time that is asked about, as far as it has come."""
    now = world.now()
    return (0 if start is None else stamps.instant(start)), (now if end is None else min(now, stamps.instant(end)))


def _charged(segments: Iterable[Segment], start: int, end: int) -> list[InstancePricingEvent]:
    """What of the segments lies between `start` and `end`."""
    parts = [(max(s.start, start), min(end if s.end is None else s.end, end), s.price_micro_usd) for s in segments]
    return [
        InstancePricingEvent(
            price_cents=money.nearest_cents(price), start_time=stamps.written(begun), end_time=stamps.written(ended)
        )
        for begun, ended, price in parts
        if begun < ended
    ]


def _shown(world: World, instance: Either) -> InstanceModel:
    address = world.addresses.get(instance.fid) if instance.up else None
    return InstanceModel(
        fid=instance.fid, name=instance.name, project=instance.project, created_at=stamps.written(instance.created_at),
        created_by=instance.user, instance_type=instance.instance_type, region=instance.region, bid=instance.bid,
        reservation=_reservation(instance), ssh_destination=None if address is None else str(address),
        private_ip=None, status=instance.status,
    )  # fmt: skip


def _page(rows: Iterable[Either], events: Callable[[Either], list[Event]], after: str | None) -> InstancesPage[Event]:
    """What `events` says of each."""
    said: list[InstanceEvents[Event]] = [
        InstanceEvents(instance_fid=row.fid, bid_fid=row.bid, reservation_fid=_reservation(row), events=events(row))
        for row in rows
    ]
    return InstancesPage(instances=said, next_cursor=after)
