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

from flowbatch.node.srun.binding import bound
from flowbatch.node.srun.streams import Sink
from flowbatch.slurm import indices

CHUNK = 65536
TERMINAL = "FLOWBATCH_TERMINAL"
PLAIN = 'SLURM_TASK_PID=$$; export SLURM_TASK_PID; exec "$@"'
OWN_TERMINAL = f'exec <>"${TERMINAL}" >&0 2>&0; unset {TERMINAL}; {PLAIN}'
"""What a task is until it is its program. The first terminal that the leader of a session opens becomes the session's own."""

WORDS = {
    signal.SIGKILL: "Killed", signal.SIGTERM: "Terminated", signal.SIGSEGV: "Segmentation fault",
    signal.SIGABRT: "Aborted", signal.SIGUSR1: "User defined signal 1", signal.SIGUSR2: "User defined signal 2",
    signal.SIGINT: "Interrupt", signal.SIGHUP: "Hangup", signal.SIGBUS: "Bus error",
    signal.SIGFPE: "Floating point exception", signal.SIGILL: "Illegal instruction", signal.SIGPIPE: "Broken pipe",
    signal.SIGQUIT: "Quit", signal.SIGALRM: "Alarm clock", signal.SIGXCPU: "CPU time limit exceeded",
}  # fmt: skip
"""How srun names the signal that ended a task."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a task begins. A stream is a descriptor that it gets, or a sink that hears it; `stdin` None: it is fed by `feed`.

    `terminal`: the path of one that is to be its own. `cpus`: it is bound to them. `kept`: further descriptors that it gets.
    """

    rank: int
    node: str
    command: Sequence[str]
    environ: Mapping[str, str]
    directory: str
    stdin: int | None
    out: int | Sink
    err: int | Sink
    terminal: str = ""
    cpus: frozenset[int] | None = None
    kept: tuple[int, ...] = ()


@dataclass(slots=True)
class Task:
    """One task. `status` is its wait status as srun shows it: an exit code, or minus a signal."""

    rank: int
    node: str
    process: subprocess.Popen[bytes] | None = None
    status: int | None = None
    used: resource.struct_rusage | None = None
    """What it used, and all that it waited for; None while it runs."""
    open: int = 0
    """How many of its streams are still heard."""


@dataclass(slots=True)
class Tasks:
    """All tasks of a step. By poll(2): epoll takes no regular file as standard input."""

    ended: Callable[[Task], None] = lambda task: None
    """Called once for each task when it has ended."""
    all: list[Task] = field(default_factory=list)
    _selector: selectors.PollSelector = field(default_factory=selectors.PollSelector)
    _sinks: dict[int, tuple[Task, Sink]] = field(default_factory=dict)
    _feeding: dict[int, bytearray] = field(default_factory=dict)
    _watched: dict[int, Callable[[], None]] = field(default_factory=dict)
    _full: set[int] = field(default_factory=set)
    """Those of `_feeding` that get nothing more."""

    def start(self, how: Beginning) -> Task:
        """A task begins; one that cannot has ended already, and says why where its errors go."""
        task = Task(how.rank, how.node)
        self.all.append(task)
        streams = [how.out, how.err]
        given = [stream if isinstance(stream, int) else subprocess.PIPE for stream in streams]
        try:
            with bound(how.cpus):
                process = subprocess.Popen(
                    ["/bin/sh", "-c", OWN_TERMINAL if how.terminal else PLAIN, "sh", *_found(how)],
                    env={**how.environ, **({TERMINAL: how.terminal} if how.terminal else {})}, cwd=how.directory,
                    stdin=subprocess.PIPE if how.stdin is None else how.stdin, stdout=given[0], stderr=given[1],
                    start_new_session=True, pass_fds=how.kept,
                )  # fmt: skip
        except OSError as error:
            _tell(how.err, f"slurmstepd: error: execve(): {how.command[0]}: {os.strerror(error.errno or errno.EIO)}\n")
            task.status = error.errno or 1
            return task
        task.process = process
        for pipe, sink in zip((process.stdout, process.stderr), streams, strict=True):
            if pipe is not None and isinstance(sink, Sink):
                self._listen(task, pipe.fileno(), sink)
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            self._feeding[process.stdin.fileno()] = bytearray()
        return task

    def _listen(self, task: Task, fd: int, sink: Sink) -> None:
        os.set_blocking(fd, False)
        self._sinks[fd] = (task, sink)
        self._selector.register(fd, selectors.EVENT_READ)
        task.open += 1

    def watch(self, fd: int, ready: Callable[[], None], *, reading: bool = True, writing: bool = False) -> None:
        """From now on `look` calls it whenever the descriptor can be read, or written."""
        events = (selectors.EVENT_READ if reading else 0) | (selectors.EVENT_WRITE if writing else 0)
        if not events:
            self.unwatch(fd)
            return
        (self._selector.modify if fd in self._watched else self._selector.register)(fd, events)
        self._watched[fd] = ready

    def unwatch(self, fd: int) -> None:
        if self._watched.pop(fd, None) is not None:
            self._selector.unregister(fd)

    @property
    def running(self) -> list[Task]:
        return [task for task in self.all if task.status is None]

    @property
    def pids(self) -> list[int]:
        return [task.process.pid for task in self.all if task.process is not None]

    @property
    def hungry(self) -> bool:
        """Whether some task would take more input and none has too much unread."""
        return any(fd not in self._full for fd in self._feeding) and not self.stuffed

    @property
    def stuffed(self) -> bool:
        """Whether some task has too much unread."""
        return any(len(left) >= CHUNK for left in self._feeding.values())

    def feed(self, data: bytes, only: int | None = None) -> None:
        """The same bytes for every task that reads, or for one; empty for the end."""
        for task in self.all:
            pipe = task.process.stdin if task.process else None
            if pipe is None or pipe.closed or pipe.fileno() in self._full or only not in (None, task.rank):
                continue
            self._feeding[pipe.fileno()] += data
            if not data:
                self._full.add(pipe.fileno())
            self._pour(task)

    def look(self, within_s: float) -> None:
        """Hears what comes within so long, and notes who ended."""
        for key, _ in self._selector.select(within_s):
            if key.fd in self._sinks:
                self._hear(key.fd)
            elif key.fd in self._watched:
                self._watched[key.fd]()
        for task in self.all:
            self._reap(task)

    def drain(self, until: float) -> None:
        """Hears the rest of what ended tasks wrote; what a task left behind in the background may hold a stream for ever."""
        for fd in list(self._watched):
            self.unwatch(fd)
        while self._sinks and time.monotonic() < until:
            ready = self._selector.select(max(0.0, until - time.monotonic()))
            if not ready:
                break
            for key, _ in ready:
                self._hear(key.fd)
        for _, sink in self._sinks.values():
            sink.end()

    def signal(self, number: int, *, spared: int | None = None) -> None:
        """To every task and all that is in its process group, but that of the rank that is spared."""
        for task in self.running:
            assert task.process is not None
            if task.rank == spared:
                continue
            try:
                os.killpg(task.process.pid, number)
            except (ProcessLookupError, PermissionError):
                continue

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
            "system_ms": round(1000 * sum(one.ru_stime for one in used)),
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
        fd = pipe.fileno()
        left = self._feeding[fd]
        try:
            if left:
                del left[: os.write(fd, left)]
        except BlockingIOError:
            pass
        except OSError:
            self._shut(task)
            return
        if fd in self._full and not left:
            self._shut(task)
        else:
            self.watch(fd, lambda: self._pour(task), reading=False, writing=bool(left))

    def _shut(self, task: Task) -> None:
        assert task.process is not None and task.process.stdin is not None
        self.unwatch(task.process.stdin.fileno())
        self._feeding.pop(task.process.stdin.fileno(), None)
        self._full.discard(task.process.stdin.fileno())
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
                self.ended(task)


def _kib(used: resource.struct_rusage) -> int:
    """The most memory it had; macOS counts bytes."""
    return used.ru_maxrss // (1024 if sys.platform == "darwin" else 1)


def named(ranks: Sequence[int]) -> str:
    """`task 3`, `tasks 0-2,5`."""
    return f"task{'s' if len(ranks) > 1 else ''} {indices.ranges(sorted(ranks))}"


def ending(status: int) -> str:
    if status > 0:
        return f"Exited with exit code {status}"
    return WORDS.get(signal.Signals(-status), f"Unknown signal {-status}")


def _found(how: Beginning) -> list[str]:
    """The command with its program's whole path: in PATH, else in the task's directory. Raises OSError as execve(2) would."""
    program = how.command[0]
    path = program if "/" in program else shutil.which(program, path=how.environ.get("PATH", os.devnull))
    path = path or os.path.join(how.directory, program)
    whole = os.path.join(how.directory, path)
    if not os.path.exists(whole):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if os.path.isdir(whole) or not os.access(whole, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return [path if "/" in program else whole, *how.command[1:]]


def _tell(stream: int | Sink, words: str) -> None:
    """Words of the task's own on its standard error, before it is there."""
    if isinstance(stream, Sink):
        stream.take(os.fsencode(words))
    else:
        os.write(stream, os.fsencode(words))
