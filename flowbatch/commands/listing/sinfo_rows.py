"""The rows of sinfo: nodes of a partition that look alike in the columns that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from flowbatch.commands.listing.node_view import NodeView
from flowbatch.commands.listing.sinfo_options import Wanted
from flowbatch.slurm import hostlist, nodestates
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.nodestates import Base, Flag
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec

Key = tuple[object, ...]
Filter = Callable[[NodeView], bool]


@dataclass
class Row:
    """One line: nodes of `partition` (and of others that are printed alike). Without nodes it stands for the partition alone."""

    partition: PartitionSpec
    place: int
    """Which partition of the cluster it is, from 0."""
    host: str
    nodes: dict[str, NodeView] = field(default_factory=dict)

    @property
    def first(self) -> NodeView | None:
        return next(iter(self.nodes.values()), None)

    def add(self, node: NodeView) -> None:
        self.nodes.setdefault(node.name, node)

    def sum(self, count: Callable[[NodeView], int]) -> int:
        return sum(count(node) for node in self.nodes.values())


@dataclass(frozen=True)
class Likeness:
    """What nodes and partitions must have in common to share a row; `nodewise` keeps every node apart, in each partition."""

    partition: Callable[[PartitionSpec], Key]
    node: Callable[[NodeView], Key]
    by_partition: bool
    nodewise: bool = False


def rows(cluster: ClusterSpec, nodes: Iterable[NodeView], wanted: Wanted, alike: Likeness, host: str) -> list[Row]:
    """The rows in the order in which sinfo has them before it sorts: a line for each partition, then those that its nodes
    need besides. A partition without any listed node keeps its line, where its name is a column."""
    chosen = _filter(wanted)
    known = {node.name: node for node in nodes if node.state.base is not Base.FUTURE and chosen(node)}
    parts = [(place, part) for place, part in enumerate(cluster.partitions) if _is_listed(part, wanted)]
    found: list[Row] = []
    empty: dict[Key, Row] = {}
    by_key: dict[Key, Row] = {}
    if alike.by_partition and not alike.nodewise:
        for place, part in parts:
            found.append(empty.setdefault(alike.partition(part), Row(part, place, host)))
    for place, part in parts:
        outer = (*alike.partition(part), part.name if alike.nodewise else None)
        for name in sorted(part.nodes, key=hostlist.sort_key):
            if name not in known:
                continue
            key = (outer, alike.node(known[name]), name if alike.nodewise else None)
            row = by_key.get(key)
            if row is None:
                row = empty.pop(alike.partition(part), None) or _new(found, Row(part, place, host))
                by_key[key] = row
            row.add(known[name])
    return found


def _new(rows: list[Row], row: Row) -> Row:
    rows.append(row)
    return row


def _is_listed(part: PartitionSpec, wanted: Wanted) -> bool:
    if wanted.partitions is not None:
        return part.name in wanted.partitions
    return wanted.sees_hidden or not part.hidden


def _filter(wanted: Wanted) -> Filter:
    """Whether a node is listed: by name, state, and whether it answers."""
    tests: list[Filter] = []
    if wanted.nodes is not None:
        names = wanted.nodes
        tests.append(lambda node: node.name in names)
    if wanted.states is not None:
        states = wanted.states
        match = all if wanted.all_states else any
        tests.append(lambda node: match(nodestates.matches(node.state, state) for state in states))
    if "dead" in wanted.flags:
        tests.append(lambda node: Flag.NOT_RESPONDING in node.state.flags)
    if "responding" in wanted.flags:
        tests.append(lambda node: Flag.NOT_RESPONDING not in node.state.flags)
    if wanted.reasons:
        tests.append(lambda node: node.state.unavailable)
    return lambda node: all(test(node) for test in tests)


def sort(found: Sequence[Row], order: str) -> list[Row]:
    """The rows by the letters of `--sort`, the last one first; letters that sort nothing are passed over."""
    ordered = list(found)
    for at in range(len(order) - 1, -1, -1):
        sign = order[at - 1] if at else ""
        as_configured = order[at] == "P" and sign == "#"
        key = _place if as_configured else _KEYS.get(order[at])
        if key is not None:
            before = order[at - 2] if as_configured and at > 1 else sign
            ordered.sort(key=key, reverse=before == "-" and not as_configured)
    return ordered


SortKey = Callable[[Row], "int | str | tuple[bool, tuple[str, int, int]]"]


def _place(row: Row) -> int:
    return row.place


def _state(row: Row) -> int:
    return row.first.state.number if row.first else 0


def _first_name(row: Row) -> tuple[bool, tuple[str, int, int]]:
    """Rows without nodes come last."""
    return not row.nodes, min(map(hostlist.sort_key, row.nodes), default=("", 0, 0))


def _least(count: Callable[[NodeView], int]) -> SortKey:
    return lambda row: min((count(node) for node in row.nodes.values()), default=0)


def _text(of: Callable[[NodeView], str]) -> SortKey:
    return lambda row: of(row.first) if row.first else NULL


_AVAILABILITY = ("INACTIVE", "DOWN", "DRAIN", "UP")
_SHARING = ("EXCLUSIVE", "NO", "YES", "FORCE")
"""In the order of Slurm's numbers for them."""


def _busy(row: Row) -> int:
    return row.sum(lambda node: node.state.busy)


_KEYS: dict[str, SortKey] = {
    "a": lambda row: _AVAILABILITY.index(row.partition.state),
    "b": _text(lambda node: node.features),
    "c": _least(lambda node: node.spec.cpus),
    "d": _least(lambda node: node.spec.tmp_disk),
    "f": _text(lambda node: node.features),
    "h": lambda row: _SHARING.index(row.partition.over_subscribe),
    "l": lambda row: 1 << 62 if row.partition.max_time_min is None else row.partition.max_time_min,
    "m": _least(lambda node: node.spec.real_memory),
    "p": lambda row: row.partition.priority_tier,
    "r": lambda row: row.partition.root_only,
    "s": lambda row: 1 << 62 if row.partition.max_nodes is None else row.partition.max_nodes,
    "t": _state,
    "w": _least(lambda node: node.spec.weight),
    "z": _least(lambda node: node.spec.sockets),
    "A": _busy,
    "D": lambda row: len(row.nodes),
    "F": _busy,
    "I": lambda row: row.partition.priority_job_factor,
    "N": _first_name,
    "P": lambda row: row.partition.name,
    "R": lambda row: row.partition.name,
    "T": _state,
    "X": _least(lambda node: node.spec.sockets),
    "Y": _least(lambda node: node.spec.cores_per_socket),
    "Z": _least(lambda node: node.spec.threads_per_core),
}
