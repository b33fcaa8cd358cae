"""What squeue was asked: its option table, SQUEUE_* variables, and the values as far as they need no queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from flowbatch.commands import documents
from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.command_options import CommandOption, Stop, answer, hint, table, usage_text
from flowbatch.slurm import codes
from flowbatch.slurm.getopt import GetoptError, Given, Operand
from flowbatch.slurm.integers import as_int32, leading

OPTIONS = (
    CommandOption("accounts", "A", "required", "jobs of these accounts"),
    CommandOption("all", "a", help="jobs in hidden partitions too"),
    CommandOption("array", "r", help="one line for each task of an array"),
    CommandOption("array-unique", help="lines of their own for tasks of an array that are held or wait again"),
    CommandOption("Format", "O", "required", "columns by name"),
    CommandOption("format", "o", "required", "columns by letter"),
    CommandOption("federation", help="jobs of the federation", verdict="recorded", reason="there is no federation"),
    CommandOption("help", help="print this"),
    CommandOption("hide", help="leave hidden partitions out (the default)"),
    CommandOption("iterate", "i", "required", "print again every so many seconds"),
    CommandOption("jobs", "j", "optional", "these jobs and array tasks"),
    CommandOption("local", help="jobs of this cluster", verdict="recorded", reason="there is no federation"),
    CommandOption("long", "l", help="more columns"),
    CommandOption("licenses", "L", "required", "jobs with one of these licences"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "jobs of these clusters"),
    CommandOption("me", help="my jobs"),
    CommandOption("name", "n", "required", "jobs of these names"),
    CommandOption("noconvert", help="memory in MiB, not in greater units"),
    CommandOption("node", None, "required", key="nodelist"),
    CommandOption("nodes", None, "required", key="nodelist"),
    CommandOption("nodelist", "w", "required", "jobs on these nodes"),
    CommandOption("noheader", "h", help="no header line"),
    CommandOption("partitions", "p", "required", "jobs in these partitions"),
    CommandOption("priority", "P", help="a pending job once for each of its partitions"),
    CommandOption("qos", "q", "required", "jobs of these qualities of service"),
    CommandOption("reservation", "R", "required", "jobs in this reservation"),
    CommandOption("sib", key="sibling"),
    CommandOption("sibling", help="jobs of sibling clusters", verdict="recorded", reason="there is no federation"),
    CommandOption("sort", "S", "required", "order by these letters of --format, - for descending"),
    CommandOption("start", help="when pending jobs are expected to start"),
    CommandOption("steps", "s", "optional", "job steps", verdict="emulated", reason="batch steps only"),
    CommandOption("states", "t", "required", "jobs in these states, or all"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("user", None, "required", key="users"),
    CommandOption("users", "u", "required", "jobs of these users"),
    CommandOption("verbose", "v", help="say what was asked"),
    CommandOption("version", "V", help="print the version"),
    CommandOption("json", help="everything, as JSON"),
    CommandOption("yaml", help="everything, as YAML"),
)
TABLE = table(OPTIONS)

STANDARD = "%.18i %.9P %.8j %.8u %.2t %.10M %.6D %R"
LONG = "%.18i %.9P %.8j %.8u %.8T %.10M %.9l %.6D %R"
STEPS = "%.15i %.8j %.9P %.8u %.9M %N"
START = "%.18i %.9P %.8j %.8u %.2t %.19S %.6D %20Y %R"

_VALID_STATES = (
    "PENDING,RUNNING,SUSPENDED,COMPLETED,CANCELLED,FAILED,TIMEOUT,NODE_FAIL,PREEMPTED,BOOT_FAIL,DEADLINE,OUT_OF_MEMORY,"
    "COMPLETING,CONFIGURING,RESIZING,RESV_DEL_HOLD,REQUEUED,REQUEUE_FED,REQUEUE_HOLD,REVOKED,SIGNALING,SPECIAL_EXIT,"
    "STAGE_OUT,STOPPED"
)
ACTIVE_STATES = frozenset({"PENDING", "RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "SIGNALING", "STAGE_OUT"})

_FLAGS_BY_ENVIRONMENT = {
    "SQUEUE_ALL": "all",
    "SQUEUE_ARRAY": "array",
    "SQUEUE_ARRAY_UNIQUE": "array-unique",
    "SQUEUE_FEDERATION": "federation",
    "SQUEUE_LOCAL": "local",
    "SQUEUE_PRIORITY": "priority",
    "SQUEUE_SIB": "sibling",
    "SQUEUE_SIBLING": "sibling",
}
_VALUES_BY_ENVIRONMENT = {
    "SQUEUE_ACCOUNT": "accounts",
    "SQUEUE_NAMES": "name",
    "SQUEUE_LICENSES": "licenses",
    "SQUEUE_PARTITION": "partitions",
    "SQUEUE_QOS": "qos",
    "SQUEUE_STATES": "states",
    "SQUEUE_USERS": "users",
    "SQUEUE_SORT": "sort",
    "SLURM_CLUSTERS": "clusters",
}


@dataclass(frozen=True, slots=True)
class JobId:
    """`7` or `7_3` of `--jobs`."""

    job_id: int
    task: int | None = None

    def __str__(self) -> str:
        return str(self.job_id) if self.task is None else f"{self.job_id}_{self.task}"


@dataclass(frozen=True)
class Wanted:
    """The options, read. A filter of None lets everything through, an empty one nothing. `words`: values as given.

    `flags` are the options without a value that were given; `notes` is for stderr before anything else.
    """

    flags: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    jobs: tuple[JobId, ...] | None = None
    steps: tuple[tuple[JobId, int], ...] | None = None
    states: frozenset[str] | None = None
    """None is the default: pending, running and completing. All states is the whole of them."""
    users: frozenset[int] | None = None
    sees_hidden: bool = False
    """Hidden partitions are hidden from users who ask for neither them nor all nor a job by its number; never from root."""
    iterate_s: int = 0
    clusters_from: str = "--cluster"
    verbose: int = 0
    notes: str = ""

    def names(self, key: str) -> frozenset[str] | None:
        """The comma separated words of a filter."""
        return frozenset(self.words[key].split(",")) if key in self.words else None


def read(argv: tuple[str, ...], environ: Mapping[str, str], uid: int) -> Wanted:
    """What was asked. Raises Stop for --help and --version, and for what squeue refuses, in its words."""
    flags = {key for name, key in _FLAGS_BY_ENVIRONMENT.items() if name in environ}
    words: dict[str, str] = {}
    wanted = Wanted()
    try:
        for given in _given(argv):
            key = given.row.key
            wanted = _take(wanted, key, given.value, uid)
            if given.value is None:
                flags = documents.said(flags, key)
            elif key in ("Format", "format") and ({"Format", "format"} - {key}) & set(words):
                other, flag = ("format", "o") if key == "Format" else ("Format", "O")
                mine = "O" if key == "Format" else "o"
                raise Stop(1, err=f"squeue: error: -{mine} (--{key}) is incompatible with -{flag} (--{other})\n")
            else:
                words[key] = given.value
        if "long" in flags and "format" in words:
            line = "Options -o(--format) and -l(--long) are mutually exclusive. Please remove one and retry."
            raise Stop(1, err=f"squeue: fatal: {line}\n")
        if "jobs" in flags and ("steps" in flags or "steps" in words):
            raise Stop(1, err="squeue: error: Incompatible options --jobs and --steps\n")
        if "jobs" in words:
            wanted = replace(wanted, jobs=tuple(_job_id(word) for word in _words(words["jobs"])))
        for name, key in _VALUES_BY_ENVIRONMENT.items():
            if name in environ and key not in words and not (key == "users" and "me" in flags):
                words[key] = environ[name]
                wanted = _take(wanted, key, environ[name], uid)
                if key == "clusters":
                    wanted = replace(wanted, clusters_from=name)
    except Stop as stop:  # what was said before is said all the same
        raise Stop(stop.code, out=stop.out, err=wanted.notes + stop.err) from None
    sees_hidden = uid == 0 or "all" in flags or "partitions" in words or wanted.jobs is not None
    return replace(wanted, flags=frozenset(flags), words=words, sees_hidden=sees_hidden)


def column_format(wanted: Wanted, environ: Mapping[str, str]) -> tuple[str, bool]:
    """The format that holds, and whether it is of names (`-O`)."""
    words, flags = wanted.words, wanted.flags
    steps = "steps" in flags or "steps" in words
    if "format" in words:
        return words["format"], False
    if "start" in flags and not steps:
        return START, False
    if "Format" in words:
        return words["Format"], True
    if steps:
        return STEPS, False
    if "long" in flags:
        return LONG, False
    if "SQUEUE_FORMAT" in environ:
        return environ["SQUEUE_FORMAT"], False
    if "SQUEUE_FORMAT2" in environ:
        return environ["SQUEUE_FORMAT2"], True
    return STANDARD, False


def _given(argv: tuple[str, ...]) -> Iterator[Given]:
    """The options; a word behind a bare `-j` or `-s` is its value, any other operand is refused, after all options."""
    last: Given | None = None
    others: list[str] = []
    complaint = ""
    try:
        for one in TABLE.parse("squeue", argv):
            if isinstance(one, Operand):
                if last and last.row.arity == "optional" and last.value is None and last.index + 1 == one.index:
                    last = replace(last, value=one.word)
                else:
                    others.append(one.word)
                continue
            if last:
                yield last
            last = one
    except GetoptError as error:
        complaint = f"{error.line}\n{hint('squeue')}"
    if last:
        yield last
    if complaint:
        raise Stop(1, err=complaint)
    if others:
        usage = usage_text("squeue", "", OPTIONS)
        raise Stop(1, out=usage, err=f"squeue: error: Unrecognized option: {others[0]}\n")


def _take(wanted: Wanted, key: str, value: str | None, uid: int) -> Wanted:
    """`wanted` with one more option, in the order in which squeue meets them."""
    answer("squeue", "", OPTIONS, key)
    match key, value:
        case "me", _:
            return replace(wanted, users=frozenset({uid}))
        case "verbose", _:
            return replace(wanted, verbose=wanted.verbose + 1)
        case "steps", str(text):
            return replace(wanted, steps=tuple(_step_id(word) for word in _words(text)))
        case "states", str(text):
            return replace(wanted, states=_states(text))
        case "users", str(text):
            users, notes = _users(text)
            return replace(wanted, users=users, notes=wanted.notes + notes)
        case "iterate", str(text):
            seconds = leading(text)
            if seconds <= 0:
                raise Stop(1, err=f"squeue: error: --iterate={text}\n\n")
            return replace(wanted, iterate_s=seconds)
        case _:
            return wanted


def _words(text: str) -> list[str]:
    return [word for word in text.split(",") if word]


def _job_id(word: str) -> JobId:
    number, under, rest = word.partition("_")
    job_id = as_int32(leading(number))
    if job_id <= 0:
        raise Stop(1, err=f"squeue: error: Invalid job id: {word}\n")
    return JobId(job_id, leading(rest) if under else None)


def _step_id(word: str) -> tuple[JobId, int]:
    job, dot, step = word.partition(".")
    if not dot:
        raise Stop(1, err=f"squeue: error: Invalid job_step id: {word}.??\n")
    number, in_job = as_int32(leading(job)), as_int32(leading(step))
    if not step:
        raise Stop(1, err=f"squeue: error: Invalid job_step id: {job}.??\n")
    if number <= 0 or in_job < 0:
        raise Stop(1, err=f"squeue: error: Invalid job_step id: {job}.{step}\n")
    return _job_id(job), in_job


def _states(text: str) -> frozenset[str]:
    if text.lower() == "all":
        return frozenset(codes.STATES)
    states = set()
    for word in _words(text):
        if word.upper() not in codes.STATE_WORDS:
            raise Stop(
                1,
                err=f"squeue: error: Invalid job state specified: {word}\n"
                f"squeue: error: Valid job states include: {_VALID_STATES}\n\n",
            )
        states.add(codes.STATE_WORDS[word.upper()])
    return frozenset(states)


def _users(text: str) -> tuple[frozenset[int], str]:
    """The users' numbers, and a complaint for each that nobody has: those match nothing."""
    found, notes = set(), ""
    for word in _words(text):
        uid = user_id(word)
        if uid is None:
            notes += f"squeue: error: Invalid user: {word}\n\n"
        else:
            found.add(uid)
    return frozenset(found), notes
