"""What scancel was asked: its option table, SCANCEL_* variables, and the ids of jobs and steps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.command_options import CommandOption, Stop, answer, hint, table
from flowbatch.core.arrays import index_set
from flowbatch.directives.values import signal
from flowbatch.slurm import codes
from flowbatch.slurm.getopt import GetoptError, Given
from flowbatch.spec.array import IndexRange, IndexSet

OPTIONS = (
    CommandOption("account", "A", "required", "jobs of this account"),
    CommandOption("batch", "b", help="signal the batch script alone"),
    CommandOption("ctld", help="ask the controller", verdict="recorded", reason="the controller is always asked"),
    CommandOption("full", "f", help="signal the batch script and all it started"),
    CommandOption("help", help="print this"),
    CommandOption("hurry", "H", help="stage nothing out", verdict="recorded", reason="there is no burst buffer"),
    CommandOption("interactive", "i", help="ask before each job"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "jobs of this cluster"),
    CommandOption("jobname", None, "required", key="name"),
    CommandOption("me", help="my jobs"),
    CommandOption("name", "n", "required", "jobs of this name"),
    CommandOption("nodelist", "w", "required", "jobs on these nodes"),
    CommandOption("partition", "p", "required", "jobs in this partition"),
    CommandOption("qos", "q", "required", "jobs of this quality of service"),
    CommandOption("quiet", "Q", help="say nothing"),
    CommandOption("reservation", "R", "required", "jobs in this reservation"),
    CommandOption("sibling", None, "required", "a sibling", verdict="recorded", reason="there is no federation"),
    CommandOption("signal", "s", "required", "send this signal, by name or number"),
    CommandOption("state", "t", "required", "jobs in this state"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("user", "u", "required", "jobs of this user"),
    CommandOption("verbose", "v", help="say what is done"),
    CommandOption("version", "V", help="print the version"),
    CommandOption("wckey", None, "required", "jobs with this wckey"),
)
TABLE = table(OPTIONS)
OPERANDS = "[job_id[_array_id][.step_id]]..."

_FLAGS_BY_ENVIRONMENT = {
    "SCANCEL_BATCH": "batch",
    "SCANCEL_FULL": "full",
    "SCANCEL_INTERACTIVE": "interactive",
    "SCANCEL_VERBOSE": "verbose",
}
_VALUES_BY_ENVIRONMENT = {
    "SCANCEL_ACCOUNT": "account",
    "SCANCEL_NAME": "name",
    "SCANCEL_PARTITION": "partition",
    "SCANCEL_QOS": "qos",
    "SCANCEL_STATE": "state",
    "SCANCEL_USER": "user",
    "SCANCEL_WCKEY": "wckey",
    "SLURM_CLUSTERS": "clusters",
}
_FILTERS = ("account", "name", "nodelist", "partition", "qos", "reservation", "state", "user", "wckey")
_STATES_HINT = "Valid job states are PENDING, RUNNING, and SUSPENDED\n"
_ID = re.compile(
    r"(?P<job>[ +]*[0-9]+)(?:\+(?P<component>[0-9]+)|_(?:(?P<task>[0-9]*)|\[(?P<tasks>[^][]*)\]))?(?:\.(?P<step>[0-9]*))?"
)
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?")
_COMMA = re.compile(r",(?![^\[]*\])")
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Target:
    """One id as written: a job, tasks of an array (without those that no array can have), one component of a
    heterogeneous job, or one step."""

    text: str
    job_id: int
    tasks: IndexSet | None = None
    component: int | None = None
    step: int | None = None


@dataclass(frozen=True)
class Wanted:
    """The options, read. `user` is the uid of `--user` or `--me`; `signal` 0 is none: the job is ended."""

    targets: tuple[Target, ...] = ()
    flags: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None
    user: int | None = None
    signal: int = 0
    verbose: int = 0
    notes: str = ""

    @property
    def filters(self) -> dict[str, str]:
        """What jobs must fulfil, in the order in which scancel names it."""
        shown = {"name": "job_name", "user": "user_name"}
        found = {key: self.words[key] for key in _FILTERS if key in self.words}
        if self.state is not None:
            found["state"] = self.state
        if self.user is not None and "user" not in found:
            found["user"] = str(self.user)
        return {shown.get(key, key): found[key] for key in _FILTERS if key in found}

    @property
    def looks_first(self) -> bool:
        """Whether scancel reads the queue before it acts, rather than handing the ids on as they are."""
        return bool(self.filters or self.signal or self.flags & {"interactive", "batch"})


def read(argv: tuple[str, ...], environ: Mapping[str, str], uid: int, max_array_size: int) -> Wanted:
    """What was asked; indices of tasks stay below `max_array_size`. Raises Stop for --help and --version, and for what scancel refuses, in its words."""
    flags, notes = _environment_flags(environ)
    try:
        return replace(_read(argv, environ, uid, max_array_size, flags), notes=notes)
    except Stop as stop:  # what was said before is said all the same
        raise Stop(stop.code, out=stop.out, err=notes + stop.err) from None


def _read(argv: tuple[str, ...], environ: Mapping[str, str], uid: int, max_array_size: int, flags: set[str]) -> Wanted:
    """`flags` are those of the environment."""
    words = {key: environ[name] for name, key in _VALUES_BY_ENVIRONMENT.items() if name in environ}
    if "state" in words:
        _state(words["state"], f"Unrecognized SCANCEL_STATE value: {words['state']}\n{_STATES_HINT}")
    verbose = int("verbose" in flags)
    operands: list[str] = []
    number = 0
    try:
        for one in TABLE.parse("scancel", argv):
            if not isinstance(one, Given):
                operands.append(one.word)
                continue
            key = one.row.key
            answer("scancel", OPERANDS, OPTIONS, key)
            verbose = -1 if key == "quiet" else verbose + (key == "verbose")
            if one.value is None:
                flags.add(key)
            else:
                words[key] = one.value
            if key == "signal":
                number = signal_number(words[key])
            elif key == "state":
                _state(words[key], f"Invalid job state specified: {words[key]}\n{_STATES_HINT}")
    except GetoptError as error:
        raise Stop(1, err=f"{error.line}\n{hint('scancel')}") from None
    targets = tuple(target for word in operands for target in _targets(word, max_array_size))
    return Wanted(
        targets=targets, flags=frozenset(flags), words=words, signal=number,
        state=codes.STATE_WORDS[words["state"].upper()] if "state" in words else None,
        user=_user(words, flags, uid), verbose=verbose,
    )  # fmt: skip


def _environment_flags(environ: Mapping[str, str]) -> tuple[set[str], str]:
    flags, notes = set(), ""
    for name, key in _FLAGS_BY_ENVIRONMENT.items():
        said = environ.get(name, "false")
        if said[:1].lower() == "t":
            flags.add(key)
        elif said[:1].lower() != "f":
            notes += f"scancel: error: Unrecognized {name} value: {said}\n"
    return flags, notes


def signal_number(text: str) -> int:
    """The signal of a name or a number. Raises Stop."""
    word = text.strip()
    number = signal.NUMBERS.get(word.upper().removeprefix("SIG"), 0)
    if not number and word.isascii() and word.isdigit() and len(word) <= _MOST_DIGITS:
        number = int(word)
    if not number:
        raise Stop(1, err=f"Unknown job signal: {text}\n")
    return number


def _state(text: str, complaint: str) -> None:
    if text.upper() not in codes.STATE_WORDS:
        raise Stop(1, err=complaint)


def _user(words: Mapping[str, str], flags: set[str], uid: int) -> int | None:
    if "user" in words:
        found = user_id(words["user"])
        if found is None:
            raise Stop(1, err=f"scancel: error: Invalid user name: {words['user']}\n")
        return found
    return uid if "me" in flags else None


def _targets(word: str, max_array_size: int) -> Iterator[Target]:
    """The ids of one word: commas separate them, and nothing may stand behind a bracket. What is refused is named with all that follows."""
    rest: str | None = word
    while rest is not None:
        part = _COMMA.split(rest, maxsplit=1)[0]
        behind = rest[len(part) :]
        if part.endswith("]") and behind:
            raise _invalid(rest)
        yield _target(part, max_array_size, rest)
        rest = behind[1:] if behind else None


def _target(part: str, max_array_size: int, text: str) -> Target:
    """The id `part`, which `text` begins with. Raises Stop."""
    found = _ID.fullmatch(part)
    if found is None or len(found["job"]) > _MOST_DIGITS or not int(found["job"].strip(" +")):
        raise _invalid(text)
    if found["tasks"] is not None and found["step"] is not None:
        raise _invalid(text)
    job_id = int(found["job"].strip(" +"))
    step = None if found["step"] is None else int(found["step"][:_MOST_DIGITS] or "0")
    if found["component"] is not None:
        return Target(part, job_id, component=int(found["component"][:_MOST_DIGITS]), step=step)
    if found["tasks"] is not None:
        return Target(part, job_id, _ranges(found["tasks"], text, max_array_size))
    if found["task"] is not None:
        index = int(found["task"][:_MOST_DIGITS] or max_array_size)
        return Target(part, job_id, index_set([index] if index < max_array_size else []), step=step)
    return Target(part, job_id, step=step)


def read_target(text: str, max_array_size: int) -> Target | None:
    """The id that the text is, if it is one of a job, of tasks or of a component; indices of tasks stay below `max_array_size`."""
    try:
        target = _target(text, max_array_size, text)
    except Stop:
        return None
    return target if target.step is None else None


def _ranges(ranges: str, text: str, max_array_size: int) -> IndexSet:
    """The indices below `max_array_size`: no array of the cluster has others."""
    said: list[IndexRange] = []
    for one in ranges.split(","):
        found = _RANGE.fullmatch(one)
        if found is None or len(one) > 2 * _MOST_DIGITS:
            raise _invalid(text, f"scancel: error: _parse_single_range: Invalid range: `{one}'\n")
        first = int(found[1])
        last = int(found[2]) if found[2] else first
        if last < first:
            raise _invalid(text, f"scancel: error: _parse_single_range: Invalid range: `{one}'\n")
        if first < max_array_size:
            said.append(IndexRange(first=first, last=min(last, max_array_size - 1)))
    return IndexSet.of(tuple(said))


def _invalid(text: str, before: str = "") -> Stop:
    return Stop(1, err=f"{before}scancel: error: Invalid job id {text}\n")
