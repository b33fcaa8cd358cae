"""Life and death of the controller: one for a state directory, started detached, found by its socket.

Who holds `controller.lock` is the controller; the socket may be stale, the lock never is (the kernel drops it).
"""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from filelock import FileLock, Timeout

from flowbatch.controller import peer
from flowbatch.errors import ControllerUnreachable
from flowbatch.node import apart
from flowbatch.paths import SOCKET, Paths
from flowbatch.protocol.sockets import connected

START_WITHIN_S = 120
"""One that somebody else starts, or that is stopping, has come so far by then; nobody waits longer for another one."""

READY_WITHIN_S = 120
"""A controller that was started answers by then, however much it has to read; its starter waits no longer."""

AGAIN_S = 0.05, 0.5
"""How long it is until one who waits for a controller looks again: at first, and later on."""

STOP_WITHIN_S = 30
ALREADY = 75
"""A controller's exit code when another one holds the lock."""

KEPT = ("PATH", "HOME", "LANG", "TZ", "DBUS_SESSION_BUS_ADDRESS")
OURS = ("FLOW_", "MITHRIL_")
"""What of the starter's environment the controller keeps: these variables (the last leads to the system's keyring), and all that begin so."""

READY = b"ready\n"

SPEAKER = "flowbatch: "
"""Who says why it did not become ready; whoever passes that on says so again."""

PROGRAM = (sys.executable, "-I", "-m", "flowbatch.app")
"""The controller itself, in the foreground."""


@dataclass(frozen=True)
class Status:
    """Whether a controller answers, and who it is."""

    pid: int | None
    paths: Paths


def status(paths: Paths) -> Status:
    return Status(_answering(paths), paths)


def start(paths: Paths, environ: Mapping[str, str]) -> int:
    """A controller answers; its pid. Raises ControllerUnreachable with the reason why none could be started.

    Of many who want one at the same time one starts it, and the others wait for that.
    """
    make_state(paths)
    until = time.monotonic() + START_WITHIN_S
    pause_s, longest_s = AGAIN_S
    while True:
        with _turn(paths) as ours:
            pid = _answering(paths)
            if pid is not None:
                return pid
            code, words = _spawn(paths, environ) if ours else (ALREADY, "")
        if code not in (0, ALREADY):
            raise ControllerUnreachable(words or f"the controller ended with exit code {code}")
        if time.monotonic() > until:
            raise ControllerUnreachable(
                f"a controller holds {paths.lock} and does not answer",
                hint="it may be starting or stopping; see controller.log",
            )
        if code == ALREADY:
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, longest_s)


def become(paths: Paths, environ: Mapping[str, str]) -> NoReturn:
    """This process is the controller from now on, in the foreground."""
    make_state(paths)
    os.execve(PROGRAM[0], PROGRAM, environment(paths, environ))


def stop(paths: Paths) -> int | None:
    """No controller runs; the pid of the one that did. Its jobs go on. Raises ControllerUnreachable if it stays."""
    pid = _answering(paths)
    if pid is None:
        return None
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_WITHIN_S
    while True:
        try:
            with lock(paths):
                return pid
        except Timeout:
            if time.monotonic() > until:
                raise ControllerUnreachable(f"the controller (pid {pid}) does not stop") from None
            time.sleep(0.02)


def lock(paths: Paths) -> FileLock:
    """The controller's lock; entering it raises filelock's Timeout at once where another holds it."""
    return FileLock(paths.lock, timeout=0, mode=0o600)


def locks_hold(file: Path, take: Callable[[int, int], None] = fcntl.flock) -> bool:
    """Whether a lock of this file keeps other processes out: on some network file systems it keeps out nobody, or there is
    none. `take` is the system call. Raises OSError where the file cannot be opened, or nobody else can try."""
    fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            take(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True  # somebody holds it, and keeps us out
        except OSError:
            return False
        child = os.fork()
        if child == 0:
            os._exit(_another_gets(file, take))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        os.close(fd)


def _another_gets(file: Path, take: Callable[[int, int], None]) -> int:
    """1 where a process that opens the file itself gets the lock too."""
    try:
        take(os.open(file, os.O_RDWR), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return 0
    return 1


def make_state(paths: Paths) -> None:
    """The state directory exists, 0700. Raises ControllerUnreachable with the reason."""
    try:
        paths.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if paths.state.stat().st_mode & 0o077:
            paths.state.chmod(0o700)
    except OSError as error:
        raise ControllerUnreachable(
            f"cannot use the state directory {paths.state}: {error.strerror}",
            hint="set FLOW_STATE_DIR to a directory of your own",
        ) from None
    if not os.access(paths.state, os.W_OK | os.X_OK):
        raise ControllerUnreachable(f"cannot write to the state directory {paths.state}")


def environment(paths: Paths, environ: Mapping[str, str]) -> dict[str, str]:
    """A clean environment that names the same directories."""
    kept = {name: value for name, value in environ.items() if name in KEPT or name.startswith(OURS)}
    return kept | {"FLOW_STATE_DIR": str(paths.state), "FLOW_CONFIG_DIR": str(paths.config)} | apart.variables(environ)


@contextmanager
def _turn(paths: Paths) -> Iterator[bool]:
    """Whether it is this process that starts a controller now. Where nothing can be locked it is: a controller says so, and why."""
    turn = FileLock(paths.starting, timeout=0, mode=0o600)
    try:
        turn.acquire()
        ours = True
    except Timeout:
        ours = False
    except OSError:
        ours = True
    try:
        yield ours
    finally:
        turn.release()


def _spawn(paths: Paths, environ: Mapping[str, str]) -> tuple[int, str]:
    """Starts a controller and waits until it lets go of its streams: (0, "") if it lives, else how and why it ended.

    Raises ControllerUnreachable if it does neither in time.
    """
    with subprocess.Popen(
        PROGRAM, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=paths.state,
        env=environment(paths, environ), start_new_session=True,
    ) as child:  # fmt: skip
        assert child.stdout is not None
        words = _all_of(child.stdout.fileno(), READY_WITHIN_S)
        if words is None or words.endswith(READY):
            child.returncode = 0  # it lives on without us
        if words is None:
            raise ControllerUnreachable(
                f"the controller (pid {child.pid}) does not get ready", hint="see controller.log in the state directory"
            )
        if words.endswith(READY):
            return 0, ""
    return child.returncode, words.decode(errors="replace").strip().removeprefix(SPEAKER)


def _all_of(stream: int, within_s: float) -> bytes | None:
    """What is said on a pipe until its end; None if that does not come in time."""
    until, words = time.monotonic() + within_s, b""
    poll = select.poll()
    poll.register(stream, select.POLLIN)
    while (left_s := until - time.monotonic()) > 0:
        if poll.poll(left_s * 1000):
            piece = os.read(stream, 4096)
            if not piece:
                return words
            words += piece
    return None


def _answering(paths: Paths) -> int | None:
    """The pid of the controller that listens, or None."""
    try:
        with connected(paths.state, SOCKET) as line:
            return peer.of(line).pid
    except OSError:
        return None
