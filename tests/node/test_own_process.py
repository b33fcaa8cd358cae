"""What the programs are that a client becomes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

PRESSED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # a shell that has started the tests with & has it ignored
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
os.kill(os.getpid(), signal.SIGINT)
os.execv(sys.executable, [sys.executable, "-I", "-m", *sys.argv[1:]])
"""
"""As the thin client leaves it, where Ctrl-C was pressed before its program is there."""


IGNORED = """
import os, signal
from flowbatch.node.own_process import end_by_signals
signal.signal(signal.SIGHUP, signal.SIG_IGN)
end_by_signals()
os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGPIPE)
"""


def test_what_nohup_ignores_is_ignored():
    assert subprocess.run([sys.executable, "-c", IGNORED], timeout=60, check=False).returncode == -signal.SIGPIPE


@pytest.mark.parametrize("program", ["sattach", "broadcast"])
def test_ctrl_c_in_its_first_instants_ends_it_in_silence(tmp_path, program):
    words = (f"flowbatch.node.{program}", str(tmp_path), '{"job_id":1,"step":0}')
    done = subprocess.run([sys.executable, "-c", PRESSED, *words], stderr=subprocess.PIPE, timeout=60, check=False)
    assert (done.returncode, os.fsdecode(done.stderr)) == (-signal.SIGINT, "")
