"""sreport: what a cluster and its users took over a stretch of time, reckoned from the store's history of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flowbatch.commands import plain_options
from flowbatch.commands.accounting.associations import ROOT
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import VERSION, CommandOption, Stop, help_text
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.accounting.accounts import Accounts
from flowbatch.core.past import Past
from flowbatch.core.ports import QueuePort
from flowbatch.directives.values import begin
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import print_fields
from flowbatch.slurm.print_fields import Column
from flowbatch.slurm.times import standard, zone
from flowbatch.units import HOUR, MINUTE, Instant

OPTIONS = (
    CommandOption("all_clusters", "a", help="all clusters"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of these clusters"),
    CommandOption("help", "h", help="print this"),
    CommandOption("noheader", "n", help="no header"),
    CommandOption("parsable", "p", help="values between bars, one at the end"),
    CommandOption("parsable2", "P", help="values between bars"),
    CommandOption("quiet", "Q", help="say less", verdict="recorded", reason="there is nothing more to say"),
    CommandOption("time", "t", "required", "Seconds, Minutes, Hours, Percent ... (minutes by default)"),
    CommandOption("tres", "T", "required", "which resources", verdict="refused", reason="CPUs alone are reported"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason="there is nothing more to say"),
    CommandOption("version", "V", help="print the version"),
)
MOST = 2_000_000
_CLUSTER_REPORTS = (
    'Valid cluster reports are, "AccountUtilizationByUser", "UserUtilizationByAccount", "UserUtilizationByWckey", '
    '"Utilization", and "WCKeyUtilizationByUser"\n'
)
_ELSEWHERE = "sreport: error: {} is not supported\nsreport: hint: `cluster utilization`, `cluster accountutilizationbyuser`, `cluster userutilizationbyaccount` and `user top` are; sacct has every job\n"
_UNITS: Mapping[str, tuple[str, int]] = {
    "seconds": ("CPU Seconds", 1), "minutes": ("CPU Minutes", MINUTE), "hours": ("CPU Hours", HOUR),
    "percent": ("Percentage of Total", 0),
}  # fmt: skip
_LINE = "-" * 80
_TOP = 10
_AMOUNT = 8
"""The width of an amount, whatever width is asked for."""


@dataclass(frozen=True)
class Report:
    """One report: `unit` is of _UNITS; `start` and `end` are the window, `most` the longest list of users."""

    which: str
    unit: str
    start: int
    end: int
    format: str
    most: int = _TOP


COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "utilization": (
        Column("Cluster", 9), Column("Allocated", 8), Column("Down", 8), Column("PLND Down", 8), Column("Idle", 8),
        Column("Planned", 8), Column("Reported", 8),
    ),
    "top": (
        Column("Cluster", 9), Column("Login", 9), Column("Proper Name", 15), Column("Account", 15), Column("Used", 8),
        Column("Energy", 8),
    ),
    "accounts": (
        Column("Cluster", 9), Column("Account", 15), Column("Login", 9), Column("Proper Name", 15), Column("Used", 8),
        Column("Energy", 8),
    ),
    "users": (
        Column("Cluster", 9), Column("Login", 9), Column("Proper Name", 15), Column("Account", 15), Column("Used", 8),
        Column("Energy", 8),
    ),
}  # fmt: skip
TITLES = {"accounts": "Cluster/Account/User", "users": "Cluster/User/Account"}


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the report."""
    try:
        said = plain_options.read("sreport", "REPORT", OPTIONS, call.argv)
        if "tres" in said.words:
            raise Stop(1, err=_ELSEWHERE.format("--tres"))
        report = _report(call, said, queue.now())
        words = dict(said.words) | ({"clusters": "all"} if "all_clusters" in said.flags else {})
        named = plain_options.Said(said.flags, words, said.operands)
        rows = [
            row for one in await plain_options.queues(call, queue, named, "sreport") for row in await _rows(one, report)
        ]
        columns = _columns(report)
        texts = [[row.get(column.header, "") for column in columns] for row in rows]
        header = "noheader" not in said.flags
        call.out.write(_heading(call, report) if header else "")
        if {"parsable", "parsable2"} & said.flags:
            call.out.write(print_fields.parsable(columns, texts, header=header, closed="parsable2" not in said.flags))
        else:
            call.out.write(print_fields.lines(columns, texts, header=header))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _report(call: Call, said: plain_options.Said, now: int) -> Report:
    """What is asked for. Raises Stop."""
    kind, *rest = said.operands or ("help",)
    if kind.lower() == "version":
        raise Stop(0, out=VERSION + "\n")
    if kind.lower() == "help":
        raise Stop(0, out=help_text("sreport", "REPORT", OPTIONS))
    if not any(known.startswith(kind.lower()) for known in ("cluster", "user", "job", "reservation")) or len(kind) < 2:
        raise Stop(1, err=f"invalid keyword: {kind}\n")
    if not rest:
        raise Stop(1, err=f"too few arguments for keyword:{kind}\n")
    which = _which(kind.lower(), rest[0])
    asked = said.words.get("time", "minutes").lower()
    unit = next((name for name in _UNITS if asked and name.startswith(asked)), None)
    if unit is None:
        raise Stop(1, err=f"unknown time format {said.words['time']}\n")
    return _conditions(call, rest[1:], now, which, unit)


def _which(kind: str, name: str) -> str:
    lowered = name.lower()
    if "cluster".startswith(kind):
        if "utilization".startswith(lowered) and len(lowered) > 1:
            return "utilization"
        for report, which in (("accountutilizationbyuser", "accounts"), ("userutilizationbyaccount", "users")):
            if report.startswith(lowered) and lowered:
                return which
        if not any(word.startswith(lowered) for word in ("accountutilizationbyuser", "userutilizationbyaccount", "userutilizationbywckey", "wckeyutilizationbyuser")):  # fmt: skip
            raise Stop(1, err=f"Not valid report {name}\n{_CLUSTER_REPORTS}")
    elif "user".startswith(kind) and "topusage".startswith(lowered):
        return "top"
    raise Stop(1, err=_ELSEWHERE.format(f"{kind} {name}"))


def _conditions(call: Call, given: Sequence[str], now: int, which: str, unit: str) -> Report:
    """The window: yesterday by default, whole hours. Raises Stop."""
    here = zone(call.environ.get("TZ"))
    today = datetime.fromtimestamp(now, here).replace(hour=0, minute=0, second=0, microsecond=0)
    window = {"start": int((today - timedelta(days=1)).timestamp()), "end": int(today.timestamp())}
    format, most = "", _TOP
    for word in given:
        name, _, value = word.partition("=")
        lowered = name.lower()
        if lowered in window and value:
            try:
                window[lowered] = begin.parse(value, Instant(now), here, past=True) // HOUR * HOUR
            except ValueSyntax:
                raise Stop(1, err=f"Invalid time specification (pos=0): {value}\n") from None
        elif lowered == "format" and value:
            format = value
        elif lowered == "topcount" and value.isascii() and value.isdigit():
            most = int(value[:6])
        else:
            raise Stop(1, err=f" Unknown condition: {word}\nUse keyword set to modify value\n")
    end = min(window["end"], now // HOUR * HOUR)
    if window["start"] >= end:
        raise Stop(1, err="sreport: error: there is no whole hour in this stretch of time\n")
    return Report(which, unit, window["start"], end, format, most)


def _columns(report: Report) -> list[Column]:
    known = COLUMNS[report.which]
    chosen = []
    for word in filter(None, report.format.split(",")):
        name, _, width = word.partition("%")
        found = next((c for c in known if c.header.lower().replace(" ", "").startswith(name.lower())), None)
        if found is None:
            raise Stop(1, err=f"Unknown field '{name}'\n")
        asked = 0 if found.width == _AMOUNT else print_fields.width(width)
        chosen.append(Column(found.header, asked or found.width))
    return chosen or list(known)


def _heading(call: Call, report: Report) -> str:
    here = zone(call.environ.get("TZ"))
    first, last = (standard(datetime.fromtimestamp(at, here)) for at in (report.start, report.end - 1))
    seconds = f" ({report.end - report.start} secs)"
    title = (
        f"Top {report.most} Users {first} - {last}{seconds}"
        if report.which == "top"
        else f"{TITLES[report.which]} Utilization {first} - {last}{seconds}"
        if report.which in TITLES
        else f"Cluster Utilization {first} - {last}"
    )
    return f"{_LINE}\n{title}\nUsage reported in {_UNITS[report.unit][0]}\n{_LINE}\n"


async def _rows(queue: QueuePort, report: Report) -> list[dict[str, str]]:
    scene = Scene.of(queue.snapshot())
    views = [JobView(job, scene) for job in await queue.history(None, MOST, Past(report.start, until=report.end))]
    spans = [(view, _seconds(view, report) * view.cpu_count) for view in views]
    first = min((view.job.submitted_at for view in views), default=report.end)
    known_s = report.end - max(first // HOUR * HOUR, report.start)
    if known_s <= 0:
        return []
    total = known_s * sum(node.cpus for node in scene.cluster.nodes)
    shown = _amount(report.unit, total)
    if report.which == "top":
        return _top(queue.cluster.name, spans, report.most, shown)
    if report.which == "users":
        return sorted(
            _top(queue.cluster.name, spans, len(spans), shown), key=lambda row: (row["Login"], row["Account"])
        )
    if report.which == "accounts":
        known = queue.snapshot().rulings.accounts
        return _by_account(queue.cluster.name, spans, known, shown)
    taken = min(total, sum(used for _, used in spans))
    return [
        {
            "Cluster": queue.cluster.name, "Allocated": shown(taken), "Down": shown(0), "PLND Down": shown(0),
            "Idle": shown(total - taken), "Planned": shown(0), "Reported": shown(total),
        }
    ]  # fmt: skip


def _seconds(view: JobView, report: Report) -> int:
    """How long the job ran within the window, in its last placement."""
    if view.started_at is None or view.pending:
        return 0
    over = view.end_time if view.finished else view.scene.at
    return max(0, min(over or view.scene.at, report.end) - max(view.started_at, report.start))


def _amount(unit: str, total: int) -> Callable[[int], str]:
    """How CPU seconds are shown."""
    divisor = _UNITS[unit][1]
    return (
        (lambda seconds: str(round(seconds / divisor)))
        if divisor
        else (lambda seconds: f"{100 * seconds / total:.2f}%")
    )


def _by_account(
    cluster: str, spans: Sequence[tuple[JobView, int]], accounts: Accounts, shown: Callable[[int], str]
) -> list[dict[str, str]]:
    """What each account and all below it took, the root first, its users behind it."""
    users: dict[tuple[str, str], int] = {}
    totals: dict[str, int] = {}
    for view, used in spans:
        account = view.spec.account or ROOT
        users[account, view.job.owner.name] = users.get((account, view.job.owner.name), 0) + used
        found = accounts.association(account)
        above = {one.account for one in accounts.chain(found)} if found is not None else {account}
        for name in above | {ROOT}:
            totals[name] = totals.get(name, 0) + used
    rows: list[dict[str, str]] = []
    for name, total in sorted(totals.items(), key=lambda item: (item[0] != ROOT, item[0])):
        own = sorted((user, used) for (account, user), used in users.items() if account == name and used)
        lines = [("", total), *own] if total else []
        rows += [
            {
                "Cluster": cluster,
                "Account": name,
                "Login": user,
                "Proper Name": user,
                "Used": shown(used),
                "Energy": shown(0),
            }
            for user, used in lines
        ]
    return rows


def _top(
    cluster: str, spans: Iterable[tuple[JobView, int]], most: int, shown: Callable[[int], str]
) -> list[dict[str, str]]:
    """Users by what they took, each with the account that they took most of it on."""
    taken: dict[tuple[str, str], int] = {}
    for view, used in spans:
        who = (view.job.owner.name, view.spec.account or ROOT)
        taken[who] = taken.get(who, 0) + used
    ordered = sorted((item for item in taken.items() if item[1]), key=lambda item: (-item[1], item[0]))
    return [
        {
            "Cluster": cluster,
            "Login": user,
            "Proper Name": user,
            "Account": account,
            "Used": shown(used),
            "Energy": shown(0),
        }
        for (user, account), used in ordered[:most]
    ]
