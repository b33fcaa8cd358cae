"""Heterogeneous jobs: several records, the components, that start, run and end as one.

As on 22.05: the components' ids follow each other, and the first of them, the leader, has the batch script. What happens to
it happens to all; a later component has no process of its own, can be cancelled or reach its time limit while the others go
on, and comes back with them when the leader is requeued.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from flowbatch.core.events import Ended, LaunchFailed, NodeLost
from flowbatch.core.facts import Cancelled, Continued, Doomed, Downed, Expired, Missed, Paused, Requeued
from flowbatch.core.jobs import Job
from flowbatch.core.moves import Fact
from flowbatch.core.states import Completing, ExitStatus, Finished, Pending
from flowbatch.core.waiting import is_ready

SHARED = (Cancelled, Continued, Doomed, Downed, Ended, Expired, LaunchFailed, Missed, NodeLost, Paused, Requeued)
"""What happens to all components when it happens to the leader."""

TOLD_BACK = (Doomed, Downed, Missed)
"""What happens to all components whichever of them it happens to: as on 22.05 a node that is down ends the whole job."""


def parts(jobs: Mapping[int, Job], leader: Job) -> list[Job]:
    """All components, in their order; the job alone where it has no others."""
    return [leader] if leader.het is None else [jobs[id] for id in leader.het.ids if id in jobs]


def startable(jobs: Mapping[int, Job], job: Job) -> bool:
    """Whether the job, and all components beside it, wait for nothing but places."""
    return all(map(is_ready, parts(jobs, job)))


def following(jobs: Mapping[int, Job], job: Job, fact: Fact) -> Iterator[tuple[int, Fact]]:
    """What follows from a fact that has happened to one component of a job, each for the component of that id."""
    if job.het is None:
        return
    if job.follows:
        yield from _back(jobs[job.het.leader], job, fact)
        return
    if isinstance(fact, SHARED):
        yield from ((id, _addressed(fact, jobs[id])) for id in job.het.ids[1:])
    if isinstance(job.state, Pending):
        yield from ((id, Requeued(fact.at)) for id in job.het.ids[1:] if isinstance(jobs[id].state, Finished))


def _back(leader: Job, job: Job, fact: Fact) -> Iterator[tuple[int, Fact]]:
    """What a later component means for the leader; told to stop alone, it is over at once."""
    if isinstance(fact, TOLD_BACK):
        yield leader.id, fact
    elif isinstance(job.state, Completing) and not isinstance(leader.state, Completing):
        yield job.id, Ended(fact.at, job.id, job.restarts, ExitStatus())


def _addressed(fact: Fact, job: Job) -> Fact:
    """The leader's fact as it is another component's."""
    if isinstance(fact, Ended | LaunchFailed | NodeLost):
        return replace(fact, job_id=job.id, restart=job.restarts)
    if isinstance(fact, Continued) and job.het is not None:
        return replace(fact, priority=max(1, fact.priority - job.het.offset))
    return fact
