"""The market at its first opening, and when it opens again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from flowbatch.errors import ConfigError
from flowbatch.sandbox.market.engine import Market
from flowbatch.sandbox.market.happenings import Happening
from flowbatch.sandbox.market.lives import Delays
from flowbatch.sandbox.market.rivals import Recorded, recorded
from flowbatch.sandbox.market.state import Terms
from flowbatch.sandbox.settings import Settings
from flowbatch.sandbox.state import State
from flowbatch.sandbox.web import money, stamps


def opened(account: State, settings: Settings, at: int) -> tuple[Market, Iterable[Happening]]:
    """The market, new or as it was left, and what has become of bids meanwhile.

    A market that was away for less than a notice goes on as if nothing had been; after a longer time, in which no machine ran,
    every bid has lost its machines as by a preemption, and takes part again.
    """
    delays = Delays(notice_s=settings.notice_s, boot_s=settings.boot_delay_s)
    if account.market is None:
        terms = Terms(str(settings.seed), settings.tick_s, delays, past_s=settings.history_s)
        return _with_own_ids(Market(terms, at, replayed=_replayed(settings.prices)), account.user.fid), ()
    market = Market.load(_set_up_anew(account.market, settings, delays))
    left_at = market.now
    if at + account.ahead_s - left_at <= settings.notice_s:
        return market, ()
    happened: list[Happening] = []
    for bid in [bid for bid in market.bids.values() if bid.status == "Allocated"]:
        happened += market.preempt(bid.fid, left_at)
    return market, happened


def _with_own_ids(market: Market, owner: str) -> Market:
    """The same market, whose bids and instances have ids that no other sandbox gives, also where its rivals are of the same seed.

    A client that outlives a sandbox must not take a stranger's bid for its own.
    """
    dumped = market.dump()
    terms, books = {**dumped["terms"], "seed": owner}, {**dumped["books"], "seed": owner}
    return Market.load({**dumped, "terms": terms, "books": books})


def _set_up_anew(dumped: dict[str, Any], settings: Settings, delays: Delays) -> dict[str, Any]:
    """The same market, with the rounds and delays that are wanted now."""
    terms = {**dumped["terms"], "tick_s": settings.tick_s, "delays": delays}
    auctions = [{**auction, "tick_s": settings.tick_s} for auction in dumped["auctions"]]
    return {**dumped, "terms": terms, "auctions": auctions, "books": {**dumped["books"], "delays": delays}}


def _replayed(prices: Path | None) -> dict[tuple[str, str], Recorded]:
    """The price history in a file: an answer of /v2/pricing/history. Raises ConfigError."""
    if prices is None:
        return {}
    try:
        series = json.loads(prices.read_text())["series"]
        return {
            (each["instance_type"], each["region"]): recorded(
                [
                    (stamps.instant(datetime.fromisoformat(at.replace("Z", "+00:00"))), money.parsed(price))
                    for at, price in zip(each["timestamps"], each["spot_prices"], strict=True)
                ]
            )
            for each in series
        }
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{prices} holds no price history: {error}", hint="it is to hold what GET /v2/pricing/history answered"
        ) from None
