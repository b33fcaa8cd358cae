"""What the views of one listing share: the cluster at one instant, and needs that many jobs have in common."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from flowbatch.core.accounting.accounts import NOBODY, Accounts
from flowbatch.core.jobs import Job
from flowbatch.core.placing.sizing import Demand, demand
from flowbatch.core.ports import Snapshot
from flowbatch.slurm import hostlist
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec
from flowbatch.spec.resources import Resources


@dataclass
class Scene:
    """What the views of one listing share. Needs are worked out once for each wish: many jobs ask for the same."""

    at: int
    cluster: ClusterSpec
    planned: Mapping[int, tuple[int, tuple[str, ...]]]
    accounts: Accounts = NOBODY
    _demands: dict[tuple[Resources, str], Demand] = field(default_factory=dict)
    _known: dict[tuple[int, str], tuple[Resources, Demand]] = field(default_factory=dict)
    """The same by the wish's address, which is found sooner than its value; the wish stands beside it, so the address stays its."""
    _node_texts: dict[tuple[str, ...], str] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Scene:
        return cls(snapshot.at, snapshot.cluster, snapshot.planned, snapshot.rulings.accounts)

    @cached_property
    def largest_node(self) -> int:
        """The CPUs of the cluster's largest node."""
        return max((node.cpus for node in self.cluster.nodes), default=1)

    @cached_property
    def partitions(self) -> dict[str, PartitionSpec]:
        return {partition.name: partition for partition in self.cluster.partitions}

    def demand(self, job: Job) -> Demand:
        """What the job needs in its first partition (the one it runs in, once it does)."""
        name, wish = job.partitions[0] if job.partitions else "", job.spec.resources
        known = self._known.get((id(wish), name))
        if known is None:
            known = self._known[id(wish), name] = wish, self._demand(name, job)
        return known[1]

    def _demand(self, name: str, job: Job) -> Demand:
        key = job.spec.resources, name
        found = self._demands.get(key)
        if found is None:
            partition = self.partitions.get(name) or PartitionSpec(name=name, nodes=())
            found = self._demands[key] = demand(self.cluster, partition, job.spec)
        return found

    def nodes_text(self, nodes: tuple[str, ...]) -> str:
        """`n[1-3]`."""
        if nodes not in self._node_texts:
            self._node_texts[nodes] = hostlist.fold_sorted(nodes)
        return self._node_texts[nodes]
