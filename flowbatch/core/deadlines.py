"""Until when a job may run, and until when it may still begin."""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core.effects import Effect, Limit
from flowbatch.core.jobs import Job
from flowbatch.core.limits import time_limit_min
from flowbatch.core.states import Running, began
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import UNLIMITED
from flowbatch.units import MINUTE


def ends_by(cluster: ClusterSpec, job: Job, partition: str, at: int) -> int | None:
    """When a job that starts in the partition at `at` reaches its limit; None for never.

    A deadline cuts the limit to the whole minutes before it; on a rented machine the run ends where its money does.
    """
    limit = _limit_min(cluster, job, partition)
    if job.spec.deadline is not None:
        left = max(1, (job.spec.deadline - at) // MINUTE)
        limit = left if limit is None else min(limit, left)
    end = None if limit is None else at + limit * MINUTE
    bid = job.bid if job.bids else None
    if bid is None:
        return end
    return at + bid.run_limit_s if end is None else min(end, at + bid.run_limit_s)


def until(cluster: ClusterSpec, job: Job, state: Running, end: int | None) -> tuple[Running, tuple[Effect, ...]]:
    """The run with another end. A rented machine's lease was made for the first: there only the queue knows of the new one."""
    cut = cluster.market is not None or job.follows
    run = replace(state, ends_by=end, cut=cut, limited=not cut)
    return run, () if cut else (limit(job, run),)


def limit(job: Job, state: Running) -> Limit:
    """What the node is told of a run's time limit: it counts the suspensions by itself."""
    slept_s = began(state) - state.started_at
    return Limit(job.id, job.restarts, None if state.ends_by is None else state.ends_by - slept_s)


def latest_start(cluster: ClusterSpec, job: Job) -> int | None:
    """The last instant at which the job can begin and keep its deadline; None without one.

    It must have its `--time-min`, else its whole limit, else a minute.
    """
    if job.spec.deadline is None:
        return None
    needs = [job.spec.time_min_min or _limit_min(cluster, job, name) or 1 for name in job.partitions]
    return job.spec.deadline - min(needs) * MINUTE


def _limit_min(cluster: ClusterSpec, job: Job, partition: str) -> int | None:
    found = cluster.partition(partition)
    limit = UNLIMITED if found is None else time_limit_min(found, job.spec)
    return None if limit == UNLIMITED else limit
