"""The command of salloc, where the allocation ends in the instant in which it begins."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

REVOKED_AT_ONCE = """
import os, signal, sys, time
from pathlib import Path
from flowbatch.node.allocation import shell
from flowbatch.node.allocation.plan import Plan

class Hold:
    def listen(self, revoked):
        revoked("cancelled")
    def cancel(self):
        os.write(2, b"somebody took the signal\\n")

fork = os.fork
def slow():
    pid = fork()
    if not pid:
        until = time.monotonic() + 20
        while plan.kill not in signal.sigpending() and time.monotonic() < until:
            time.sleep(0.01)  # the node's word comes before the command is its own program
    return pid
os.fork = slow
plan = Plan(7, kill=int(sys.argv[1]))
sys.exit(shell.Shell(plan, Hold(), Path("."), dict(os.environ)).run(["touch", "ran"]))
"""


@pytest.mark.parametrize("number", [15, 2, 10])
def test_a_command_whose_allocation_was_revoked_before_it_began_gets_its_signal(tmp_path: Path, number: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", REVOKED_AT_ONCE, str(number)],
        cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "salloc: Job allocation 7 has been revoked.\n")
    assert not (tmp_path / "ran").exists()
