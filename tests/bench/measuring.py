"""What is measured of one command and of one process."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from tests.conformance.worlds import World


def took(world: World, argv: Sequence[str], *, check: bool = True) -> float:
    """Wall time of one command in seconds, from fork to exit. Raises CalledProcessError, unless it may fail."""
    env = world.environment
    null = subprocess.DEVNULL
    began = time.perf_counter()
    subprocess.run(argv, env=env, cwd="/tmp", stdout=null, stderr=null, check=check)
    return time.perf_counter() - began


def resident_mb(pid: int) -> float:
    return int(re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[0]) / 1000
