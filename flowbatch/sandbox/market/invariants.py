"""What is true of a market whatever happens to it; for tests, and for a sandbox that doubts itself."""

from __future__ import annotations

from collections.abc import Iterator

from flowbatch.sandbox.market.auction import Auction
from flowbatch.sandbox.market.engine import Market
from flowbatch.sandbox.market.records import FINAL, STARTING, Bid, BidStatus, InstanceStatus

STATUSES: dict[BidStatus, tuple[InstanceStatus, ...]] = {
    "Open": ("STATUS_PREEMPTED", "STATUS_PAUSED", "STATUS_ERROR"),
    "Allocated": (*STARTING, "STATUS_RUNNING", "STATUS_ERROR"),
    "Preempting": ("STATUS_PREEMPTING", "STATUS_ERROR"),
    "Paused": ("STATUS_PAUSED", "STATUS_PREEMPTED", "STATUS_ERROR"),
    "Terminated": FINAL,
}
"""What the instances of a bid may be."""


def faults(market: Market) -> Iterator[str]:
    """What is wrong; nothing, ever."""
    yield from market.ledger.faults()
    for auction in market.auctions:
        yield from _of_auction(market, auction)
    for bid in market.bids.values():
        yield from _of_bid(market, bid)


def _of_auction(market: Market, auction: Auction) -> Iterator[str]:
    bids = [market.bids[fid] for fid in auction.bids]
    allocated = sum(bid.quantity for bid in bids if bid.status == "Allocated")
    settled = auction.due_from is None
    if settled and allocated > auction.capacity:
        yield f"{auction.instance_type} in {auction.region}: {allocated} allocated of {auction.capacity}"
    if auction.price_micro_usd < auction.floor_micro_usd:
        yield f"{auction.instance_type} in {auction.region}: {auction.price_micro_usd} is below the floor"
    for bid in bids:
        if settled and bid.status == "Allocated" and bid.limit_micro_usd < auction.price_micro_usd:
            yield f"{bid.fid} is allocated at {auction.price_micro_usd}, above its limit {bid.limit_micro_usd}"


def _of_bid(market: Market, bid: Bid) -> Iterator[str]:
    if bid.instances and len(bid.instances) != bid.quantity:
        yield f"{bid.fid} has {len(bid.instances)} instances of {bid.quantity}"
    if (bid.status == "Preempting") != (bid.leaves_at is not None):
        yield f"{bid.fid} is {bid.status} and leaves at {bid.leaves_at}"
    if (bid.status == "Terminated") != (bid.deactivated_at is not None):
        yield f"{bid.fid} is {bid.status}, deactivated at {bid.deactivated_at}"
    for instance in (market.instances[fid] for fid in bid.instances):
        if instance.status not in STATUSES[bid.status]:
            yield f"{bid.fid} is {bid.status}, its {instance.fid} {instance.status}"
        if instance.end_time != (bid.leaves_at if instance.status == "STATUS_PREEMPTING" else None):
            yield f"{instance.fid} is {instance.status} and ends at {instance.end_time}"
        charged = market.ledger.accounts[instance.fid].running
        if (charged and not instance.up) or (charged != instance.up and instance.status != "STATUS_PREEMPTING"):
            yield f"{instance.fid} is {instance.status}, up: {instance.up}, charged for: {charged}"
