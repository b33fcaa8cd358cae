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
from dataclasses import dataclass
from typing import Any

CHUNK = 65536
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

    @classmethod
    def open(cls) -> Terminal:
        """As large as srun's own. Raises OSError or termios.error where srun has none."""
        size = _size()
        before = termios.tcgetattr(0)
        master, slave = pty.openpty()
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

    def show(self) -> bool:
        """What the task has written is shown; false when it has no terminal any more."""
        try:
            data = os.read(self._master, CHUNK)
        except OSError:
            return False
        self.tap(data)
        return bool(data) and _write(1, data)

    def type(self) -> bool:
        """What was typed goes to the task; false at the end of the typing."""
        try:
            data = os.read(0, CHUNK)
        except OSError:
            return False
        return _write(self._master, data or b"\x04") and bool(data)

    def put(self, data: bytes) -> None:
        """As if it were typed, as far as the task's end takes it now."""
        os.set_blocking(self._master, False)
        try:
            os.write(self._master, data)
        except OSError:
            return
        finally:
            os.set_blocking(self._master, True)

    def close(self) -> None:
        """What is left is shown, and srun's own terminal is as it was."""
        signal.signal(signal.SIGWINCH, signal.SIG_DFL)
        os.close(self._slave)
        os.set_blocking(self._master, False)
        while self.show():
            continue
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
