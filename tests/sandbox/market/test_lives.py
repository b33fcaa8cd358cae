"""What a bid and its instances go through, and what is charged meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowbatch.sandbox.market.happenings import Allocated, Boot, Failed, Kept, Leaving, Lost, Replaced, Running
from flowbatch.sandbox.market.records import MOVES, Bid
from flowbatch.sandbox.market.refusal import Refused

HOUR = 3600


def test_the_published_example_as_bids(stall: Any) -> None:
    bids = [stall.bid(limit) for limit in (23, 21, 16, 13, 12, 8)]
    stall.to(120)
    assert [bid.status for bid in bids] == ["Allocated"] * 3 + ["Open"] * 3
    assert [stall.segments(bid) for bid in bids[:3]] == [[(120, None, 13.0)]] * 3
    late = stall.bid(13.01)
    stall.to(240)
    assert late.status == "Open"
    assert [stall.segments(bid) for bid in bids[:3]] == [[(120, 240, 13.0), (240, None, 13.01)]] * 3
    assert stall.market.quote(bids[0].instance_type, bids[0].region).winning_micro_usd == 16_010_000


def test_a_win_and_the_first_start(new_stall: Any) -> None:
    stall = new_stall(boot_s=9, boots_by_itself=False)
    bid = stall.bid(5)
    assert (bid.status, bid.instances, stall.to(119)) == ("Open", [], [])
    happened = stall.to(140)
    (fid,) = bid.instances
    opened = stall.market.now - 140
    assert happened == [Allocated(opened + 120, bid.fid, (fid,)), Boot(opened + 129, bid.fid, (fid,), 1)]
    assert stall.statuses(bid) == [(120, "NEW"), (123, "CONFIRMED"), (126, "INITIALIZING"), (129, "STARTING")]
    assert stall.segments(bid) == []
    assert stall.market.booted(fid, opened + 200) == [Running(opened + 200, bid.fid, (fid,))]
    assert stall.market.booted(fid, opened + 201) == []
    assert stall.statuses(bid)[-1] == (200, "RUNNING")
    assert stall.segments(bid) == [(200, None, 1.0)]
    assert stall.events(bid) == [(0, "Placed"), (120, "Allocated")]


def test_outbid_lost_and_won_again_with_the_same_machine(stall: Any, kinds: Callable[..., Any]) -> None:
    bid = stall.bid(5)
    stall.to(130)
    fid, opened = bid.instances[0], stall.market.now - 130
    stall.rival(7)
    assert stall.to(240) == [Leaving(opened + 240, bid.fid, (fid,), opened + 540)]
    assert (bid.status, stall.instance(bid).end_time) == ("Preempting", opened + 540)
    assert stall.to(539) == []
    assert stall.to(540) == [Lost(opened + 540, bid.fid, (fid,))]
    assert (bid.status, bid.instances, stall.instance(bid).end_time) == ("Open", [fid], None)
    assert stall.to(5000) == []
    stall.rival(None)
    assert kinds(stall.to(5040)) == [(5040, "Allocated"), (5040, "Boot"), (5040, "Running")]
    assert bid.instances == [fid]
    assert [status for _, status in stall.statuses(bid)][4:] == [
        "RUNNING",
        "PREEMPTING",
        "PREEMPTED",
        "STARTING",
        "RUNNING",
    ]
    assert stall.segments(bid) == [(120, 240, 1.0), (240, 540, 5.0), (5040, None, 1.0)]
    assert [kind for _, kind in stall.events(bid)] == ["Placed", "Allocated", "Preempted", "Allocated"]


def test_the_boot_is_numbered_and_late_news_of_an_earlier_one_is_nothing(new_stall: Any) -> None:
    stall = new_stall(boots_by_itself=False)
    bid = stall.bid(5)
    stall.to(120)
    stall.rival(7)
    stall.to(1000)
    stall.rival(None)
    (allocated, boot) = stall.to(1080)
    assert isinstance(allocated, Allocated)
    assert boot == Boot(stall.market.now, bid.fid, tuple(bid.instances), 2)
    assert stall.market.booted(bid.instances[0], stall.market.now, 1) == []
    assert stall.instance(bid).status == "STATUS_STARTING"
    assert len(stall.market.booted(bid.instances[0], stall.market.now, 2)) == 1


def test_winning_again_within_the_notice_keeps_the_machines(stall: Any) -> None:
    bid = stall.bid(5)
    stall.to(120)
    stall.rival(7)
    stall.to(240)
    stall.market.change(bid.fid, stall.market.now, limit_micro_usd=8_000_000)
    assert stall.to(360) == [Kept(stall.market.now, bid.fid, tuple(bid.instances))]
    assert (bid.status, bid.leaves_at, stall.instance(bid).end_time) == ("Allocated", None, None)
    assert stall.statuses(bid)[-1] == (360, "RUNNING")
    assert stall.segments(bid) == [(120, 240, 1.0), (240, 360, 5.0), (360, None, 7.0)]
    assert stall.to(10_000) == []


def test_in_its_notice_it_pays_its_limit_at_most(stall: Any) -> None:
    bid, other = stall.bid(5), stall.bid(9)
    stall.to(120)
    stall.rival(8)
    stall.to(600)
    assert stall.segments(bid) == [(120, 240, 1.0), (240, 540, 5.0)]
    assert stall.segments(other) == [(120, 240, 1.0), (240, None, 8.0)]


def test_a_machine_that_comes_up_within_its_notice_costs_nothing_unless_it_is_kept(new_stall: Any) -> None:
    stall = new_stall(boots_by_itself=False)
    bid = stall.bid(5)
    stall.to(120)
    stall.rival(7)
    stall.to(240)
    assert stall.market.booted(bid.instances[0], stall.market.now + 10) == []
    assert stall.instance(bid).status == "STATUS_PREEMPTING"
    stall.rival(None)
    kept, running = stall.to(360)
    assert isinstance(kept, Kept)
    assert isinstance(running, Running)
    assert stall.segments(bid) == [(360, None, 1.0)]


def test_a_notice_before_the_boot_puts_it_off_by_nothing(new_stall: Any, kinds: Callable[..., Any]) -> None:
    stall = new_stall(boot_s=210, boots_by_itself=False)
    bid = stall.bid(5)
    stall.to(180)
    stall.rival(7)
    assert kinds(stall.to(240)) == [(240, "Leaving")]
    stall.rival(None)
    assert kinds(stall.to(360)) == [(330, "Boot"), (360, "Kept")]
    assert stall.statuses(bid) == [(120, "NEW"), (190, "CONFIRMED"), (240, "PREEMPTING"), (360, "STARTING")]


def test_a_machine_that_is_kept_is_starting_until_its_boot(new_stall: Any, kinds: Callable[..., Any]) -> None:
    stall = new_stall(boot_s=450, boots_by_itself=False)
    bid = stall.bid(5)
    stall.to(180)
    stall.rival(7)
    stall.to(240)
    stall.rival(None)
    assert kinds(stall.to(1000)) == [(360, "Kept"), (570, "Boot")]
    assert stall.statuses(bid) == [(120, "NEW"), (240, "PREEMPTING"), (360, "STARTING")]


def test_a_notice_that_ends_with_a_round_is_over_before_it(new_stall: Any, kinds: Callable[..., Any]) -> None:
    stall = new_stall(notice_s=240)
    bid = stall.bid(5)
    stall.to(120)
    stall.market.preempt(bid.fid, stall.market.now)
    assert kinds(stall.to(360)) == [(360, "Lost"), (360, "Allocated"), (360, "Boot"), (360, "Running")]
    assert stall.segments(bid) == [(120, None, 1.0)]


def test_machines_are_all_or_none(stall: Any) -> None:
    pair, more, one = stall.bid(5, 2), stall.bid(4, 2), stall.bid(3)
    stall.to(120)
    assert [bid.status for bid in (pair, more, one)] == ["Allocated", "Open", "Allocated"]
    assert [stall.market.instances[fid].name for fid in pair.instances] == ["b-1", "b-2"]
    assert stall.price == 1.0
    whole = stall.bid(9, 3)
    stall.to(240)
    assert [bid.status for bid in (pair, one, whole)] == [
        "Preempting",
        "Preempting",
        "Open",
    ]  # its machines are not left yet
    stall.to(540)
    assert whole.status == "Open"
    stall.to(600)
    assert (whole.status, pair.status, len(whole.instances)) == ("Allocated", "Open", 3)


def test_who_came_first_stays_among_equals(stall: Any) -> None:
    bids = [stall.bid(5) for _ in range(4)]
    stall.to(120)
    assert [bid.status for bid in bids] == ["Allocated"] * 3 + ["Open"]
    assert stall.price == 5.0
    stall.market.remove(bids[0].fid, stall.market.now)
    stall.to(240)
    assert bids[3].status == "Allocated"
    assert stall.price == 1.0


def test_pause_and_resume(stall: Any, kinds: Callable[..., Any]) -> None:
    bid = stall.bid(5)
    stall.to(130)
    assert kinds(stall.market.change(bid.fid, stall.market.now, paused=True)) == [(130, "Paused")]
    assert stall.market.change(bid.fid, stall.market.now, paused=True) == []
    assert (bid.status, stall.statuses(bid)[-1]) == ("Paused", (130, "PAUSED"))
    assert stall.to(500) == []
    assert stall.market.change(bid.fid, stall.market.now, paused=False) == []
    assert bid.status == "Open"
    assert kinds(stall.to(600)) == [(600, "Allocated"), (600, "Boot"), (600, "Running")]
    assert stall.segments(bid) == [(120, 130, 1.0), (600, None, 1.0)]
    assert [kind for _, kind in stall.events(bid)] == ["Placed", "Allocated", "Paused", "Resumed", "Allocated"]


def test_a_paused_bid_sets_no_price(stall: Any) -> None:
    bids = [stall.bid(limit) for limit in (9, 8, 7, 6)]
    stall.market.change(bids[3].fid, stall.market.now, paused=True)
    stall.to(120)
    assert stall.price == 1.0


def test_pausing_within_the_notice_withdraws_it(stall: Any, kinds: Callable[..., Any]) -> None:
    bid = stall.bid(5)
    stall.to(120)
    stall.rival(7)
    stall.to(250)
    assert kinds(stall.market.change(bid.fid, stall.market.now, paused=True)) == [(250, "Paused")]
    assert stall.to(2000) == []
    assert (bid.leaves_at, stall.instance(bid).end_time) == (None, None)


def prepared(stall: Any, status: str) -> Bid:
    bid: Bid = stall.bid(5)
    if status != "Open":
        stall.to(120)
    if status == "Preempting":
        stall.market.preempt(bid.fid, stall.market.now)
    elif status in ("Paused", "Terminated"):
        stall.market.change(bid.fid, stall.market.now, paused=True)
    if status == "Terminated":
        stall.market.remove(bid.fid, stall.market.now)
    assert bid.status == status
    return bid


@pytest.mark.parametrize("status", sorted({status for status, _ in MOVES}))
def test_a_bid_ends_from_every_state(stall: Any, kinds: Callable[..., Any], status: str) -> None:
    bid = prepared(stall, status)
    at = stall.now
    (ended,) = stall.market.remove(bid.fid, stall.market.now + 5, "user_b")
    assert (ended.kind, ended.instances) == ("Ended", tuple(bid.instances))
    assert (bid.status, bid.deactivated_at) == ("Terminated", stall.market.now)
    assert stall.events(bid)[-1] == (at + 5, "Terminated")
    assert all(stall.market.instances[fid].status == "STATUS_TERMINATED" for fid in bid.instances)
    cost = stall.market.ledger.of_bid(bid.fid, stall.market.now)
    assert stall.market.remove(bid.fid, stall.market.now) == []
    assert stall.to(5000) == []
    assert stall.market.ledger.of_bid(bid.fid, stall.market.now) == cost


def test_a_machine_that_cannot_be_started(new_stall: Any, kinds: Callable[..., Any]) -> None:
    stall = new_stall(boots_by_itself=False)
    bid = stall.bid(5, 2)
    stall.to(120)
    good, bad = bid.instances
    stall.market.booted(good, stall.market.now)
    now = stall.market.now
    assert stall.market.failed(bad, now, "no room") == [Failed(now, bid.fid, (bad,))]
    assert stall.market.failed(bad, now, "no room") == []
    assert (bid.status, stall.market.instances[bad].status, stall.market.instances[bad].why) == (
        "Allocated", "STATUS_ERROR", "no room",
    )  # fmt: skip
    stall.rival(7)
    stall.to(1000)
    stall.rival(None)
    happened = stall.to(1080)
    assert happened[0] == Replaced(stall.market.now, bid.fid, (bad,))
    assert kinds(happened[1:]) == [(1080, "Allocated"), (1080, "Boot"), (1080, "Boot")]
    assert bid.instances[0] == good
    assert bid.instances[1] not in (good, bad)
    assert stall.market.instances[bad].status == "STATUS_REPLACED"


def test_a_machine_that_dies_costs_nothing_more(stall: Any) -> None:
    bid = stall.bid(5)
    stall.to(120)
    stall.market.failed(bid.instances[0], stall.market.now + 60, "gone")
    stall.to(1000)
    assert stall.segments(bid) == [(120, 180, 1.0)]


def test_preempted_by_hand(stall: Any, kinds: Callable[..., Any]) -> None:
    bid = stall.bid(5)
    with pytest.raises(Refused, match="is Open, not Allocated"):
        stall.market.preempt(bid.fid, stall.market.now)
    stall.to(120)
    assert kinds(stall.market.preempt(bid.fid, stall.market.now + 10)) == [(130, "Leaving")]
    assert kinds(stall.to(430)) == [(430, "Lost")]
    assert kinds(stall.to(480)) == [(480, "Allocated"), (480, "Boot"), (480, "Running")]


def test_fewer_machines_preempt_the_lowest(stall: Any) -> None:
    bids = [stall.bid(limit) for limit in (7, 6, 5)]
    stall.to(120)
    stall.market.set_capacity(bids[0].instance_type, bids[0].region, 1, stall.market.now)
    stall.to(240)
    assert [bid.status for bid in bids] == ["Allocated", "Preempting", "Preempting"]
    assert stall.price == 6.0
    stall.market.set_capacity(bids[0].instance_type, bids[0].region, 0, stall.market.now)
    stall.to(1000)
    assert [bid.status for bid in bids] == ["Open"] * 3
    assert stall.price == 1.0


def test_what_a_driver_that_begins_anew_has_to_do(new_stall: Any) -> None:
    stall = new_stall(capacity=4, boots_by_itself=False)
    running, leaving, unheard, paused = (stall.bid(limit) for limit in (9, 8, 7, 6))
    stall.to(120)
    for bid in (running, leaving):
        stall.market.booted(bid.instances[0], stall.market.now)
    stall.market.change(paused.fid, stall.market.now, paused=True)
    stall.market.preempt(leaving.fid, stall.market.now)
    now = stall.market.now
    assert stall.market.expected() == [
        Boot(now, running.fid, tuple(running.instances), 1),
        Boot(now, leaving.fid, tuple(leaving.instances), 1),
        Leaving(now, leaving.fid, tuple(leaving.instances), now + 300),
        Boot(now, unheard.fid, tuple(unheard.instances), 1),
    ]
