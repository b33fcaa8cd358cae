"""A world of ours, and what is left of it."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.conformance import worlds
from tests.living import alive, inside

pytestmark = pytest.mark.conformance


def test_no_job_outlives_its_world(tmp_path):
    """Also one that runs elsewhere, and begins processes of its own."""
    root, work = tmp_path / "root", tmp_path / "work"
    work.mkdir()
    world = worlds.our_world(root)
    started = work / "pid"
    script = f"sh -c 'cd /; echo $$ > {started}.new; mv {started}.new {started}; exec sleep 300' & wait"
    try:
        env = os.environ | world.environment | {"PATH": f"{world.path}:{os.environ['PATH']}"}
        subprocess.run(["sbatch", "--wrap", script], cwd=work, env=env, check=True, capture_output=True, timeout=60)
        subprocess.run(["sh", "-c", f"until [ -e {started} ]; do sleep 0.05; done"], check=True, timeout=60)
    finally:
        worlds.stop(root)
    assert inside(root) == []
    assert not alive(int(started.read_text()))
