"""Starts the node daemon for a controller on the same machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from flowbatch.errors import FlowError
from flowbatch.node import apart

WITHIN_S = 30
KEPT = ("TZ", "LANG")


class NodeUnreachable(FlowError):
    """No node daemon answers on this machine and none could be started."""


def start(directory: Path, environ: Mapping[str, str] = os.environ) -> None:
    """A daemon serves the directory, detached from the caller, with a clean environment. Raises NodeUnreachable."""
    environment = (
        {"PATH": os.defpath} | apart.variables(environ) | {name: environ[name] for name in KEPT if name in environ}
    )
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-m", "flowbatch.node", str(directory)], env=environment, cwd="/", timeout=WITHIN_S,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True, check=False,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NodeUnreachable(f"cannot start the node daemon: {error}") from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise NodeUnreachable(f"the node daemon ended with exit code {done.returncode}: {last}")
