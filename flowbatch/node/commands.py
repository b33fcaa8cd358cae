"""Slurm's commands on a rented machine: the thin client under each of their names, for the PATH of the jobs there."""

from __future__ import annotations

import pkgutil
import shlex
from pathlib import Path

from flowbatch.node.files import write_private

COMMANDS = (
    "sbatch", "squeue", "scancel", "scontrol", "sinfo", "sacct", "srun", "salloc", "sacctmgr", "sattach", "sbcast", "sdiag", "seff", "sprio",
    "sreport", "sshare", "sstat", "strigger", "scrontab",
)  # fmt: skip
"""Every command of Slurm that there is, here and on a rented machine."""
FOLDER = "bin"
"""In the node's directory."""

START_NOTHING = "/bin/false"
"""What would start a controller here."""


def install(directory: Path) -> None:
    """They are in the folder, of this version, and speak to whoever serves the directory."""
    source = pkgutil.get_data("flowbatch.shims", "client.py")
    assert source is not None
    folder = directory / FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    client = folder / "client.py"
    write_private(client, source)
    for name in COMMANDS:
        words = shlex.join(("python3", "-I", "-S", str(client), name, str(directory), START_NOTHING))
        write_private(folder / name, f'#!/bin/sh\nexec {words} "$@"\n'.encode(), 0o700)
