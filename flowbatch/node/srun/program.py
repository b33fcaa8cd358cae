"""srun itself: one process that starts a step's tasks, carries their streams, and ends with the worst of their codes."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from flowbatch.node.server import SOCKET
from flowbatch.node.srun import environment, options, streams
from flowbatch.node.srun.grant import Grant, Granted, Refused
from flowbatch.node.srun.options import CannotRun, Wanted
from flowbatch.node.srun.streams import Place, Sink
from flowbatch.node.srun.tasks import FOLD_S, Tasks
from flowbatch.slurm.patterns import Names

VERSION = "slurm 22.05.8"
KILL_WAIT_S = 30
TWICE_WITHIN_S = 1.0
LOOK_S = 0.2
LAST_WORDS_S = 0.5
FORWARDED = (signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT, signal.SIGALRM)
FORCING = (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
USAGE = "Usage: srun [OPTIONS(0)... [executable(0) [args(0)...]]] [ : [OPTIONS(N)...]] executable(N) [args(N)...]\n"

REFUSALS = {
    "unknown job": "srun: error: Unable to confirm allocation for job {job}: Invalid job id specified\n"
    "srun: Check SLURM_JOB_ID environment variable. Expired or invalid job {job}",
    "too many": "srun: error: Unable to create step for job {job}: More processors requested than permitted",
    "nodes": "srun: error: Only allocated {nodes} nodes asked for {wanted}",
    "gpus": "srun: error: Unable to create step for job {job}: Invalid generic resource (gres) specification",
    "busy": "srun: error: Unable to create step for job {job}: Requested nodes are busy",
}


def main(directory: Path, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs the step that the words ask for on the node of `directory`; srun's exit code."""
    _take_name("srun")
    try:
        wanted = options.read(argv, environ)
        if wanted.ask is not None:
            sys.stdout.write(f"{VERSION}\n" if wanted.ask == "version" else USAGE)
            return 0
        if not wanted.command:
            raise CannotRun("srun: fatal: No command given to execute.")
        if wanted.job_id is None:
            raise CannotRun(
                "srun: error: no job: outside a job srun is not built yet (submit the command with sbatch --wrap)"
            )
        if wanted.unheeded and not wanted.quiet:
            _say(f"srun: warning: {', '.join(wanted.unheeded)}: not built yet for steps of a job, and without effect")
        return _Step(directory, wanted, environ).run()
    except CannotRun as error:
        _say(error.line)
        return error.code


def environ() -> dict[str, str]:
    """The environment as this process got it: the interpreter may have set LC_CTYPE since (PEP 538)."""
    try:
        words = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return dict(os.environ)
    pairs = (os.fsdecode(word).partition("=") for word in words if word)
    return {name: value for name, _, value in pairs}


class _Step:
    """One step, from its request to its last task."""

    def __init__(self, directory: Path, wanted: Wanted, environ: Mapping[str, str]) -> None:
        self.wanted = wanted
        self.environ = environ
        self.job_id = wanted.job_id or 0
        self.cwd = wanted.chdir or os.getcwd()
        try:
            self.grant = Grant(directory, SOCKET)
        except OSError:
            raise CannotRun("srun: error: Unable to create step: the node of this job does not answer") from None
        self.signals: list[int] = []
        self.interrupted_at = float("-inf")
        self.kill_at: float | None = None
        self.forced = False

    def run(self) -> int:
        wakes, woken = os.pipe()
        os.set_blocking(woken, False)
        signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
        for number in (signal.SIGINT, *FORCING, *FORWARDED):
            signal.signal(number, lambda number, _: self.signals.append(number))
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)
        try:
            job = self._ask(lambda: self.grant.job(self.job_id))
            tasks, cpus = self._shape(job)
            granted = self._granted(tasks, cpus)
        except OSError as error:
            raise CannotRun(f"srun: error: Unable to create step for job {self.job_id}: {error}") from None
        self.step_id = f"{self.job_id}.{granted.step}"
        self.tasks = Tasks(granted.node, _say)
        self._launch(granted, tasks, job)
        try:
            self._live(wakes)
        finally:
            self.grant.done(**self.tasks.spent())
        return self.tasks.exit_code()

    def _ask(self, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except Refused as error:
            raise CannotRun(REFUSALS[error.why].format(job=self.job_id)) from None

    def _shape(self, job: Mapping[str, Any]) -> tuple[int, int]:
        """How many tasks, and how many CPUs they need together. Raises CannotRun."""
        wanted = self.wanted
        if wanted.nodes is not None and wanted.nodes > 1:
            raise CannotRun(REFUSALS["nodes"].format(nodes=1, wanted=wanted.nodes))
        each = wanted.cpus_per_task or 1
        tasks = wanted.tasks or wanted.tasks_per_node
        if tasks is None and wanted.cpus_per_task is not None:
            tasks = max(1, job["cpus"] // each)
        tasks = tasks or 1
        if wanted.overcommit:
            return tasks, min(tasks * each, job["cpus"])
        if tasks * each > job["cpus"]:
            raise CannotRun(REFUSALS["too many"].format(job=self.job_id))
        if (self._gpu_count(tasks) or 0) > len(job["gpus"]):
            raise CannotRun(REFUSALS["gpus"].format(job=self.job_id))
        return tasks, tasks * each

    def _gpu_count(self, tasks: int) -> int | None:
        """How many GPUs the step is to have for itself; None: it sees those of its job."""
        wanted = self.wanted
        return tasks * wanted.gpus_per_task if wanted.gpus_per_task else wanted.gpus

    def _granted(self, tasks: int, cpus: int) -> Granted:
        waited = False

        def busy() -> None:
            nonlocal waited
            waited = True
            if self.wanted.immediate:
                raise Refused("busy")
            if not self.wanted.quiet:
                _say(f"srun: Job {self.job_id} step creation temporarily disabled, retrying (Requested nodes are busy)")

        granted: Granted = self._ask(lambda: self.grant.ask(
            busy, job_id=self.job_id, name=self.wanted.job_name or os.path.basename(self.wanted.command[0]),
            command=" ".join(self.wanted.command), pid=os.getpid(), tasks=tasks, cpus=cpus, gpus=self._gpu_count(tasks), whole=not self.wanted.exact,
            overlap=self.wanted.overlap,
        ))  # fmt: skip
        if waited and not self.wanted.quiet:
            _say(f"srun: Step created for job {self.job_id}")
        return granted

    def _launch(self, granted: Granted, tasks: int, job: Mapping[str, Any]) -> None:
        wanted = self.wanted
        commands = self._commands(tasks)
        umask = os.umask(0o022)
        os.umask(umask)
        facts = environment.StepFacts(
            self.job_id, granted.step, granted.node, tasks, wanted.cpus_per_task, granted.gpus if job["gpus"] else None,
            wanted.gpus_per_task, wanted.distribution, umask,
        )  # fmt: skip
        kept = environment.base(self.environ, granted.job, wanted.export)
        directory = self._directory()
        names = self._names(granted)
        where = [streams.place(said, self.cwd) for said in (wanted.input, wanted.output, wanted.error or wanted.output)]
        shared: dict[str, int] = {}
        if wanted.verbose:
            _say(f"srun: jobid {self.job_id}: nodes(1):`{granted.node}', cpu counts: {job['cpus']}(x1)")
            _say(
                f"srun: launching StepId={self.step_id} on host {granted.node}, {tasks} tasks: {','.join(map(str, range(tasks)))}"
            )
        for rank in range(tasks):
            stdin = self._input(where[0], names, rank)
            out, err = (self._output(where[i], names, rank, tasks, i, shared) for i in (1, 2))
            self.tasks.start(rank, commands[rank], environment.of_task(kept, facts, rank), directory, stdin, out, err)
            for fd in (stdin, out, err):
                if isinstance(fd, int) and fd > 2:
                    os.close(fd)
        self.grant.tasks(self.tasks.pids)

    def _names(self, granted: Granted) -> Names:
        """What file names may say; job name and array are the caller's word, as its environment has them."""
        told = self.environ
        array = (told.get("SLURM_ARRAY_JOB_ID", ""), told.get("SLURM_ARRAY_TASK_ID", ""))
        array_id, index = (int(word) if word.isdecimal() else None for word in array)
        name = told.get("SLURM_JOB_NAME") or os.path.basename(self.wanted.command[0])
        host = os.uname().nodename
        return Names(self.job_id, name, told.get("USER", ""), host, array_id, index, step=str(granted.step))

    def _commands(self, tasks: int) -> list[list[str]]:
        if not self.wanted.multi_prog:
            return [list(self.wanted.command)] * tasks
        path = self.wanted.command[0]
        try:
            text = Path(self.cwd, path).read_text(errors="surrogateescape")
        except OSError as error:
            raise CannotRun(f"srun: error: Unable to open configuration file {path}: {error.strerror}") from None
        return options.programs(text, tasks, path)

    def _directory(self) -> str:
        try:
            os.stat(os.path.join(self.cwd, "."))
        except OSError as error:
            _say(f"slurmstepd: error: couldn't chdir to `{self.cwd}': {error.strerror}: going to /tmp instead")
            return "/tmp"
        return self.cwd

    def _input(self, where: Place, names: Names, rank: int) -> int | None:
        """A descriptor for a task's standard input, or None: it is fed with srun's own."""
        if where.kind == "srun" or (where.kind == "one" and where.only == rank):
            return None
        path = os.devnull if where.kind in ("one", "null") else streams.file_of(where, names, rank)
        return self._open(lambda: os.open(path, os.O_RDONLY), path)

    def _output(self, where: Place, names: Names, rank: int, tasks: int, fd: int, shared: dict[str, int]) -> int | Sink:
        label = streams.label(rank, tasks) if self.wanted.label else b""
        if where.kind == "srun" or (where.kind == "one" and where.only == rank):
            return Sink(fd, label)
        if where.kind in ("one", "null"):
            return os.open(os.devnull, os.O_WRONLY)
        path = streams.file_of(where, names, rank)
        mode = self.wanted.open_mode
        if where.kind == "files":
            again = "append" if path in shared else mode
            shared[path] = -1
            return self._open(lambda: streams.opened(path, again), path)
        if path not in shared:
            shared[path] = self._open(lambda: streams.opened(path, mode), path)
        return Sink(shared[path], label)

    def _open(self, opening: Callable[[], int], path: str) -> int:
        try:
            return opening()
        except OSError as error:
            self.tasks.signal(signal.SIGKILL)
            raise CannotRun(f"srun: error: Could not open {path}: {error.strerror}") from None

    def _live(self, wakes: int) -> None:
        """Until every task has ended, with what follows from signals, -K and -W."""
        first_end: float | None = None
        failed_at: float | None = None
        while self.tasks.running:
            feeds = [0] if self.tasks.hungry else []
            readable = self.tasks.look(LOOK_S if self.tasks.pids else 0, [wakes, *feeds])
            if wakes in readable:
                os.read(wakes, 4096)
            if 0 in readable:
                self.tasks.feed(_stdin())
            self._heed_signals()
            ended = [task for task in self.tasks.all if task.status is not None]
            if ended and first_end is None:
                first_end = time.monotonic()
            if any(task.status for task in ended) and failed_at is None:
                failed_at = time.monotonic()
            if failed_at is not None and time.monotonic() - failed_at >= FOLD_S:
                self.tasks.tell_ended()
                failed_at = None
                if self.wanted.kill_on_bad_exit and any(task.status for task in ended):
                    self._terminate()
            if self.wanted.wait_s and first_end is not None and time.monotonic() - first_end >= self.wanted.wait_s:
                self._tired()
                first_end = float("inf")
            if self.kill_at is not None and time.monotonic() >= self.kill_at:
                self.tasks.signal(signal.SIGKILL)
        self.tasks.drain(time.monotonic() + LAST_WORDS_S)
        if self.interrupted_at != float("inf"):
            self.tasks.tell_ended()
        if any(task.status in (-signal.SIGKILL, -signal.SIGTERM) for task in self.tasks.all) and not self.forced:
            _say(f"srun: Force Terminated StepId={self.step_id}")

    def _heed_signals(self) -> None:
        while self.signals:
            number = self.signals.pop(0)
            if number == signal.SIGINT:
                self._interrupt()
            elif number in FORCING:
                self._force()
            else:
                self.tasks.signal(number)

    def _interrupt(self) -> None:
        now = time.monotonic()
        if now - self.interrupted_at < TWICE_WITHIN_S:
            _say(f"srun: sending Ctrl-C to StepId={self.step_id}")
            self.tasks.signal(signal.SIGINT)
            self._force(tell=False)
            self.interrupted_at = float("inf")
            return
        self.interrupted_at = now
        _say("srun: interrupt (one more within 1 sec to abort)")
        self._tell_states()

    def _force(self, *, tell: bool = True) -> None:
        _say("srun: forcing job termination")
        _say(f"srun: Job step aborted: Waiting up to {KILL_WAIT_S + 2} seconds for job step to finish.")
        if tell:
            self._close()
        self.forced = True
        self.tasks.signal(signal.SIGKILL if tell else signal.SIGINT)
        self.kill_at = time.monotonic() + (0 if tell else TWICE_WITHIN_S)

    def _terminate(self) -> None:
        if self.kill_at is None and self.tasks.running:
            _say(f"srun: launch/slurm: _step_signal: Terminating StepId={self.step_id}")
            self._close()
            self.tasks.signal(signal.SIGCONT)
            self.tasks.signal(signal.SIGTERM)
            self.kill_at = time.monotonic() + KILL_WAIT_S

    def _tired(self) -> None:
        """-W: the first task ended so long ago."""
        _say(f"srun: First task exited {self.wanted.wait_s}s ago")
        self._tell_states()
        _say(f"srun: launch/slurm: _step_signal: Terminating StepId={self.step_id}")
        self._close()
        _say(f"srun: Job step aborted: Waiting up to {KILL_WAIT_S + 2} seconds for job step to finish.")
        self.forced = True
        self.tasks.signal(signal.SIGKILL)
        self.kill_at = time.monotonic()

    def _tell_states(self) -> None:
        for word, tasks in (
            ("running", self.tasks.running), ("exited", [t for t in self.tasks.all if t.status is not None]),
        ):  # fmt: skip
            if tasks:
                ranks = [task.rank for task in tasks]
                _say(f"srun: StepId={self.step_id} {_states(ranks)}: {word}")

    def _close(self) -> None:
        at = time.strftime("%Y-%m-%dT%H:%M:%S")
        _say(f"slurmstepd: error: *** STEP {self.step_id} ON {self.tasks.node} CANCELLED AT {at} ***")


def _states(ranks: Sequence[int]) -> str:
    return f"task{'s' if len(ranks) > 1 else ''} {','.join(map(str, ranks))}"


def _stdin() -> bytes:
    try:
        return os.read(0, 65536)
    except OSError:
        return b""


def _say(line: str) -> None:
    try:
        os.write(2, os.fsencode(line) + b"\n")
    except OSError:
        return


def _take_name(name: str) -> None:
    """Tools signal srun by its name."""
    try:
        Path("/proc/self/comm").write_text(name)
    except OSError:
        return
