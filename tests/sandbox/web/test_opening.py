"""A market that opens again after it was away, and one that replays prices."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flowbatch.errors import ConfigError
from flowbatch.sandbox.market import happenings
from flowbatch.sandbox.market.engine import Market
from flowbatch.sandbox.market.records import Order
from flowbatch.sandbox.opening import opened
from flowbatch.sandbox.settings import Settings
from flowbatch.sandbox.state import State
from flowbatch.sandbox.web import stamps

AT = 1_800_000_000
H100, REGION = "it_5ECSoHQjLBzrp5YM", "us-central2-a"
SETTINGS = Settings(tick_s=5, notice_s=60, history_s=0)


def left(settings: Settings = SETTINGS) -> tuple[State, str, Market]:
    """A market with one running instance, as it was left on disk."""
    state, _ = State.new(AT)
    market, _ = opened(state, settings, AT)
    bid, _ = market.place(Order("train", "proj_x", "user_x", H100, REGION, 500_000_000), AT)
    market.advance(AT + 10)
    market.booted(bid.instances[0], AT + 10)
    state.market = json.loads(json.dumps(market.dump()))
    return State.model_validate_json(state.model_dump_json()), bid.fid, market


def test_after_a_short_absence_everything_goes_on() -> None:
    state, bid, market = left()
    again, late = opened(state, SETTINGS, AT + 60)
    assert list(late) == []
    assert again.bids[bid].status == "Allocated"
    assert [type(each) for each in again.expected()] == [happenings.Boot]
    assert again.quotes() == market.quotes()


def test_after_a_long_absence_a_bid_lost_its_machines_and_pays_for_the_notice_at_most() -> None:
    state, bid, _ = left()
    again, _ = opened(state, SETTINGS, AT + 86400)
    again.advance(AT + 86400)
    (instance,) = again.bids[bid].instances
    assert not again.instances[instance].up
    assert [event.kind for event in again.bids[bid].history][:3] == ["Placed", "Allocated", "Preempted"]
    segments = again.ledger.segments(instance)
    assert (segments[0].start, segments[-1].end) == (AT + 10, AT + 10 + 60)


def test_ticks_and_notice_can_be_others_the_next_time() -> None:
    state, bid, _ = left()
    again, _ = opened(state, Settings(tick_s=7, notice_s=30, history_s=0), AT + 20)
    again.preempt(bid, AT + 20)
    assert again.bids[bid].leaves_at == AT + 50
    assert {auction["tick_s"] for auction in again.dump()["auctions"]} == {7}


def test_two_sandboxes_of_one_seed_have_the_same_rivals_and_other_ids() -> None:
    (_, bid, market), (_, other, twin) = left(), left()
    assert bid != other
    assert market.bids[bid].instances != twin.bids[other].instances
    market.advance(AT + 7200)
    twin.advance(AT + 7200)
    assert market.quotes() == twin.quotes()


def test_recorded_prices_are_replayed(tmp_path: Path) -> None:
    series = {
        "instance_type": H100, "region": REGION, "timestamps": [stamps.written(AT - 100), stamps.written(AT + 100)],
        "spot_prices": ["$7.00", "$9.50"], "reserved_prices": ["$18.00", "$18.00"],
    }  # fmt: skip
    recorded = tmp_path / "prices.json"
    recorded.write_text(json.dumps({"series": [series]}))
    market, _ = opened(State.new(AT)[0], Settings(prices=recorded, history_s=50), AT)
    assert market.quote(H100, REGION).price_micro_usd == 7_000_000
    market.advance(AT + 200)
    assert market.quote(H100, REGION).price_micro_usd == 9_500_000


def test_what_is_no_price_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "prices.json").write_text("[]")
    with pytest.raises(ConfigError, match="holds no price history"):
        opened(State.new(AT)[0], Settings(prices=tmp_path / "prices.json"), AT)
