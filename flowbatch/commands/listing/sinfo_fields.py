"""Every field of `sinfo -o` and `-O` as text, and which of them keep nodes and partitions apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from flowbatch.commands.listing.node_view import NodeView
from flowbatch.commands.listing.sinfo_rows import Key, Likeness, Row
from flowbatch.slurm import hostlist, nodestates
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.times import minutes_short_clock
from flowbatch.spec.cluster import PartitionSpec

_UNKNOWN, _NOT_APPLICABLE = "Unknown", "N/A"


def _flag(flag: bool) -> str:
    return "yes" if flag else "no"


def _size(part: PartitionSpec) -> str:
    """`1-infinite`, `1-2`, `4`."""
    least = max(part.min_nodes, 1)
    if part.max_nodes is None:
        return f"{least}-infinite"
    return str(least) if part.max_nodes == least else f"{least}-{part.max_nodes}"


def _limit(minutes: int | None, missing: str) -> str:
    return missing if minutes is None else minutes_short_clock(minutes)


def shared_by(part: PartitionSpec) -> str:
    """OverSubscribe with how many may share, which is Slurm's default of four."""
    return {"YES": "YES:4", "FORCE": "FORCE:4"}.get(part.over_subscribe, part.over_subscribe)


def starred(part: PartitionSpec) -> str:
    """The name, with an asterisk behind the default's."""
    return part.name + ("*" if part.default else "")


PARTITION: Mapping[str, Callable[[PartitionSpec], str]] = {
    "available": lambda part: part.state.lower(),
    "groups": lambda part: "all",
    "oversubscribe": shared_by,
    "time": lambda part: _limit(part.max_time_min, "infinite"),
    "prioritytier": lambda part: str(part.priority_tier),
    "root": lambda part: _flag(part.root_only),
    "size": _size,
    "maxcpuspernode": lambda part: "UNLIMITED" if part.max_cpus_per_node is None else str(part.max_cpus_per_node),
    "priorityjobfactor": lambda part: str(part.priority_job_factor),
    "defaulttime": lambda part: _limit(part.default_time_min, _NOT_APPLICABLE.lower()),
    "preemptmode": lambda part: "OFF",
    "partition": starred,
    "partitionname": lambda part: part.name,
    "allocnodes": lambda part: "all",
}
"""Fields of a partition: those that are asked for keep partitions apart."""


@dataclass(frozen=True, slots=True)
class NodeText:
    """A field in which the nodes of a row are all alike. `none` stands where there is no node."""

    of: Callable[[NodeView], str]
    none: str


NODE: Mapping[str, NodeText] = {
    "features_act": NodeText(lambda node: node.active_features, NULL),
    "features": NodeText(lambda node: node.features, NULL),
    "statecompact": NodeText(lambda node: node.state.compact, nodestates.NOTHING),
    "statelong": NodeText(lambda node: node.state.long, nodestates.NOTHING),
    "statecomplete": NodeText(lambda node: node.state.complete, nodestates.NOTHING),
    "reason": NodeText(lambda node: node.reason, "none"),
    "user": NodeText(lambda node: node.blamed(_UNKNOWN)[0], "root"),
    "userlong": NodeText(lambda node: node.blamed(_UNKNOWN)[1], "root(0)"),
    "timestamp": NodeText(lambda node: node.reasoned_at, _UNKNOWN),
    "gres": NodeText(lambda node: node.gres, NULL),
    "gresused": NodeText(lambda node: node.gres_used, NULL),
    "comment": NodeText(lambda node: node.comment or NULL, NULL),
    "extra": NodeText(lambda node: node.extra or NULL, NULL),
}

NUMBER: Mapping[str, Callable[[NodeView], int]] = {
    "cpus": lambda node: node.spec.cpus,
    "disk": lambda node: node.spec.tmp_disk,
    "memory": lambda node: node.spec.real_memory,
    "weight": lambda node: node.spec.weight,
    "sockets": lambda node: node.spec.sockets,
    "cores": lambda node: node.spec.cores_per_socket,
    "threads": lambda node: node.spec.threads_per_core,
    "allocmem": lambda node: node.memory_held_mib,
}
"""Amounts: `8+` where nodes of a row differ, which with --exact they do not."""

_GEOMETRY = ("sockets", "cores", "threads")


def amount(name: str) -> Callable[[Row], str]:
    """A field of NUMBER as a row shows it."""
    of = NUMBER[name]

    def text(row: Row) -> str:
        amounts = {of(node) for node in row.nodes.values()} or {0}
        return f"{min(amounts)}{'+' if len(amounts) > 1 else ''}"

    return text


def _of_partition(of: Callable[[PartitionSpec], str]) -> Callable[[Row], str]:
    return lambda row: of(row.partition)


def _of_nodes(one: NodeText) -> Callable[[Row], str]:
    return lambda row: one.of(row.first) if row.first is not None else one.none


def _nodes(row: Row) -> tuple[int, int, int]:
    """How many are busy, idle and neither."""
    busy = row.sum(lambda node: node.state.busy)
    other = row.sum(lambda node: node.state.unavailable and not node.state.busy)
    return busy, len(row.nodes) - busy - other, other


def _node_states(row: Row) -> str:
    return "/".join(map(str, (*_nodes(row), len(row.nodes))))


def _cpu_states(row: Row) -> str:
    held = row.sum(lambda node: node.cpus_held)
    total = row.sum(lambda node: node.spec.cpus)
    other = row.sum(lambda node: node.spec.cpus - node.cpus_held if node.state.unavailable else 0)
    return f"{held}/{total - held - other}/{other}/{total}"


def _hosts(row: Row) -> str:
    """The machine's own name; nodes of the market are machines each."""
    return hostlist.fold_sorted({_host(node, row.host) for node in row.nodes.values()})


def _host(node: NodeView, host: str) -> str:
    return node.name if node.spec.cloud is not None else host


def _version(row: Row) -> str:
    return "22.05.8" if row.first is not None and row.first.present else _NOT_APPLICABLE


VALUES: Mapping[str, Callable[[Row], str]] = {
    **{name: _of_partition(of) for name, of in PARTITION.items()},
    **{name: _of_nodes(one) for name, one in NODE.items()},
    **{name: amount(name) for name in NUMBER},
    "socketcorethread": lambda row: ":".join(amount(name)(row) for name in _GEOMETRY),
    "nodehost": _hosts,
    "nodeaddr": _hosts,
    "port": lambda row: "0",
    "version": _version,
    "cluster": lambda row: _NOT_APPLICABLE,
    "freemem": lambda row: _NOT_APPLICABLE,
    "cpusload": lambda row: _NOT_APPLICABLE,
    "nodes": lambda row: str(len(row.nodes)),
    "nodelist": lambda row: hostlist.fold_sorted(row.nodes),
    "nodeai": lambda row: "/".join(map(str, _nodes(row)[:2])),
    "nodeaiot": _node_states,
    "cpusstate": _cpu_states,
}
"""What is nobody's to measure here (load, free memory) is not available, in sinfo's words."""


def likeness(names: Iterable[str], *, exact: bool, nodewise: bool, host: str) -> Likeness:
    """What these columns keep apart. Amounts do only if `exact`."""
    asked = set(names)
    parts = [of for name, of in PARTITION.items() if name in asked]
    texts = [one.of for name, one in NODE.items() if name in asked]
    if "socketcorethread" in asked:
        asked |= set(_GEOMETRY)
    numbers = [of for name, of in NUMBER.items() if exact and name in asked]
    hosts = bool({"nodehost", "nodeaddr"} & asked)

    def node(view: NodeView) -> Key:
        return (*(of(view) for of in texts), *(of(view) for of in numbers), _host(view, host) if hosts else None)

    return Likeness(
        lambda part: tuple(of(part) for of in parts), node, bool({"partition", "partitionname"} & asked), nodewise
    )
