"""Suspended jobs: their time stands still, their CPUs are free, and they are resumed whoever has them meanwhile."""

from __future__ import annotations

import pytest

from flowbatch.core.effects import Freeze, Launch, Say, Stop, Thaw
from flowbatch.core.events import JobRef, Launched, NotifyAsked, SuspendAsked
from flowbatch.core.states import lasted_s


def suspend(desk, id, by=1000, resume=False):
    return desk.codes(desk.asked(SuspendAsked(desk.now, by, (JobRef(id),), resume)))


def test_time_stands_still(desk):
    id = desk.run(time_limit_min=10)
    started = desk.now
    desk.at += 20
    assert suspend(desk, id) == [None]
    assert desk.kind(id) == "suspended" and desk.orders[-1] == Freeze(id, 0)
    desk.at += 1000
    assert lasted_s(desk.queue.jobs[id].state, desk.now) == 20
    assert suspend(desk, id, resume=True) == [None]
    state = desk.queue.jobs[id].state
    assert desk.orders[-1] == Thaw(id, 0)
    assert (state.started_at, state.ends_by) == (started, started + 600 + 1000)
    desk.at += 5
    assert lasted_s(state, desk.now) == 25
    desk.end(id)
    assert lasted_s(desk.queue.jobs[id].state, desk.now) == 25


def test_its_cpus_are_free_and_come_back_whoever_has_them(desk):
    first, second = desk.run(cpus=4), desk.submit(cpus=4)
    desk.passed()
    assert desk.kind(second) == "pending"
    suspend(desk, first)
    desk.passed()
    assert desk.kind(second) == "running"
    assert suspend(desk, first, resume=True) == [None]
    assert desk.kind(first) == desk.kind(second) == "running"
    desk.end(first)
    third = desk.submit(cpus=1)
    desk.passed()
    assert desk.kind(third) == "pending"
    desk.end(second)
    desk.passed()
    assert desk.kind(third) == "running"


def test_its_memory_stays_its_own(desk_of):
    desk = desk_of(select_memory=True)
    id = desk.run()
    suspend(desk, id)
    mine = desk.queue.jobs[id].state.allocation.shares[0].memory_mib
    load = desk.queue.occupancy.load("n1")
    assert (load.memory_mib, load.held) == (mine, 0) and mine > 0


def test_a_suspended_job_that_is_cancelled_has_ended_when_it_was_suspended(desk):
    id = desk.run()
    desk.at += 20
    suspend(desk, id)
    at = desk.now
    desk.at += 50
    desk.cancel(id)
    assert desk.orders[-1] == Stop(id, 0, "cancelled")
    other = desk.run(cpus=4)  # its CPUs are not its own while it ends
    desk.end(id, signal=15)
    state = desk.queue.jobs[id].state
    assert (state.ended_at, lasted_s(state, desk.now)) == (at, 20)
    assert desk.kind(other) == "running"


def test_it_can_be_requeued_held_and_released(desk):
    id = desk.run()
    suspend(desk, id)
    assert desk.codes(desk.hold(id)) == desk.codes(desk.release(id)) == [None]
    assert desk.codes(desk.signal(id)) == ["ESLURM_TRANSITION_STATE_NO_UPDATE"]
    assert desk.codes(desk.requeue(id)) == [None]
    desk.end(id, signal=15)
    assert desk.kind(id) == "pending" and desk.queue.jobs[id].restarts == 1


def test_one_that_was_not_launched_yet_is_stopped_once_it_is(desk):
    id = desk.run()
    suspend(desk, id)
    desk.step(Launched(desk.now, id, 0))
    assert desk.queue.jobs[id].state.launched
    assert [type(order) for order in desk.orders if isinstance(order, Launch | Freeze)] == [Launch, Freeze]


@pytest.mark.parametrize(("resume", "code"), [(False, None), (True, "ESLURM_JOB_NOT_SUSPENDED")])
def test_what_runs(desk, resume, code):
    assert suspend(desk, desk.run(), resume=resume) == [code]


@pytest.mark.parametrize("resume", [False, True])
def test_refusals(desk, resume):
    waits = desk.submit(hold=True)
    assert suspend(desk, waits, resume=resume) == ["ESLURM_JOB_PENDING"]
    assert suspend(desk, 99, resume=resume) == ["ESLURM_INVALID_JOB_ID"]
    id = desk.run()
    assert suspend(desk, id, by=7, resume=resume) == ["ESLURM_ACCESS_DENIED"]
    desk.end(id)
    assert suspend(desk, id, resume=resume) == ["ESLURM_ALREADY_DONE"]


def test_a_word_into_the_output(desk):
    id = desk.run()
    assert desk.codes(desk.asked(NotifyAsked(desk.now, 1000, (JobRef(id),), "hello"))) == [None]
    assert desk.orders[-1] == Say(id, 0, "hello")
    waits = desk.submit(hold=True)
    assert desk.codes(desk.asked(NotifyAsked(desk.now, 1000, (JobRef(waits),), "hello"))) == ["ESLURM_DISABLED"]
    assert desk.codes(desk.asked(NotifyAsked(desk.now, 7, (JobRef(id),), "hello"))) == ["ESLURM_USER_ID_MISSING"]
