"""What this machine has: its name, CPUs, memory, disk and GPUs, as far as this process may use them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

_CGROUP = Path("/sys/fs/cgroup")
_QUERY = ("nvidia-smi", "--query-gpu=index,name", "--format=csv,noheader")
_BRANDS = frozenset({"nvidia", "geforce", "tesla", "quadro", "graphics", "device"})


@dataclass(frozen=True)
class Machine:
    """`gpus`: the model of each GPU, in index order (`h100`, `rtx3090`). Memory and disk in MiB."""

    hostname: str
    cpus: int
    memory_mib: int
    tmp_mib: int = 0
    gpus: tuple[str, ...] = ()


def machine() -> Machine:
    """This machine, measured."""
    return Machine(
        hostname=os.uname().nodename.partition(".")[0] or "localhost",
        cpus=_cpus(),
        memory_mib=_memory_mib(),
        tmp_mib=shutil.disk_usage(tempfile.gettempdir()).total >> 20,
        gpus=_gpus(),
    )


def model(name: str) -> str:
    """The short name that scripts ask for: `NVIDIA A100-SXM4-80GB` is a100, `NVIDIA GeForce RTX 3090 Ti` rtx3090ti."""
    words = [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word and word not in _BRANDS]
    if not words:
        return "gpu"
    first, rest = words[0], words[1:]
    if first in ("rtx", "gtx", "gt") and rest:
        first = rest[0] if rest[0][0].isalpha() else first + rest[0]
        rest = rest[1:]
    return first + (rest[0] if rest and rest[0] in ("ti", "super") else "")


def _cpus() -> int:
    """CPUs that this process may run on, no more than its cgroup's quota pays for."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    quota, _, period = _read(_CGROUP / "cpu.max").partition(" ")
    if quota.isdigit() and period.strip().isdigit() and int(period):
        usable = min(usable, max(1, int(quota) // int(period)))
    return max(1, usable)


def _memory_mib() -> int:
    """The machine's memory, or its cgroup's limit where that is less."""
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit = _read(_CGROUP / "memory.max").strip()
    return max(1, (min(whole, int(limit)) if limit.isdigit() else whole) >> 20)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _gpus() -> tuple[str, ...]:
    """The models that nvidia-smi lists; none where there is no nvidia-smi, or no driver answers it."""
    try:
        listing = subprocess.run(_QUERY, capture_output=True, text=True, timeout=20, check=True, errors="replace")
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [line.partition(",") for line in listing.stdout.splitlines()]
    found = {int(index): model(name) for index, comma, name in rows if comma and index.strip().isdigit()}
    return tuple(found[index] for index in sorted(found))
