"""The vendor's own client as PyPI has it, in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from filelock import FileLock

VENDOR = "flow-compute==3.28.2"
PLACE = "FLOWBATCH_VENDOR_VENV"
"""Names a directory for the environment, which is kept there."""
INSTALL_WITHIN_S = 240


class NotToBeHad(Exception):
    """It cannot be installed here; the last that was said of it."""


def install(place: Path) -> Path:
    """The client's program, in an environment that is made if it is not there. Raises NotToBeHad."""
    with FileLock(f"{place}.lock"):
        if not (place / "complete").exists():
            shutil.rmtree(place, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", place], check=True, capture_output=True)
            pip = [place / "bin/pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check", VENDOR]
            done = subprocess.run(pip, capture_output=True, text=True, timeout=INSTALL_WITHIN_S)
            if done.returncode:
                raise NotToBeHad(f"{VENDOR} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
            (place / "complete").touch()
    return place / "bin/flow"
