"""A Python that has flowbatch loaded: programs of ours start as its children in milliseconds, and die where a test says.

`Preloaded` writes a file that stands where the interpreter stands in every command line (`Baked.python`, `sys.executable`):
`FILE -I -m flowbatch.controller start` is the same program in the same session, directory, environment and with the same streams
as Python's own; what is not in PROGRAMS is left to Python.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from flowbatch import app, paths
from flowbatch.config import Settings
from flowbatch.controller import lifecycle
from flowbatch.controller.__main__ import main as controller
from flowbatch.errors import FlowError
from flowbatch.node.allocation import holders
from flowbatch.node.daemon import IDLE_S, AlreadyThere, Daemon
from flowbatch.store.sqlite import SqliteStore
from tests.fault.instants import Instants

PR_SET_PDEATHSIG = 1
"""Of the kernel: the signal that a process gets when its parent dies."""

STAND_IN = """\
#!{python} -IS
import _socket, posix, sys
words = sys.argv[1:]
if words[:2] != ["-I", "-m"] or words[2] not in {programs!r}:
    posix.execve({python!r}, [{python!r}, *words], posix.environ)
line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
line.connect({address!r})
umask = posix.umask(0)
said = [posix.getcwdb(), b"%o" % umask, b"%d" % len(words), *(word.encode(sys.getfilesystemencoding(), "surrogateescape") for word in words)]
said += [name + b"=" + value for name, value in posix.environ.items()]
body = b"\\0".join(said)
streams = b"".join(fd.to_bytes(4, sys.byteorder) for fd in (0, 1, 2))
line.sendmsg([len(body).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
line.sendall(body)
null = posix.open("/dev/null", posix.O_RDWR)
for stream in (0, 1, 2):
    posix.dup2(null, stream)
posix._exit((line.recv(1) or b"\\1")[0])
"""
"""Stays until the program has ended, and ends as it did."""


def _controller_itself(words: list[str], instants: Instants) -> int:
    """As `flowbatch.app` when it is run; what is requeued waits no two minutes."""
    shape = app.cluster
    app.cluster = lambda config: shape(config).model_copy(update={"requeue_delay_s": 0})
    app.SqliteStore = partial(SqliteStore, trace=partial(instants.come, "statement"))
    return app.run(paths.find(os.environ), Settings.read(os.environ), {}, partial(instants.come, "controller"))


def _node(words: list[str], instants: Instants) -> int:
    """As `flowbatch.node` when it is run; a command whose controller died under it is not waited for a minute."""
    holders.HOLD_WITHIN_S = 5
    try:
        daemon = Daemon(Path(words[0]))
    except AlreadyThere:
        return 0
    if daemon.detach():
        daemon.run(idle_s=IDLE_S, failpoint=partial(instants.come, "node"))
    return 0


PROGRAMS: Mapping[str, Callable[[list[str], Instants], int]] = {
    "flowbatch.app": _controller_itself,
    "flowbatch.controller": lambda words, instants: controller(words),
    "flowbatch.node": _node,
}


class Preloaded:
    """While it lives, `python` is the interpreter to name. `root` is a directory for its two files."""

    def __init__(self, root: Path, instants: Instants) -> None:
        self.python = root / "python"
        self._instants = instants
        address = str(root / "python.sock")
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(address)
        self._listening.listen(64)
        self.python.write_text(STAND_IN.format(python=sys.executable, programs=set(PROGRAMS), address=address))
        self.python.chmod(0o755)
        self._parent = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            self._serve()

    def close(self) -> None:
        self._listening.close()
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _serve(self) -> None:
        """As long as its parent lives: a child for each who asks, and how it ended."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != self._parent:
            os._exit(0)
        sys.executable = str(self.python)
        lifecycle.PROGRAM = (sys.executable, *lifecycle.PROGRAM[1:])
        readable, writable = os.pipe()
        os.set_blocking(writable, False)
        os.set_blocking(readable, False)
        signal.set_wakeup_fd(writable)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        waiting: dict[int, socket.socket] = {}
        while True:
            ready, _, _ = select.select([self._listening, readable], [], [])
            if readable in ready:
                os.read(readable, 4096)
            while waiting:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                _answer(waiting.pop(pid), status)
            if self._listening in ready:
                line, _ = self._listening.accept()
                pid = os.fork()
                if pid == 0:
                    signal.set_wakeup_fd(-1)
                    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                    for one in (self._listening, *waiting.values()):
                        one.close()
                    os.close(readable)
                    os.close(writable)
                    self._be(line)
                waiting[pid] = line

    def _be(self, line: socket.socket) -> None:
        """The program that was asked for, from its first line to its end."""
        code = 1
        try:
            head, streams, _, _ = socket.recv_fds(line, 4, 3)
            body = b""
            while len(body) < int.from_bytes(head, "big"):
                more = line.recv(1 << 20)
                if not more:
                    raise SystemExit("who asked for a program is gone")
                body += more
            line.close()
            cwd, umask, count, *rest = body.split(b"\0")
            words = [os.fsdecode(word) for word in rest[: int(count)]]
            os.setsid()
            for stream, fd in enumerate(streams):
                os.dup2(fd, stream)
                os.close(fd)
            os.chdir(cwd)
            os.umask(int(umask, 8))
            os.environ.clear()
            os.environb.update(word.partition(b"=")[::2] for word in rest[int(count) :])
            _, _, module, *arguments = words
            sys.argv = [module, *arguments]
            try:
                code = PROGRAMS[module](arguments, self._instants)
            except FlowError as error:
                sys.stderr.write(error.screen("flowbatch") + "\n")
                code = error.exit_code
        except SystemExit as ending:
            code = ending.code if isinstance(ending.code, int) else 1
        except BaseException as error:  # noqa: BLE001  as the interpreter itself would end
            sys.excepthook(type(error), error, error.__traceback__)
        finally:
            sys.stderr.flush()
            os._exit(code)


def _answer(line: socket.socket, status: int) -> None:
    with suppress(OSError):
        line.sendall(bytes((os.waitstatus_to_exitcode(status) & 255,)))
    line.close()
