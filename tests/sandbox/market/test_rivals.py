"""The others: drawn from a seed, or read from a record."""

from __future__ import annotations

from statistics import median

import pytest

from flowbatch.sandbox.market.catalogue import CENT, OFFERS
from flowbatch.sandbox.market.engine import Market, Terms
from flowbatch.sandbox.market.rivals import CrowdTerms, recorded, recorded_csv, recorded_json

OPENED = 1_800_000_000
OFFER = OFFERS[4]
WEEK = 7 * 86400


def prices(seed: str, steps: int = 1, terms: CrowdTerms | None = None) -> list[tuple[int, int]]:
    market = Market(Terms(seed=seed, crowd=terms or CrowdTerms()), OPENED, [OFFER])
    for step in range(1, steps + 1):
        market.advance(OPENED + WEEK * step // steps)
    return market.history(OFFER.instance_type, OFFER.region)


def test_a_seed_is_one_past_however_time_is_cut() -> None:
    assert prices("1") == prices("1", steps=5000)
    assert prices("1") != prices("2")


def test_prices_wander_around_the_usual_one_in_whole_cents() -> None:
    found = [price for _, price in prices("3")]
    assert OFFER.usual_micro_usd / 2 < median(found) < OFFER.usual_micro_usd * 2
    assert len(set(found)) > 20
    assert all(price % CENT == 0 and price >= OFFER.floor_micro_usd for price in found)


def test_without_demand_the_floor_is_the_price() -> None:
    found = prices("3", terms=CrowdTerms(demand=0.1))
    assert found == [(OPENED, OFFER.floor_micro_usd)]


def test_a_recorded_price_is_replayed_round_by_round() -> None:
    series = recorded([(OPENED + 500, 9_000_000), (OPENED + 100, 7_004_000)])
    key = (OFFER.instance_type, OFFER.region)
    market = Market(Terms(), OPENED, [OFFER], {key: series})
    market.advance(OPENED + 10_000)
    assert market.history(*key) == [(OPENED, 7_000_000), (OPENED + 600, 9_000_000)]
    assert market.next_at() is None


def test_records_are_read_from_csv_and_json() -> None:
    series = recorded([(100, 12_300_000), (220, 13_000_000)])
    assert recorded_csv("# instant,dollars\n100,12.30\n\n220,13\n") == series
    assert recorded_json("[[100, 12.3], [220, 13]]") == series
    for bad in ("instant,dollars", "1,2,3", "1"):
        with pytest.raises(ValueError, match=r"."):
            recorded_csv(bad)
