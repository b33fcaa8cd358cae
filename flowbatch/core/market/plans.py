"""Where on the market a job could run: each instance type and region, what it costs, and why it would not be taken.

The same list is what a bid is chosen from and what `flow submit --dry-run` shows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from flowbatch.core.market import caps
from flowbatch.core.market.cloud import names_type
from flowbatch.core.placing import constraints
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.sizing import Demand, GresWant, demand
from flowbatch.core.quotes import Quote, Quotes
from flowbatch.core.states import Allocation
from flowbatch.spec.cluster import Cloud, ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import dollars

Place = tuple[str, str]
"""Instance type and region, by the API's names."""

Places = Mapping[Place, Sequence[NodeSpec]]
"""The nodes of a cluster by what they stand for, in its order."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to serve a job. Money in micro-dollars; prices per instance-hour.

    `fits`: one instance would do, and the owner allows it; then a bid may be made for it, at `limit_micro_usd`, and costs
    `worst_micro_usd` at most. `why_not`: why another plan is better, or why this one is none; None for the one to take.
    """

    instance_type: str
    region: str
    node: str
    """A node of that kind (whether it is free is not asked)."""
    partition: str
    fits: bool
    limit_micro_usd: int
    run_limit_s: int
    worst_micro_usd: int
    price_micro_usd: int | None = None
    capacity: int = 0
    instances: int = 1
    why_not: str | None = None

    @property
    def place(self) -> Place:
        return self.instance_type, self.region

    @property
    def outbid(self) -> bool:
        """Whether its price is above its limit, or not known."""
        return self.price_micro_usd is None or self.price_micro_usd > self.limit_micro_usd

    @property
    def winnable(self) -> bool:
        """Whether a bid would win as things are."""
        return self.fits and not self.outbid and self.capacity >= self.instances


def places(cluster: ClusterSpec) -> Places:
    """The nodes of the market by instance type and region."""
    found: dict[Place, list[NodeSpec]] = {}
    for node in cluster.nodes:
        if node.cloud is not None:
            found.setdefault((node.cloud.instance_type, node.cloud.region), []).append(node)
    return found


def plans(
    cluster: ClusterSpec, quotes: Quotes | None, spec: JobSpec, partitions: Sequence[str], known: Places | None = None
) -> tuple[Plan, ...]:
    """All of the market for a job in these partitions (none: the default one): what could be won now, cheapest first; then
    what has no capacity, what is too dear, and what would not do. `known`: `places(cluster)`, where many jobs are asked about.

    Raises ValueError for a cluster without a market.
    """
    policy = cluster.market
    if policy is None:
        raise ValueError(f"cluster {cluster.name} rents nothing")
    default = cluster.default_partition
    names = partitions or ([default.name] if default is not None else [])
    rooms = [found for found in map(cluster.partition, names) if found is not None]
    prices = {} if quotes is None else quotes.quotes
    nodes = known or places(cluster)
    found: dict[Place, Plan] = {}
    for partition in rooms:
        for place, plan in _in_partition(cluster, policy, spec, partition, nodes, prices):
            if place not in found or (plan.fits and not found[place].fits):
                found[place] = plan
    return _ordered(_preferring(policy, nodes, spec, found))


def alone(cluster: ClusterSpec, partition: PartitionSpec, need: Demand, node: NodeSpec) -> Allocation | None:
    """What the job would hold if it had this node, idle, and no other; None if that does not do."""
    room = partition.model_copy(update={"nodes": (node.name,)})
    return Occupancy(cluster.model_copy(update={"nodes": (node,)})).find(need, room)


def candidates(need: Demand, nodes: Sequence[NodeSpec]) -> Sequence[NodeSpec]:
    """Those of equal nodes that the job's --nodelist and --exclude leave."""
    if not need.exclude and not need.nodelist:
        return nodes
    return [
        node for node in nodes if node.name not in need.exclude and (not need.nodelist or need.nodelist == (node.name,))
    ]


def _in_partition(
    cluster: ClusterSpec,
    policy: MarketPolicy,
    spec: JobSpec,
    partition: PartitionSpec,
    known: Places,
    prices: Mapping[Place, Quote],
) -> Iterator[tuple[Place, Plan]]:
    need = demand(cluster, partition, spec)
    here = frozenset(partition.nodes)
    run_s = caps.run_limit_s(policy, spec, partition)
    for place, nodes in known.items():
        cloud = nodes[0].cloud
        if cloud is None or nodes[0].name not in here:
            continue
        left = candidates(need, nodes)
        why = _unfit(cluster, partition, spec, need, cloud, left)
        limit, quote = caps.cap(policy, spec, partition.name, cloud), prices.get(place)
        yield (
            place,
            Plan(
                instance_type=cloud.instance_type,
                region=cloud.region,
                node=(left or nodes)[0].name,
                partition=partition.name,
                fits=why is None,
                limit_micro_usd=limit,
                run_limit_s=run_s,
                worst_micro_usd=caps.worst_case(policy, limit, 1, run_s),
                price_micro_usd=None if quote is None else quote.price_micro_usd,
                capacity=0 if quote is None else quote.capacity,
                why_not=why,
            ),
        )


def _unfit(
    cluster: ClusterSpec,
    partition: PartitionSpec,
    spec: JobSpec,
    need: Demand,
    cloud: Cloud,
    left: Sequence[NodeSpec],
) -> str | None:
    """Why one instance would not do, in words, or None."""
    wish = spec.market
    if wish.instance_type is not None and not names_type(wish.instance_type, cloud):
        return f"{wish.instance_type} asked"
    if wish.regions and cloud.region not in wish.regions:
        return f"{' or '.join(wish.regions)} asked"
    if not left:
        return "its nodes are excluded" if not need.nodelist else f"{','.join(need.nodelist)} asked"
    if need.min_nodes == 1 and alone(cluster, partition, need, left[0]) is not None:
        return None
    return _lack(need, left[0], cloud)


def _lack(need: Demand, node: NodeSpec, cloud: Cloud) -> str:
    """What of the job's needs a node has not."""
    if need.min_nodes > 1:
        return f"{need.min_nodes} nodes asked"
    for want in need.gres:
        if want.name == "gpu":
            if want.type is not None and want.type != cloud.gpu:
                return f"{want.type} asked, has {cloud.gpu or 'no GPU'}"
            if (asked := _count(want, need)) > cloud.gpus:
                return f"{asked} GPU{'s' if asked > 1 else ''} asked, has {cloud.gpus}"
    if need.constraint is not None and not any(
        constraints.holds(one, node) for one in constraints.alternatives(need.constraint)
    ):
        return "the constraint asks for something else"
    if need.cpus > node.cpus:
        return f"{need.cpus} CPUs asked, has {node.cpus}"
    if need.memory is not None and need.memory.mib > node.real_memory:
        return f"{need.memory.mib} MiB of memory asked, has {node.real_memory}"
    if need.tmp_mib > node.tmp_disk:
        return f"{need.tmp_mib} MiB of disk asked, has {node.tmp_disk}"
    return "one instance does not satisfy the request"


def _count(want: GresWant, need: Demand) -> int:
    return want.count * (need.all_tasks if want.per == "task" else 1)


def _preferring(policy: MarketPolicy, nodes: Places, spec: JobSpec, found: Mapping[Place, Plan]) -> list[Plan]:
    """GPUs of no model are of the default model, wherever that would do."""
    asked = spec.resources.gres
    wishes = [gres for gres in (*asked.per_node, *asked.per_job, *asked.per_task, *asked.per_socket) if gres.count]
    untyped = any(gres.name == "gpu" for gres in wishes) and all(gres.type is None for gres in wishes)
    model = policy.default_gpu.lower()
    of_model = {place for place in found if (cloud := nodes[place][0].cloud) and (cloud.gpu or "").lower() == model}
    if not untyped or not any(found[place].fits for place in of_model):
        return list(found.values())
    return [
        replace(plan, fits=False, why_not=f"GPUs of no model are {model} here")
        if plan.fits and plan.place not in of_model
        else plan
        for plan in found.values()
    ]


def _ordered(found: Sequence[Plan]) -> tuple[Plan, ...]:
    def rank(plan: Plan) -> tuple[bool, bool, bool, int, str, str]:
        price = plan.price_micro_usd
        dear = plan.limit_micro_usd if price is None else price
        return not plan.fits, plan.outbid, not plan.winnable, dear, *plan.place

    in_order = sorted(found, key=rank)
    return tuple(
        replace(plan, why_not=_why_not(plan, first=n == 0)) if plan.fits else plan for n, plan in enumerate(in_order)
    )


def _why_not(plan: Plan, *, first: bool) -> str | None:
    if plan.price_micro_usd is None:
        return "its price is not known"
    if plan.outbid:
        return f"price {dollars(plan.price_micro_usd)} above the cap {dollars(plan.limit_micro_usd)}"
    if not plan.winnable:
        return "no capacity"
    return None if first else f"dearer: {dollars(plan.price_micro_usd)}"
