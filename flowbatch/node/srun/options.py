"""What the words after `srun` ask for, as 22.05 reads them inside an allocation; srun(1).

Of the options that name resources of an allocation a step keeps those that mean something on one machine. An option that
would change what runs and is not built is refused by name; one that would change how much of the machine it gets, or for how
long, is named and has no effect; one that cannot matter here is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from flowbatch.slurm.getopt import Arity, GetoptError, Operand, OptionRow, Table


class CannotRun(Exception):
    """srun ends before a step begins: `line` is what it prints, `code` its exit code."""

    def __init__(self, line: str, code: int = 1) -> None:
        super().__init__(line)
        self.line = line
        self.code = code


@dataclass(frozen=True, slots=True)
class Wanted:
    """One step. `cpus_per_task` is None where nobody named a number; `tasks` likewise."""

    command: tuple[str, ...] = ()
    job_id: int | None = None
    job_name: str | None = None
    tasks: int | None = None
    tasks_per_node: int | None = None
    nodes: int | None = None
    cpus_per_task: int | None = None
    gpus: int | None = None
    gpus_per_task: int | None = None
    exact: bool = False
    overlap: bool = False
    overcommit: bool = False
    immediate: bool = False
    label: bool = False
    input: str | None = None
    output: str | None = None
    error: str | None = None
    open_mode: Literal["append", "truncate"] | None = None
    chdir: str | None = None
    export: str | None = None
    kill_on_bad_exit: bool = False
    wait_s: int = 0
    multi_prog: bool = False
    quiet: int = 0
    verbose: int = 0
    distribution: str | None = None
    ask: Literal["help", "usage", "version"] | None = None
    unheeded: tuple[str, ...] = field(default=())
    """Options that have no effect, though they would with Slurm."""


TAKEN: tuple[tuple[str, str | None, Arity], ...] = (
    ("unbuffered", "u", "none"), ("comment", None, "required"),
    ("partition", "p", "required"), ("account", "A", "required"), ("qos", "q", "required"),
    ("cpu-bind", None, "required"), ("cpu_bind", None, "required"), ("mem-bind", None, "required"),
    ("gpu-bind", None, "required"), ("accel-bind", None, "required"), ("hint", None, "required"),
    ("mem", None, "required"), ("mem-per-cpu", None, "required"), ("mem-per-gpu", None, "required"),
    ("constraint", "C", "required"), ("threads-per-core", None, "required"), ("threads", "T", "required"),
    ("cpu-freq", None, "required"), ("acctg-freq", None, "required"), ("profile", None, "required"),
    ("propagate", None, "optional"), ("ntasks-per-core", None, "required"), ("ntasks-per-socket", None, "required"),
    ("use-min-nodes", None, "none"), ("disable-status", "X", "none"), ("preserve-env", "E", "none"), ("slurmd-debug", None, "required"),
    ("spread-job", None, "none"), ("nice", None, "optional"), ("network", None, "required"),
    ("interactive", None, "none"), ("whole", None, "none"), ("no-kill", "k", "optional"),
)  # fmt: skip
"""Options that cannot matter to a step on one machine, as (long, short, arity)."""

UNHEEDED: tuple[tuple[str, str | None, Arity], ...] = (
    ("time", "t", "required"), ("nodelist", "w", "required"), ("cpus-per-gpu", None, "required"),
    ("ntasks-per-gpu", None, "required"),
)  # fmt: skip
"""Options whose effect is not built: srun says so and goes on, since the job's own limits and node hold."""

UNBUILT: tuple[tuple[str, str | None, Arity], ...] = (
    ("pty", None, "optional"), ("bcast", None, "optional"), ("het-group", None, "required"),
    ("pack-group", None, "required"), ("container", None, "required"), ("relative", "r", "required"),
    ("exclude", "x", "required"), ("epilog", None, "required"), ("prolog", None, "required"),
    ("task-epilog", None, "required"), ("task-prolog", None, "required"), ("debugger-test", None, "none"),
    ("export-file", None, "required"), ("begin", "b", "required"), ("dependency", "d", "required"),
    ("test-only", None, "none"), ("mpi", None, "required"), ("compress", None, "optional"),
)  # fmt: skip
"""Options that would change what runs."""

ROWS: tuple[OptionRow, ...] = (
    OptionRow("job_name", "job-name", "J", "required"),
    OptionRow("tasks", "ntasks", "n", "required"),
    OptionRow("nodes", "nodes", "N", "required"),
    OptionRow("tasks_per_node", "ntasks-per-node", None, "required"),
    OptionRow("cpus_per_task", "cpus-per-task", "c", "required"),
    OptionRow("gpus", "gpus", "G", "required"),
    OptionRow("gpus", "gpus-per-node", None, "required"),
    OptionRow("gres", "gres", None, "required"),
    OptionRow("gpus_per_task", "gpus-per-task", None, "required"),
    OptionRow("exact", "exact"),
    OptionRow("exact", "exclusive", None, "optional"),
    OptionRow("overlap", "overlap"),
    OptionRow("overcommit", "overcommit", "O"),
    OptionRow("immediate", "immediate", "I", "optional"),
    OptionRow("label", "label", "l"),
    OptionRow("input", "input", "i", "required"),
    OptionRow("output", "output", "o", "required"),
    OptionRow("error", "error", "e", "required"),
    OptionRow("open_mode", "open-mode", None, "required"),
    OptionRow("chdir", "chdir", "D", "required"),
    OptionRow("export", "export", None, "required"),
    OptionRow("kill_on_bad_exit", "kill-on-bad-exit", "K", "optional"),
    OptionRow("wait_s", "wait", "W", "required"),
    OptionRow("multi_prog", "multi-prog"),
    OptionRow("quiet", "quiet", "Q"),
    OptionRow("verbose", "verbose", "v"),
    OptionRow("distribution", "distribution", "m", "required"),
    OptionRow("job_id", "jobid", None, "required"),
    OptionRow("help", "help", "h"),
    OptionRow("usage", "usage"),
    OptionRow("version", "version", "V"),
    *(OptionRow("taken", long, short, arity) for long, short, arity in TAKEN),
    *(OptionRow("unheeded", long, short, arity) for long, short, arity in UNHEEDED),
    *(OptionRow("unbuilt", long, short, arity) for long, short, arity in UNBUILT),
)
TABLE = Table(ROWS)

MPI_BUILT = ("none", "openmpi")
"""The values of --mpi that need no PMI server (the second is an old name for the first)."""

VARIABLES = {
    "SLURM_NPROCS": "tasks",
    "SLURM_NTASKS": "tasks",
    "SLURM_NTASKS_PER_NODE": "tasks_per_node",
    "SRUN_CPUS_PER_TASK": "cpus_per_task",
    "SLURM_GPUS_PER_TASK": "gpus_per_task",
    "SLURM_EXACT": "exact",
    "SLURM_OVERLAP": "overlap",
    "SLURM_OVERCOMMIT": "overcommit",
    "SLURM_LABELIO": "label",
    "SLURM_STDINMODE": "input",
    "SLURM_STDOUTMODE": "output",
    "SLURM_STDERRMODE": "error",
    "SLURM_OPEN_MODE": "open_mode",
    "SLURM_WORKING_DIR": "chdir",
    "SLURM_EXPORT_ENV": "export",
    "SLURM_KILL_BAD_EXIT": "kill_on_bad_exit",
    "SLURM_WAIT": "wait_s",
    "SLURM_DISTRIBUTION": "distribution",
    "SRUN_EXPORT_ENV": "export",
    "SLURM_JOBID": "job_id",
    "SLURM_JOB_ID": "job_id",
}
"""Input variables of srun(1) that mean something here; later rows win."""

MODES = {"a": "append", "t": "truncate"}
_NUMBERS = frozenset({"tasks", "tasks_per_node", "cpus_per_task", "gpus_per_task", "gpus"})
_FLAGS = frozenset({"exact", "overlap", "overcommit", "label", "immediate", "multi_prog"})


def read(argv: Sequence[str], environ: Mapping[str, str]) -> Wanted:
    """The step that the words and the environment ask for. Raises CannotRun."""
    said: dict[str, Any] = {}
    for name, key in VARIABLES.items():
        if environ.get(name):
            said.update(_read(key, name, environ[name]))
    rest: list[str] = []
    try:
        for found in TABLE.parse("srun", argv, permute=False):
            if isinstance(found, Operand):
                rest.append(found.word)
            else:
                _give(said, found.row, found.value)
    except GetoptError as error:
        raise CannotRun(f'{error.line}\nTry "srun --help" for more information', 255) from None
    return Wanted(command=tuple(rest), **said)


def _give(said: dict[str, Any], row: OptionRow, value: str | None) -> None:
    name = f"--{row.long}"
    if row.key in ("help", "usage", "version"):
        said["ask"] = row.key
    elif row.key == "taken":
        return
    elif row.key == "unheeded":
        said["unheeded"] = (*said.get("unheeded", ()), name)
    elif row.key in ("quiet", "verbose"):
        said[row.key] = said.get(row.key, 0) + 1
    elif row.key != "unbuilt":
        said.update(_read(row.key, name, value))
    elif name != "--mpi" or value not in MPI_BUILT:
        raise CannotRun(f"srun: error: {name} is not built yet for steps of a job")


def _read(key: str, name: str, value: str | None) -> dict[str, Any]:
    """What one word of the request says. Raises CannotRun."""
    if key in _FLAGS:
        return {key: value != "0"}
    if key == "kill_on_bad_exit":
        return {key: value is None or _number(name, value) != 0}
    assert value is not None
    if key in _NUMBERS:
        number = _number(name, value.rpartition(":")[2] if key.startswith("gpus") else value)
        if number <= 0 and not key.startswith("gpus"):
            raise CannotRun(f'srun: error: Invalid numeric value "{value}" for {name}.')
        return {key: number, "exact": True} if key == "cpus_per_task" else {key: number}
    if key == "gres":
        return _gres(value)
    if key in ("wait_s", "job_id"):
        return {key: _number(name, value.partition(".")[0].partition("+")[0])}
    if key == "nodes":
        return {key: _number(name, value.partition("-")[0])}
    if key == "open_mode":
        if value[:1].lower() not in MODES:
            raise CannotRun(f"srun: error: Invalid --open-mode specification: {value}")
        return {key: MODES[value[:1].lower()]}
    return {key: value}


def _gres(value: str) -> dict[str, Any]:
    """The GPUs of `--gres`: `gpu`, `gpu:2`, `gpu:h100:2`, `none`; there is nothing to share out of other kinds."""
    counts = [word.rpartition(":")[2] for word in value.split(",") if word.partition(":")[0] == "gpu"]
    if not counts and value.lower() != "none":
        return {}
    return {"gpus": sum(int(count) if count.isdecimal() else 1 for count in counts)}


def _number(name: str, value: str) -> int:
    if not value.strip().lstrip("+").isdecimal():
        raise CannotRun(f'srun: error: Invalid numeric value "{value}" for {name}.')
    return int(value)


def programs(text: str, tasks: int, path: str) -> list[list[str]]:
    """The command of each task by a --multi-prog file: `0-2,5 program %t %o`. Raises CannotRun."""
    found: dict[int, list[str]] = {}
    for line in text.splitlines():
        words = line.split("#")[0].split()
        if not words:
            continue
        ranks = list(_ranks(words[0], tasks))
        for offset, rank in enumerate(ranks):
            found[rank] = [word.replace("%t", str(rank)).replace("%o", str(offset)) for word in words[1:]]
    for rank in range(tasks):
        if not found.get(rank):
            raise CannotRun(f"srun: error: Configuration file {path} invalid, no record for task id {rank}")
    return [found[rank] for rank in range(tasks)]


def _ranks(text: str, tasks: int) -> Iterator[int]:
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part == "*":
            yield from range(tasks)
        elif first.isdecimal() and (last.isdecimal() if dash else not last):
            yield from range(int(first), min(int(last or first), tasks - 1) + 1)
        else:
            raise CannotRun(f"srun: error: bad task ids in the --multi-prog file: {text}")
