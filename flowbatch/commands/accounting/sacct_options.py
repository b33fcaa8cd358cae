"""What sacct was asked: its option table, the window of time, and the values as far as they need no history."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from flowbatch.commands import clusters, documents
from flowbatch.commands.accounting.accounts import group_id, user_id
from flowbatch.commands.command_options import VERSION, CommandOption, Stop, help_text, table
from flowbatch.directives.values import begin, time
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import accounting, codes, hostlist, print_fields
from flowbatch.slurm.getopt import GetoptError, Given
from flowbatch.slurm.times import standard, zone
from flowbatch.text import small
from flowbatch.units import Instant

OPTIONS = (
    CommandOption("allusers", "a", help="jobs of all users"),
    CommandOption("accounts", "A", "required", "jobs of these accounts"),
    CommandOption("allocations", "X", help="jobs alone, without their steps"),
    CommandOption("batch-script", "B", help="the script of each job of --jobs"),
    CommandOption("brief", "b", help="JobID, State and ExitCode"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "jobs of these clusters"),
    CommandOption("allclusters", "L", help="jobs of all clusters"),
    CommandOption("completion", "c", help="from the job completion log", verdict="refused", reason="there is none"),
    CommandOption("constraints", "C", "required", "jobs with all of these constraints"),
    CommandOption("delimiter", None, "required", "what stands between the fields of --parsable"),
    CommandOption("duplicates", "D", help="every placement of a requeued job, not the last alone"),
    CommandOption("federation", help="of the federation", verdict="recorded", reason="there is no federation"),
    CommandOption("helpformat", "e", help="the names of the fields"),
    CommandOption("endtime", "E", "required", "jobs before this time"),
    CommandOption("env-vars", help="the environment of each job of --jobs"),
    CommandOption("file", "f", "required", "read this log", verdict="refused", reason="there is none"),
    CommandOption("flags", "F", "required", "jobs that were started so (SchedMain, SchedBackfill, SchedSubmit)"),
    CommandOption("format", "o", "required", "columns: names, each with %WIDTH (%-WIDTH at the left)"),
    CommandOption("fields", None, "required", key="format"),
    CommandOption("gid", "g", "required", "jobs of these groups", key="group"),
    CommandOption("group", None, "required", key="group"),
    CommandOption("help", "h", help="print this"),
    CommandOption("jobs", "j", "required", "these jobs, array tasks and steps"),
    CommandOption("json", help="everything, as JSON"),
    CommandOption("local", help="of this cluster", verdict="recorded", reason="there is no federation"),
    CommandOption("long", "l", help="more columns"),
    CommandOption("name", None, "required", "jobs of these names"),
    CommandOption("nnodes", "i", "required", "jobs on so many nodes (1, 2-4)"),
    CommandOption("ncpus", "I", "required", "jobs with so many CPUs (4, 4-8)"),
    CommandOption("nodelist", "N", "required", "jobs that ran on one of these nodes"),
    CommandOption("noconvert", help="amounts in their own unit"),
    CommandOption("noheader", "n", help="no header lines"),
    CommandOption("parsable", "p", help="a | behind each field"),
    CommandOption("parsable2", "P", help="a | between fields"),
    CommandOption("partition", "r", "required", "jobs in these partitions"),
    CommandOption("qos", "q", "required", "jobs of these qualities of service"),
    CommandOption("reason", None, "required", "jobs that waited for one of these reasons", key="reason"),
    CommandOption("state", "s", "required", "jobs in one of these states in that time"),
    CommandOption("starttime", "S", "required", "jobs since this time"),
    CommandOption("timelimit-max", "K", "required", "with --timelimit-min, no longer time limits than this"),
    CommandOption("timelimit-min", "k", "required", "jobs with this time limit"),
    CommandOption("truncate", "T", help="no start before, no end after that time"),
    CommandOption("uid", "u", "required", "jobs of these users", key="user"),
    CommandOption("user", None, "required", key="user"),
    CommandOption("units", None, "required", "amounts in this unit (K, M, G, T, P)"),
    CommandOption("usage", "U", help="print how it is called"),
    CommandOption("use-local-uid", help="users by this machine's numbers, as they always are here"),
    CommandOption("verbose", "v", help="say which time is looked at"),
    CommandOption("version", "V", help="print the version"),
    CommandOption(
        "whole-hetjob",
        None,
        "optional",
        "all components of the heterogeneous jobs that are named (no: the named alone)",
    ),
    CommandOption("wckeys", "W", "required", "jobs with these keys"),
    CommandOption("associations", "x", "required", "jobs of these associations, which none has"),
    CommandOption("yaml", help="everything, as YAML"),
)
TABLE = table(OPTIONS)

_ID = re.compile(r"([0-9]+)(?:_([^.]*))?(\+[0-9]+)?(?:\.(.*))?")
_RANGE = re.compile(r"([0-9]+)([kKmM]?)(?:-([0-9]+)([kKmM]?))?")
_LARGEST = 10


@dataclass(frozen=True, slots=True)
class JobId:
    """`7`, `7_3` or one step of it, `7.batch`; a `component` (`7+1`) is of a heterogeneous job."""

    job_id: int
    task: int | None = None
    step: str | None = None
    component: int | None = None


@dataclass(frozen=True)
class Wanted:
    """The options, read. A filter of None lets everything through. `words`: values as given.

    `start` and `end` are the window of time; `columns` is the format that holds.
    """

    start: int
    end: int
    flags: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[JobId, ...] | None = None
    states: frozenset[str] | None = None
    users: frozenset[int] | None = None
    groups: frozenset[int] | None = None
    nodes: frozenset[str] | None = None
    cpu_count: tuple[int, int] | None = None
    node_count: tuple[int, int] | None = None
    limit_min: tuple[int, int] | None = None
    """The least and the greatest time limit, in minutes."""
    scheduled: frozenset[str] | None = None
    """By whom, in small letters: `schedmain`."""
    columns: str = accounting.STANDARD
    operands: tuple[str, ...] = ()
    """Words of no option."""
    answer: str = ""
    """The last option that is answered without a look at jobs."""

    @property
    def whole(self) -> bool | None:
        """Whether an id names all components of its heterogeneous job; None where only the job's own id does."""
        if "whole-hetjob" in self.flags:
            return True
        word = self.words.get("whole-hetjob")
        return None if word is None else word.lower().startswith("y")

    def names(self, key: str) -> frozenset[str] | None:
        """The comma separated words of a filter, in small letters: the database of accounting knows no others."""
        return frozenset(small(self.words[key]).split(",")) if key in self.words else None


def read(argv: tuple[str, ...], environ: Mapping[str, str], uid: int, now: int) -> Wanted:
    """What was asked. Raises Stop for what is answered at once, and for what sacct refuses, in its words."""
    flags: set[str] = set()
    words: dict[str, str] = {}
    others: list[str] = []
    last = ""
    for given in _given(argv, others):
        key, value = given.row.key, given.value
        if key == "version":
            raise Stop(0, out=VERSION + "\n")
        if value is None:
            flags = documents.said(flags, key)
        else:
            _judge(key, value, environ, now)
            words[key] = f"{words[key]},{value}" if key in _LISTS and key in words else value
        last = key if key in _ANSWERS else last
    _together(flags, words)
    wanted = Wanted(0, now, frozenset(flags), words, columns=_columns(flags, words, environ), operands=tuple(others))
    wanted = replace(
        wanted,
        answer=last,
        jobs=_ids(words["jobs"]) if "jobs" in words else None,
        states=_states(words["state"]) or None if "state" in words else None,
        users=_numbers(words["user"], user_id, "user") if "user" in words else None,
        groups=_numbers(words["group"], group_id, "group") if "group" in words else None,
        nodes=_nodes(words["nodelist"]) if "nodelist" in words else None,
        cpu_count=_range(words["ncpus"], "cpu") if words.get("ncpus") else None,
        node_count=_range(words["nnodes"], "node") if words.get("nnodes") else None,
        limit_min=_limits(words),
        scheduled=_job_flags(words["flags"]) if "flags" in words else None,
    )
    if wanted.users is None and wanted.groups is None and wanted.jobs is None and uid and "allusers" not in flags:
        wanted = replace(wanted, users=frozenset({uid}))
    wanted = _with_window(wanted, environ, now)
    if "completion" in flags or "file" in words:
        raise Stop(1, err="Slurm job completion is disabled\n")
    return wanted


def settle(wanted: Wanted) -> None:
    """Raises Stop for words that belong to no option, and for what is answered without a look at jobs: what was asked last."""
    if wanted.operands:
        listed = "".join(f"sacct: error:  {word}\n" for word in wanted.operands)
        raise Stop(1, err=f"sacct: error: Unknown arguments:\n{listed}")
    if wanted.answer:
        raise Stop(0, out=_ANSWERS[wanted.answer]())


def _judge(key: str, value: str, environ: Mapping[str, str], now: int) -> None:
    """Raises Stop for a value that sacct refuses where it stands, before it reads what is behind."""
    match key:
        case "units" if value[:1] not in tuple("KMGTP"):
            said = f"Invalid unit type '{value}'. Possible options are 'KMGTP'"
            raise Stop(1, err=f"sacct: error: {said}\nsacct: fatal: Invalid unit type\n")
        case "whole-hetjob" if not (value and any(word.startswith(value.lower()) for word in ("yes", "no"))):
            raise Stop(1, err=f'sacct: error: Invalid --whole-hetjob value "{value}". Valid values: [yes|no].\n')
        case "jobs":
            _ids(value)
        case "state":
            _states(value)
        case "user":
            _numbers(value, user_id, "user")
        case "group":
            _numbers(value, group_id, "group")
        case "ncpus" if value:
            _range(value, "cpu")
        case "nnodes" if value:
            _range(value, "node")
        case "timelimit-min" | "timelimit-max":
            _limits({key: value})
        case "flags":
            _job_flags(value)
        case "starttime" | "endtime" if value:
            _instant(value, zone(environ.get("TZ")), now)


def _together(flags: set[str], words: Mapping[str, str]) -> None:
    """Raises Stop for options that need or forbid one another."""
    for key, what in (("batch-script", "job scripts"), ("env-vars", "job environment")):
        if key in flags and "jobs" not in words:
            said = f"When requesting {what} you must also request specific jobs with the '-j' option."
            raise Stop(1, err=f"sacct: fatal: {said}\n")
    if "long" in flags and "format" in words:
        said = "Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."
        raise Stop(1, err=f"sacct: fatal: {said}\n")


_LISTS = frozenset(
    {"accounts", "format", "group", "jobs", "name", "partition", "qos", "reason", "state", "user", "wckeys"}
)
"""Options that add to what they said before."""

_FORMATS = {"brief": accounting.BRIEF, "long": accounting.LONG}
"""Options that name columns; those of --format stand before them."""


def _columns(flags: set[str], words: Mapping[str, str], environ: Mapping[str, str]) -> str:
    said = [words["format"]] if "format" in words else []
    said += [columns for key, columns in _FORMATS.items() if key in flags]
    return ",".join(said) if said else environ.get("SACCT_FORMAT", accounting.STANDARD)


def _with_window(wanted: Wanted, environ: Mapping[str, str], now: int) -> Wanted:
    """The time that is looked at: today by default; all time where jobs are named, this moment where states are."""
    here = zone(environ.get("TZ"))
    midnight = int(datetime.fromtimestamp(now, here).replace(hour=0, minute=0, second=0, microsecond=0).timestamp())

    def instant(key: str) -> int | None:
        return _instant(wanted.words[key], here, now) if wanted.words.get(key) else None

    start, end = instant("starttime"), instant("endtime")
    if end is None:
        end = start if wanted.states is not None and start is not None else now
    if start is None:
        start = 0 if wanted.jobs is not None else min(now, end) if wanted.states is not None else midnight
    if start > end:
        first, last = (standard(datetime.fromtimestamp(at, here)) for at in (start, end))
        raise Stop(1, err=f"sacct: error: Start time ({first}) requested is after end time ({last}).\n")
    return replace(wanted, start=start, end=end)


def _instant(text: str, here: tzinfo, now: int) -> int:
    """Raises Stop for what is no time."""
    try:
        return begin.parse(text, Instant(now), here, past=True)
    except ValueSyntax as error:
        said = error.message if error.message.startswith("Invalid") else f"{_BAD_TIME}: {text}"
        raise Stop(1, err=f"{said}\n") from None


_BAD_TIME = "Invalid time specification (pos=0)"


def _given(argv: tuple[str, ...], others: list[str]) -> Iterator[Given]:
    """The options; what is none is added to `others`."""
    try:
        for one in TABLE.parse("sacct", argv):
            if isinstance(one, Given):
                yield one
            else:
                others.append(one.word)
    except GetoptError as error:
        raise Stop(1, err=f"{error.line}\n") from None


def _names() -> str:
    """Slurm's fields, four a line. Ours are on the reference page: a program that asks for all of them gets Slurm's."""
    return print_fields.names((field.name for field in accounting.FIELDS if not field.ours), 19)


_ANSWERS: Mapping[str, Callable[[], str]] = {
    "help": lambda: help_text("sacct", "", OPTIONS),
    "usage": lambda: "Usage: sacct [options]\n\tUse --help for help\n",
    "helpformat": _names,
}
"""Options that are answered without a look at jobs."""


def _ids(text: str) -> tuple[JobId, ...] | None:
    """The ids; None where they name no job at all (``, `0`), which is every job."""
    found = tuple(_id(word) for word in text.split(",") if word)
    return None if not any(one.job_id for one in found) else found


def _id(word: str) -> JobId:
    written = _ID.fullmatch(word)
    if written is None:
        raise Stop(1, err=f"sacct: fatal: Bad job/step specified: {word}\n")
    job, task, component, step = written.groups()
    if task is not None and not (task.isascii() and task.isdigit() and len(task) <= _LARGEST):
        raise Stop(1, err=f"sacct: fatal: Bad job array element specified: {job}\n")
    if step is not None and step not in ("batch", "extern", "interactive") and not (step.isascii() and step.isdigit()):
        raise Stop(1, err=f"sacct: fatal: Bad step specified: {job}\n")
    return JobId(
        int(job[:_LARGEST]), int(task) if task else None, step, int(component[:_LARGEST]) if component else None
    )


def _states(text: str) -> frozenset[str]:
    found = set()
    for word in filter(None, text.split(",")):
        if word.upper() not in codes.STATE_WORDS:
            raise Stop(1, err=f"sacct: fatal: unrecognized job state value '{word}'\n")
        state = codes.STATE_WORDS[word.upper()]
        if state not in _ACCOUNTED:
            raise Stop(1, err=f"sacct: fatal: job state {word} is not supported / accounted\n")
        found.add(state)
    return frozenset(found)


_ACCOUNTED = frozenset({*codes.BASE_STATES, "REQUEUED", "RESIZING", "REVOKED"})
"""States that are asked of accounting; the others are of a moment."""


def _numbers(text: str, number: Callable[[str], int | None], what: str) -> frozenset[int]:
    """Raises Stop, also for no name at all, of which sacct says nothing."""
    if not text:
        raise Stop(1)
    found = set()
    for word in filter(None, text.split(",")):
        id = number(word)
        if id is None:
            raise Stop(1, err=f"sacct: error: Invalid {what} id: {word}\n")
        found.add(id)
    return frozenset(found)


_JOB_FLAGS = frozenset({"none", "schedsubmit", "schedmain", "schedbackfill", "startrecieved"})
"""The last as 22.05 spells it; every job of its has it."""


def _job_flags(text: str) -> frozenset[str]:
    """No word is no flag, which no job has."""
    for word in filter(None, text.split(",")):
        if word.lower() not in _JOB_FLAGS:
            raise Stop(1, err=f"sacct: error: str_2_job_flags: Invalid job flag {word}\n")
    return frozenset(text.lower().split(","))


def _limits(words: Mapping[str, str]) -> tuple[int, int] | None:
    """A greatest limit alone is no filter."""
    try:
        limits = {key: time.parse(words[key]) for key in ("timelimit-min", "timelimit-max") if key in words}
    except ValueSyntax:
        raise Stop(1, err="sacct: fatal: Invalid time limit specification\n") from None
    least = limits.get("timelimit-min")
    return None if least is None else (least, limits.get("timelimit-max", least))


def _nodes(text: str) -> frozenset[str]:
    try:
        return frozenset(hostlist.expand(text))
    except hostlist.InvalidHostlist:
        return frozenset()


def _range(text: str, what: str) -> tuple[int, int] | None:
    """Least and most; None where none is enough."""
    found = _RANGE.fullmatch(text)
    if found is None:
        raise Stop(1, err=f'sacct: error: Invalid numeric value "{text}" for requested {what} range.\n')
    least = _count(found[1], found[2])
    most = _count(found[3], found[4]) if found[3] else least
    return (least, most) if least else None


def _count(digits: str, unit: str) -> int:
    """`2K` nodes are 2048."""
    return int(digits[:_LARGEST]) << {"k": 10, "m": 20}.get(unit.lower(), 0)


def cluster_words(wanted: Wanted, environ: Mapping[str, str]) -> tuple[str | None, str]:
    """The clusters that were named, and where."""
    if "allclusters" in wanted.flags:
        return "all", clusters.OPTION
    if "clusters" in wanted.words:
        return wanted.words["clusters"], clusters.OPTION
    return environ.get(clusters.VARIABLE), clusters.VARIABLE
