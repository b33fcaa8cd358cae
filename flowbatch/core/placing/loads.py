"""What is held on one node, as an immutable value: taking, giving back and looking ahead make a new one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest

from flowbatch.core.states import NodeShare
from flowbatch.spec.cluster import GresDevice, NodeSpec

OVERSUBSCRIBE = 4
"""Jobs that may share one CPU where a partition allows it at all (Slurm's default for YES and FORCE)."""

Amounts = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Devices:
    """The devices of one gres and type on a node: numbers `first` to `first + count - 1` of that name."""

    name: str
    type: str | None
    first: int
    count: int


@lru_cache(maxsize=4096)
def devices(gres: tuple[GresDevice, ...]) -> tuple[Devices, ...]:
    """All devices of a node, numbered by name across types, in the order of the configuration."""
    found: list[Devices] = []
    next_index: dict[str, int] = {}
    for one in gres:
        first = next_index.get(one.name, 0)
        found.append(Devices(one.name, one.type, first, one.count))
        next_index[one.name] = first + one.count
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Load:
    """What jobs hold on a node; sets of CPUs and devices are the bits of a number.

    `layers[k]`: CPUs that more than k jobs hold. `shared`: those whose holders let others in, `alone`: those whose
    holders do not (looking ahead, a CPU may be both). `gres`: devices by name.
    `by_partition`: how many CPUs jobs of each partition hold there (MaxCPUsPerNode).
    """

    layers: tuple[int, ...] = ()
    shared: int = 0
    alone: int = 0
    memory_mib: int = 0
    gres: Amounts = ()
    by_partition: Amounts = ()

    @property
    def held(self) -> int:
        """CPUs that any job holds."""
        return self.layers[0] if self.layers else 0

    def free(self, node: NodeSpec, *, sharing: bool = False) -> int:
        """CPUs that one more job may take. One that shares may also take those of others that share."""
        everything = (1 << node.cpus) - 1
        if not sharing:
            return everything & ~self.held
        crowded = self.layers[OVERSUBSCRIBE - 1] if len(self.layers) >= OVERSUBSCRIBE else 0
        return everything & ~crowded & ~self.alone

    def welcomes(self, *, sharing: bool) -> bool:
        """Jobs that share CPUs and jobs that do not never meet on a node."""
        return not (self.alone if sharing else self.shared)

    def devices(self, name: str) -> int:
        """The held devices of a gres."""
        return dict(self.gres).get(name, 0)

    def partition_cpus(self, partition: str) -> int:
        return dict(self.by_partition).get(partition, 0)

    def taken(self, share: NodeShare, partition: str, sharing: bool) -> Load:
        """With one more job's share."""
        mine = bits(share.cpu_ids)
        layers, over = [], mine
        for layer in self.layers:
            layers.append(layer | over)
            over &= layer
        return Load(
            (*layers, over) if over else tuple(layers),
            self.shared | mine if sharing else self.shared,
            self.alone if sharing else self.alone | mine,
            self.memory_mib + share.memory_mib,
            _changed(self.gres, _held(share), lambda have, more: have | more),
            _changed(self.by_partition, ((partition, len(share.cpu_ids)),), lambda have, more: have + more),
        )

    def returned(self, share: NodeShare, partition: str) -> Load:
        """Without a share that was taken."""
        layers, mine = list(self.layers), bits(share.cpu_ids)
        for k in reversed(range(len(layers))):
            layers[k], mine = layers[k] & ~mine, mine & ~layers[k]
        while layers and not layers[-1]:
            layers.pop()
        return Load(
            tuple(layers),
            self.shared & layers[0] if layers else 0,
            self.alone & layers[0] if layers else 0,
            self.memory_mib - share.memory_mib,
            _changed(self.gres, _held(share), lambda have, less: have & ~less),
            _changed(self.by_partition, ((partition, len(share.cpu_ids)),), lambda have, less: have - less),
        )

    def union(self, other: Load) -> Load:
        """What is held at one time or another: whoever finds room beside the union finds it at both times."""
        if self is other or self == other:
            return self
        return Load(
            tuple(one | two for one, two in zip_longest(self.layers, other.layers, fillvalue=0)),
            self.shared | other.shared,
            self.alone | other.alone,
            max(self.memory_mib, other.memory_mib),
            _changed(self.gres, other.gres, lambda one, two: one | two),
            _changed(self.by_partition, other.by_partition, max),
        )


EMPTY = Load()


def bits(numbers: Iterable[int]) -> int:
    """A set of small numbers as the bits of one."""
    found = 0
    for number in numbers:
        found |= 1 << number
    return found


def members(set_: int) -> Iterator[int]:
    """The numbers whose bits are set, ascending."""
    while set_:
        low = set_ & -set_
        yield low.bit_length() - 1
        set_ ^= low


def _held(share: NodeShare) -> list[tuple[str, int]]:
    return [(name, bits(indices)) for name, _, indices in share.gres]


def _changed(amounts: Amounts, others: Sequence[tuple[str, int]], change: Callable[[int, int], int]) -> Amounts:
    """The amounts by name, those of `others` changed; zeroes are left out."""
    if not others:
        return amounts
    found = dict(amounts)
    for name, amount in others:
        found[name] = change(found.get(name, 0), amount)
    return tuple(sorted((name, amount) for name, amount in found.items() if amount))
