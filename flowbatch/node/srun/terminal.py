"""--pty: task 0 in a terminal of its own, which srun's own terminal shows while it lasts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import signal
import struct
import termios
import tty
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flowbatch.node.srun.tasks import Tasks

CHUNK = 65536
LAST_WORDS = 256 << 10
"""Bytes: more than a terminal holds for its reader."""

END = b"\x04"
"""Ctrl-D."""

SIZE = struct.Struct("HHHH")
"""Rows, columns, and both in pixels: struct winsize of tty_ioctl(4)."""


@dataclass(slots=True)
class Terminal:
    """A pseudo terminal: `path` is the task's end. srun's own is raw from `open` to `close`.

    The task's end is held open here too: a terminal that nobody has at its other end is over, and the task is not at once there.
    """

    path: str
    _master: int
    _slave: int
    _before: list[Any]
    rows: int
    columns: int
    tap: Callable[[bytes], None] = lambda data: None
    """Is given what the task shows."""
    _untyped: bytearray = field(default_factory=bytearray)
    """What the task has not taken yet."""
    _shown: bool = True
    _typing: bool = True

    @classmethod
    def open(cls) -> Terminal:
        """As large as srun's own. Raises OSError or termios.error where srun has none."""
        size = _size()
        before = termios.tcgetattr(0)
        master, slave = pty.openpty()
        os.set_blocking(master, False)
        fcntl.ioctl(master, termios.TIOCSWINSZ, size)
        path = os.ttyname(slave)
        tty.setraw(0, termios.TCSADRAIN)
        rows, columns, *_ = SIZE.unpack(size)
        return cls(path, master, slave, before, rows, columns)

    @property
    def fd(self) -> int:
        """What the task shows can be read from it."""
        return self._master

    def follow(self) -> None:
        """From now on it has the size of srun's own; the task hears of a new one by SIGWINCH."""
        signal.signal(signal.SIGWINCH, lambda number, frame: self._resize())

    def _resize(self) -> None:
        with contextlib.suppress(OSError):
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, _size())

    @property
    def behind(self) -> bool:
        """Whether the task has not taken all that was typed."""
        return bool(self._untyped)

    def attend(self, tasks: Tasks) -> None:
        """Called often while the task runs: it is heard, and fed as far as it reads. No more is typed while it has not taken what there was,
        and neither waits for the other: a task that writes much and reads nothing is shown all the same."""
        tasks.watch(self._master, self._converse, reading=self._shown, writing=self.behind)
        tasks.watch(0, self._type, reading=self._typing and not self.behind)

    def put(self, data: bytes) -> None:
        """As if it were typed."""
        self._untyped += data
        self._pour()

    def _converse(self) -> None:
        self._pour()
        self._shown = self._shown and self._show()

    def _show(self) -> bool:
        """What the task has written is shown; false when it has no terminal any more."""
        try:
            return self._pass_on() > 0
        except BlockingIOError:
            return True
        except OSError:
            return False

    def _pass_on(self) -> int:
        """How many bytes were shown, 0 where nobody looks any more. Raises OSError where there is nothing now, or never will be."""
        data = os.read(self._master, CHUNK)
        self.tap(data)
        return len(data) if _write(1, data) else 0

    def _type(self) -> None:
        """What was typed goes to the task."""
        try:
            data = os.read(0, CHUNK)
        except OSError:
            self._typing = False
            return
        self._typing = bool(data)
        self.put(data or END)

    def _pour(self) -> None:
        try:
            while self._untyped:
                del self._untyped[: os.write(self._master, self._untyped)]
        except BlockingIOError:
            return
        except OSError:
            self._untyped.clear()

    def close(self) -> None:
        """What is left is shown, and srun's own terminal is as it was."""
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        os.close(self._slave)
        left = LAST_WORDS  # what the task left behind in the background may write for ever
        with contextlib.suppress(OSError):
            while left > 0 and (shown := self._pass_on()):
                left -= shown
        os.close(self._master)
        with contextlib.suppress(termios.error):
            termios.tcsetattr(0, termios.TCSADRAIN, self._before)

    def variables(self) -> dict[str, str]:
        """What the task is told; the port is Slurm's way to hear of a new size, and nobody listens there."""
        told = {"SLURM_PTY_PORT": 0, "SLURM_PTY_WIN_COL": self.columns, "SLURM_PTY_WIN_ROW": self.rows}
        return {name: str(value) for name, value in told.items() if value or name == "SLURM_PTY_PORT"}


def _size() -> bytes:
    return fcntl.ioctl(0, termios.TIOCGWINSZ, bytes(SIZE.size))


def _write(fd: int, data: bytes) -> bool:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(fd, view) :]
    except OSError:
        return False
    return True
