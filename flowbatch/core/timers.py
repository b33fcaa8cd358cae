"""What changes by time alone: for each record the next instant at which something about it does."""

from __future__ import annotations

from flowbatch.core.deadlines import latest_start
from flowbatch.core.jobs import ArrayRest, Job
from flowbatch.core.limits import UNNAMED, named_at
from flowbatch.core.market.upkeep import lapses_at
from flowbatch.core.states import Finished, Pending, Running, began
from flowbatch.core.waiting import BEGIN_TIME, begins_at, is_ready
from flowbatch.spec.cluster import ClusterSpec

ANNOUNCED = {50: "TIME_LIMIT_50", 80: "TIME_LIMIT_80", 90: "TIME_LIMIT_90", 100: "TIME_LIMIT"}
"""Mails by how much of the time limit is used, in percent."""


def due_at(cluster: ClusterSpec, job: Job) -> int | None:
    """When the passing of time next changes something about the record; None for never."""
    state = job.state
    if isinstance(state, Finished) and job.follows:
        return None  # it leaves with its leader
    if isinstance(state, Finished):
        unpaid = bool(job.bids) and any(not bid.settled for bid in job.bids)
        return state.ended_at + cluster.min_job_age_s if cluster.min_job_age_s and not unpaid else None
    lapse = None if cluster.market is None else lapses_at(cluster.market, job)
    if isinstance(state, Running):
        cut = state.ends_by if state.cut else None
        return min((at for at in (next_announcement(job, state), lapse, cut) if at is not None), default=None)
    if not isinstance(state, Pending):
        return lapse
    if must_split(job):
        return job.submitted_at
    due = [lapse] if lapse is not None else []
    due += [waiting.due for waiting in job.waiting if waiting.due is not None and job.held is None]
    if must_name_limit(cluster, job):
        due.append(named_at(cluster, job))
    if state.reason == BEGIN_TIME:
        due.append(begins_at(job))
    if is_ready(job) and (last := latest_start(cluster, job)) is not None:
        due.append(last + 1)
    return min(due, default=None)


def must_split(job: Job) -> bool:
    """Whether the tasks of an array need records of their own: with `aftercorr` each waits for another task."""
    corresponding = any(waiting.array and waiting.term.kind == "aftercorr" for waiting in job.waiting)
    return isinstance(job.array, ArrayRest) and job.held is None and corresponding


def must_name_limit(cluster: ClusterSpec, job: Job) -> bool:
    """Whether the job is to be looked at again because it may be beyond a partition's limit and does not name it yet."""
    unnamed = isinstance(job.state, Pending) and job.state.reason == UNNAMED
    return unnamed and (job.last_evaluated_at or 0) < named_at(cluster, job)


def announcements(job: Job, state: Running) -> list[tuple[int, int]]:
    """(instant, percent) of the mails about the time limit that were not sent yet, ascending."""
    if state.ends_by is None:
        return []
    start = began(state)
    limit = state.ends_by - start
    return [
        (start - -limit * percent // 100, percent)
        for percent, kind in ANNOUNCED.items()
        if percent > state.mailed_percent and kind in job.spec.mail.types
    ]


def next_announcement(job: Job, state: Running) -> int | None:
    """When the next mail about the time limit is due."""
    return min((at for at, _ in announcements(job, state)), default=None)
