"""Heterogeneous jobs: their components start together, follow their leader, and come back with it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowbatch.core import invariants
from flowbatch.core.effects import Deliver, DeliverStep, Forget, Freeze, Launch, SendMail, Stop, Thaw
from flowbatch.core.events import (
    Accepted,
    HetSubmitted,
    JobRef,
    LaunchFailed,
    NodeLost,
    Refused,
    StepBegan,
    SuspendAsked,
    WouldStart,
)
from flowbatch.core.states import Finished, Pending
from flowbatch.core.steps import Step
from flowbatch.spec.policy import MarketPolicy

WHOLE, LEADER = "ESLURM_NOT_WHOLE_HET_JOB", "ESLURM_NOT_HET_JOB_LEADER"


def ask(desk, *parts, test_only=False, **common):
    specs = tuple(desk.spec(**{**common, **words}) for words in parts)
    owner = desk.submission().owner
    return desk.step(HetSubmitted(desk.now, owner, specs, test_only)).reply


def submit(desk, *parts, **common):
    """The leader's id."""
    reply = ask(desk, *parts, **common)
    assert isinstance(reply, Accepted)
    return reply.job_id


def run(desk, *parts, **common):
    leader = submit(desk, *parts, **common)
    desk.passed()
    assert kinds(desk, leader, len(parts)) == ["running"] * len(parts)
    return leader


def kinds(desk, leader, size=2):
    return [desk.kind(id) for id in range(leader, leader + size)]


def endings(desk, leader, size=2):
    return [desk.queue.jobs[id].state.ending for id in range(leader, leader + size)]


def suspend(desk, ref, resume=False):
    return desk.codes(desk.asked(SuspendAsked(desk.now, 1000, (ref,), resume)))


def test_components_have_ids_and_priorities_one_behind_the_other(desk):
    leader = submit(desk, {}, {"cpus": 2}, {})
    jobs = [desk.queue.jobs[leader + n] for n in range(3)]
    assert [job.het.offset for job in jobs] == [0, 1, 2]
    assert {job.payload_id for job in jobs} == {leader}
    assert [jobs[0].priority - job.priority for job in jobs] == [0, 1, 2]
    assert submit(desk, {}, {}) == leader + 3


def test_all_or_none_enters(desk):
    refused = [
        ask(desk, {}, {"partitions": ("nosuch",)}),
        ask(desk, {}, {"array": "1-2"}),
        ask(desk, {}, {"reservation": "nosuch"}),
    ]
    assert [one.code for one in refused] == [
        "ESLURM_INVALID_PARTITION_NAME", "ESLURM_INVALID_ARRAY", "ESLURM_RESERVATION_INVALID",
    ]  # fmt: skip
    assert not desk.queue.jobs and desk.queue.next_job_id == 1


def test_nothing_enters_a_full_queue_in_part(desk_of):
    desk = desk_of(max_job_count=2)
    assert ask(desk, {}, {}, {}).code == "EAGAIN"
    assert isinstance(ask(desk, {}, {}), Accepted)


def test_a_market_refuses_them_and_says_why(desk_of):
    reply = ask(desk_of(market=MarketPolicy()), {}, {})
    assert isinstance(reply, Refused) and "won and lost together" in reply.lines[0]


def test_nothing_is_kept_of_a_question(desk):
    reply = ask(desk, {"cpus": 2}, {"cpus": 3}, test_only=True)
    assert reply == WouldStart(1, desk.now, 5, ("n1",), "")
    assert not desk.queue.jobs


def test_they_start_together_or_not_at_all(desk):
    first = desk.run(cpus=2)
    leader = submit(desk, {"cpus": 2}, {"cpus": 2})
    desk.passed()
    assert kinds(desk, leader) == ["pending"] * 2
    assert [desk.queue.jobs[leader + n].state.reason for n in (0, 1)] == ["Resources"] * 2
    desk.end(first)
    desk.orders.clear()
    desk.passed()
    assert kinds(desk, leader) == ["running"] * 2
    assert desk.orders[-1:] == [Launch(leader, 0)] and Launch(leader + 1, 0) not in desk.orders


def test_what_waits_is_promised_one_start_for_all(desk):
    first = desk.run(cpus=3, time_limit_min=10)
    leader = submit(desk, {"cpus": 1}, {"cpus": 2}, time_limit_min=5)
    desk.passed()
    assert {desk.queue.planned[leader + n][0] for n in (0, 1)} == {desk.queue.jobs[first].state.ends_by}
    small = desk.submit(cpus=1, time_limit_min=60)
    desk.passed()
    assert desk.kind(small) == "running"  # it takes what the components leave


def test_nobody_delays_what_they_were_promised(desk):
    desk.run(cpus=3, time_limit_min=10)
    leader = submit(desk, {"cpus": 2}, {"cpus": 2}, time_limit_min=5)
    late = desk.submit(cpus=1, time_limit_min=60)
    desk.passed()
    assert desk.kind(late) == "pending" and leader in desk.queue.planned


def test_a_component_that_is_held_keeps_the_others(desk):
    leader = submit(desk, {}, {})
    assert desk.codes(desk.hold(f"{leader}+1")) == [None]
    desk.passed()
    assert kinds(desk, leader) == ["pending"] * 2
    desk.release(leader + 1)
    desk.passed()
    assert kinds(desk, leader) == ["running"] * 2


def test_a_leaders_number_holds_and_releases_all(desk):
    leader = submit(desk, {}, {}, hold=True)
    desk.release(leader)
    assert [desk.queue.jobs[leader + n].held for n in (0, 1)] == [None, None]
    desk.hold(f"{leader}+0")
    assert [desk.queue.jobs[leader + n].held for n in (0, 1)] == ["JobHeldUser", None]
    assert desk.codes(desk.hold(f"{leader}+2")) == ["ESLURM_INVALID_JOB_ID"]
    assert desk.codes(desk.hold(f"{leader + 1}+0")) == ["ESLURM_INVALID_JOB_ID"]


def test_a_leaders_end_is_everybodys(desk):
    leader = run(desk, {}, {}, {}, mail="END FAIL")
    desk.orders.clear()
    desk.end(leader, 3)
    assert {(one.outcome, one.exit.code, one.reason) for one in endings(desk, leader, 3)} == {
        ("FAILED", 3, "NonZeroExitCode")
    }
    assert desk.orders == [Forget(leader, 0), SendMail(leader, "FAIL")]


@pytest.mark.parametrize("fact", [LaunchFailed, NodeLost])
def test_what_never_ran_or_was_lost_is_so_for_all(desk_of, fact):
    desk = desk_of(job_requeue=False)
    leader = run(desk, {}, {})
    desk.step(fact(desk.now, leader, 0, *(["JobLaunchFailure"] if fact is LaunchFailed else [])))
    assert len({one.outcome for one in endings(desk, leader)}) == 1


def test_a_component_that_runs_can_be_cancelled_alone(desk):
    leader = run(desk, {}, {"cpus": 3})
    desk.orders.clear()
    assert desk.codes(desk.cancel(leader + 1)) == [None]
    assert kinds(desk, leader) == ["running", "finished"] and desk.orders == []
    assert desk.queue.jobs[leader + 1].state.ending.outcome == "CANCELLED"
    assert desk.run(cpus=3)  # its CPUs are free
    desk.end(leader)
    assert [one.outcome for one in endings(desk, leader)] == ["COMPLETED", "CANCELLED"]


def test_one_that_waits_cannot(desk):
    leader = submit(desk, {}, {})
    assert desk.codes(desk.cancel(leader + 1, f"{leader}+1")) == [WHOLE, WHOLE]
    assert desk.codes(desk.signal(leader + 1)) == [WHOLE]
    assert desk.codes(desk.cancel(leader)) == [None]
    assert kinds(desk, leader) == ["finished"] * 2


def test_a_component_has_a_time_limit_of_its_own(desk):
    leader = run(desk, {"time_limit_min": 3}, {"time_limit_min": 1})
    desk.passed(61)
    assert kinds(desk, leader) == ["running", "finished"]
    late = desk.queue.jobs[leader + 1].state
    assert (late.ending.outcome, late.ending.reason, late.ending.exit.code) == ("TIMEOUT", "TimeLimit", 0)


def test_only_the_leader_is_requeued_and_all_come_back(desk):
    leader = run(desk, {}, {}, {})
    desk.cancel(leader + 2)
    desk.orders.clear()
    assert desk.codes(desk.requeue(leader + 1, f"{leader}+0")) == [LEADER, "ESLURM_INVALID_JOB_ID"]
    assert desk.codes(desk.requeue(leader)) == [None]
    assert kinds(desk, leader, 3) == ["completing", "completing", "pending"]
    assert desk.orders == [Stop(leader, 0, "requeue")]
    desk.end(leader)
    assert kinds(desk, leader, 3) == ["pending"] * 3
    assert {desk.queue.jobs[leader + n].restarts for n in range(3)} == {1}
    desk.passed(200)
    assert kinds(desk, leader, 3) == ["running"] * 3


def test_a_lost_leader_brings_back_what_was_over(desk):
    leader = run(desk, {}, {}, requeue=True)
    desk.cancel(leader + 1)
    desk.step(NodeLost(desk.now, leader, 0))
    assert kinds(desk, leader) == ["pending"] * 2


def test_the_leaders_word_on_requeueing_is_everybodys(desk):
    leader = run(desk, {"requeue": True}, {"requeue": False})
    desk.step(NodeLost(desk.now, leader, 0))
    assert kinds(desk, leader) == ["pending"] * 2


def test_all_are_suspended_or_none(desk):
    leader = run(desk, {}, {})
    assert suspend(desk, JobRef(leader + 1)) == suspend(desk, JobRef(leader, component=1)) == [WHOLE]
    desk.orders.clear()
    assert suspend(desk, JobRef(leader)) == [None]
    assert kinds(desk, leader) == ["suspended"] * 2
    assert suspend(desk, JobRef(leader), resume=True) == [None]
    assert kinds(desk, leader) == ["running"] * 2
    assert desk.orders == [Freeze(leader, 0), Thaw(leader, 0)]


def test_a_signal_is_the_leaders(desk):
    leader = run(desk, {}, {})
    desk.orders.clear()
    assert desk.codes(desk.signal(leader, leader + 1)) == [None, None]
    assert desk.orders == [Deliver(leader, 0, 10, "steps")]


def test_a_dependency_that_fails_dooms_all(desk_of):
    desk = desk_of(kill_on_invalid_dep=True)
    first = desk.run()
    leader = submit(desk, {}, {}, depend=f"afterok:{first}")
    desk.end(first, 1)
    assert {one.reason for one in endings(desk, leader)} == {"DependencyNeverSatisfied"}


def test_a_component_that_can_never_start_takes_the_others_along(desk_of):
    desk = desk_of(kill_on_invalid_dep=True)
    first = desk.run()
    leader = submit(desk, {}, {"depend": f"afterok:{first}"})
    desk.end(first, 1)
    assert kinds(desk, leader) == ["finished"] * 2


def test_components_of_one_name_do_not_wait_for_each_other(desk):
    leader = run(desk, {}, {}, depend="singleton", name="same")
    second = submit(desk, {}, {}, depend="singleton", name="same")
    desk.passed()
    assert kinds(desk, second) == ["pending"] * 2
    desk.end(leader)
    desk.passed()
    assert kinds(desk, second) == ["running"] * 2


def test_a_dependency_on_the_leader_is_on_the_leader(desk):
    leader = run(desk, {}, {})
    after, also = desk.submit(depend=f"afterok:{leader}"), desk.submit(depend=f"afterok:{leader + 1}")
    desk.cancel(leader + 1)
    desk.end(leader)
    desk.passed()
    assert (desk.kind(after), desk.queue.jobs[also].state.reason) == ("running", "DependencyNeverSatisfied")


def test_they_leave_the_queue_together(desk):
    leader = run(desk, {}, {})
    desk.cancel(leader + 1)
    desk.passed(1000)
    assert isinstance(desk.queue.jobs[leader + 1].state, Finished)
    desk.end(leader)
    desk.passed(2000)
    assert not desk.queue.jobs


def test_the_law_notices_a_component_that_runs_alone(desk):
    leader = run(desk, {}, {})
    alone = replace(desk.queue.jobs[leader], state=Pending())
    desk.queue.put(alone, desk.now)
    with pytest.raises(invariants.Broken, match=f"component {leader + 1} runs and its leader {leader} does not"):
        invariants.check(desk.queue)


def test_steps_on_a_component_end_with_it(desk):
    leader = run(desk, {}, {})
    for number, component in ((0, 0), (1, 1)):
        step = Step(number, "s", ("n1",), (1,), 1, desk.now, components=((component, 1, 0),))
        desk.step(StepBegan(desk.now, leader, 0, step))
    desk.orders.clear()
    desk.cancel(f"{leader}+1")
    assert desk.orders == [DeliverStep(leader, 0, 1, 9, 1000)]


def test_none_starts_at_once(desk):
    """As 22.05, which leaves such jobs to a later pass and says so."""
    event = HetSubmitted(desk.now, desk.submission().owner, (desk.spec(), desk.spec()), immediate=True)
    assert desk.step(event).reply == Refused("ESLURM_CAN_NOT_START_IMMEDIATELY")
    assert not desk.queue.jobs
