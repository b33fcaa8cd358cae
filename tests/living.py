"""Files of a cluster at work, whose folders come and go while one looks, and its processes."""

from __future__ import annotations

import fnmatch
import os
from pathlib import Path


def files(directory: Path, pattern: str) -> list[Path]:
    """Those at any depth whose names match, sorted. (`Path.rglob` raises FileNotFoundError where a folder goes meanwhile.)"""
    return sorted(
        Path(folder, name) for folder, _, names in os.walk(directory) for name in fnmatch.filter(names, pattern)
    )


def alive(pid: int) -> bool:
    """Whether there is such a process; one that only waits to be buried is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def inside(root: Path) -> list[int]:
    """Processes that work inside `root`, or whose command line names what is there, and all that they have started: jobs that were left behind."""
    known = {one: facts for one in _pids() if (facts := _facts(one, root)) is not None}
    found = {pid for pid, (_, ours) in known.items() if ours}
    while more := {pid for pid, (parent, _) in known.items() if parent in found} - found:
        found |= more
    return sorted(pid for pid in found - {os.getpid()} if alive(pid))


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def _facts(pid: int, root: Path) -> tuple[int, bool] | None:
    """Whose child it is, and whether it belongs to `root`; None if it is gone."""
    try:
        parent = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        ours = Path(os.readlink(f"/proc/{pid}/cwd")).is_relative_to(root)
    except OSError:
        return None
    return parent, ours or any(word.startswith(os.fsencode(root) + b"/") for word in words)
