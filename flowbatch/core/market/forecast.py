"""When a job would start on the market, for --test-only and for choosing among clusters."""

from __future__ import annotations

from flowbatch.core.events import Refused, WouldStart
from flowbatch.core.jobs import Job
from flowbatch.core.market.plans import alone, plans
from flowbatch.core.placing.sizing import demand
from flowbatch.core.placing.timeline import FOREVER_S
from flowbatch.core.quotes import Quotes
from flowbatch.spec.cluster import ClusterSpec


def would_start(cluster: ClusterSpec, quotes: Quotes | None, job: Job, at: int) -> WouldStart | Refused:
    """Where `job` (accepted, not queued) would be bid for first: it starts once a machine has booted, as long as that may take;
    where no bid would win as things are, nobody knows when."""
    best = next((plan for plan in plans(cluster, quotes, job.spec, job.partitions) if plan.fits), None)
    node = cluster.node(best.node) if best is not None else None
    partition = cluster.partition(best.partition) if best is not None else None
    if best is None or node is None or partition is None or cluster.market is None:
        return Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE")
    held = alone(cluster, partition, demand(cluster, partition, job.spec), node)
    if held is None:
        return Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE")
    start = at + (cluster.market.boot_allowance_s if best.winnable else FOREVER_S)
    return WouldStart(job.id, start, held.cpus, held.nodes, best.partition)
