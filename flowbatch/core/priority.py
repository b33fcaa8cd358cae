"""Who is first: Slurm's priority/basic, where each job gets one less than the job before it.

Observed on 22.05.8: the first job gets 4294901759; `--nice` moves a job without moving those after it; a held job has 0
and gets a fresh number when it is released (so does a job that is released without having been held); `--priority` is
honoured for root alone, and one that was honoured does not count for those after it.
"""

from __future__ import annotations

from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec

TOP = 4294901760
"""One more than the first job's priority."""

HIGHEST = 4294967293
"""Slurm's numbers end here: what follows means "none" and "infinite"."""

Rank = tuple[int, int, int, int]
"""What pending jobs are sorted by, ascending; no two records have the same."""


def at_submission(lowest: int | None, owner: Owner, spec: JobSpec) -> int:
    """The priority a new job gets, held or not; `lowest` is the lowest `base` in the queue."""
    if spec.priority and owner.uid == 0:
        return min(spec.priority, HIGHEST)
    return fresh(lowest, spec)


def fresh(lowest: int | None, spec: JobSpec) -> int:
    """The priority of a job that has just joined those that wait."""
    return max(1, min(HIGHEST, (TOP if lowest is None else lowest) - 1 - spec.nice))


def base(job: Job) -> int | None:
    """The number that the job was given in the row of all jobs; None where it has none (held, or said by root)."""
    said = job.spec.priority if job.owner.uid == 0 else None
    if job.priority == 0 or job.priority == said:
        return None
    return job.priority + job.spec.nice


def rank(cluster: ClusterSpec, job: Job) -> Rank:
    """Higher tier first (the best of its partitions), then higher priority, then the older job, then the lower index."""
    tiers = [found.priority_tier for name in job.partitions if (found := cluster.partition(name))]
    root = job.id if job.array_id is None else job.array_id
    return -max(tiers, default=0), -job.priority, root, _index(job)


def _index(job: Job) -> int:
    if isinstance(job.array, ArrayTask):
        return job.array.index
    return job.array.pending.first if isinstance(job.array, ArrayRest) and job.array.pending else 0
