"""What is held on one node, as an immutable value: taking and giving back make a new one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from flowbatch.core.states import NodeShare
from flowbatch.spec.cluster import NodeSpec

OVERSUBSCRIBE = 4
"""Jobs that may share one CPU where a partition allows it at all (Slurm's default for YES and FORCE)."""


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of one gres and type on a node: numbers `first` to `first + count - 1` of that name."""

    name: str
    type: str | None
    first: int
    count: int

    @property
    def bits(self) -> int:
        return ((1 << self.count) - 1) << self.first


@lru_cache(maxsize=4096)
def devices(node: NodeSpec) -> tuple[Devices, ...]:
    """All devices of a node, numbered by name across types, in the order of the configuration."""
    found: list[Devices] = []
    next_index: dict[str, int] = {}
    for gres in node.gres:
        first = next_index.get(gres.name, 0)
        found.append(Devices(gres.name, gres.type, first, gres.count))
        next_index[gres.name] = first + gres.count
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Load:
    """What jobs hold on a node. `cpus[i]`: how many jobs hold CPU i. `shared`: CPUs (bits) whose holders let others in.
    `gres`: held devices by name (bits). `by_partition`: CPUs held there by jobs of each partition (MaxCPUsPerNode)."""

    cpus: tuple[int, ...]
    shared: int = 0
    memory_mib: int = 0
    gres: tuple[tuple[str, int], ...] = ()
    by_partition: tuple[tuple[str, int], ...] = ()

    @classmethod
    def empty(cls, node: NodeSpec) -> Load:
        return cls((0,) * node.cpus)

    def free_cpus(self, sharing: bool) -> list[int]:
        """CPUs that one more job may take. One that shares may also take those of others that share."""
        return [
            cpu
            for cpu, held in enumerate(self.cpus)
            if not held or (sharing and self.shared >> cpu & 1 and held < OVERSUBSCRIBE)
        ]

    @property
    def idle(self) -> bool:
        return not any(self.cpus)

    def held(self, name: str) -> int:
        """The held devices of a gres, as bits."""
        return dict(self.gres).get(name, 0)

    def partition_cpus(self, partition: str) -> int:
        return dict(self.by_partition).get(partition, 0)

    def taken(self, share: NodeShare, partition: str, sharing: bool) -> Load:
        """With one more job's share."""
        return self._changed(share, partition, sharing, 1)

    def returned(self, share: NodeShare, partition: str, sharing: bool) -> Load:
        """Without a share that was taken."""
        return self._changed(share, partition, sharing, -1)

    def _changed(self, share: NodeShare, partition: str, sharing: bool, sign: int) -> Load:
        cpus, shared = list(self.cpus), self.shared
        for cpu in share.cpu_ids:
            if cpu < len(cpus):
                cpus[cpu] += sign
                shared = shared | 1 << cpu if sharing and cpus[cpu] else shared & ~(1 << cpu)
        gres = dict(self.gres)
        for name, _, indices in share.gres:
            bits = sum(1 << index for index in indices)
            gres[name] = gres.get(name, 0) | bits if sign > 0 else gres.get(name, 0) & ~bits
        by_partition = dict(self.by_partition)
        by_partition[partition] = by_partition.get(partition, 0) + sign * len(share.cpu_ids)
        return replace(
            self,
            cpus=tuple(cpus),
            shared=shared,
            memory_mib=self.memory_mib + sign * share.memory_mib,
            gres=tuple((name, bits) for name, bits in sorted(gres.items()) if bits),
            by_partition=tuple((name, count) for name, count in sorted(by_partition.items()) if count),
        )
