"""How jobs end, as 22.05.8 ended them."""

from __future__ import annotations

import pytest

from flowbatch.core.effects import Deliver, Forget, Launch, Stop
from flowbatch.core.events import LaunchFailed, NodeLost
from flowbatch.core.queue import Stepped
from flowbatch.core.states import ExitStatus


@pytest.mark.parametrize(
    ("code", "signal", "cause", "ending"),
    [
        (0, 0, "exit", ("COMPLETED", "None", 0, 0)),
        (3, 0, "exit", ("FAILED", "NonZeroExitCode", 3, 0)),
        (0, 9, "exit", ("FAILED", "JobLaunchFailure", 0, 9)),
        (0, 15, "exit", ("FAILED", "JobLaunchFailure", 0, 15)),
        (0, 15, "timeout", ("TIMEOUT", "TimeLimit", 0, 15)),
        (0, 125, "oom", ("OUT_OF_MEMORY", "OutOfMemory", 0, 125)),
        (0, 9, "killed", ("FAILED", "JobLaunchFailure", 0, 9)),
    ],
)
def test_a_job_that_nobody_stopped(desk, code, signal, cause, ending):
    id = desk.run()
    desk.end(id, code, signal, cause)
    assert desk.outcome(id) == ending


def test_a_job_that_could_not_be_launched(desk):
    id = desk.run()
    stepped = desk.step(LaunchFailed(desk.now, id, 0, "JobLaunchFailure", ExitStatus(0, 53)))
    assert desk.outcome(id) == ("FAILED", "JobLaunchFailure", 0, 53)
    assert stepped.orders == [Forget(id, 0)]


def test_a_lost_job_runs_again_if_it_may(desk):
    id, once = desk.run(), desk.run(requeue=False)
    desk.step(NodeLost(desk.now, id, 0))
    desk.step(NodeLost(desk.now, once, 0))
    assert desk.listing() == {id: "pending BeginTime", once: "finished NODE_FAIL"}
    assert desk.queue.jobs[id].restarts == 1


def test_a_cluster_may_forbid_to_run_twice(desk_of):
    desk = desk_of(job_requeue=False)
    id, again = desk.run(), desk.run(requeue=True)
    desk.step(NodeLost(desk.now, id, 0))
    desk.step(NodeLost(desk.now, again, 0))
    assert desk.listing() == {id: "finished NODE_FAIL", again: "pending BeginTime"}


def test_cancelled_while_pending(desk):
    id = desk.submit(hold=True)
    assert desk.codes(desk.cancel(id)) == [None]
    assert desk.outcome(id) == ("CANCELLED", "JobHeldUser", 0, 0)
    assert desk.queue.jobs[id].state.started_at is None
    assert desk.queue.jobs[id].state.ending.by_uid == 1000


def test_a_trap_of_a_cancelled_job_keeps_its_code(desk):
    id = desk.run()
    desk.cancel(id)
    desk.end(id, code=7, cause="killed")
    assert desk.outcome(id) == ("CANCELLED", "None", 7, 0)


@pytest.mark.parametrize("fact", [LaunchFailed(9, 1, 0, "JobLaunchFailure"), NodeLost(9, 1, 0)])
def test_cancelled_and_never_heard_of_again(desk, fact):
    desk.run()
    desk.cancel(1)
    desk.step(fact)
    assert desk.outcome(1) == ("CANCELLED", "None", 0, 0)


def test_cancelling_twice(desk):
    id = desk.run()
    assert desk.codes(desk.cancel(id)) == [None]
    assert desk.codes(desk.cancel(id)) == ["ESLURM_ALREADY_DONE"]
    desk.end(id, signal=15, cause="killed")
    assert desk.codes(desk.cancel(id)) == ["ESLURM_ALREADY_DONE"]
    assert desk.codes(desk.cancel(99, "1_1")) == ["ESLURM_INVALID_JOB_ID"] * 2


def test_cancelled_on_its_way_back_to_the_queue(desk):
    id = desk.run()
    desk.requeue(id)
    stepped = desk.cancel(id)
    assert desk.codes(stepped) == [None]
    desk.end(id, signal=15, cause="killed")
    assert desk.outcome(id) == ("CANCELLED", "None", 0, 15)


def test_requeued(desk):
    id = desk.run()
    priority = desk.queue.jobs[id].priority
    desk.at = 5
    assert desk.codes(desk.requeue(id)) == [None]
    assert desk.orders[-1] == Stop(id, 0, "requeue")
    desk.at = 6
    desk.end(id, signal=15, cause="killed")
    job = desk.queue.jobs[id]
    assert (job.restarts, job.priority, job.state.reason, job.state.not_before) == (
        1,
        priority,
        "BeginTime",
        desk.now + 120,
    )
    assert (job.submitted_at, job.eligible_at, job.scheduled_by) == (desk.now, desk.now + 120, None)
    assert desk.queue.next_wake() == desk.now  # room came free
    desk.passed()
    assert desk.queue.next_wake() == desk.now + 120
    desk.passed(126)
    assert desk.kind(id) == "running"
    assert desk.orders[-1] == Launch(id, 1)
    assert desk.step(LaunchFailed(desk.now, id, 0, "late")) == Stepped(orders=[Forget(id, 0)])
    desk.end(id)
    assert desk.outcome(id) == ("COMPLETED", "None", 0, 0)


def test_requeued_and_held(desk):
    id = desk.run()
    desk.requeue(id, hold=True)
    assert (desk.queue.jobs[id].priority, desk.queue.jobs[id].held) == (0, "job requeued in held state")
    desk.end(id)
    desk.passed(500)
    assert desk.reason(id) == "job requeued in held state"
    desk.release(id)
    assert desk.reason(id) == "None"


def test_requeued_after_its_end(desk):
    id = desk.run()
    desk.end(id, code=1)
    assert desk.codes(desk.requeue(id)) == [None]
    assert desk.listing() == {id: "pending BeginTime"}
    assert desk.queue.jobs[id].restarts == 1


def test_requeued_while_being_cancelled(desk):
    id = desk.run()
    desk.cancel(id)
    assert desk.codes(desk.requeue(id, hold=True)) == [None]
    assert desk.codes(desk.cancel(id)) == [None]
    assert desk.codes(desk.requeue(id)) == [None]
    desk.end(id)
    assert desk.reason(id) == "job requeued in held state"


def test_what_cannot_be_requeued(desk):
    pending, once, over = desk.submit(hold=True), desk.run(requeue=False), desk.run(requeue=False)
    desk.end(over)
    codes = ["ESLURM_JOB_PENDING", "ESLURM_DISABLED", "ESLURM_DISABLED", "ESLURM_INVALID_JOB_ID"]
    assert desk.codes(desk.requeue(pending, once, over, 99)) == codes


def test_a_held_job_that_was_cancelled_comes_back_held(desk):
    id = desk.submit(hold=True)
    desk.cancel(id)
    desk.requeue(id)
    assert desk.reason(id) == "JobHeldUser"


def test_signals(desk):
    running, pending = desk.run(), desk.submit(hold=True)
    assert desk.codes(desk.signal(running, scope="batch")) == [None]
    assert desk.orders[-1] == Deliver(running, 0, 10, "batch")
    assert desk.codes(desk.signal(pending)) == ["ESLURM_TRANSITION_STATE_NO_UPDATE"]
    assert desk.codes(desk.signal(running, number=9, scope="batch")) == [None]
    assert desk.orders[-1] == Deliver(running, 0, 9, "batch")
    assert desk.codes(desk.signal(pending, number=9, scope="batch")) == [None]
    assert desk.codes(desk.signal(running, number=9)) == [None]
    assert desk.orders[-1] == Stop(running, 0, "cancelled")
    assert desk.codes(desk.signal(running)) == ["ESLURM_TRANSITION_STATE_NO_UPDATE"]
    desk.end(running, signal=15, cause="killed")
    assert desk.codes(desk.signal(running)) == ["ESLURM_ALREADY_DONE"]
    assert desk.listing() == {running: "finished CANCELLED", pending: "finished CANCELLED"}


def test_only_the_owner_and_root_may(desk):
    id = desk.submit(hold=True)
    assert desk.codes(desk.cancel(id, by=1001)) == ["ESLURM_ACCESS_DENIED"]
    assert desk.codes(desk.signal(id, by=1001)) == ["ESLURM_ACCESS_DENIED"]
    assert desk.codes(desk.signal(id, number=9, by=1001)) == ["ESLURM_ACCESS_DENIED"]
    assert desk.codes(desk.requeue(id, by=1001)) == ["ESLURM_ACCESS_DENIED"]
    assert desk.codes(desk.hold(id, by=1001)) == ["ESLURM_USER_ID_MISSING"]
    assert desk.codes(desk.release(id, by=1001)) == ["ESLURM_USER_ID_MISSING"]
    assert desk.codes(desk.cancel(id, by=0)) == [None]
    assert desk.queue.jobs[id].state.ending.by_uid == 0


def test_old_records_leave_after_min_job_age(desk_of):
    desk = desk_of(min_job_age_s=10)
    id = desk.run()
    desk.at = 5
    desk.end(id)
    desk.passed(14)
    assert id in desk.queue.jobs
    assert desk.passed(15).dropped == {id}
    assert desk.codes(desk.cancel(id)) == ["ESLURM_INVALID_JOB_ID"]


def test_a_requeued_job_does_not_leave(desk_of):
    desk = desk_of(min_job_age_s=10)
    id = desk.run()
    desk.end(id)
    desk.requeue(id)
    desk.passed(60)
    assert desk.listing() == {id: "pending BeginTime"}


def test_records_stay_for_ever_when_min_job_age_is_nought(desk_of):
    desk = desk_of(min_job_age_s=0)
    id = desk.run()
    desk.end(id)
    desk.passed()
    assert desk.queue.next_wake() is None
