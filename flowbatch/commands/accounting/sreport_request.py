"""What sreport was asked: which report, of which resources, in which unit, over which stretch of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flowbatch.commands import plain_options
from flowbatch.commands.accounting.sacctmgr_words import TRES
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import VERSION, CommandOption, Stop, help_text
from flowbatch.directives.values import begin
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import hostlist, print_fields
from flowbatch.slurm.print_fields import Column
from flowbatch.slurm.times import zone
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.units import HOUR, MINUTE, Instant

OPTIONS = (
    CommandOption("all_clusters", "a", help="all clusters"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of these clusters"),
    CommandOption("help", "h", help="print this"),
    CommandOption("local", help="this cluster alone"),
    CommandOption("noheader", "n", help="no header"),
    CommandOption("parsable", "p", help="values between bars, one at the end"),
    CommandOption("parsable2", "P", help="values between bars"),
    CommandOption("quiet", "Q", help="say less", verdict="recorded", reason="there is nothing more to say"),
    CommandOption("time", "t", "required", "Seconds, Minutes, Hours, Percent, SecPer, MinPer, HourPer (minutes by default)"),
    CommandOption("tres", "T", "required", "which resources (cpu, mem, node, billing, gres/gpu, ALL; of job reports, one)"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason="there is nothing more to say"),
    CommandOption("version", "V", help="print the version"),
)  # fmt: skip

AMOUNT, WIDE_AMOUNT = 8, 17
"""The width of an amount, and of one with its part of all behind it; whatever width is asked for."""


@dataclass(frozen=True)
class Kind:
    """One report: the columns it has unless others are asked for, those that can be asked for besides, its conditions."""

    family: str
    name: str
    title: str
    columns: tuple[Column, ...] = ()
    more: tuple[Column, ...] = ()
    conditions: frozenset[str] = frozenset()
    seconds: bool = True
    """Whether its title says how long the time is."""
    sizes: bool = False
    untracked: bool = False
    """It is about wckeys, which nobody tracks: it is empty, as with Slurm's TrackWCKey=no."""


_CLUSTER, _ACCOUNT = Column("Cluster", 9), Column("Account", 15)
_LOGIN, _PROPER, _WCKEY = Column("Login", 9), Column("Proper Name", 15), Column("WCKey", 15)
_USED, _ENERGY = Column("Used", AMOUNT), Column("Energy", AMOUNT)
TRES_NAME, _COUNT = Column("TRES Name", 14), Column("TRES Count", 10)
SIZES_ACCOUNT = Column("Account", 9)

_OF_JOBS = frozenset(
    ("accounts", "acctasparent", "flatview", "gid", "grouping", "jobs", "nodes", "partitions", "printjobcount", "users", "wckeys")
)  # fmt: skip
KINDS: tuple[Kind, ...] = (
    Kind("cluster", "AccountUtilizationByUser", "Cluster/Account/User Utilization",
         (_CLUSTER, _ACCOUNT, _LOGIN, _PROPER, _USED, _ENERGY), (_COUNT,), frozenset(("accounts", "tree", "users"))),
    Kind("cluster", "UserUtilizationByAccount", "Cluster/User/Account Utilization",
         (_CLUSTER, _LOGIN, _PROPER, _ACCOUNT, _USED, _ENERGY), (_COUNT,), frozenset(("accounts", "users"))),
    Kind("cluster", "UserUtilizationByWckey", "Cluster/User/WCKey Utilization",
         (_CLUSTER, _LOGIN, _PROPER, _WCKEY, _USED), (_COUNT,), frozenset(("users", "wckeys")), untracked=True),
    Kind("cluster", "Utilization", "Cluster Utilization",
         (_CLUSTER, Column("Allocated", AMOUNT), Column("Down", AMOUNT), Column("PLND Down", AMOUNT), Column("Idle", AMOUNT),
          Column("Planned", AMOUNT), Column("Reported", AMOUNT)),
         (_COUNT, Column("Over Comm", AMOUNT)), seconds=False),
    Kind("cluster", "WCKeyUtilizationByUser", "Cluster/WCKey/User Utilization",
         (_CLUSTER, _WCKEY, _LOGIN, _PROPER, _USED), (_COUNT,), frozenset(("users", "wckeys")), untracked=True),
    Kind("job", "SizesByAccount", "Job Sizes", (_CLUSTER, SIZES_ACCOUNT), (), _OF_JOBS, sizes=True),
    Kind("job", "SizesByAccountAndWcKey", "Job Sizes", (_CLUSTER, Column("Account", -20)), (), _OF_JOBS, sizes=True, untracked=True),
    Kind("job", "SizesByWckey", "Job Sizes by Wckey", (_CLUSTER, Column("Wckey", 9)), (), _OF_JOBS, sizes=True, untracked=True),
    Kind("user", "TopUsage", "Top {most} Users", (_CLUSTER, _LOGIN, _PROPER, _ACCOUNT, _USED, _ENERGY), (),
         frozenset(("accounts", "group", "topcount", "tree", "users"))),
)  # fmt: skip
_FAMILIES: Mapping[str, str] = {
    "cluster": 'Valid cluster reports are, "AccountUtilizationByUser", "UserUtilizationByAccount", "UserUtilizationByWckey", '
    '"Utilization", and "WCKeyUtilizationByUser"\n',
    "job": 'Valid job reports are, "SizesByAccount, SizesByAccountAndWcKey, and  SizesByWckey"\n',
    "reservation": 'Valid reservation reports are, "Utilization"\n',
    "user": 'Valid user reports are, "Top"\n',
}
_UNITS: Mapping[str, tuple[str, int, bool]] = {
    "seconds": ("Seconds", 1, False), "minutes": ("Minutes", MINUTE, False), "hours": ("Hours", HOUR, False),
    "percent": ("Percentage of Total", 0, False), "secper": ("Seconds/Percentage of Total", 1, True),
    "minper": ("Minutes/Percentage of Total", MINUTE, True), "hourper": ("Hours/Percentage of Total", HOUR, True),
}  # fmt: skip
_TOP = 10
_SIZES = (50, 250, 500, 1000)
_LISTS = ("accounts", "gid", "jobs", "partitions", "users", "wckeys")
_WHERE = ("all_clusters", "clusters", "local")
_SWITCHES = ("acctasparent", "all_clusters", "flatview", "group", "printjobcount", "tree")


@dataclass
class Report:
    """One report: `unit` is of _UNITS; `start` and `end` are the window, `most` the longest list of users; `lists`: what it is
    of alone; `bounds`: where sizes of jobs divide, None for each by itself."""

    kind: Kind
    unit: str
    start: int
    end: int
    tres: tuple[str, ...]
    typed: bool
    """Whether the resources were said: then they are told."""
    columns: tuple[Column, ...] = ()
    most: int = _TOP
    lists: dict[str, frozenset[str]] = field(default_factory=dict)
    switches: set[str] = field(default_factory=set)
    bounds: tuple[int, ...] | None = _SIZES

    @property
    def all_clusters(self) -> bool:
        return "all_clusters" in self.switches

    @property
    def unit_line(self) -> str:
        words, seconds, _ = _UNITS[self.unit]
        if self.kind.sizes:
            said = f"TRES type is {self.tres[0]}\n" if self.typed else ""
            counts = "printjobcount" in self.switches
            return said + ("Units are in number of jobs ran" if counts else f"Time reported in {words}")
        of = ("TRES " if self.typed else "CPU ") if seconds else ""
        return f"Usage reported in {of}{words}"

    def wants(self, condition: str, value: str) -> bool:
        """Whether it is about this account, user ... ."""
        return condition not in self.lists or value in self.lists[condition]

    def amount(self, total: int) -> Callable[[int], str]:
        """How so many seconds of a resource are shown, of `total` in all."""
        _, divisor, beside = _UNITS[self.unit]

        def part(seconds: int) -> str:
            return f"{100 * seconds / total if total else 0:.2f}%"

        def shown(seconds: int) -> str:
            if not divisor:
                return part(seconds)
            return f"{round(seconds / divisor)}({part(seconds)})" if beside else str(round(seconds / divisor))

        return shown

    def amounts_at(self, width: int) -> int:
        """How wide a column of amounts is that is so wide without their parts of all."""
        return width if not _UNITS[self.unit][2] else WIDE_AMOUNT if width == AMOUNT else width + 7


def report_of(call: Call, said: plain_options.Said, cluster: ClusterSpec, now: int) -> tuple[Report, str]:
    """What is asked for, and what is complained about beside it. Raises Stop."""
    if len({key for key, _ in said.given if key in _WHERE}) > 1:
        raise Stop(1, err="Only one cluster option can be used (--all_clusters OR --cluster OR --local)\n")
    family, *rest = said.operands or ("help",)
    if family.lower() == "version":
        raise Stop(0, out=VERSION + "\n")
    if family.lower() == "help":
        raise Stop(0, out=help_text("sreport", "REPORT", OPTIONS))
    found = next((name for name in _FAMILIES if name.startswith(family.lower()) and len(family) > 1), None)
    if found is None:
        raise Stop(1, err=f"invalid keyword: {family}\n")
    if not rest:
        raise Stop(1, err=f"too few arguments for keyword:{family}\n")
    kind = _kind(found, rest[0])
    words = said.words.get("tres") or call.environ.get("SREPORT_TRES")
    report = Report(kind, _unit(call, said), 0, 0, _tres(kind, words, cluster), words is not None)
    return report, _conditions(call, report, rest[1:], now)


def _unit(call: Call, said: plain_options.Said) -> str:
    """The unit that is named; 22.05 complains about one that it does not know, and takes minutes."""
    text = said.words.get("time", "minutes")
    found = next(
        (name for name in _UNITS if text and name.startswith(text.lower()) and (not name.endswith("per") or len(text) == len(name))),
        None,
    )  # fmt: skip
    if found is None:
        call.err.write(f"unknown time format {text}")
    return found or "minutes"


def _kind(family: str, name: str) -> Kind:
    if family == "reservation" and "utilization".startswith(name.lower()):
        said = "reports of reservations are not supported"
        raise Stop(
            1, err=f"sreport: error: {said}\nsreport: hint: sacct --format=jobid,reservation has every job of one\n"
        )
    mine = [kind for kind in KINDS if kind.family == family]
    found = next((kind for kind in mine if kind.name.lower().startswith(name.lower())), None)
    if found is None or not name:
        raise Stop(1, err=f"Not valid report {name}\n{_FAMILIES[family]}")
    return found


def _tres(kind: Kind, words: str | None, cluster: ClusterSpec) -> tuple[str, ...]:
    """The resources that are named; CPUs where none are. Raises Stop."""
    if words is None:
        return ("cpu",)
    known = (*TRES, *(f"gres/{name}" for name in cluster.gres_types))
    every = words.lower() == "all"
    names = known if every else tuple(word.lower() for word in words.split(",") if word)
    if kind.sizes and len(names) > 1:
        said = " Job report only supports a single --tres type.\n Generate a separate report for each TRES type.\n"
        raise Stop(1, err=said)
    if kind.name == "Utilization" and "node" in names and not every:
        said = "TRES node usage is no longer reported in the Cluster Utilization report.  Please use TRES CPU instead."
        raise Stop(1, err=f"sreport: fatal: {said}\n")
    found = tuple(name for name in names if name in known)
    if not found:
        raise Stop(1, err="sreport: fatal: No valid TRES given\n")
    return found


def _conditions(call: Call, report: Report, given: Sequence[str], now: int) -> str:
    """Takes the conditions over; what is complained about. The window: yesterday by default, whole hours. Raises Stop."""
    here = zone(call.environ.get("TZ"))
    today = datetime.fromtimestamp(now, here).replace(hour=0, minute=0, second=0, microsecond=0)
    window = {"start": int((today - timedelta(days=1)).timestamp()), "end": int(today.timestamp())}
    format, complaints = "", ""
    known = ("start", "end", "format", "all_clusters", *sorted(report.kind.conditions))
    for word in given:
        name, equals, value = word.partition("=")
        key = next((one for one in known if name and one.startswith(name.lower())), None)
        if key in _SWITCHES and not equals:
            report.switches.add(key)
        elif key is None or not value:
            complaints += f" Unknown condition: {word}\nUse keyword set to modify value\n"
        elif key in window:
            window[key] = _hour(value, now, call)
        elif key == "format":
            format = value
        elif key == "topcount":
            complaints += _top(report, value)
        elif key == "grouping":
            report.bounds = None if value.lower().startswith("ind") else _bounds(value)
        elif key == "nodes":
            report.lists[key] = _nodes(value)
        elif key in _LISTS:
            report.lists[key] = frozenset(filter(None, value.split(",")))
    report.start, report.end = window["start"], max(window["end"], window["start"] + HOUR)
    return complaints + _choose(report, format)


def _hour(value: str, now: int, call: Call) -> int:
    """The whole hour that is next to it. Raises Stop."""
    try:
        at = begin.parse(value, Instant(now), zone(call.environ.get("TZ")), past=True)
    except ValueSyntax:
        raise Stop(1, err=f"Invalid time specification (pos=0): {value}\n") from None
    return (at + HOUR // 2) // HOUR * HOUR


def _top(report: Report, value: str) -> str:
    if not (value.isascii() and value.isdigit()):
        return f"sreport: error: Invalid value for TopCount ({value})\n"
    report.most = int(value[:6])
    return ""


def _nodes(value: str) -> frozenset[str]:
    try:
        return frozenset(hostlist.expand(value))
    except hostlist.InvalidHostlist:
        return frozenset({value})


def _bounds(value: str) -> tuple[int, ...]:
    return tuple(int(word[:9]) for word in value.split(",") if word.isascii() and word.isdigit())


def _choose(report: Report, format: str) -> str:
    """Takes the columns over that are asked for; a complaint for each that is not known."""
    complaints, chosen = "", []
    known = (*report.kind.columns, *report.kind.more, *(() if report.kind.sizes else (TRES_NAME,)))
    for word in filter(None, format.split(",")):
        name, _, width = word.partition("%")
        found = next((c for c in known if _is(name, c)), None)
        if found is None:
            complaints += f" Unknown field '{name}'\n"
            continue
        asked = 0 if found.width == AMOUNT else print_fields.width(width)
        chosen.append(Column(found.header, asked or found.width))
    columns = chosen if format else _default(report)
    if "tree" in report.switches and report.kind.family == "cluster":
        columns = [Column(c.header, -20) if c.header == _ACCOUNT.header else c for c in columns]
    wide = report.amounts_at(AMOUNT)
    report.columns = tuple(Column(c.header, wide) if c.width == AMOUNT else c for c in columns)
    return complaints


def _default(report: Report) -> list[Column]:
    """The columns of a report that nobody chose: the resource's name, where resources were said, stands before the amounts."""
    columns = list(report.kind.columns)
    if not report.typed or report.kind.sizes:
        return columns
    first = next(place for place, column in enumerate(columns) if column.width == AMOUNT)
    return [*columns[:first], TRES_NAME, *(column for column in columns[first:] if column is not _ENERGY)]


def _is(name: str, column: Column) -> bool:
    """Whether the column goes by this name, or by a beginning of it."""
    word = column.header.lower().replace(" ", "")
    return bool(name) and _NAMES.get(word, word).startswith(name.lower())


_NAMES = {"account": "accounts", "overcomm": "overcommitted", "plnddown": "planneddown"}
"""Columns that are asked for by another word than their header's."""
