"""The tasks of a step, without one."""

from __future__ import annotations

import os
import time

from flowbatch.node.srun.tasks import Beginning, Tasks


def test_input_goes_on_as_soon_as_a_task_takes_it(tmp_path):
    """And not at the next look alone: what is more than a pipe holds took its time."""
    tasks = Tasks()
    command, out = ["sh", "-c", "sleep .1; exec cat"], os.open(os.devnull, os.O_WRONLY)
    tasks.start(Beginning(0, "n1", command, {"PATH": os.defpath}, str(tmp_path), None, out, out))
    os.close(out)
    tasks.feed(b"x" * 1_000_000)
    began = time.monotonic()
    while tasks.stuffed:
        tasks.look(30)
    assert time.monotonic() - began < 15
    tasks.feed(b"")
    while tasks.running:
        tasks.look(0.05)
    assert tasks.exit_code() == 0
