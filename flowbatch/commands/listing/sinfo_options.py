"""What sinfo was asked: its option table, SINFO_* variables, and the values as far as they need no cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from flowbatch.commands import clusters, documents
from flowbatch.commands.command_options import CommandOption, Stop, answer, hint, table
from flowbatch.slurm import hostlist, nodestates
from flowbatch.slurm.getopt import GetoptError, Given
from flowbatch.slurm.integers import leading

OPTIONS = (
    CommandOption("all", "a", help="hidden partitions too"),
    CommandOption("dead", "d", help="nodes that do not answer"),
    CommandOption("exact", "e", help="nodes of a line are alike in every amount"),
    CommandOption("federation", help="of the federation", verdict="recorded", reason="there is no federation"),
    CommandOption("help", help="print this"),
    CommandOption("hide", help="leave hidden partitions out (the default)"),
    CommandOption("iterate", "i", "required", "print again every so many seconds"),
    CommandOption("local", help="of this cluster", verdict="recorded", reason="there is no federation"),
    CommandOption("long", "l", help="more columns"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of these clusters"),
    CommandOption("nodes", "n", "required", "these nodes"),
    CommandOption("noconvert", help="amounts in their own unit, as they always are here"),
    CommandOption("noheader", "h", help="no header line"),
    CommandOption("Node", "N", help="one line for each node"),
    CommandOption("format", "o", "required", "columns by letter"),
    CommandOption("Format", "O", "required", "columns by name"),
    CommandOption("partition", "p", "required", "these partitions"),
    CommandOption("responding", "r", help="nodes that answer"),
    CommandOption("list-reasons", "R", help="why nodes are down or drained"),
    CommandOption("summarize", "s", help="one line for each partition"),
    CommandOption("sort", "S", "required", "order by these letters of --format, - for descending"),
    CommandOption("states", "t", "required", "nodes in one of these states, or in all of them (joined by &)"),
    CommandOption("reservation", "T", help="reservations"),
    CommandOption(
        "verbose", "v", help="say what was asked", verdict="recorded", reason="the listing speaks for itself"
    ),
    CommandOption("version", "V", help="print the version"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("json", help="everything about nodes, as JSON"),
    CommandOption("yaml", help="everything about nodes, as YAML"),
)
TABLE = table(OPTIONS)


@dataclass(frozen=True, slots=True)
class Format:
    """Columns as text. `measured` are fields whose columns are as wide as the longest name that is listed, if that is wider."""

    text: str
    by_name: bool = False
    measured: frozenset[str] = frozenset()


_PARTS, _NODES = frozenset({"partition"}), frozenset({"partition", "nodelist"})

STANDARD = Format("%9P %.5a %.10l %.6D %.6t %N", measured=_PARTS)
LONG = Format("%9P %.5a %.10l %.10s %.4r %.8h %.10g %.6D %.11T %N", measured=_PARTS)
SUMMARY = Format("%9P %.5a %.10l %.16F %N", measured=_PARTS)
NODE = Format("%9N %.6D %.9P %6t", measured=_NODES)
NODE_LONG = Format("%9N %.6D %.9P %.11T %4c %.8z %.6m %.8d %.6w %.8f %20E", measured=_NODES)
REASONS = Format("%20E %9u %19H %N")
REASONS_LONG = Format("%20E %12U %19H %6t %N")
PARTITION_ORDER, NODE_ORDER = "#P,-t", "N"

_FLAGS_BY_ENVIRONMENT = {"SINFO_ALL": "all", "SINFO_FEDERATION": "federation", "SINFO_LOCAL": "local"}
_WORDS_BY_ENVIRONMENT = {"SINFO_PARTITION": "partition", "SINFO_SORT": "sort", clusters.VARIABLE: "clusters"}


@dataclass(frozen=True)
class Wanted:
    """The options, read. A filter of None lets everything through, an empty one nothing. `words`: values as given."""

    flags: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    nodes: frozenset[str] | None = None
    partitions: frozenset[str] | None = None
    states: tuple[str, ...] | None = None
    all_states: bool = False
    """A node must be in each of the states, not in one."""
    sees_hidden: bool = False
    iterate_s: int = 0
    clusters_from: str = clusters.OPTION

    @property
    def nodewise(self) -> bool:
        return "Node" in self.flags

    @property
    def reasons(self) -> bool:
        """Only nodes that are down or drained: `--list-reasons` without states of its own."""
        return "list-reasons" in self.flags and self.states is None

    @property
    def order(self) -> str:
        return self.words.get("sort", NODE_ORDER if self.nodewise else PARTITION_ORDER)


def read(argv: tuple[str, ...], environ: Mapping[str, str], uid: int) -> Wanted:
    """What was asked. Raises Stop for --help and --version, and for what sinfo refuses, in its words."""
    flags: set[str] = set()
    words: dict[str, str] = {}
    states: tuple[str, ...] | None = None
    all_states, iterate_s = False, 0
    for given in _given(argv):
        key, value = given.row.key, given.value
        answer("sinfo", "", OPTIONS, key)
        if value is None:
            flags = documents.said(flags, key)
            continue
        words.pop(key, None)  # what was said last stands last
        words[key] = value
        if key == "iterate":
            iterate_s = _seconds(value)
        elif key == "states":
            states, all_states = _states(value)
    if "long" in flags and {"format", "Format"} & set(words):
        line = "Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."
        raise Stop(1, err=f"sinfo: fatal: {line}\n")
    if "all" in flags and "partition" in words:
        raise _conflict("-a", "-p")
    if {"SINFO_ALL", "SINFO_PARTITION"} <= set(environ):
        raise _conflict("SINFO_ALL", "SINFO_PARTITION")
    clusters_from = clusters.OPTION if "clusters" in words else clusters.VARIABLE
    for name, key in _WORDS_BY_ENVIRONMENT.items():
        if name in environ and not (key == "partition" and "all" in flags):
            words.setdefault(key, environ[name])
    flags |= {flag for name, flag in _FLAGS_BY_ENVIRONMENT.items() if name in environ}
    return Wanted(
        frozenset(flags), words,
        nodes=_nodes(words["nodes"]) if "nodes" in words else None,
        partitions=frozenset(words["partition"].split(",")) if "partition" in words else None,
        states=states, all_states=all_states,
        sees_hidden=uid == 0 or "all" in flags,
        iterate_s=iterate_s,
        clusters_from=clusters_from,
    )  # fmt: skip


def _conflict(one: str, other: str) -> Stop:
    line = f"Conflicting options, {one} and {other}, specified. Please choose one or the other."
    return Stop(1, err=f"sinfo: error: {line}\n")


def column_format(wanted: Wanted, environ: Mapping[str, str]) -> Format:
    """The format that holds."""
    words, flags, long = wanted.words, wanted.flags, "long" in wanted.flags
    if said := [text for key, text in words.items() if key in ("format", "Format")]:
        return Format(said[-1], by_name="Format" in words)  # of both the last, as names
    if "summarize" in flags:
        return SUMMARY
    if wanted.nodewise:
        return NODE_LONG if long else NODE
    if "list-reasons" in flags:
        return REASONS_LONG if long else REASONS
    if "SINFO_FORMAT" in environ:
        return Format(environ["SINFO_FORMAT"])
    return LONG if long else STANDARD


def _given(argv: tuple[str, ...]) -> Iterator[Given]:
    """The options; operands are passed over, as sinfo does."""
    try:
        for one in TABLE.parse("sinfo", argv):
            if isinstance(one, Given):
                yield one
    except GetoptError as error:
        raise Stop(1, err=f"{error.line}\n{hint('sinfo')}") from None


def _seconds(text: str) -> int:
    seconds = leading(text)
    if seconds <= 0:
        raise Stop(1, err=f"sinfo: error: Error: invalid entry for --iterate={text}\n")
    return seconds


def _nodes(text: str) -> frozenset[str]:
    """The names; an open bracket makes it the name of no node. Raises Stop for a range that is none."""
    try:
        return frozenset(hostlist.expand(text))
    except hostlist.InvalidHostlist as error:
        if error.brackets and text.count("[") != text.count("]"):
            return frozenset()
        raise Stop(1, err=f"{error.fault('sinfo')}sinfo: error: '{text}' invalid entry for --nodes\n") from None


def _states(text: str) -> tuple[tuple[str, ...], bool]:
    """The states, and whether all of them are meant (`idle&cloud`)."""
    found = []
    for word in filter(None, re.split("[,&]", text)):
        name = nodestates.named(word)
        if name is None:
            raise Stop(
                1,
                err=f'sinfo: error: Bad state string: "{word}"\nsinfo: error: valid states: {nodestates.VALID}\n',
            )
        found.append(name)
    return tuple(found), "&" in text
