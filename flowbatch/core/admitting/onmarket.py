"""What admission asks besides on a cluster that rents its nodes."""

from __future__ import annotations

from collections.abc import Sequence

from flowbatch.core.events import Refused
from flowbatch.core.market.caps import terms_of
from flowbatch.core.market.plans import plans
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import UNLIMITED, JobSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import MINUTE

SEVERAL_NODES = "several nodes on the market are not built yet: ask for one node (-N 1), or fewer tasks and GPUs"
UNAVAILABLE = "ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE"


def on_market(cluster: ClusterSpec, policy: MarketPolicy, spec: JobSpec) -> tuple[JobSpec, Refused | None]:
    """The spec with its partition's account and `max_run_time_s` as its time limit; or why it cannot be served at all."""
    nodes = spec.resources.nodes
    if nodes is not None and nodes.minimum > 1:
        return spec, Refused(UNAVAILABLE, hint=SEVERAL_NODES)
    accounts = {terms.account if (terms := terms_of(policy, name)) else None for name in spec.partitions}
    account = spec.account or (accounts.pop() if len(accounts) == 1 else None)
    limit, said = spec.time_limit_min, spec.market.max_run_time_s
    if said is not None:
        longest = -(-said // MINUTE)
        limit = longest if limit is None or limit == UNLIMITED else min(limit, longest)
    return spec.model_copy(update={"account": account, "time_limit_min": limit}), None


def unserved(cluster: ClusterSpec, spec: JobSpec, partitions: Sequence[str]) -> Refused | None:
    """Why no single instance of the market would do for the job, or None. Prices and capacity are not asked: it may wait."""
    found = plans(cluster, None, spec, partitions)
    if any(plan.fits for plan in found):
        return None
    if not found:
        return Refused(UNAVAILABLE, hint="the market offers nothing in this partition")
    if all((plan.why_not or "").endswith("nodes asked") for plan in found):
        return Refused(UNAVAILABLE, hint=SEVERAL_NODES)
    words = dict.fromkeys(f"{plan.instance_type}: {plan.why_not}" for plan in found)
    return Refused(UNAVAILABLE, hint="no instance of the market would do (" + "; ".join(words) + ")")
