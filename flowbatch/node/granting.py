"""What a step gets of its job: which nodes, and which tasks, CPUs, GPUs and memory on each. Pure: who asks keeps the books.

As observed of 22.05: idle nodes come first; a step takes all CPUs of its nodes unless it is exact; a step that names no GPUs
takes those of its job; --overlap takes nothing from others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flowbatch.node import dealing
from flowbatch.node.dealing import Distribution
from flowbatch.protocol.plain import known


@dataclass(frozen=True, slots=True)
class Share:
    """What a job has on one node. `memory_mib` is 0 where nobody counts it; `cpu_ids` are empty where CPUs have no names."""

    node: str
    cpus: int
    gpus: tuple[int, ...] = ()
    memory_mib: int = 0
    cpu_ids: tuple[int, ...] = ()
    component: int = 0
    """Which one's of a heterogeneous job it is."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Share:
        """The share in JSON's values."""
        return cls(**known(cls, plain))


@dataclass(frozen=True, slots=True)
class Demand:
    """What a step asks for. `among`: the nodes that it may have, in order; `required`: those that it must. `hosts`: where each
    task runs (`arbitrary`). At most one of the three numbers of GPUs is said; with none it wants its job's.
    """

    tasks: int
    nodes: int
    distribution: Distribution
    cpus_per_task: int = 1
    tasks_per_node: int | None = None
    among: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    exact: bool = False
    overlap: bool = False
    overcommit: bool = False
    gpus: int | None = None
    gpus_per_node: int | None = None
    gpus_per_task: int | None = None
    memory_mib: int = 0
    """On each node; 0 for as much as there is."""
    memory_per_cpu_mib: int = 0
    component: int = 0

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Demand:
        """The demand in JSON's values."""
        values = known(cls, plain)
        return cls(**values | {"distribution": Distribution(**known(Distribution, values["distribution"]))})

    @property
    def names_gpus(self) -> bool:
        return any(number is not None for number in (self.gpus, self.gpus_per_node, self.gpus_per_task))


@dataclass(frozen=True, slots=True)
class Part:
    """What a step has on one node. `held`: how many of its CPUs nobody else gets; a step that overlaps holds nothing."""

    node: str
    ranks: tuple[int, ...]
    cpus: int
    held: int
    gpus: tuple[int, ...] = ()
    memory_mib: int = 0
    cpu_ids: tuple[int, ...] = ()
    component: int = 0

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Part:
        """The part in JSON's values."""
        return cls(**known(cls, plain))


class CannotEver(Exception):
    """The job has not so much, even when nothing else runs. `why` is a word of `srun/refusals.py`, `facts` fill its text."""

    def __init__(self, why: str, **facts: object) -> None:
        super().__init__(why)
        self.why = why
        self.facts = facts


@dataclass(slots=True)
class _Free:
    """What is left of a share beside the steps that run; `idle`: no step has a task there."""

    share: Share
    cpus: int
    gpus: tuple[int, ...]
    memory_mib: int
    cpu_ids: tuple[int, ...]
    idle: bool


def grant_all(demands: Sequence[Demand], shares: Sequence[Share], running: Sequence[Part]) -> tuple[Part, ...] | None:
    """One step over several components: each demand on its own one, ranks counted on from one to the next. As `grant`."""
    found: list[Part] = []
    first, waits = 0, False
    for demand in demands:
        mine = [share for share in shares if share.component == demand.component]
        parts = grant(demand, mine, [part for part in running if part.component == demand.component])
        waits = waits or parts is None
        found += [replace(part, ranks=tuple(first + rank for rank in part.ranks)) for part in parts or ()]
        first += demand.tasks
    return None if waits else tuple(found)


def grant(demand: Demand, shares: Sequence[Share], running: Sequence[Part]) -> tuple[Part, ...] | None:
    """The step's parts, in the job's order of nodes; None while others are in its way. Raises CannotEver."""
    _check(demand, shares)
    if _placed(demand, [_free(share, ()) for share in shares]) is None:
        raise CannotEver(_lacking(demand, shares))
    here = {share.node: [part for part in running if part.node == share.node] for share in shares}
    return _placed(demand, [_free(share, here[share.node], shared=demand.overlap) for share in shares])


def _check(demand: Demand, shares: Sequence[Share]) -> None:
    """What is wrong with the demand whatever its nodes have."""
    names = {share.node for share in shares}
    if not names.issuperset((*demand.required, *demand.hosts)):
        raise CannotEver("nodes")
    if any((demand.gpus, demand.gpus_per_node, demand.gpus_per_task)):
        if not any(share.gpus for share in shares):
            raise CannotEver("no gpus")
        if demand.gpus is not None and demand.gpus < demand.nodes:
            raise CannotEver("gpus for nodes", gpus=demand.gpus, nodes=demand.nodes)


def _lacking(demand: Demand, shares: Sequence[Share]) -> str:
    """Which of the job's means do not reach."""
    most = sorted((share.cpus for share in shares if share.node in demand.among), reverse=True)
    if not demand.overcommit and demand.tasks * demand.cpus_per_task > sum(most[: demand.nodes]):
        return "cpus"
    without_memory = [Share(share.node, share.cpus, share.gpus) for share in shares]
    enough = _placed(demand, [_free(share, ()) for share in without_memory])
    return "memory" if enough is not None else "gpus" if demand.names_gpus else "cpus"


def _free(share: Share, here: Sequence[Part], *, shared: bool = False) -> _Free:
    """What the parts `here` leave; with `shared` they take nothing."""
    taken = () if shared else here
    gpus = {gpu for part in taken if part.held for gpu in part.gpus}
    ids = {one for part in taken if part.held for one in part.cpu_ids}
    return _Free(
        share, share.cpus - sum(part.held for part in taken), tuple(gpu for gpu in share.gpus if gpu not in gpus),
        share.memory_mib - sum(part.memory_mib for part in taken if part.held),
        tuple(one for one in share.cpu_ids if one not in ids), not here,
    )  # fmt: skip


def _placed(demand: Demand, free: Sequence[_Free]) -> tuple[Part, ...] | None:
    usable = [one for one in free if one.share.node in demand.among and _usable(demand, one)]
    required = [one for one in usable if one.share.node in demand.required]
    if len(required) < len(set(demand.required)) or len(usable) < demand.nodes:
        return None
    others = sorted((one for one in usable if one not in required), key=lambda one: not one.idle)
    largest = sorted(others, key=lambda one: -one.cpus)
    for order in (others, largest):
        chosen = [*required, *order][: demand.nodes]
        parts = _parts(demand, [one for one in free if one in chosen])
        if parts is not None:
            return parts
    return None


def _usable(demand: Demand, one: _Free) -> bool:
    """Whether a task of it could run there now."""
    enough = one.cpus >= (1 if demand.exact else one.share.cpus)
    return enough or demand.overlap or (demand.overcommit and demand.exact)


def _parts(demand: Demand, chosen: Sequence[_Free]) -> tuple[Part, ...] | None:
    """The step on just these nodes; None if it does not fit."""
    if not demand.overcommit and demand.tasks * demand.cpus_per_task > sum(one.cpus for one in chosen):
        return None
    ranks = _ranks(demand, chosen)
    gpus = _gpus(demand, chosen, ranks)
    if gpus is None:
        return None
    parts = tuple(_part(demand, one, mine, count) for one, mine, count in zip(chosen, ranks, gpus, strict=True))
    counted = [one.memory_mib for one in chosen]
    if any(
        one.share.memory_mib and part.memory_mib > left for one, part, left in zip(chosen, parts, counted, strict=True)
    ):
        return None
    return parts


def _ranks(demand: Demand, chosen: Sequence[_Free]) -> list[tuple[int, ...]]:
    if demand.hosts:
        return dealing.as_listed([one.share.node for one in chosen], demand.hosts)
    room = [demand.tasks_per_node or one.cpus // demand.cpus_per_task for one in chosen]
    return dealing.ranks(dealing.counts(demand.tasks, room, demand.distribution), demand.distribution)


def _gpus(demand: Demand, chosen: Sequence[_Free], ranks: Sequence[tuple[int, ...]]) -> list[int] | None:
    """How many GPUs on each node; None if that many are not free."""
    if demand.gpus_per_task is not None:
        counts = [len(mine) * demand.gpus_per_task for mine in ranks]
    elif demand.gpus_per_node is not None:
        counts = [demand.gpus_per_node for _ in chosen]
    elif demand.gpus is not None:
        counts = _filled(demand.gpus, [len(one.gpus) for one in chosen])
    else:
        counts = [len(one.share.gpus) for one in chosen]
    return counts if all(count <= len(one.gpus) for count, one in zip(counts, chosen, strict=True)) else None


def _filled(total: int, room: Sequence[int]) -> list[int]:
    """As many as can be on the first node while each later one gets one, and so on."""
    counts, left = [], total
    for at, limit in enumerate(room):
        count = max(0, min(limit, left - (len(room) - at - 1)))
        counts.append(count)
        left -= count
    if left:
        counts[-1] += left  # too many: the last node shows it
    return counts


def _part(demand: Demand, one: _Free, ranks: tuple[int, ...], gpus: int) -> Part:
    asked = min(len(ranks) * demand.cpus_per_task, one.share.cpus)
    cpus = asked if demand.exact else one.share.cpus
    memory = demand.memory_mib or demand.memory_per_cpu_mib * cpus
    return Part(
        one.share.node, ranks, cpus, 0 if demand.overlap else cpus, one.gpus[:gpus], memory,
        one.cpu_ids[:cpus] if one.cpu_ids else (), one.share.component,
    )  # fmt: skip
