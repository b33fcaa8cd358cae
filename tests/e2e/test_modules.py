"""`module load` in a script: what the site maps is there, what it does not map is told and noted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FLOW = Path(sys.executable).parent / "flow"


def test_a_script_loads_its_modules(cluster):
    (cluster.root / "config" / "flow.toml").write_text('[modules.names]\ngcc = { set = { CC = "gcc-12" } }\n')
    done = cluster.run("sbatch", "--wait", "-o", "out", stdin="#!/bin/bash\nmodule load gcc/12 openmpi\necho $CC\n")
    assert done.code == 0, done
    assert (cluster.work / "out").read_text() == (
        "flowbatch: module openmpi is not mapped here, nothing was loaded (flow.toml, [modules])\ngcc-12\n"
    )
    told = subprocess.run([FLOW, "status", "1"], env=cluster.env, capture_output=True, text=True, check=True).stdout
    assert "module openmpi: not mapped here, nothing was loaded" in told


def test_a_site_may_want_a_job_to_end_there(cluster):
    (cluster.root / "config" / "flow.toml").write_text('[modules]\nunmapped = "fail"\n')
    done = cluster.run("sbatch", "--wait", "-o", "out", stdin="#!/bin/bash\nml openmpi\necho on\n")
    assert done.code == 1
    assert "nothing was loaded (flow.toml, [modules]): the job ends\n" in (cluster.work / "out").read_text()
