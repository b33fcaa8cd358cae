"""The first process of an instance that an earlier sandbox ran: it ends with that sandbox, unless it was stopped or stuck."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

MEMORY = "first_process"
WAIT_S = 10.0


def remember(disk: Path, pid: int | None) -> None:
    """Written down with its start time, which no other process with this number has."""
    if pid is not None and (started := _started(pid)) is not None:
        (disk / MEMORY).write_text(f"{pid} {started}\n")


def end_leftover(disk: Path) -> None:
    """It does not live, and so nothing of its instance does: the kernel ends them with it."""
    try:
        pid, started = map(int, (disk / MEMORY).read_text().split())
    except (OSError, ValueError):
        return
    _end(pid, started)
    (disk / MEMORY).unlink(missing_ok=True)


def _end(pid: int, started: int) -> None:
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        if _started(pid) == started:
            signal.pidfd_send_signal(fd, signal.SIGKILL)
            select.select([fd], [], [], WAIT_S)
    finally:
        os.close(fd)


def _started(pid: int) -> int | None:
    """In clock ticks since the host booted; None if there is no such process."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])
