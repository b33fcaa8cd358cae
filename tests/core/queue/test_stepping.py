"""Steps beside their job: begun, over, and never without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowbatch.core.effects import DeliverStep
from flowbatch.core.events import JobRef, NodeLost, StepBegan, StepEnded, StepSignalAsked
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import JobSteps, Step, StepKey

SLEEP = Step(0, "sleep", ("n1",), (1,), 1, 1_000_001)
TRUE = Step(1, "true", ("n1",), (1,), 1, 1_000_002)


def over(step: Step, code: int = 0, at: int = 1_000_005) -> Step:
    return replace(step, ended_at=at, exit=ExitStatus(code))


@pytest.fixture
def job(desk):
    return desk.run()


def began(desk, job, step, restart=0):
    return desk.step(StepBegan(desk.now, job, restart, step)).steps


def ended(desk, job, step, restart=0):
    return desk.step(StepEnded(desk.now, job, restart, step)).steps


def test_a_step_runs_beside_its_job_and_is_history_when_it_is_over(desk, job):
    assert began(desk, job, SLEEP) == {StepKey(job, 0, 0): SLEEP}
    assert began(desk, job, TRUE) == {StepKey(job, 0, 1): TRUE}
    assert desk.queue.steps == {job: JobSteps({0: SLEEP, 1: TRUE}, 1)}
    assert ended(desk, job, over(SLEEP, 3)) == {StepKey(job, 0, 0): over(SLEEP, 3)}
    assert desk.queue.steps == {job: JobSteps({1: TRUE}, 1)}


def test_what_is_said_twice_or_late_is_said_once(desk, job):
    began(desk, job, SLEEP)
    assert began(desk, job, SLEEP) == {}
    ended(desk, job, over(TRUE))
    assert began(desk, job, TRUE) == {} and desk.queue.steps[job] == JobSteps({0: SLEEP}, 1)
    assert ended(desk, job, over(SLEEP)) == ended(desk, job, over(SLEEP))
    assert desk.queue.steps == {job: JobSteps({}, 1)}


def test_the_end_of_a_job_is_the_end_of_its_steps(desk, job):
    began(desk, job, SLEEP)
    desk.at = 9
    done = desk.end(job).steps
    assert done == {StepKey(job, 0, 0): replace(SLEEP, ended_at=desk.now, exit=ExitStatus(0, 15))}
    assert desk.queue.steps == {}
    assert ended(desk, job, over(SLEEP, 3)) == {StepKey(job, 0, 0): over(SLEEP, 3)}, "the node knows better"
    assert desk.queue.steps == {}


def test_a_requeued_job_begins_without_steps_and_counts_them_anew(desk, job):
    began(desk, job, SLEEP)
    lost = desk.step(NodeLost(desk.now, job, 0)).steps
    assert [step.exit for step in lost.values()] == [ExitStatus(0, 15)] and desk.queue.steps == {}
    desk.passed(1000)
    assert desk.kind(job) == "running"
    assert began(desk, job, TRUE, restart=0) == {}
    assert began(desk, job, SLEEP, restart=1) == {StepKey(job, 1, 0): SLEEP}
    assert ended(desk, job, over(TRUE), restart=0) == {StepKey(job, 0, 1): over(TRUE)}
    assert desk.queue.steps == {job: JobSteps({0: SLEEP}, 0)}


def test_nobody_s_steps_are_nobody_s(desk):
    waits = desk.submit(hold=True)
    assert began(desk, waits, SLEEP) == {} and began(desk, 99, SLEEP) == {} == ended(desk, 99, over(SLEEP))


def test_a_signal_goes_to_the_step_that_runs(desk, job):
    began(desk, job, SLEEP)

    def ask(number: int, by: int = 1000, id: int = job) -> list[str | None]:
        return desk.codes(desk.asked(StepSignalAsked(desk.now, by, (JobRef(id),), number, 9)))

    assert ask(0) == [None] and desk.orders[-1] == DeliverStep(job, 0, 0, 9, 1000)
    assert ask(0, by=0) == [None] and ask(0, by=1001) == ["ESLURM_ACCESS_DENIED"]
    assert ask(1) == ask(0, id=99) == ["ESLURM_INVALID_JOB_ID"]
    ended(desk, job, over(SLEEP))
    assert ask(0) == ["ESLURM_INVALID_JOB_ID"]
