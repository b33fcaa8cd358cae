"""The table of bids is whole: every pair of phase and fact has a line, or is named here as nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from flowbatch.core.bids import Bid
from flowbatch.core.bids import Phase as BidPhase
from flowbatch.core.events import (
    BidCharged,
    BidFact,
    BidGone,
    BidKept,
    BidLeaving,
    BidLost,
    BidPlaced,
    BidRefused,
    BidWon,
)
from flowbatch.core.market.phases import FACTS, PHASES, TABLE, Fact, Withdrawn, advance, renewed

NOTHING = {
    ("asked", BidKept),
    ("open", BidRefused), ("open", BidKept), ("open", BidLost),
    ("won", BidRefused), ("won", BidWon), ("won", BidKept),
    ("leaving", BidRefused), ("leaving", BidWon),
    ("withdrawn", BidWon), ("withdrawn", BidLeaving), ("withdrawn", BidKept), ("withdrawn", BidLost),
    ("withdrawn", Withdrawn),
    *(("gone", fact) for fact in FACTS if fact is not BidCharged),
}  # fmt: skip
EXAMPLES = {
    BidPlaced: BidPlaced(50, 1, 1, "bid_a"), BidRefused: BidRefused(50, 1, 1, "quota"), BidWon: BidWon(50, 1, 1),
    BidLeaving: BidLeaving(50, 1, 1, 350), BidKept: BidKept(50, 1, 1), BidLost: BidLost(50, 1, 1),
    BidGone: BidGone(50, 1, 1), BidCharged: BidCharged(50, 1, 1, 7), Withdrawn: Withdrawn(50),
}  # fmt: skip


def bid_in(phase: BidPhase) -> Bid:
    """One that costs 1 micro-dollar a second, for 1000 seconds at most; without a machine since 10."""
    return Bid(
        number=1, node="n", instance_type="t", region="r", limit_micro_usd=3600, escrow_micro_usd=1000, asked_at=0,
        lease_ends_at=9000, run_limit_s=600, phase=phase, exposure_micro_usd=1000, longest_s=1000, free_at=10,
        wins=phase in ("won", "leaving"),
    )  # fmt: skip


def test_every_pair_is_decided():
    assert set(FACTS) == set(get_args(Fact)) == set(get_args(BidFact)) | {Withdrawn}
    assert set(PHASES) == set(get_args(BidPhase))
    assert set(TABLE) | NOTHING == {(phase, fact) for phase in PHASES for fact in FACTS}
    assert not set(TABLE) & NOTHING


@pytest.mark.parametrize(("phase", "fact"), sorted(TABLE, key=str))
def test_the_table_says_where_its_moves_lead(phase, fact):
    moved = advance(bid_in(phase), EXAMPLES[fact])
    assert moved.phase == TABLE[phase, fact].to
    assert moved.since == (50 if moved.phase != phase else 0)
    assert advance(moved, EXAMPLES[fact]) == moved, "twice is as once"


def test_nothing_comes_of_a_pair_without_a_line():
    for phase, fact in NOTHING:
        bid = bid_in(phase)
        assert advance(bid, EXAMPLES[fact]) is bid


def test_no_fact_makes_it_dearer():
    for phase, fact in TABLE:
        bid = bid_in(phase)
        moved = advance(bid, EXAMPLES[fact])
        assert moved.spent_micro_usd + moved.escrow_micro_usd <= bid.spent_micro_usd + bid.escrow_micro_usd


def test_it_knows_its_id_and_its_notice():
    assert advance(bid_in("asked"), EXAMPLES[BidPlaced]).fid == "bid_a"
    leaving = advance(bid_in("won"), EXAMPLES[BidLeaving])
    assert leaving.leaves_at == 350
    assert advance(leaving, EXAMPLES[BidKept]).leaves_at is None
    assert advance(leaving, EXAMPLES[BidLost]).leaves_at is None


def test_each_time_it_wins_counts():
    won = advance(bid_in("open"), BidWon(20, 1, 1))
    again = advance(advance(won, BidLost(50, 1, 1)), BidWon(60, 1, 1))
    assert (won.wins, again.wins) == (1, 2)
    assert advance(advance(won, EXAMPLES[BidLeaving]), EXAMPLES[BidKept]).wins == 1


def test_what_a_refused_bid_might_have_cost_is_free_again():
    refused = advance(bid_in("asked"), EXAMPLES[BidRefused])
    assert (refused.phase, refused.settled, refused.escrow_micro_usd, refused.why) == ("gone", True, 0, "quota")


def test_a_bill_is_paid_from_escrow():
    bid = advance(bid_in("won"), BidCharged(50, 1, 1, 300))
    assert (bid.spent_micro_usd, bid.escrow_micro_usd, bid.by_day) == (300, 700, ((0, 300),))
    assert advance(bid, BidCharged(60, 1, 1, 200)) == bid, "an older word of it"
    next_day = advance(bid, BidCharged(86_400, 1, 1, 450))
    assert next_day.by_day == ((0, 300), (1, 150))


def test_a_final_bill_settles_it():
    bid = advance(advance(bid_in("gone"), BidCharged(50, 1, 1, 300)), BidCharged(60, 1, 1, 250, True))
    assert (bid.spent_micro_usd, bid.escrow_micro_usd, bid.settled, bid.by_day) == (250, 0, True, ((0, 250),))
    assert advance(bid, BidCharged(90, 1, 1, 400, True)) is bid


def test_a_lost_machine_leaves_in_escrow_what_it_may_have_cost():
    lost = advance(bid_in("won"), BidLost(210, 1, 1))
    assert (lost.escrow_micro_usd, lost.exposure_micro_usd, lost.free_at) == (200, 0, 210)
    paid = advance(advance(bid_in("won"), BidCharged(100, 1, 1, 90)), BidLost(210, 1, 1))
    assert (paid.spent_micro_usd, paid.escrow_micro_usd) == (90, 110)
    late = advance(bid_in("won"), BidLost(5000, 1, 1))
    assert late.escrow_micro_usd == 1000, "never more than the placement's worst case"
    assert advance(bid_in("won"), BidLost(5, 1, 1)).escrow_micro_usd == 1000, "nor less where the clock went back"


def test_the_next_placement_is_escrowed_besides():
    lost = advance(bid_in("won"), BidLost(210, 1, 1))
    again = renewed(lost, 1000, 1000)
    assert (again.escrow_micro_usd, again.exposure_micro_usd) == (1200, 1000)
    assert advance(replace(again, phase="won"), BidGone(310, 1, 1)).escrow_micro_usd == 300
