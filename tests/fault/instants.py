"""Instants counted over all processes of a cluster, and a kill -9 at one of them.

What the processes share is a piece of memory that they all inherit. `come` is called by each of them at each instant of its
kind; at the one that `arm` named, the process that came to it kills the victim before it goes on.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["controller", "node", "statement", "chance"]
"""Failpoints of the controller, of the node daemon, statements of the controller's stores; `chance` is at no instant of a program."""

Victim = Literal["controller", "node", "both", "client", "wrapper", "machine"]
"""`both`: controller and node daemon. `machine`: these, all wrappers and what runs under them, and all clients."""

KINDS: tuple[Kind, ...] = get_args(Kind)
MOST = 64
"""Processes that are remembered."""


class _Shared(ctypes.Structure):
    _fields_ = (
        ("counts", ctypes.c_int64 * len(KINDS)), ("armed", ctypes.c_int64), ("number", ctypes.c_int64),
        ("fired", ctypes.c_int64), ("clients", ctypes.c_int64 * MOST), ("dying", ctypes.c_int64 * MOST), ("victim", ctypes.c_char * 16),
        ("name", ctypes.c_char * 64),
    )  # fmt: skip


class Instants:
    """Of the cluster in the state directory `state`."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._shared = _Shared.from_buffer(mmap.mmap(-1, ctypes.sizeof(_Shared)))
        self.disarm()

    def arm(self, kind: Kind, number: int, victim: Victim) -> None:
        """The victim dies when an instant of this kind comes for the `number`-th time from now on."""
        shared = self._shared
        shared.armed, shared.fired = -1, 0
        shared.counts[:] = [0] * len(KINDS)
        shared.number, shared.victim = number, victim.encode()
        shared.armed = KINDS.index(kind)

    def disarm(self) -> None:
        """Nobody dies; all is counted from now on."""
        self.arm("chance", 0, "controller")

    def clients(self, pids: list[int]) -> None:
        """The clients that are there now, the newest last."""
        self._shared.clients[:] = _padded(pids)

    @property
    def counts(self) -> dict[Kind, int]:
        """How often each kind came."""
        return dict(zip(KINDS, self._shared.counts, strict=True))

    @property
    def hit(self) -> str | None:
        """The name of the armed instant, if it has come."""
        return bytes(self._shared.name).decode() if self._shared.fired else None

    @property
    def over(self) -> bool:
        """Whether those who were to die are dead: what is asked from now on meets none of them."""
        return bool(self._shared.fired) and not any(map(_lives, filter(None, self._shared.dying)))

    def come(self, kind: Kind, name: str) -> None:
        """An instant of the process that calls this; of a statement's name, the first words."""
        shared, index = self._shared, KINDS.index(kind)
        shared.counts[index] += 1
        if shared.armed == index and shared.counts[index] == shared.number:
            self.fire(" ".join(name.split()[:3]))

    def fire(self, name: str) -> None:
        """The victim is killed now, oneself last."""
        victims = sorted(self._pids(self._shared.victim.decode()), key=lambda pid: pid == os.getpid())
        self._shared.dying[:] = _padded(victims)
        self._shared.name, self._shared.fired = name.encode()[:63], 1
        self.kill(victims)

    @staticmethod
    def kill(pids: Iterable[int]) -> None:
        """They are dead, as many of them as there were."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _pids(self, victim: str) -> Iterator[int]:
        if victim in ("controller", "both", "machine"):
            yield from self.daemon("controller.pid")
        if victim in ("node", "both", "machine"):
            yield from self.daemon("node/node.pid")
        if victim in ("client", "machine"):
            yield from (pid for pid in self._shared.clients if pid)
        if victim in ("wrapper", "machine"):
            yield from placed(self._state, wrappers_alone=victim == "wrapper")

    def daemon(self, name: str) -> Iterator[int]:
        """The process of a pid file, if it still is the one: daemons of ours are in their directories."""
        file = self._state / name
        try:
            pid = int(file.read_text())
            if os.readlink(f"/proc/{pid}/cwd") == str(file.parent):
                yield pid
        except (OSError, ValueError):
            return


def placed(state: Path, *, wrappers_alone: bool = False) -> Iterator[int]:
    """The wrappers of this cluster's jobs, and all that runs under them."""
    spool = os.fsencode(state / "node" / "spool")
    wrappers, parents = set(), {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes()
            parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if b"/wrapper." in words and spool in words:
            wrappers.add(int(entry.name))
    yield from wrappers
    if not wrappers_alone:
        yield from (pid for pid in parents if pid not in wrappers and _above(pid, parents) & wrappers)


def _padded(pids: list[int]) -> list[int]:
    return (pids + [0] * MOST)[:MOST]


def _lives(pid: int) -> bool:
    """Whether any thread of it does: until the last one is gone its sockets are open."""
    with suppress(FileNotFoundError):  # gone as it is looked at
        for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
            with suppress(OSError):
                if stat.read_text().rpartition(")")[2].split()[0] not in "ZX":
                    return True
    return False


def _above(pid: int, parents: dict[int, int]) -> set[int]:
    above = set()
    while pid in parents:
        pid = parents[pid]
        above.add(pid)
    return above
