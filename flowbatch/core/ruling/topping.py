"""`scontrol top`: jobs go before the others of their owner, who keeps the places in the queue that he has.

As on 22.05: root and SlurmUser may (users where a site lets them, which none does here); held jobs have no place.
"""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core.events import JobRef, Verdict
from flowbatch.core.jobs import Job
from flowbatch.core.ruling.wishes import TopAsked
from flowbatch.core.states import Finished, Pending
from flowbatch.core.terms import revised
from flowbatch.core.turn import Turn


def top(turn: Turn, event: TopAsked) -> tuple[Verdict, ...]:
    """All of them, in the order in which they are named, or none: then the first that cannot says why."""
    chosen: list[Job] = []
    for id in dict.fromkeys(event.job_ids):
        job = turn.queue.jobs.get(id)
        fault = _fault(turn, event.by, job)
        if fault is not None or job is None:
            return (Verdict(JobRef(id), fault),)
        chosen.append(job)
    for uid in dict.fromkeys(job.owner.uid for job in chosen):
        _reorder(turn, [job for job in chosen if job.owner.uid == uid])
    return tuple(Verdict(JobRef(job.id), jobs=(job.id,)) for job in chosen)


def _fault(turn: Turn, by: int, job: Job | None) -> str | None:
    if job is None:
        return "ESLURM_INVALID_JOB_ID"
    if not turn.queue.cluster.operated_by(by):
        return "ESLURM_ACCESS_DENIED"
    if isinstance(job.state, Finished):
        return "ESLURM_JOB_FINISHED"
    if not isinstance(job.state, Pending):
        return "ESLURM_JOB_NOT_PENDING"
    return "ESLURM_JOB_HELD" if job.held is not None else None


def _reorder(turn: Turn, first: list[Job]) -> None:
    """The owner's waiting jobs share out the numbers they have among them, these first; nice tells by how much each moved."""
    owner, ahead = first[0].owner.uid, {job.id for job in first}
    waiting = [
        job for job in turn.queue.jobs.values()
        if job.owner.uid == owner and isinstance(job.state, Pending) and job.held is None
    ]  # fmt: skip
    in_order = sorted(waiting, key=lambda job: (-job.priority, job.id))
    wanted = [*first, *(job for job in in_order if job.id not in ahead)]
    for job, number in zip(wanted, sorted((job.priority for job in waiting), reverse=True), strict=True):
        if job.priority != number:
            spec = job.spec.model_copy(update={"nice": job.spec.nice + job.priority - number})
            turn.keep(replace(revised(job, spec), priority=number))
