"""slurm.conf and gres.conf to the shape of a cluster.

Parameters without an effect here go to `ClusterSpec.other`. A value that cannot be understood, and a line that is none,
end in ConfigError with the file, the line and what to write.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lark import Token, Transformer, v_args

from flowbatch.directives.slurmconf_parameters import CLUSTER, GRES, NODE, PARTITION, Parameter
from flowbatch.directives.values import hostlist
from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.errors import ConfigError
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec

DEFAULT = "DEFAULT"
ALL = "ALL"

Include = Callable[[str], str]
"""Gives the text of a file that an Include line names."""

_MAX_DEPTH = 10


@dataclass(frozen=True)
class Entry:
    """`key=value` as written, and where."""

    key: str
    value: str
    file: str
    line: int

    def error(self, what: str, hint: str | None = None) -> ConfigError:
        return ConfigError(f"{self.file}:{self.line}: {self.key}={self.value}: {what}", hint=hint)


Line = tuple[Entry, ...]


def parse(
    text: str,
    gres_text: str | None = None,
    *,
    hostname: str,
    name: str = "slurm.conf",
    gres_name: str = "gres.conf",
    include: Include | None = None,
) -> ClusterSpec:
    """The cluster that a slurm.conf, with its gres.conf, describes. `hostname` names a cluster that has no ClusterName.

    Raises ConfigError.
    """
    lines = list(_lines(text, name, include))
    node_lines = [line for line in lines if _is(line, "nodename")]
    partition_lines = [line for line in lines if _is(line, "partitionname")]
    rest = [line for line in lines if not (_is(line, "nodename") or _is(line, "partitionname"))]
    other: list[tuple[str, str]] = []

    fields = _filled([entry for line in rest for entry in line], CLUSTER, other)
    nodes = list(_nodes(node_lines, other))
    if gres_text is not None:
        nodes = _with_devices(nodes, _lines(gres_text, gres_name, include), other)
    whole_nodes = fields.pop("whole_nodes", True)
    partitions = list(_partitions(partition_lines, [node.name for node in nodes], whole_nodes, other))
    for found, what in ((nodes, "NodeName=n1 CPUs=4"), (partitions, "PartitionName=debug Nodes=ALL Default=YES")):
        if not found:
            raise ConfigError(f"{name}: no {what.partition('=')[0]} line", hint=f"add one: {what}")
    if "select_memory" not in fields:
        fields["select_memory"] = not whole_nodes
    return ClusterSpec(
        **{"name": hostname} | fields,
        nodes=tuple(nodes),
        partitions=tuple(partitions),
        other=tuple(dict.fromkeys(other)),
    )


# lines


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[tuple[Token, ...], ...]"]):
    def start(self, *lines: tuple[Token, ...]) -> tuple[tuple[Token, ...], ...]:
        return lines

    def line(self, *pairs: tuple[Token, Token]) -> tuple[Token, ...]:
        return tuple(token for pair in pairs for token in pair)

    def pair(self, key: Token, value: Token | None) -> tuple[Token, Token]:
        return key, key.update(value="") if value is None else value

    def include(self, word: Token, path: Token) -> tuple[Token, ...]:
        return word, path


_FILE: Language[tuple[tuple[Token, ...], ...]] = Language("slurmconf", _Reader())


def _lines(text: str, name: str, include: Include | None, depth: int = 0) -> Iterator[Line]:
    """The lines of a file in order, with those of the files that it includes in place."""
    try:
        read = _FILE.read(text)
    except ValueSyntax as error:
        line = text.count("\n", 0, error.column - 1) + 1
        hint = "a line is NAME=VALUE, several of them, or Include FILE; # starts a comment"
        raise ConfigError(f"{name}:{line}: {error.message}", hint=hint) from None
    for tokens in read:
        if tokens[0].type == "INCLUDE":
            yield from _included(
                str(tokens[1]), Entry("Include", str(tokens[1]), name, tokens[0].line or 0), include, depth
            )
        else:
            pairs = zip(tokens[::2], tokens[1::2], strict=True)
            yield tuple(Entry(str(key), _plain(value), name, key.line or 0) for key, value in pairs)


def _included(path: str, at: Entry, include: Include | None, depth: int) -> Iterator[Line]:
    if include is None or depth == _MAX_DEPTH:
        raise at.error("cannot be included here", hint="put the lines of that file in this one")
    try:
        text = include(path)
    except OSError as error:
        raise at.error(error.strerror or "cannot be read") from None
    yield from _lines(text, path, include, depth + 1)


def _plain(value: Token) -> str:
    return value[1:-1] if value.type == "QUOTED" else value.replace("\\#", "#")


def _is(line: Line, key: str) -> bool:
    return line[0].key.lower() == key


# parameters


def _filled(entries: Iterable[Entry], parameters: Sequence[Parameter], other: list[tuple[str, str]]) -> dict[str, Any]:
    """The fields that `entries` fill; the last of two wins. What has no effect is added to `other`."""
    known = {parameter.name.lower(): parameter for parameter in parameters}
    fields: dict[str, Any] = {}
    for entry in entries:
        parameter = known.get(entry.key.lower())
        if parameter is None:
            other.append((entry.key, entry.value))
            continue
        try:
            found = dict(parameter.read(entry.value))
        except (ValueError, ValueSyntax) as error:
            raise entry.error(str(error), hint=f"{parameter.name}: {parameter.meaning}") from None
        if rest := found.pop("other", None):
            other.append((parameter.name, rest))
        fields |= found
    return fields


def _by_name(
    lines: Iterable[Line], parameters: Sequence[Parameter], other: list[tuple[str, str]]
) -> Iterator[tuple[Entry, str, dict[str, Any]]]:
    """(first entry, name, fields) of every name of the lines; DEFAULT lines hold for those that follow."""
    default: dict[str, Any] = {}
    seen: set[str] = set()
    for line in lines:
        fields = _filled(line, parameters, other)
        if line[0].value.upper() == DEFAULT:
            default |= fields
            continue
        for name in _names(line[0]):
            if name in seen:
                raise line[0].error(f"{name} is named twice", hint="give each its own line")
            seen.add(name)
            yield line[0], name, default | fields


def _names(entry: Entry) -> tuple[str, ...]:
    try:
        return hostlist.parse(entry.value)
    except ValueSyntax as error:
        raise entry.error(error.message, hint=error.hint) from None


# nodes


def _nodes(lines: Iterable[Line], other: list[tuple[str, str]]) -> Iterator[NodeSpec]:
    for entry, name, fields in _by_name(lines, NODE, other):
        yield NodeSpec(name=name, **_shaped(entry, fields))


def _shaped(entry: Entry, fields: dict[str, Any]) -> dict[str, Any]:
    """Sockets and CPUs from one another, as Slurm infers them; CPUs that fit neither cores nor threads are set right."""
    boards, cores, threads = (fields.get(key, 1) for key in ("boards", "cores_per_socket", "threads_per_core"))
    per_board = fields.pop("sockets_per_board", None) if "sockets_per_board" in fields else None
    sockets = fields.get("sockets", per_board * boards if per_board else None)
    cpus = fields.get("cpus")
    if 0 in (boards, cores, threads, sockets, cpus):
        raise entry.error("a node has at least one of each", hint="boards, sockets, cores, threads and CPUs start at 1")
    if sockets is None:
        sockets = max(1, (cpus or 1) // (cores * threads))
    if cpus not in (sockets * cores, sockets * cores * threads):
        cpus = sockets * cores * threads
    return fields | {"cpus": cpus, "sockets": sockets}


# partitions


def _partitions(
    lines: Iterable[Line], nodes: Sequence[str], whole_nodes: bool, other: list[tuple[str, str]]
) -> Iterator[PartitionSpec]:
    for entry, name, fields in _by_name(lines, PARTITION, other):
        fields["nodes"] = _members(entry, fields.get("nodes", ""), nodes)
        if whole_nodes and fields.get("over_subscribe", "NO") == "NO":
            fields["over_subscribe"] = "EXCLUSIVE"
        yield PartitionSpec(name=name, **fields)


def _members(entry: Entry, text: str, nodes: Sequence[str]) -> tuple[str, ...]:
    """The partition's nodes, in the order of the file."""
    if text.upper() == ALL:
        return tuple(nodes)
    wanted = dict.fromkeys(_names(Entry("Nodes", text, entry.file, entry.line)))
    for name in wanted:
        if name not in nodes:
            raise entry.error(f"Nodes={text}: there is no node {name}", hint=f"add a line NodeName={name}")
    return tuple(name for name in nodes if name in wanted)


# gres.conf


def _with_devices(nodes: Sequence[NodeSpec], lines: Iterable[Line], other: list[tuple[str, str]]) -> list[NodeSpec]:
    """The nodes, with the device files that gres.conf has for their resources."""
    files: dict[tuple[str, str, str | None], tuple[str, ...]] = {}
    names = [node.name for node in nodes]
    for line in lines:
        fields = _filled(line, GRES, other)
        if "name" not in fields:
            continue
        for node in _names(line[0]) if _is(line, "nodename") else names:
            key = node, fields["name"], fields.get("type")
            files[key] = files.get(key, ()) + fields.get("files", ())
    return [
        node.model_copy(update={"gres": tuple(_device(node.name, one, files) for one in node.gres)}) for node in nodes
    ]


def _device(node: str, device: GresDevice, files: Mapping[tuple[str, str, str | None], tuple[str, ...]]) -> GresDevice:
    """With the files of its type; a line of gres.conf that says no type is for any."""
    found = files.get((node, device.name, device.type)) or files.get((node, device.name, None)) or ()
    if not found and device.type is None:
        found = tuple(
            path for (where, name, _), paths in files.items() if (where, name) == (node, device.name) for path in paths
        )
    return device.model_copy(update={"files": found[: device.count]})
