"""What this machine must have before an instance can run on it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from flowbatch.errors import MachineFailed
from flowbatch.sandbox.machines.instance import PYTHON

PROGRAMS = {
    "unshare": "util-linux",
    "mount": "util-linux",
    "pivot_root": "util-linux",
    "setpriv": "util-linux",
    "bash": "bash",
}
"""Program -> the package that has it."""


def check() -> None:
    """Raises MachineFailed with what to install."""
    path = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/bin", "/sbin", "/bin"))
    for program, package in PROGRAMS.items():
        if shutil.which(program, path=path) is None:
            raise MachineFailed(f"instances of the sandbox need {program}", hint=f"install {package} (Linux only)")
    if not Path(PYTHON).exists():
        raise MachineFailed(
            f"instances of the sandbox see the system's programs alone, and there is no {PYTHON}",
            hint="install the system's own python3 (Debian and Ubuntu: apt-get install python3)",
        )
