"""What may be asked for, and the record that is made of it."""

from __future__ import annotations

from collections.abc import Sequence

from flowbatch.sandbox.market import lives
from flowbatch.sandbox.market.catalogue import CENT
from flowbatch.sandbox.market.records import Bid, BidEvent, Order
from flowbatch.sandbox.market.refusal import Refused


def check_price(price_micro_usd: int) -> None:
    if price_micro_usd <= 0 or price_micro_usd % CENT:
        raise Refused("price", "a price must be a positive whole number of cents")


def check_limit(limit_micro_usd: int, floor_micro_usd: int) -> None:
    check_price(limit_micro_usd)
    if limit_micro_usd < floor_micro_usd:
        raise Refused("price", f"limit price below minimum price ${floor_micro_usd / 1_000_000:.2f}")


def check_quantity(instances: int) -> None:
    if instances < 1:
        raise Refused("quantity", "instance quantity must be at least 1")


def check_volumes(bid: Bid, volumes: Sequence[str] | None, paused: bool | None) -> None:
    """They change while the bid is paused, or in the call that pauses it."""
    if volumes is not None and tuple(volumes) != bid.volumes and bid.status != "Paused" and not paused:
        raise Refused("conflict", "volumes can only be changed while the bid is paused")


def bid_for(order: Order, fid: str, serial: int, at: int) -> Bid:
    bid = Bid(
        fid=fid,
        serial=serial,
        name=order.name,
        project=order.project,
        user=order.user,
        instance_type=order.instance_type,
        region=order.region,
        limit_micro_usd=order.limit_micro_usd,
        quantity=order.quantity,
        created_at=at,
        volumes=order.volumes,
        memory_gb=order.memory_gb,
        launch=dict(order.launch),
    )
    lives.note(bid, at, "Placed", order.user)
    return bid


def reprice(bid: Bid, limit_micro_usd: int, at: int, user: str | None) -> None:
    bid.limit_micro_usd = limit_micro_usd
    lives.note(bid, at, "Limit Price Changed", user)


def adjust_memory(bid: Bid, memory_gb: int, at: int, user: str | None) -> None:
    bid.memory_gb = memory_gb
    bid.history.append(BidEvent(at, "Memory Adjusted", user=user, memory_gb=memory_gb))


def attach(bid: Bid, volumes: tuple[str, ...], at: int, user: str | None) -> None:
    for volume in bid.volumes:
        if volume not in volumes:
            bid.history.append(BidEvent(at, "Volumes Removed", user=user, removed=volume))
    for volume in volumes:
        if volume not in bid.volumes:
            bid.history.append(BidEvent(at, "Volumes Attached", user=user, attached=volume))
    bid.volumes = volumes
