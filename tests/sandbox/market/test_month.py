"""A month of the whole market is a matter of seconds."""

from __future__ import annotations

import time

import pytest

from flowbatch.sandbox.market.engine import Market, Terms
from flowbatch.sandbox.market.invariants import faults
from flowbatch.sandbox.market.lives import Delays
from flowbatch.sandbox.market.records import Order

OPENED, DAY = 1_800_000_000, 86400


@pytest.mark.long
def test_a_month_of_the_whole_catalogue_with_a_bid_in_every_auction() -> None:
    market = Market(Terms(seed="month", delays=Delays(boots_by_itself=True)), OPENED)
    for quote in market.quotes():
        usual = max(market.history(quote.instance_type, quote.region)[-1][1], quote.floor_micro_usd)
        market.place(Order("m", "proj", "user", quote.instance_type, quote.region, usual), OPENED)
    began = time.process_time()
    happened = market.advance(OPENED + 30 * DAY)
    took = time.process_time() - began
    print(f"a month, {len(market.auctions)} auctions, {len(happened)} happenings: {took:.1f} s of processor time")
    assert took < 60
    assert list(faults(market)) == []
    assert any(h.kind == "Lost" for h in happened)
    assert market.ledger.of_project("proj", market.now) == sum(market.ledger.by_bid(market.now).values()) > 0
