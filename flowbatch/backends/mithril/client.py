"""Every endpoint that flowbatch uses, each a method with its types. Instants are ours: the market's clock is translated
where it matters (`Api.ahead_s`). Raises Declined, Unanswered, MarketAway (`api.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from flowbatch.backends.mithril import money, wire
from flowbatch.backends.mithril.api import Api, Unanswered
from flowbatch.backends.mithril.pace import Shared
from flowbatch.errors import MarketAway
from flowbatch.units import Instant

PAGE = 100
MOST_PAGES = 1000
LONGEST_LISTING = 64 << 20
"""Bytes of all its pages together, as far as they are read here."""
BATCH = 50
"""So many ids go into one comma-separated filter: an address stays short enough for any proxy."""

BidStatus = Literal["Open", "Allocated", "Preempting", "Paused", "Terminated"]

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class Client:
    """Mithril's v2 API for one account."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._keys = Shared(lambda: self._get(list[wire.ApiKey], "/v2/api-keys"))

    # who asks

    async def me(self) -> wire.Me:
        return await self._get(wire.Me, "/v2/me")

    async def projects(self) -> list[wire.Project]:
        return await self._get(list[wire.Project], "/v2/projects")

    async def ssh_keys(self, project: str) -> list[wire.SshKey]:
        return await self._get(list[wire.SshKey], "/v2/ssh-keys", project=project)

    async def create_ssh_key(self, project: str, name: str, public_key: str) -> wire.SshKey:
        body = {"project": project, "name": name, "public_key": public_key, "required": False}
        return await self._send(wire.SshKey, "POST", "/v2/ssh-keys", body)

    async def delete_ssh_key(self, fid: str) -> None:
        await self._api.ask("DELETE", f"/v2/ssh-keys/{fid}")

    async def api_keys(self) -> list[wire.ApiKey]:
        """All of the user's, in one answer however many ask at a time."""
        return await self._keys.answer()

    async def create_api_key(self, name: str, expires_at: int) -> wire.NewApiKey:
        return await self._send(
            wire.NewApiKey, "POST", "/v2/api-keys", {"name": name, "expires_at": self._said(expires_at)}
        )

    async def delete_api_key(self, fid: str) -> None:
        await self._api.ask("DELETE", f"/v2/api-keys/{fid}")

    async def quotas(self, project: str) -> list[wire.Quota]:
        return await self._get(list[wire.Quota], "/v2/quotas", project=project)

    # what there is

    async def instance_types(self) -> list[wire.InstanceType]:
        return await self._get(list[wire.InstanceType], "/v2/instance-types")

    async def availability(self) -> list[wire.Auction]:
        return await self._get(list[wire.Auction], "/v2/spot/availability")

    async def current_prices(self, instance_type: str, region: str, quantity: int = 1) -> wire.CurrentPrices:
        return await self._get(
            wire.CurrentPrices, "/v2/pricing/current",
            instance_type=instance_type, region=region, instance_quantity=str(quantity),
        )  # fmt: skip

    async def price_history(
        self, instance_types: Sequence[str], region: str | None = None, samples: int = 100,
        start: int | None = None, end: int | None = None,
    ) -> wire.PriceHistory:  # fmt: skip
        return await self._get(
            wire.PriceHistory, "/v2/pricing/history", instance_types=",".join(instance_types), region=region,
            num_samples=str(samples), start_time=self._said(start), end_time=self._said(end),
        )  # fmt: skip

    async def image_versions(self) -> list[wire.ImageVersion]:
        return await self._get(list[wire.ImageVersion], "/v2/image-versions")

    # bids

    async def create_bid(self, bid: wire.NewBid) -> wire.Bid:
        """The name is the idempotency key too. Unanswered: it may be there, look by its name."""
        body = bid.model_dump(mode="json", exclude_none=True)
        return await self._send(wire.Bid, "POST", "/v2/spot/bids", body, idempotency_key=bid.name)

    async def bids(self, project: str, *, name: str | None = None, status: BidStatus | None = None) -> list[wire.Bid]:
        """All of them, newest first; `name` is the whole name."""
        found = await self._all(
            wire.Page[wire.Bid], "/v2/spot/bids",
            project=project, name=name, status=status, sort_by="created_at", sort_dir="desc",
        )  # fmt: skip
        return [bid for bid in found if name is None or bid.name == name]

    async def bid(self, fid: str) -> wire.Bid:
        return await self._get(wire.Bid, f"/v2/spot/bids/{fid}")

    async def change_bid(self, fid: str, *, limit_micro_usd: int | None = None, paused: bool | None = None) -> wire.Bid:
        limit = None if limit_micro_usd is None else money.limit(limit_micro_usd)
        return await self._send(wire.Bid, "PATCH", f"/v2/spot/bids/{fid}", _said(limit_price=limit, paused=paused))

    async def attach_volumes(self, fid: str, volumes: Sequence[str]) -> wire.Bid:
        """All volumes of the bid from now on; it must be paused."""
        return await self._send(wire.Bid, "PATCH", f"/v2/spot/bids/{fid}", {"volumes": list(volumes)})

    async def delete_bid(self, fid: str) -> None:
        await self._api.ask("DELETE", f"/v2/spot/bids/{fid}")

    async def bid_status(self, fid: str) -> wire.BidStatus:
        return await self._get(wire.BidStatus, f"/v2/spot/bids/{fid}/status")

    async def bid_history(self, fid: str) -> wire.BidHistory:
        return await self._get(wire.BidHistory, f"/v2/spot/bids/{fid}/history")

    # instances

    async def instances_of(self, project: str, bids: Sequence[str]) -> list[wire.Instance]:
        """The instances of these bids, whatever their status."""
        wanted = frozenset(bids)
        found: list[wire.Instance] = []
        for first in range(0, len(bids), BATCH):
            some = ",".join(bids[first : first + BATCH])
            found += await self._all(wire.Page[wire.Instance], "/v2/instances", project=project, bid_fid_in=some)
        return [one for one in found if one.bid in wanted]

    async def instance_status(self, fid: str) -> wire.InstanceStatus:
        return await self._get(wire.InstanceStatus, f"/v2/instances/{fid}/status")

    async def status_history(self, project: str, bid: str) -> list[wire.StatusHistory]:
        path = "/v2/instances/status/history"
        return await self._all(wire.Page[wire.StatusHistory], path, project=project, bid_fid=bid)

    async def pricing_history(self, project: str, bid: str) -> list[wire.PricingHistory]:
        """What the bid's instances were charged, and when: the bill."""
        path = "/v2/instances/pricing/history"
        return await self._all(wire.Page[wire.PricingHistory], path, project=project, bid_fid=bid)

    # volumes

    async def volumes(self, project: str, region: str | None = None) -> list[wire.Volume]:
        return await self._get(list[wire.Volume], "/v2/volumes", project=project, region=region)

    async def create_volume(
        self, project: str, name: str, region: str, size_gb: int, interface: Literal["Block", "File"] = "Block"
    ) -> wire.Volume:
        body = {"project": project, "name": name, "region": region, "size_gb": size_gb, "disk_interface": interface}
        return await self._send(wire.Volume, "POST", "/v2/volumes", body, idempotency_key=f"{project}-{region}-{name}")

    async def delete_volume(self, fid: str) -> None:
        await self._api.ask("DELETE", f"/v2/volumes/{fid}")

    # reservations

    async def quote(
        self, project: str, instance_type: str, region: str, start: int, end: int, quantity: int = 1
    ) -> list[wire.Offer]:
        quoted = await self._get(
            wire.Quoted, "/v2/reservation/quote", project=project, instance_type=instance_type, region=region,
            start_time=self._said(start), end_time=self._said(end), quantity=str(quantity),
        )  # fmt: skip
        return list(quoted.offers)

    async def reservable(self, project: str, instance_type: str, region: str) -> list[wire.Slot]:
        """When how many instances could be reserved."""
        return await self._get(
            list[wire.Slot], "/v2/reservation/availability",
            project=project, instance_type=instance_type, region=region, mode="slots",
        )  # fmt: skip

    async def reservations(self, project: str) -> list[wire.Reservation]:
        return await self._all(wire.Page[wire.Reservation], "/v2/reservation", project=project)

    async def reserve(self, asked: wire.NewReservation) -> wire.Reservation:
        body = asked.model_dump(mode="json", exclude_none=True)
        return await self._send(wire.Reservation, "POST", "/v2/reservation", body, idempotency_key=asked.name)

    async def extend_reservation(self, fid: str, end: int) -> wire.Reservation:
        return await self._send(
            wire.Reservation, "POST", f"/v2/reservation/{fid}/extend", {"end_time": self._said(end)}
        )

    async def pause_reservation(self, fid: str, paused: bool) -> wire.Reservation:
        """A paused reservation earns its pause credit."""
        return await self._send(wire.Reservation, "PATCH", f"/v2/reservation/{fid}", {"paused": paused})

    # lifecycle scripts

    async def lifecycle_scripts(self, project: str) -> list[wire.LifecycleScript]:
        return await self._all(wire.Page[wire.LifecycleScript], "/v2/lifecycle-scripts", project=project)

    async def create_lifecycle_script(self, project: str, name: str, content: str) -> wire.LifecycleScript:
        body = {"project": project, "name": name, "content": content}
        return await self._send(wire.LifecycleScript, "POST", "/v2/lifecycle-scripts", body)

    async def delete_lifecycle_script(self, fid: str) -> None:
        await self._api.ask("DELETE", f"/v2/lifecycle-scripts/{fid}")

    # how they are asked

    def instant(self, stamp: datetime) -> Instant:
        """The market's instant by our clock."""
        return Instant(wire.instant(stamp) - self._api.ahead_s)

    def market_now(self) -> datetime:
        """The present by the market's clock."""
        return datetime.fromtimestamp(self._api.now() + self._api.ahead_s, timezone.utc)

    async def close(self) -> None:
        await self._api.close()

    def _said(self, at: int | None) -> str | None:
        return None if at is None else wire.stamp(at + self._api.ahead_s)

    async def _get(self, shape: type[T], path: str, **query: str | None) -> T:
        return _read(shape, path, await self._api.ask("GET", path, query=_said(**query)), MarketAway)

    async def _send(
        self, shape: type[M], method: str, path: str, body: dict[str, Any], idempotency_key: str | None = None
    ) -> M:
        said = await self._api.ask(method, path, body=body, idempotency_key=idempotency_key)
        return _read(shape, path, said, Unanswered)

    async def _all(self, shape: type[wire.Page[M]], path: str, **query: str | None) -> list[M]:
        """The rows of all pages."""
        rows: list[M] = []
        size = 0
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            page = await self._get(shape, path, **query, limit=str(PAGE), next_cursor=cursor)
            rows += page.rows
            cursor = page.next_cursor
            if cursor is None:
                return rows
            size += len(page.model_dump_json())
            if size > LONGEST_LISTING:
                break
        raise MarketAway(f"the market's listing {path} has no end")


def _said(**values: T | None) -> dict[str, T]:
    return {name: value for name, value in values.items() if value is not None}


def _read(shape: type[T], path: str, said: object, unreadable: type[MarketAway]) -> T:
    """An answer in its type. Raises `unreadable`, with the places that are wrong and never with what stood there."""
    try:
        return TypeAdapter(shape).validate_python(said)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in error.errors()[:3])
        raise unreadable(f"the market's answer to {path} is not understood: {wrong}") from None
