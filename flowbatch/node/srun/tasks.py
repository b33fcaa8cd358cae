"""The tasks of one step: started, fed, heard, signalled, and the words about how they ended."""

from __future__ import annotations

import errno
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.node.srun.streams import Sink

CHUNK = 65536
FOLD_S = 0.05
"""Tasks that end alike within so long are told of in one line."""

WORDS = {
    signal.SIGKILL: "Killed", signal.SIGTERM: "Terminated", signal.SIGSEGV: "Segmentation fault",
    signal.SIGABRT: "Aborted", signal.SIGUSR1: "User defined signal 1", signal.SIGUSR2: "User defined signal 2",
    signal.SIGINT: "Interrupt", signal.SIGHUP: "Hangup", signal.SIGBUS: "Bus error",
    signal.SIGFPE: "Floating point exception", signal.SIGILL: "Illegal instruction", signal.SIGPIPE: "Broken pipe",
    signal.SIGQUIT: "Quit", signal.SIGALRM: "Alarm clock", signal.SIGXCPU: "CPU time limit exceeded",
}  # fmt: skip
"""How srun names the signal that ended a task."""


@dataclass(slots=True)
class Task:
    """One task. `status` is its wait status as srun shows it: an exit code, or minus a signal."""

    rank: int
    process: subprocess.Popen[bytes] | None
    status: int | None = None
    used: resource.struct_rusage | None = None
    """What it used, and all that it waited for; None while it runs."""
    open: int = 0
    """How many of its streams are still heard."""


@dataclass(slots=True)
class Tasks:
    """All tasks of a step. `say` prints a line of srun's own. By poll(2): epoll takes no regular file as standard input."""

    node: str
    say: Callable[[str], None]
    all: list[Task] = field(default_factory=list)
    _selector: selectors.PollSelector = field(default_factory=selectors.PollSelector)
    _sinks: dict[int, tuple[Task, Sink]] = field(default_factory=dict)
    _feeding: dict[int, bytearray] = field(default_factory=dict)
    _told: set[int] = field(default_factory=set)
    _fed: bool = False

    def start(
        self, rank: int, command: Sequence[str], environ: Mapping[str, str], directory: str, stdin: int | None,
        out: int | Sink, err: int | Sink,
    ) -> None:  # fmt: skip
        """A task begins. A stream is a descriptor that it gets, or a sink that hears it; `stdin` None: it is fed by `feed`."""
        streams = [out if isinstance(out, int) else subprocess.PIPE, err if isinstance(err, int) else subprocess.PIPE]
        task = Task(rank, None)
        self.all.append(task)
        try:
            process = subprocess.Popen(
                ["/bin/sh", "-c", 'SLURM_TASK_PID=$$; export SLURM_TASK_PID; exec "$@"', "sh", *_found(command, environ)],
                env=dict(environ), cwd=directory, stdin=subprocess.PIPE if stdin is None else stdin, stdout=streams[0],
                stderr=streams[1], start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self.say(f"slurmstepd: error: execve(): {command[0]}: {os.strerror(error.errno or errno.EIO)}")
            task.status = error.errno or 1
            return
        task.process = process
        for pipe, sink in ((process.stdout, out), (process.stderr, err)):
            if pipe is not None and isinstance(sink, Sink):
                os.set_blocking(pipe.fileno(), False)
                self._sinks[pipe.fileno()] = (task, sink)
                self._selector.register(pipe, selectors.EVENT_READ)
                task.open += 1
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._feeding[process.stdin.fileno()] = bytearray()

    @property
    def running(self) -> list[Task]:
        return [task for task in self.all if task.status is None]

    @property
    def pids(self) -> list[int]:
        return [task.process.pid for task in self.all if task.process is not None]

    @property
    def hungry(self) -> bool:
        """Whether some task would take more input and none has too much unread."""
        return bool(self._feeding) and not self._fed and all(len(left) < CHUNK for left in self._feeding.values())

    def feed(self, data: bytes) -> None:
        """The same bytes for every task that reads; empty for the end."""
        self._fed = not data
        for left in self._feeding.values():
            left += data
        for task in self.all:
            self._pour(task)

    def look(self, within_s: float, also: Sequence[int] = ()) -> list[int]:
        """Hears what comes within so long, notes who ended; those descriptors of `also` that can be read."""
        for fd in also:
            self._selector.register(fd, selectors.EVENT_READ)
        ready = self._selector.select(within_s)
        for fd in also:
            self._selector.unregister(fd)
        readable = [key.fd for key, _ in ready]
        for fd in readable:
            if fd in self._sinks:
                self._hear(fd)
        for task in self.all:
            self._pour(task)
            self._reap(task)
        return [fd for fd in also if fd in readable]

    def drain(self, until: float) -> None:
        """Hears the rest of what ended tasks wrote; what a task left behind in the background may hold a stream for ever."""
        while self._sinks and time.monotonic() < until:
            if not self._selector.select(max(0.0, until - time.monotonic())):
                break
            for fd in [key.fd for key, _ in self._selector.select(0)]:
                self._hear(fd)
        for _, sink in self._sinks.values():
            sink.end()

    def signal(self, number: int) -> None:
        """To every task and all that is in its process group."""
        for task in self.running:
            assert task.process is not None
            try:
                os.killpg(task.process.pid, number)
            except (ProcessLookupError, PermissionError):
                continue

    def tell_ended(self) -> None:
        """One line for each node and way of failing, of those that ended since the last time."""
        fresh = [task for task in self.all if task.status is not None and task.rank not in self._told]
        self._told.update(task.rank for task in fresh)
        by_status: dict[int, list[int]] = {}
        for task in fresh:
            if task.status:
                by_status.setdefault(task.status, []).append(task.rank)
        for status, ranks in by_status.items():
            self.say(f"srun: error: {self.node}: {named(ranks)}: {ending(status)}")

    def spent(self) -> dict[str, int]:
        """How the step ended, for the record: the worst code and signal, the largest task's memory, all tasks' CPU time.

        A process that has started another counts as large as it was itself: what is no larger than this one says nothing.
        """
        statuses = [task.status for task in self.all if task.status is not None]
        used = [task.used for task in self.all if task.used is not None]
        rss, own = max((_kib(one) for one in used), default=0), _kib(resource.getrusage(resource.RUSAGE_SELF))
        return {
            "code": max((status for status in statuses if status > 0), default=0),
            "signal": max((-status for status in statuses if status < 0), default=0),
            "max_rss_kib": rss if rss > own else 0,
            "cpu_ms": round(1000 * sum(one.ru_utime + one.ru_stime for one in used)),
        }

    def exit_code(self) -> int:
        """The highest of all: a code as it is, a signal as 128 and its number."""
        return max((128 - t.status if t.status < 0 else t.status for t in self.all if t.status is not None), default=0)

    def _hear(self, fd: int) -> None:
        task, sink = self._sinks[fd]
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return
        if data:
            sink.take(data)
            return
        sink.end()
        self._selector.unregister(fd)
        del self._sinks[fd]
        task.open -= 1

    def _pour(self, task: Task) -> None:
        pipe = task.process.stdin if task.process else None
        if pipe is None or pipe.closed:
            return
        left = self._feeding[pipe.fileno()]
        try:
            if left:
                del left[: os.write(pipe.fileno(), left)]
        except BlockingIOError:
            return
        except OSError:
            self._shut(task)
            return
        if self._fed and not left:
            self._shut(task)

    def _shut(self, task: Task) -> None:
        assert task.process is not None and task.process.stdin is not None
        self._feeding.pop(task.process.stdin.fileno(), None)
        try:
            task.process.stdin.close()
        except OSError:
            return

    def _reap(self, task: Task) -> None:
        if task.status is None and task.process is not None:
            pid, status, used = os.wait4(task.process.pid, os.WNOHANG)
            if pid:
                task.status = task.process.returncode = os.waitstatus_to_exitcode(status)
                task.used = used


def _kib(used: resource.struct_rusage) -> int:
    """The most memory it had; macOS counts bytes."""
    return used.ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def named(ranks: Sequence[int]) -> str:
    """`task 3`, `tasks 0-2,5`."""
    runs: list[list[int]] = []
    for rank in sorted(ranks):
        if runs and rank == runs[-1][-1] + 1:
            runs[-1].append(rank)
        else:
            runs.append([rank])
    words = ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
    return f"task{'s' if len(ranks) > 1 else ''} {words}"


def ending(status: int) -> str:
    if status > 0:
        return f"Exited with exit code {status}"
    return WORDS.get(signal.Signals(-status), f"Unknown signal {-status}")


def _found(command: Sequence[str], environ: Mapping[str, str]) -> list[str]:
    """The command with its program's whole path. Raises OSError as execve(2) would."""
    program = command[0]
    path = program if "/" in program else shutil.which(program, path=environ.get("PATH", os.devnull))
    if path is None or not os.path.exists(path):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if os.path.isdir(path) or not os.access(path, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return [path, *command[1:]]
