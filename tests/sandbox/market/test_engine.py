"""The market's questions, refusals and hand-made moves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from flowbatch.sandbox.market.engine import Market, Terms
from flowbatch.sandbox.market.records import Order
from flowbatch.sandbox.market.refusal import Refused
from flowbatch.sandbox.market.rivals import recorded

TYPE, REGION = "it_5ECSoHQjLBzrp5YM", "us-central2-a"


def order(**changes: Any) -> Order:
    given: dict[str, Any] = {
        "name": "b", "project": "p", "user": "u", "instance_type": TYPE, "region": REGION, "limit_micro_usd": 5_000_000,
    }  # fmt: skip
    return Order(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "ground", "words"),
    [
        ({"limit_micro_usd": 990_000}, "price", r"limit price below minimum price \$1.00"),
        ({"limit_micro_usd": 5_000_001}, "price", "whole number of cents"),
        ({"limit_micro_usd": 0}, "price", "positive"),
        ({"quantity": 0}, "quantity", "at least 1"),
        ({"region": "mars-1"}, "unknown", "not offered in mars-1"),
    ],
)
def test_orders_that_are_refused(stall: Any, changes: dict[str, Any], ground: str, words: str) -> None:
    with pytest.raises(Refused, match=words) as refused:
        stall.market.place(order(**changes), stall.market.now)
    assert refused.value.ground == ground
    assert not stall.market.bids


def test_changes_that_are_refused_change_nothing(stall: Any) -> None:
    bid = stall.bid(5)
    before = stall.market.dump()
    for words, change in (
        ("below minimum", {"limit_micro_usd": 10_000, "paused": True}),
        ("while the bid is paused", {"volumes": ["vol_1"], "limit_micro_usd": 6_000_000}),
    ):
        with pytest.raises(Refused, match=words):
            stall.market.change(bid.fid, stall.market.now, **change)
    assert stall.market.dump() == before
    stall.market.remove(bid.fid, stall.market.now)
    with pytest.raises(Refused, match="is Terminated") as refused:
        stall.market.change(bid.fid, stall.market.now, paused=True)
    assert refused.value.ground == "conflict"


def test_nothing_is_known_of_strangers(stall: Any) -> None:
    now = stall.market.now
    for ask in (
        lambda: stall.market.remove("bid_x", now),
        lambda: stall.market.change("bid_x", now, paused=True),
        lambda: stall.market.booted("inst_x", now),
        lambda: stall.market.set_rival(TYPE, "mars-1", 10_000, now),
        lambda: stall.market.quote("it_x", REGION),
    ):
        with pytest.raises(Refused) as refused:
            ask()
        assert refused.value.ground == "unknown"


def test_what_happened_before_a_refusal_is_told_later(stall: Any) -> None:
    bid = stall.bid(5)
    with pytest.raises(Refused):
        stall.market.change("bid_x", stall.market.now + 120)
    market = Market.load(json.loads(json.dumps(stall.market.dump())))
    assert [h.kind for h in market.advance(market.now)] == ["Allocated", "Boot", "Running"]
    assert [h.kind for h in stall.market.advance(stall.market.now)] == ["Allocated", "Boot", "Running"]
    assert bid.status == "Allocated"


def test_volumes_change_while_it_is_paused_or_pauses(stall: Any) -> None:
    bid = stall.bid(5)
    stall.to(120)
    now = stall.market.now
    stall.market.change(bid.fid, now, paused=True, volumes=["vol_1", "vol_2"], memory_gb=64)
    stall.market.change(bid.fid, now, volumes=["vol_2"], paused=False)
    stall.market.change(bid.fid, now, volumes=["vol_2"], limit_micro_usd=6_000_000, user="user_b")
    assert (bid.status, bid.volumes, bid.memory_gb, bid.limit_micro_usd) == ("Open", ("vol_2",), 64, 6_000_000)
    assert [(e.kind, e.attached, e.removed, e.memory_gb) for e in bid.history[2:]] == [
        ("Paused", None, None, None),
        ("Memory Adjusted", None, None, 64),
        ("Volumes Attached", "vol_1", None, None),
        ("Volumes Attached", "vol_2", None, None),
        ("Volumes Removed", None, "vol_1", None),
        ("Resumed", None, None, None),
        ("Limit Price Changed", None, None, None),
    ]
    assert (bid.history[-1].user, bid.history[-1].limit_micro_usd) == ("user_b", 6_000_000)


def test_time_does_not_go_back(stall: Any) -> None:
    stall.to(1000)
    assert stall.market.advance(stall.market.now - 500) == []
    assert stall.now == 1000
    bid, _ = stall.market.place(order(), stall.market.now - 500)
    assert bid.created_at == stall.market.now


def test_a_price_lowered_below_the_auctions_counts_from_the_next_round(stall: Any) -> None:
    bid = stall.bid(9)
    stall.rival(5)
    stall.to(120)
    stall.market.change(bid.fid, stall.market.now + 30, limit_micro_usd=4_000_000)
    assert bid.status == "Allocated"
    stall.to(240)
    assert bid.status == "Preempting"
    assert stall.segments(bid) == [(120, 240, 5.0), (240, None, 4.0)]


def test_quotes(stall: Any) -> None:
    def seen(quantity: int = 1) -> tuple[float, float | None, float | None, int]:
        quote = stall.market.quote(TYPE, REGION, quantity)
        dollars = [None if p is None else p / 1_000_000 for p in (quote.lowest_micro_usd, quote.winning_micro_usd)]
        return (quote.price_micro_usd / 1_000_000, *dollars, quote.free)  # type: ignore[return-value]  # three of them

    assert seen() == (1.0, None, 1.0, 3)
    bids = [stall.bid(limit) for limit in (9, 8, 7)]
    stall.to(120)
    assert (seen(), seen(2), seen(3), seen(4)) == (
        (1.0, 7.0, 7.01, 0), (1.0, 7.0, 8.01, 0), (1.0, 7.0, 9.01, 0), (1.0, 7.0, None, 0),
    )  # fmt: skip
    stall.market.remove(bids[1].fid, stall.market.now)
    stall.to(240)
    assert seen() == (1.0, 7.0, 1.0, 1)
    stall.rival(3)
    stall.to(360)
    assert seen() == (3.0, 7.0, 3.0, 0)
    assert [quote.capacity for quote in stall.market.quotes()] == [3]


def test_price_history(stall: Any) -> None:
    for at, price in ((120, 3), (240, 3), (360, 5), (480, None)):
        stall.to(at - 60)
        stall.rival(price)
        stall.to(at)
    stall.to(1000)
    opened = stall.market.now - 1000
    history = stall.market.history

    def since(found: list[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(at - opened, price // 1_000_000) for at, price in found]

    assert since(history(TYPE, REGION)) == [(0, 1), (120, 3), (360, 5), (480, 1)]
    assert since(history(TYPE, REGION, opened + 200, opened + 400)) == [(200, 3), (360, 5)]
    assert since(history(TYPE, REGION, samples=3)) == [(0, 1), (500, 1), (1000, 1)]
    assert since(history(TYPE, REGION, opened + 100, opened + 500, 2)) == [(100, 1), (500, 1)]
    assert since(history(TYPE, REGION, samples=100)) == [(0, 1), (120, 3), (360, 5), (480, 1)]
    assert history(TYPE, REGION, opened + 5000) == []
    assert history(TYPE, REGION, end=opened - 5) == []


def test_prices_that_are_too_old_are_forgotten() -> None:
    market = Market(Terms(crowd=None, tick_s=10, remember_s=100), 1000, replayed={(TYPE, REGION): recorded([])})
    for round_ in range(60):
        market.set_rival(TYPE, REGION, (5 + round_ % 2) * 1_000_000, market.now)
        market.advance(market.now + 10)
    found = market.history(TYPE, REGION)
    assert found[0][0] <= market.now - 100
    assert len(found) < 25


def test_a_market_opens_with_a_past() -> None:
    market = Market(Terms(past_s=86400), 2_000_000)
    found = market.history(TYPE, REGION)
    assert found[0][0] == 2_000_000 - 86400
    assert market.now == 2_000_000
    assert len(found) > 10


def test_when_to_look_again(stall: Any) -> None:
    assert stall.market.next_at() is None
    stall.to(50)
    bid = stall.bid(5)
    assert stall.market.next_at() == stall.market.now + 70
    stall.to(120)
    stall.market.preempt(bid.fid, stall.market.now)
    assert stall.market.next_at() == stall.market.now + 120
    stall.to(240)
    assert stall.market.next_at() == stall.market.now + 180
