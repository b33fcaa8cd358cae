"""What `flow doctor` finds about markets."""

from __future__ import annotations

import pytest

from flowbatch.commands.flow.flow_results import MarketHealth
from flowbatch.sdk.doctor import _market


@pytest.mark.parametrize(
    ("health", "running", "said"),
    [
        (MarketHealth("mithril"), True, [("ok", "the market answers; 0 live bids", None)]),
        (
            MarketHealth("mithril", "the key is not valid", "flow setup"), True,
            [("problem", "the key is not valid; 0 live bids", "flow setup")],
        ),
        (
            MarketHealth("sandbox", "it does not answer"), False,
            [("note", "the sandbox does not run; 0 live bids", "flow sandbox start")],
        ),
        (
            MarketHealth("sandbox", "it does not answer", live_bids=1), False,
            [("problem", "the sandbox does not run; 1 live bid", "flow sandbox start")],
        ),
    ],
)  # fmt: skip
def test_a_market_s_health(health: MarketHealth, running: bool, said: list[tuple[str, str, str | None]]) -> None:
    assert [(one.level, one.says, one.todo) for one in _market(health, running=running)] == said


def test_bids_of_another_flowbatch_are_named() -> None:
    names = tuple(f"flowbatch-x-{number}-1" for number in range(1, 6))
    (_, found) = _market(MarketHealth("mithril", strangers=names), running=True)
    assert found.level == "note" and "flowbatch-x-3-1 and 2 more" in found.says and found.todo
