"""The one door to what only Linux has: pidfd, /proc, prlimit, sub-reapers. Behind it, what any POSIX system can do."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from flowbatch.paths import APART

PAGE, TICKS = os.sysconf("SC_PAGE_SIZE"), os.sysconf("SC_CLK_TCK")
POLL_S = 0.2
FRESH_S = 0.05
"""So long one look at all processes is good for: a thousand jobs that are cancelled together share it."""

SYSTEM_CALLS = {
    "x86_64": (157, 74),
    "aarch64": (167, 82),
    "riscv64": (167, 82),
    "ppc64le": (171, 118),
    "s390x": (172, 118),
}
"""(prctl, fsync) by machine, for the wrapper."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one process uses: bytes, milliseconds, page faults that needed a disk."""

    rss: int = 0
    vm: int = 0
    cpu_ms: int = 0
    pages: int = 0
    read: int = 0
    written: int = 0


class Processes(Protocol):
    """What the node asks of the operating system about processes that may not be its children."""

    system_calls: tuple[int, int]
    """Numbers of prctl and fsync for the wrapper, 0 where it must do without."""

    def born(self, pid: int) -> str | None:
        """A word that no other process with this pid ever has; None if there is no such process. Raises OSError where that cannot be known."""

    async def gone(self, pid: int, born: str) -> None:
        """Returns once that process is no more."""

    def family(self, pid: int) -> list[int]:
        """All descendants of the process, without itself, and without daemons of ours (APART) and what is theirs."""

    def leads_session(self, pid: int, parent: int) -> bool:
        """Whether it is a child of that process and in a session of its own."""

    def variable(self, pid: int, name: str) -> str | None:
        """A variable of its environment as it began; None where that cannot be read."""

    def used(self, pid: int) -> Used | None:
        """What it uses now; None where that cannot be known."""

    def limit(self, pid: int, limits: Mapping[str, int]) -> None:
        """Sets soft resource limits (-1: none) of a process, by name (`NOFILE`), as far as its hard limits allow."""


class Linux:
    """All of it: a job's processes are the wrapper's descendants, since it is their sub-reaper."""

    def __init__(self) -> None:
        self.system_calls = SYSTEM_CALLS.get(platform.machine(), (0, 0))
        self._boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        self._looked_at = float("-inf")
        self._children: dict[int, list[int]] = {}

    def born(self, pid: int) -> str | None:
        stat = _stat(pid)
        return None if stat is None or stat[0] in "ZX" else f"{stat[19]}@{self._boot}"

    async def gone(self, pid: int, born: str) -> None:
        fd = None
        while fd is None:
            try:
                fd = self._watched(pid, born)
            except ProcessLookupError:
                return
            except OSError:  # no descriptor is left: who runs goes on running meanwhile
                await asyncio.sleep(POLL_S)
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[None] = loop.create_future()

        def over() -> None:
            if not ended.done():
                ended.set_result(None)

        try:
            loop.add_reader(fd, over)
            await ended
        finally:
            loop.remove_reader(fd)
            os.close(fd)

    def _watched(self, pid: int, born: str) -> int:
        """A descriptor of that very process. Raises ProcessLookupError where it is no more, OSError where none can be had."""
        fd = os.pidfd_open(pid)
        try:
            if self.born(pid) != born:
                raise ProcessLookupError
        except OSError:
            os.close(fd)
            raise
        return fd

    def family(self, pid: int) -> list[int]:
        if time.monotonic() - self._looked_at > FRESH_S:
            self._children = {}
            for name in os.listdir("/proc"):
                if name.isdigit() and (stat := _stat(int(name))) is not None:
                    self._children.setdefault(int(stat[1]), []).append(int(name))
            self._looked_at = time.monotonic()
        return _descendants(pid, self._children, self._apart)

    def _apart(self, pid: int) -> bool:
        stat = _stat(pid)
        return stat is not None and int(stat[3]) == pid and self.variable(pid, APART) is not None

    def leads_session(self, pid: int, parent: int) -> bool:
        stat = _stat(pid)
        return stat is not None and int(stat[1]) == parent and int(stat[3]) == pid

    def variable(self, pid: int, name: str) -> str | None:
        try:
            words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            return None
        start = f"{name}=".encode()
        return next((word[len(start) :].decode(errors="replace") for word in words if word.startswith(start)), None)

    def used(self, pid: int) -> Used | None:
        stat = _stat(pid)
        if stat is None:
            return None
        try:
            passed = dict(line.split(": ") for line in Path(f"/proc/{pid}/io").read_text().splitlines())
        except OSError:  # another user's
            passed = {}
        return Used(
            int(stat[21]) * PAGE, int(stat[20]), (int(stat[11]) + int(stat[12])) * 1000 // TICKS, int(stat[9]),
            int(passed.get("rchar", 0)), int(passed.get("wchar", 0)),
        )  # fmt: skip

    def limit(self, pid: int, limits: Mapping[str, int]) -> None:
        for name, soft in limits.items():
            number = getattr(resource, f"RLIMIT_{name}", None)
            if number is not None:
                hard = resource.prlimit(pid, number)[1]
                resource.prlimit(pid, number, (_within(soft, hard), hard))


class Posix:
    """Without /proc: asks ps(1), looks again and again, and leaves resource limits as they are."""

    system_calls = (0, 0)

    def born(self, pid: int) -> str | None:
        state, _, started = self._ps("-o", "stat=,lstart=", "-p", str(pid)).strip().partition(" ")
        return started.strip() if started and not state.startswith("Z") else None

    async def gone(self, pid: int, born: str) -> None:
        while await asyncio.to_thread(self.born, pid) == born:
            await asyncio.sleep(POLL_S)

    def family(self, pid: int) -> list[int]:
        children: dict[int, list[int]] = {}
        for line in self._ps("-ax", "-o", "pid=,ppid=").splitlines():
            child, parent = map(int, line.split())
            children.setdefault(parent, []).append(child)
        return _descendants(pid, children, lambda child: False)

    def leads_session(self, pid: int, parent: int) -> bool:
        return self._ps("-o", "ppid=,pgid=", "-p", str(pid)).split() == [str(parent), str(pid)]

    def variable(self, pid: int, name: str) -> str | None:
        return None

    def used(self, pid: int) -> Used | None:
        return None

    def limit(self, pid: int, limits: Mapping[str, int]) -> None:
        return

    def _ps(self, *words: str) -> str:
        return subprocess.run(["ps", *words], capture_output=True, text=True, check=False, env={"LC_ALL": "C"}).stdout


def here() -> Processes:
    """What this machine offers."""
    return Linux() if sys.platform == "linux" else Posix()


def signal_all(pids: Iterable[int], number: int) -> None:
    """Sends a signal to each process that is still there and ours."""
    for pid in pids:
        try:
            os.kill(pid, number)
        except (ProcessLookupError, PermissionError):
            continue


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on (index 0), or None if there is no such process. Raises OSError where that cannot
    be known: no descriptor may be left."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].decode().split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None


def _descendants(pid: int, children: Mapping[int, list[int]], apart: Callable[[int], bool]) -> list[int]:
    """Whoever is apart is left out, and all below it."""
    found: list[int] = []
    parents = [pid]
    while parents:
        family = [child for child in children.get(parents.pop(), ()) if not apart(child)]
        found += family
        parents += family
    return found


def _within(soft: int, hard: int) -> int:
    unlimited = resource.RLIM_INFINITY
    if hard == unlimited:
        return unlimited if soft < 0 else soft
    return hard if soft < 0 else min(soft, hard)
