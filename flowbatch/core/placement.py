"""Which nodes, CPUs, memory and devices a job gets. Deterministic: the same occupancy and request give the same place."""

from __future__ import annotations

from flowbatch.core.states import Allocation, NodeShare
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec


class Occupancy:
    """What is held on each node of a cluster. `add` and `remove` are each other's inverse."""

    def __init__(self, cluster: ClusterSpec) -> None:
        self.cluster = cluster
        self._free: dict[str, frozenset[int]] = {n.name: frozenset(range(n.cpus)) for n in cluster.nodes}

    def copy(self) -> Occupancy:
        """An independent copy; cheap."""
        twin = object.__new__(Occupancy)
        twin.cluster, twin._free = self.cluster, dict(self._free)
        return twin

    def add(self, allocation: Allocation) -> None:
        """The allocation is held from now on."""
        for share in allocation.shares:
            if share.node in self._free:
                self._free[share.node] -= frozenset(share.cpu_ids)

    def remove(self, allocation: Allocation) -> None:
        """The allocation is free again."""
        for share in allocation.shares:
            if share.node in self._free:
                self._free[share.node] |= frozenset(share.cpu_ids)

    def place(self, spec: JobSpec, partition: str) -> Allocation | None:
        """Where a job of `spec` can run now in `partition`, or None."""
        cpus = (spec.resources.ntasks or 1) * (spec.resources.cpus_per_task or 1)
        for node, free in self._free.items():
            if len(free) >= cpus:
                ids = tuple(sorted(free)[:cpus])
                return Allocation(partition, (NodeShare(node, cpus, ids, tasks=spec.resources.ntasks or 1),))
        return None
