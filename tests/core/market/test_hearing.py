"""What becomes of a job when the market gives, takes and announces; and when it says nothing."""

from __future__ import annotations

import pytest

from flowbatch.core.effects import Forget, Launch, PlaceBid, WithdrawBid


def test_runs_that_end_at_once_on_one_machine_have_an_end(desk_of):
    """The machine says that it leaves, the market never does: the bid stays won."""
    desk = desk_of(placements=3)
    id = desk.run()
    for _ in range(10):
        if desk.says(id) == "running, won":
            desk.at += 1
            desk.ended(id, cause="preempted")
            desk.passed()
    assert desk.says(id) == "pending JobHoldMaxRequeue, withdrawn"
    assert desk.job(id).restarts == 3


def test_a_preempted_job_is_requeued_and_runs_on_what_is_won_again(desk):
    id = desk.run()
    desk.leaving(id)
    assert desk.says(id) == "running, leaving"
    desk.taken()
    desk.ended(id, cause="preempted")
    assert desk.taken() == [Forget(id, 0)]
    desk.passed()
    assert desk.says(id) == "pending Resources, leaving"
    desk.lost(id)
    desk.won(id)
    desk.passed()
    assert desk.taken() == [Launch(id, 1)]
    assert (desk.job(id).restarts, desk.bid(id).wins) == (1, 2)


def test_a_notice_that_is_taken_back_changes_nothing(desk):
    id = desk.run()
    desk.leaving(id)
    desk.stays(id)
    assert (desk.says(id), desk.bid(id).leaves_at, desk.bid(id).wins) == ("running, won", None, 1)


def test_a_notice_taken_back_too_late_starts_it_anew_there(desk):
    id = desk.run()
    desk.leaving(id)
    desk.ended(id, cause="preempted")
    desk.passed()
    desk.stays(id)
    desk.taken()
    desk.passed()
    assert desk.taken() == [Launch(id, 1)]


@pytest.mark.parametrize(
    ("said", "how", "outcome"),
    [
        (False, "ended", "PREEMPTED None"), (False, "lost", "PREEMPTED None"), (False, "gone", "NODE_FAIL NodeDown"),
        (None, "lost", None), (None, "gone", None),
    ],
)  # fmt: skip
def test_a_machine_that_is_gone(desk, said, how, outcome):
    id = desk.run(requeue=said)
    desk.taken()
    desk.ended(id, cause="preempted") if how == "ended" else getattr(desk, how)(id)
    assert Forget(id, 0) in desk.taken()
    if outcome is None:
        assert desk.job(id).state.kind == "pending" and desk.job(id).restarts == 1
    else:
        assert desk.says(id).startswith(f"finished {outcome}")
        assert desk.bid(id).phase in ("withdrawn", "gone")


def test_a_machine_that_went_before_the_job_began(desk):
    id = desk.placed_on(requeue=False)
    desk.gone(id)
    assert desk.says(id) == "finished BOOT_FAIL NodeDown, gone"


def test_a_bid_that_somebody_ended_is_made_again(desk):
    id = desk.opened()
    desk.taken()
    desk.gone(id)
    desk.passed()
    assert desk.taken() == [PlaceBid(id, 2)]


def test_a_refused_bid_is_tried_again_less_and_less_often(desk):
    id = desk.asked()
    pauses = []
    for _ in range(9):
        desk.refused(id, "quota exceeded")
        assert desk.says(id) == "pending BeginTime, gone"
        pauses.append(desk.job(id).state.not_before - desk.now)
        desk.passed(desk.at + pauses[-1])
        assert desk.says(id) == "pending Resources, asked"
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    assert (desk.job(id).bids[0].why, desk.job(id).bids[0].settled) == ("quota exceeded", True)
    desk.placed(id)
    desk.gone(id)
    desk.passed()
    desk.refused(id)
    assert desk.job(id).state.not_before - desk.now == 60


def test_facts_of_bids_that_nobody_knows_change_nothing(desk):
    id = desk.opened()
    before = dict(desk.queue.jobs)
    for fact in (desk.lost, desk.refused, desk.stays):
        assert fact(id).changed == {}
    desk.charged(id, 5, number=7)
    desk.charged(id + 5, 5, number=1) if id + 5 in desk.queue.jobs else None
    assert desk.queue.jobs == before


def test_a_restart_changes_nothing(desk):
    id = desk.run()
    desk.leaving(id)
    before = dict(desk.queue.jobs)
    desk.restart()
    assert desk.queue.jobs == before
    desk.ended(id, cause="preempted")
    assert desk.job(id).restarts == 1


class TestTime:
    """What time does to a bid of which nothing is heard."""

    def test_a_machine_that_does_not_begin_the_job_is_given_up(self, desk):
        id = desk.placed_on()
        desk.taken()
        desk.passed(desk.policy.boot_allowance_s + desk.policy.upload_allowance_s)
        assert (desk.taken(), desk.says(id)) == ([WithdrawBid(id, 1)], "running, withdrawn")
        desk.gone(id)
        desk.passed()
        assert desk.says(id) == "pending Resources, asked" and desk.job(id).restarts == 1

    def test_a_run_that_does_not_report_its_end(self, desk):
        id = desk.run()
        desk.taken()
        limit = 3600 + desk.policy.grace_s + desk.policy.return_allowance_s
        desk.passed(limit - 1)
        assert desk.taken() == []
        desk.passed(limit)
        assert desk.taken() == [WithdrawBid(id, 1)]

    def test_a_job_that_was_stopped_and_does_not_report(self, desk):
        id = desk.run()
        desk.cancel(id)
        desk.taken()
        desk.passed(desk.policy.grace_s + desk.policy.return_allowance_s)
        assert desk.taken() == [WithdrawBid(id, 1)]
        desk.gone(id)
        assert desk.says(id) == "finished CANCELLED None, gone"

    def test_a_machine_that_was_to_go_away_and_does_not(self, desk):
        """The machine itself said so, and the market never does: its job waits for another."""
        id = desk.run()
        desk.leaving(id)
        desk.ended(id, cause="preempted")
        desk.taken()
        gone = 300 + desk.policy.grace_s + desk.policy.return_allowance_s
        desk.passed(gone - 1)
        assert (desk.taken(), desk.says(id)) == ([], "pending Resources, leaving")
        desk.passed(gone)
        assert desk.taken() == [WithdrawBid(id, 1)]

    def test_a_lease_that_runs_out_is_renewed_by_another_bid(self, desk):
        id = desk.opened()
        desk.taken()
        desk.passed(desk.policy.queue_allowance_s - 1)
        assert desk.taken() == []
        desk.passed(desk.policy.queue_allowance_s)
        assert desk.taken() == [WithdrawBid(id, 1)]
