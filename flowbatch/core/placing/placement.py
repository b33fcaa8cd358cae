"""Which nodes, CPUs, memory and devices a job gets. Deterministic: the same occupancy and demand give the same place."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from flowbatch.core.placing import constraints
from flowbatch.core.placing.choosing import choose
from flowbatch.core.placing.dealing import deal
from flowbatch.core.placing.loads import EMPTY, Load
from flowbatch.core.placing.offers import Offer, offer
from flowbatch.core.placing.sizing import Demand, demand
from flowbatch.core.states import Allocation
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.resources import Constraint

SHAPES = 256
"""Different demands whose offers are remembered."""


class Occupancy:
    """What jobs hold on a cluster: loads of nodes and licences. `add` and `remove` are each other's inverse."""

    def __init__(self, cluster: ClusterSpec) -> None:
        self.cluster = cluster
        self._places = {node.name: (i, node) for i, node in enumerate(cluster.nodes)}
        self._rooms: dict[str, list[tuple[int, NodeSpec]]] = {}
        self._asked: dict[tuple[Demand, bool], dict[int, tuple[Load, Offer | None]]] = {}
        """What each node (by position) offered last to a demand, and under which load; shared by all copies."""
        self._loads = dict.fromkeys(self._places, EMPTY)
        self._licenses: dict[str, int] = {}
        self._idle = sum(node.cpus for node in cluster.nodes)

    def emptied(self) -> Occupancy:
        """The same cluster with nothing on it."""
        return self._with(dict.fromkeys(self._places, EMPTY), {}, sum(node.cpus for node in self.cluster.nodes))

    def copy(self) -> Occupancy:
        """An independent copy; costs one dictionary of the nodes."""
        return self._with(dict(self._loads), dict(self._licenses), self._idle)

    def union(self, others: Sequence[Occupancy]) -> Occupancy:
        """What is held here or in any of the others (other times of the same cluster)."""
        loads, latest = dict(self._loads), dict(self._loads)
        licenses = dict(self._licenses)
        for other in others:
            for name, load in other._loads.items():
                if load is not latest[name]:  # from one time to the next most nodes hold what they held
                    loads[name], latest[name] = loads[name].union(load), load
            for name, count in other._licenses.items():
                licenses[name] = max(licenses.get(name, 0), count)
        return self._with(loads, licenses, min(one._idle for one in (self, *others)))

    def _with(self, loads: dict[str, Load], licenses: dict[str, int], idle: int) -> Occupancy:
        twin = object.__new__(Occupancy)
        twin.cluster, twin._places, twin._rooms, twin._asked = self.cluster, self._places, self._rooms, self._asked
        twin._loads, twin._licenses, twin._idle = loads, licenses, idle
        return twin

    def load(self, node: str) -> Load:
        """What is held on a node of the cluster. Raises KeyError for any other name."""
        return self._loads[node]

    def licenses_used(self, name: str) -> int:
        return self._licenses.get(name, 0)

    def add(self, allocation: Allocation) -> None:
        """The allocation is held from now on. Nodes that the cluster no longer has are passed over."""
        for share in allocation.shares:
            if share.node in self._loads:
                self._hold(share.node, self._loads[share.node].taken(share, allocation.partition, allocation.sharing))
        for name, count in allocation.licenses:
            self._licenses[name] = self._licenses.get(name, 0) + count

    def remove(self, allocation: Allocation) -> None:
        """The allocation, which was added, is free again."""
        for share in allocation.shares:
            if share.node in self._loads:
                self._hold(share.node, self._loads[share.node].returned(share, allocation.partition))
        for name, count in allocation.licenses:
            self._licenses[name] = self._licenses.get(name, 0) - count

    def _hold(self, node: str, load: Load) -> None:
        self._idle += self._loads[node].held.bit_count() - load.held.bit_count()
        self._loads[node] = load

    def licenses_suffice(self, need: Demand) -> bool:
        """Whether the licences that the job wants are free now."""
        total = dict(self.cluster.licenses)
        return all(self.licenses_used(name) + count <= total.get(name, 0) for name, count in need.licenses)

    def place(self, spec: JobSpec, partition: str) -> Allocation | None:
        """Where a job of `spec` can run now in `partition`, or None."""
        found = self.cluster.partition(partition)
        if found is None:
            return None
        return self.find(demand(self.cluster, found, spec), found, out_of_service(self.cluster))

    def find(self, need: Demand, partition: PartitionSpec, avoid: frozenset[str] = frozenset()) -> Allocation | None:
        """Where `need` can be met now, outside the nodes `avoid`, or None."""
        if (need.cpus > self._idle and not need.sharing) or not self.licenses_suffice(need):
            return None
        barred = avoid | need.exclude
        for sharing in (False, True) if need.sharing else (False,):
            offers = self._offers(need, partition, barred, sharing)
            for eligible, required in _selections(need, offers):
                picks = choose(need, eligible, required)
                allocation = None if picks is None else deal(self.cluster, need, picks)
                if allocation is not None:
                    return allocation
        return None

    def _offers(self, need: Demand, partition: PartitionSpec, barred: frozenset[str], sharing: bool) -> list[Offer]:
        """What the partition's nodes can give now; only nodes whose load is another than before are asked again."""
        if len(self._asked) > SHAPES:
            self._asked.clear()
        asked = self._asked.setdefault((need, sharing), {})
        offers: list[Offer] = []
        for position, node in self._room(partition):
            if node.name in barred:
                continue
            load, answer = self._loads[node.name], asked.get(position)
            if answer is None or answer[0] is not load:
                answer = asked[position] = (load, offer(self.cluster, partition, need, node, position, load, sharing))
            if answer[1] is not None:
                offers.append(answer[1])
        return offers

    def _room(self, partition: PartitionSpec) -> list[tuple[int, NodeSpec]]:
        """The nodes of a partition with their places in the cluster, in its order."""
        found = self._rooms.get(partition.name)
        if found is None:
            found = sorted(
                (self._places[name] for name in set(partition.nodes) & self._places.keys()), key=itemgetter(0)
            )
            self._rooms[partition.name] = found
        return found


def out_of_service(cluster: ClusterSpec) -> frozenset[str]:
    """Nodes that take no new jobs."""
    return frozenset(node.name for node in cluster.nodes if not node.in_service)


def _selections(need: Demand, offers: list[Offer]) -> list[tuple[list[Offer], frozenset[str]]]:
    """The sets of nodes to try, each with those that must be part: more than one for a constraint with alternatives."""
    required = frozenset(need.nodelist)
    if not required <= {one.node.name for one in offers}:
        return []
    if need.constraint is None:
        return [(offers, required)]
    counted = constraints.counted(need.constraint)
    if counted:
        return _counted(offers, required, counted)
    found: list[tuple[list[Offer], frozenset[str]]] = []
    for one in constraints.alternatives(need.constraint):
        eligible = [o for o in offers if constraints.holds(one, o.node)]
        if required <= {o.node.name for o in eligible}:
            found.append((eligible, required))
    return found


def _counted(
    offers: list[Offer], required: frozenset[str], counted: list[tuple[Constraint, int]]
) -> list[tuple[list[Offer], frozenset[str]]]:
    """Enough nodes with each counted feature are required; the others may be any."""
    names = set(required)
    for one, count in counted:
        have = sorted(
            (o for o in offers if constraints.holds(one, o.node)),
            key=lambda o: (o.node.name not in names, o.node.weight, o.position),
        )
        if len(have) < count:
            return []
        names.update(o.node.name for o in have[:count])
    return [(offers, frozenset(names))]
