"""The scheduling pass: who starts now, in priority order, and who may start early because nobody ahead is delayed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from flowbatch.core.events import Refused, WouldStart
from flowbatch.core.jobs import Job
from flowbatch.core.placement import Occupancy
from flowbatch.core.states import Allocation
from flowbatch.spec.cluster import ClusterSpec

By = Literal["Main", "Backfill"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pending job that waits for nothing but a place. `startable` is how many of its tasks may start (1 but for arrays)."""

    job: Job
    startable: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass decided; nothing has happened yet.

    `starts`: (record id, where, by which scheduler), in order; an array's record once for each task that starts.
    `reasons`: why those that were looked at and do not start (or not with all tasks) wait, in Slurm's words.
    `planned`: expected (start, nodes) of jobs that were looked ahead for.
    `blocked`: partitions whose first waiting job cannot start: every other job that waits there has reason Priority.
    """

    starts: list[tuple[int, Allocation, By]] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    planned: dict[int, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()


def plan(
    cluster: ClusterSpec, occupancy: Occupancy, candidates: Iterable[Candidate], running: Iterable[Job], at: int
) -> Plan:
    """One pass at the instant `at`. `candidates` come in priority order and are read only as far as the pass looks;
    `running` are all jobs that hold something (running or completing). Changes none of its arguments."""
    free, result, blocked = occupancy.copy(), Plan(), set[str]()
    for candidate in islice(candidates, cluster.default_queue_depth):
        job = candidate.job
        for _ in range(candidate.startable):
            if job.partitions[0] in blocked:
                result.reasons[job.id] = "Priority"
                break
            allocation = free.place(job.spec, job.partitions[0])
            if allocation is None:
                result.reasons[job.id] = "Resources"
                blocked.add(job.partitions[0])
                break
            free.add(allocation)
            result.starts.append((job.id, allocation, "Main"))
    return Plan(result.starts, result.reasons, {}, frozenset(blocked))


def would_start(
    cluster: ClusterSpec, occupancy: Occupancy, job: Job, running: Iterable[Job], at: int
) -> WouldStart | Refused:
    """Where and when `job` (accepted, not queued) would start, as sbatch --test-only says it; or why it never would."""
    allocation = occupancy.copy().place(job.spec, job.partitions[0])
    if allocation is None:
        return Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE")
    return WouldStart(job.id, at, allocation.cpus, allocation.nodes, allocation.partition)
