"""What is believed of what a look shows."""

from __future__ import annotations

import pytest

from flowbatch.backends.contract import BidKey
from flowbatch.backends.mithril.sights import STAGES, Belief, Sight
from flowbatch.backends.mithril.wire import BID_STATUSES

KEY = BidKey("s", 1, 1)
SETTLE_S = 60
NOW = 1_000_000


def words(belief: Belief, status: str, at_s: float, until: int | None = None, now: int | None = None) -> list[str]:
    sight = Sight(status, until=until)
    return [type(fact).__name__ for fact in belief.take(KEY, "bid_1", sight, now or NOW + int(at_s), at_s, SETTLE_S)]


def test_every_status_of_the_specification_means_something():
    assert set(STAGES) == BID_STATUSES


@pytest.mark.parametrize(
    ("stage", "status", "told"),
    [
        ("unseen", "Open", ["BidPlaced"]), ("unseen", "Allocated", ["BidPlaced", "BidWon"]),
        ("unseen", "Preempting", ["BidPlaced", "BidWon", "BidLeaving"]), ("unseen", "Terminated", ["BidGone"]),
        ("unseen", "Paused", ["BidPlaced"]), ("open", "Open", []), ("open", "Paused", []), ("open", "Allocated", ["BidWon"]),
        ("open", "Relocating", ["BidWon", "BidLeaving"]), ("open", "Terminated", ["BidGone"]), ("won", "Allocated", []),
        ("won", "Preempting", ["BidLeaving"]), ("won", "Open", []), ("won", "Paused", []), ("won", "Terminated", ["BidGone"]),
        ("leaving", "Allocated", ["BidKept"]), ("leaving", "Open", []), ("leaving", "Terminated", ["BidGone"]),
        ("gone", "Terminated", []), ("won", "Dreaming", []),
    ],
)  # fmt: skip
def test_one_look(stage, status, told):
    assert words(Belief(stage, NOW + 300 if stage == "leaving" else None), status, 0, NOW + 300) == told


def test_a_loss_without_notice_is_believed_when_it_lasts():
    belief = Belief("won")
    assert words(belief, "Open", 100) == []
    assert words(belief, "Open", 159) == []
    assert words(belief, "Allocated", 160) == []
    assert words(belief, "Open", 161) == []
    assert words(belief, "Open", 220) == []
    assert words(belief, "Open", 221) == ["BidLost"]


def test_a_loss_after_its_notice_is_believed_at_once():
    belief = Belief("won")
    assert words(belief, "Preempting", 100, NOW + 400) == ["BidLeaving"]
    assert words(belief, "Open", 399) == [], "it has a second left"
    assert words(belief, "Open", 400) == ["BidLost"]


def test_what_was_just_before_may_be_the_past():
    belief = Belief("open")
    assert words(belief, "Allocated", 0) == ["BidWon"]
    assert words(belief, "Preempting", 200, NOW + 500) == ["BidLeaving"]
    assert words(belief, "Allocated", 210) == [], "as it was ten seconds ago"
    assert words(belief, "Preempting", 220, NOW + 500) == []
    assert words(belief, "Allocated", 261) == ["BidKept"]


def test_a_machine_that_comes_back_within_the_settling_time_is_believed_when_it_stays():
    belief = Belief("leaving", NOW)
    assert words(belief, "Open", 100) == ["BidLost"]
    assert words(belief, "Allocated", 110) == ["BidWon"], "not what it was just before: it was leaving"
    belief = Belief("open")
    words(belief, "Allocated", 0)
    words(belief, "Open", 100)
    assert words(belief, "Open", 160) == ["BidLost"]
    assert words(belief, "Allocated", 170) == []
    assert words(belief, "Allocated", 221) == ["BidWon"]


def test_an_end_time_that_moves_is_told_again():
    belief = Belief("won")
    assert words(belief, "Preempting", 0) == ["BidLeaving"]
    assert belief.until == NOW + 300, "the documented notice, while the market says none"
    assert words(belief, "Preempting", 5, NOW + 301) == [], "the same end"
    assert words(belief, "Preempting", 10, NOW + 290) == ["BidLeaving"]
    assert words(belief, "Preempting", 15) == []
    assert belief.until == NOW + 290


def warned(belief: Belief, until: int | None) -> list[str]:
    return [type(fact).__name__ for fact in belief.warned(KEY, until, NOW)]


def test_a_machine_s_own_word_counts_beside_the_market_s():
    belief = Belief("won")
    assert warned(belief, None) == []
    assert warned(belief, NOW + 300) == ["BidLeaving"]
    assert warned(belief, NOW + 300) == []
    assert words(belief, "Allocated", 0) == []
    assert words(belief, "Preempting", 10, NOW + 300) == ["BidLeaving"]
    assert words(belief, "Allocated", 100) == [], "the machine says otherwise"
    assert warned(belief, None) == ["BidKept"]
    assert warned(Belief("leaving", NOW + 300), NOW + 300) == []
    assert warned(Belief("open"), NOW + 300) == []


def test_a_loss_that_the_machine_has_announced_is_believed_at_once():
    belief = Belief("won")
    warned(belief, NOW + 300)
    assert words(belief, "Open", 299) == []
    assert words(belief, "Open", 300) == ["BidLost"]
