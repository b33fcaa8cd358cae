"""Why a pending job is not looked at by the scheduler; everything else in `Pending.reason` was found by a scheduling pass."""

from __future__ import annotations

from flowbatch.core.jobs import Job
from flowbatch.core.states import Pending
from flowbatch.spec.dependency import Dependency

HELD_BY_USER = "JobHeldUser"
HELD_BY_ADMIN = "JobHeldAdmin"
REQUEUED_HELD = "job requeued in held state"
"""slurmctld's own words for it: scontrol shows them with underscores."""

BAD_CONSTRAINTS = "BadConstraints"
"""No node of the cluster could ever run it."""

DEPENDENCY = "Dependency"
NEVER_SATISFIED = "DependencyNeverSatisfied"
THROTTLED = "JobArrayTaskLimit"
BEGIN_TIME = "BeginTime"

RESOURCES = "Resources"
LICENSES = "Licenses"
PRIORITY = "Priority"
"""It waits for others alone."""
NODES_TAKEN = "Nodes required for job are DOWN, DRAINED or reserved for jobs in higher priority partitions"

FORESEEN = (RESOURCES, NODES_TAKEN, PRIORITY)
"""Reasons whose end the limits of others foretell: a job with one of them is looked ahead for."""
PASSING = (*FORESEEN, LICENSES)
"""Reasons that time alone removes, the most telling first."""

OVER_OWN = "AssocMaxBillingMinutesPerJob"
"""More than one job may use. Each task of an array has this limit for itself: it says nothing of the others."""

MAX_PLACEMENTS = "JobHoldMaxRequeue"
"""It was placed as often as may be: held."""

BLOCKING = frozenset({
    HELD_BY_USER, HELD_BY_ADMIN, REQUEUED_HELD, BAD_CONSTRAINTS, DEPENDENCY, NEVER_SATISFIED, THROTTLED, BEGIN_TIME,
    MAX_PLACEMENTS,
})  # fmt: skip


def is_ready(job: Job) -> bool:
    """Whether the job waits for nothing but a place."""
    return isinstance(job.state, Pending) and job.held is None and job.state.reason not in BLOCKING


def is_alone(job: Job) -> bool:
    """Whether what keeps the job from its place keeps nobody else: its array's other tasks need not wait behind it."""
    return isinstance(job.state, Pending) and job.state.reason == OVER_OWN


def doomed(job: Job) -> bool:
    """Whether the job's dependency can never be fulfilled."""
    dependency = job.spec.dependency
    failed = [waiting.failed for waiting in job.waiting]
    one_is_enough = isinstance(dependency, Dependency) and dependency.any
    return bool(failed) and (all(failed) if one_is_enough else any(failed))


def begins_at(job: Job) -> int:
    """The instant before which the job may not start: `--begin`, or the rest after a requeue; 0 for none."""
    after = job.state.not_before if isinstance(job.state, Pending) else None
    return max(job.spec.begin or 0, after or 0)


def eligible_at(job: Job, at: int) -> int | None:
    """Since when a job that was never eligible is, at `at`; None while nobody knows. What begins later is eligible then,
    whatever else it waits for."""
    begins = begins_at(job)
    if begins > at:
        return begins
    return None if job.held is not None or job.waiting else at


def reason(job: Job, at: int, full: bool) -> str:
    """What a pending job waits for at `at`, the first of Slurm's reasons that holds; `full`: its array's throttle is used up.

    A reason that a scheduling pass has found stays until the next one.
    """
    assert isinstance(job.state, Pending)
    if job.held is not None:
        return job.held
    if job.waiting:
        return NEVER_SATISFIED if doomed(job) else DEPENDENCY
    if full:
        return THROTTLED
    if begins_at(job) > at:
        return BEGIN_TIME
    return "None" if job.state.reason in BLOCKING else job.state.reason
