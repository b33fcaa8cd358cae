"""When a job would start on the market, for --test-only and for choosing among clusters."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import nlargest
from statistics import median_low

from flowbatch.core.events import Refused, WouldStart
from flowbatch.core.jobs import Job
from flowbatch.core.market.plans import alone, plans
from flowbatch.core.placing.sizing import demand
from flowbatch.core.placing.timeline import FOREVER_S
from flowbatch.core.quotes import Quotes
from flowbatch.core.states import Completing, Finished, Running
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.policy import MarketPolicy

LATELY = 9
"""So many of the last starts say how long the next one takes."""


def would_start(
    cluster: ClusterSpec, quotes: Quotes | None, jobs: Iterable[Job], job: Job, at: int
) -> WouldStart | Refused:
    """Where `job` (accepted, not queued) would be bid for first: it starts once that has won and a machine has booted; where no
    bid would win as things are, nobody knows when. `jobs`: those of the queue, whose starts tell how long that takes."""
    best = next((plan for plan in plans(cluster, quotes, job.spec, job.partitions) if plan.fits), None)
    node = cluster.node(best.node) if best is not None else None
    partition = cluster.partition(best.partition) if best is not None else None
    if best is None or node is None or partition is None or cluster.market is None:
        return Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE")
    held = alone(cluster, partition, demand(cluster, partition, job.spec), node)
    if held is None:
        return Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE")
    start = at + (wait_s(jobs, cluster.market) if best.winnable else FOREVER_S)
    return WouldStart(job.id, start, held.cpus, held.nodes, best.partition)


def wait_s(jobs: Iterable[Job], policy: MarketPolicy) -> int:
    """How long it takes from a bid that is asked for to a job that runs: the middle of what it took lately, else as the policy
    estimates it. A bid that was outbid for a while weighs no more than another."""
    lately = nlargest(LATELY, (start for job in jobs if (start := _started(job)) is not None))
    return median_low(took for _, took in lately) if lately else policy.boot_estimate_s


def _started(job: Job) -> tuple[int, int] | None:
    """When the job's present or last run began, and how long after its bid was asked for; None if it never began, or the bid
    has lost its machine since."""
    state, bid = job.state, job.bids[-1] if job.bids else None
    if bid is None or bid.placed_at is None or bid.wins != 1 or not isinstance(state, Running | Completing | Finished):
        return None
    began = state.started_at
    if began is None or began <= bid.placed_at:  # placed, and not launched
        return None
    return began, began - bid.asked_at
