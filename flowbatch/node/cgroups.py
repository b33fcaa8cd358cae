"""Memory limits by cgroup v2, where this user may make groups with a memory controller; nowhere else.

A job's own group lies below one that belongs to the node; the script is put there before it starts, its wrapper stays
outside, so that the kernel's killer never takes the one who knows the exit code.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

MIB = 1 << 20
MOUNT, PROC = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
GROUP, DAEMONS = "flowbatch-node", "daemons"
"""The node's own group, and below it that of daemons which a job has started."""


class Cgroups:
    """The groups below `root`, which this process made and may write."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def find(cls, mount: Path = MOUNT, proc: Path = PROC) -> Cgroups | None:
        """A group of ours below the nearest ancestor that hands out memory control; None where there is none."""
        own = _own(mount, proc)
        if own is None or not (mount / "cgroup.controllers").exists():
            return None
        for ancestor in own.parents:
            if not ancestor.is_relative_to(mount):
                break
            if ancestor.name == GROUP:
                return cls._below(ancestor)
            if "memory" in _words(ancestor / "cgroup.subtree_control") and os.access(
                ancestor / "cgroup.procs", os.W_OK
            ):
                return cls._below(ancestor / GROUP)
        return None

    @classmethod
    def _below(cls, root: Path) -> Cgroups | None:
        try:
            root.mkdir(exist_ok=True)
            (root / "cgroup.subtree_control").write_text("+memory")
        except OSError:
            return None
        return cls(root)

    def confine(self, name: str, pid: int, memory_mib: int) -> str:
        """The process and all it will start may use so much memory; the group's path. Raises OSError."""
        group = self.root / name
        group.mkdir(exist_ok=True)
        (group / "memory.max").write_text(str(memory_mib * MIB))
        join(str(group), pid)
        return str(group)


def leave(mount: Path = MOUNT, proc: Path = PROC) -> None:
    """This process is in no job's group. Raises OSError."""
    own = _own(mount, proc)
    for group in () if own is None else (own, *own.parents):
        if group.parent.name == GROUP and group.name != DAEMONS:
            apart = group.parent / DAEMONS
            apart.mkdir(exist_ok=True)
            join(str(apart), os.getpid())


def _own(mount: Path, proc: Path) -> Path | None:
    """The group that this process is in."""
    found = re.search(r"^0::(.*)$", proc.read_text() if proc.exists() else "", re.MULTILINE)
    return mount / found[1].strip().lstrip("/") if found else None


def join(group: str, pid: int) -> None:
    """The process and all it will start belong to the group. Raises OSError."""
    Path(group, "cgroup.procs").write_text(str(pid))


def oom_kills(group: str) -> int:
    """How many of the group's processes the kernel has killed for want of memory."""
    found = re.search(r"^oom_kill (\d+)$", _text(Path(group, "memory.events")), re.MULTILINE)
    return int(found[1]) if found else 0


def remove(group: str) -> None:
    """The group is gone, if nobody is left in it."""
    try:
        os.rmdir(group)
    except OSError:
        return


def _words(path: Path) -> list[str]:
    return _text(path).split()


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
