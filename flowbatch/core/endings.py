"""How a job ended, whether it may run again, and after what rest."""

from __future__ import annotations

from itertools import takewhile

from flowbatch.core.events import Ended
from flowbatch.core.jobs import Job
from flowbatch.core.states import Ending, ExitStatus, Requeueing
from flowbatch.spec.cluster import ClusterSpec

REFUSED_S, LONGEST_REFUSED_S = 30, 3600
"""A job rests after the market refused its bid: twice this, twice as long each time, up to an hour."""


def rest_s(job: Job) -> int:
    """How long, by how often the market has refused it since it last took a bid of its."""
    refusals = len(list(takewhile(lambda bid: bid.why is not None, reversed(job.bids))))
    return min(REFUSED_S << min(refusals, 7), LONGEST_REFUSED_S)


def may_requeue(cluster: ClusterSpec, job: Job) -> bool:
    """Whether the job may run a second time: its own word, else the cluster's; never where a command waits for it."""
    return job.spec.is_batch and requeues(cluster, job)


def requeues(cluster: ClusterSpec, job: Job) -> bool:
    """As Slurm shows it."""
    return cluster.job_requeue if job.spec.requeue is None else job.spec.requeue


def ending(fact: Ended) -> Ending:
    """How a job ended that nobody had asked the queue to end."""
    if fact.cause == "killed" and fact.exit == ExitStatus():  # the command that held it is gone, or wants no more of it
        return Ending("CANCELLED", fact.exit)
    if fact.cause == "timeout":
        return Ending("TIMEOUT", fact.exit, "TimeLimit")
    if fact.cause == "oom":
        return Ending("OUT_OF_MEMORY", fact.exit, "OutOfMemory")
    if fact.exit.signal:
        return Ending("FAILED", fact.exit, "JobLaunchFailure")
    if fact.exit.code:
        return Ending("FAILED", fact.exit, "NonZeroExitCode")
    return Ending("COMPLETED", fact.exit)


def downed(cluster: ClusterSpec, job: Job) -> Ending | Requeueing:
    """What comes of a job whose node an administrator calls down."""
    return Requeueing(cause="node") if may_requeue(cluster, job) else Ending("NODE_FAIL", reason="NodeDown")
