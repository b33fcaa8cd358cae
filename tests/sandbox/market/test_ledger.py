"""Exact money: whole micro-dollars for each stretch of one price, and sums of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowbatch.sandbox.market.ledger import Account, Ledger, Segment


@pytest.mark.parametrize(
    ("price", "seconds", "cost"),
    [(12_290_000, 3600, 12_290_000), (10_000, 1, 2), (10_000, 9, 25), (13_010_000, 119, 430_052), (10_000, 0, 0)],
)
def test_a_stretch_is_rounded_down_once(price: int, seconds: int, cost: int) -> None:
    assert Segment(100, 100 + seconds, price).cost_micro_usd(now=5000) == cost
    assert Segment(100, None, price).cost_micro_usd(now=100 + seconds) == cost


def test_the_same_price_goes_on_and_no_stretch_is_empty() -> None:
    account = Account("bid", "proj")
    account.charge(0, 10)
    account.charge(60, 10)
    account.charge(120, 20)
    account.charge(120, 30)
    account.stop(180)
    account.stop(200)
    account.charge(180, 30)
    assert account.segments == [Segment(0, 120, 10), Segment(120, None, 30)]
    account.stop(240)
    account.charge(300, 30)
    account.stop(300)
    assert account.segments == [Segment(0, 120, 10), Segment(120, 240, 30)]


def test_a_price_that_comes_back_at_once_is_one_stretch() -> None:
    account = Account("bid", "proj")
    account.charge(0, 10)
    account.charge(60, 20)
    account.charge(60, 10)
    assert account.segments == [Segment(0, None, 10)]


moves = st.lists(
    st.tuples(st.integers(0, 500), st.sampled_from("ab"), st.none() | st.integers(1, 4).map(lambda c: c * 10_000)),
    max_size=30,
).map(lambda found: sorted(found, key=lambda move: move[0]))


@given(moves)
def test_sums_are_sums_of_segments_however_one_adds(found: list[tuple[int, str, int | None]]) -> None:
    ledger, end = Ledger(), 600
    ledger.open("a", "bid_1", "proj")
    ledger.open("b", "bid_2", "proj")
    by_second = {"a": [0] * end, "b": [0] * end}
    for at, instance, price in found:
        account = ledger.accounts[instance]
        account.stop(at) if price is None else account.charge(at, price)
        by_second[instance][at:] = [price or 0] * (end - at)
    assert list(ledger.faults()) == []
    for instance, prices in by_second.items():
        segments = ledger.segments(instance)
        exact = sum(s.price_micro_usd * ((end if s.end is None else s.end) - s.start) for s in segments)
        assert exact == sum(prices)
        assert 0 <= exact - 3600 * ledger.of_instance(instance, end) < 3600 * max(1, len(segments))
    assert ledger.by_bid(end) == {"bid_1": ledger.of_bid("bid_1", end), "bid_2": ledger.of_bid("bid_2", end)}
    assert ledger.of_project("proj", end) == ledger.of_instance("a", end) + ledger.of_bid("bid_2", end)
