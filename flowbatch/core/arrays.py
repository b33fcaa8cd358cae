"""Job arrays: one record holds all tasks that were never touched; a task that is gets a record and an id of its own.

As Slurm does it: the array's record keeps the array's id until its last task takes it. A pending task that is
cancelled by its index leaves the array's record and never gets one (observed on 22.05.8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from flowbatch.core.jobs import ArrayPast, ArrayRest, ArrayTask, Job
from flowbatch.spec.array import IndexSet


def index_set(indices: Iterable[int]) -> IndexSet:
    """The set of these indices, in time that grows with their number and the greatest of them, not with both at once."""
    found = list(indices)
    mask = bytearray(max(found, default=0) // 8 + 1)
    for index in found:
        mask[index >> 3] |= 1 << (index & 7)
    return IndexSet(int.from_bytes(mask, "little"))


def root(job: Job) -> int:
    """The id that names the job and all tasks of its array, or all components of it."""
    if job.het is not None:
        return job.het.leader
    return job.id if job.array_id is None else job.array_id


def tasks(job: Job) -> int:
    """How many tasks the record stands for; 1 for a job that is no array."""
    return len(job.array.pending) if isinstance(job.array, ArrayRest) else 1


def indices(job: Job) -> IndexSet | tuple[int, ...]:
    """The tasks that the record stands for, by their indices; none for a job that is no array."""
    if isinstance(job.array, ArrayTask):
        return (job.array.index,)
    return () if job.array is None else job.array.pending


def throttle(job: Job) -> int | None:
    """How many tasks of the job's array may run at once; None for as many as can."""
    return (job.array.throttle or None) if job.array is not None else None


def detach(job: Job, indices: Sequence[int], next_id: int) -> tuple[list[Job], Job | None]:
    """Records for the tasks `indices` (ascending) of an array's record, numbered from `next_id`, and what is left of it.

    When nothing is left, the last of them has the array's id; when one task is left, the array's record becomes it.
    """
    rest = job.array
    assert isinstance(rest, ArrayRest)
    left = rest.pending.minus(index_set(indices))
    ids = [next_id + n for n in range(len(indices))]
    if not left:
        ids[-1] = job.id
    own = [
        replace(
            job, id=id, array=ArrayTask(job.id, index, rest.throttle), past=job.past if id == job.id else ArrayPast()
        )
        for id, index in zip(ids, indices, strict=True)
    ]
    if not left:
        return own, None
    if len(left) == 1:
        return own, replace(job, array=ArrayTask(job.id, left.first, rest.throttle))
    return own, replace(job, array=ArrayRest(left, rest.throttle))


def without(job: Job, indices: IndexSet) -> Job:
    """The array's record after these of its tasks were cancelled; none may be left."""
    rest = job.array
    assert isinstance(rest, ArrayRest)
    return replace(job, array=ArrayRest(rest.pending.minus(indices), rest.throttle))
