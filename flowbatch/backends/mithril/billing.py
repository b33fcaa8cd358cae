"""What a bid has cost, by the market's own price history: each time at one price, to the second."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flowbatch.backends.mithril import money, wire
from flowbatch.backends.mithril.client import Client


@dataclass(frozen=True, slots=True)
class Bill:
    """`closed`: nothing goes on that would add to it."""

    micro_usd: int
    closed: bool


async def bill(client: Client, project: str, bids: Iterable[str]) -> Bill:
    """All that the bids have cost until now."""
    histories = [one for bid in bids for one in await client.pricing_history(project, bid)]
    return summed(histories, client.market_now())


def summed(histories: Iterable[wire.PricingHistory], now: datetime) -> Bill:
    """`now` is by the market's clock, as the events are."""
    events = [event for history in histories for event in history.events]
    spans = ((event.price_cents, max(event.end_time or now, event.start_time) - event.start_time) for event in events)
    return Bill(money.charge(spans), all(event.end_time is not None for event in events))
