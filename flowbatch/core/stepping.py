"""What becomes of steps: they begin and end as their node says, and none outlives the placement it belongs to."""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core.events import StepBegan, StepEnded
from flowbatch.core.jobs import Job
from flowbatch.core.records import Queue, Stepped
from flowbatch.core.states import ExitStatus, Holding
from flowbatch.core.steps import JobSteps, StepKey

ENDED_WITH_ITS_JOB = ExitStatus(0, 15)
"""How accounting of 22.05 has a step that still ran when its job ended."""

_NONE = JobSteps({}, -1)


def began(queue: Queue, stepped: Stepped, event: StepBegan) -> None:
    """The step runs beside its job; one that was heard of before, or whose placement is over, changes nothing."""
    job = queue.jobs.get(event.job_id)
    steps = queue.steps.get(event.job_id, _NONE)
    step = event.step
    if job is None or not isinstance(job.state, Holding) or job.restarts != event.restart or step.number <= steps.last:
        return
    queue.steps[job.id] = JobSteps({**steps.running, step.number: step}, step.number)
    stepped.steps[StepKey(job.id, job.restarts, step.number)] = step


def ended(queue: Queue, stepped: Stepped, event: StepEnded) -> None:
    """The step is over, as the node says it: also one whose beginning nobody heard of, or whose placement is over by now."""
    step = event.step
    if not 0 < event.job_id < queue.next_job_id:
        return
    job = queue.jobs.get(event.job_id)
    if job is not None and isinstance(job.state, Holding) and job.restarts == event.restart:
        steps = queue.steps.get(job.id, _NONE)
        running = {number: one for number, one in steps.running.items() if number != step.number}
        queue.steps[job.id] = JobSteps(running, max(steps.last, step.number))
    stepped.steps[StepKey(event.job_id, event.restart, step.number)] = step


def close(queue: Queue, stepped: Stepped, job: Job, at: int) -> None:
    """The placement of the record as given is over, and its steps with it."""
    steps = queue.steps.pop(job.id, _NONE)
    for number, step in steps.running.items():
        over = replace(step, ended_at=max(at, step.began_at), exit=ENDED_WITH_ITS_JOB)
        stepped.steps[StepKey(job.id, job.restarts, number)] = over
