"""A daemon and whoever happened to start it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from flowbatch.node import apart, cgroups
from flowbatch.paths import APART
from flowbatch.slurm.environment import JobFacts, allocation_variables, batch_environment

BEGINS = """
import json, os, resource, signal, sys
for limit in sys.argv[1:]:
    name, soft, hard = limit.split(":")
    resource.setrlimit(getattr(resource, "RLIMIT_" + name), (int(soft), int(hard)))
from flowbatch.node import apart
notes = apart.stand()
print(json.dumps([notes, resource.getrlimit(resource.RLIMIT_CPU), resource.getrlimit(resource.RLIMIT_CORE)[0]]))
"""


@pytest.mark.parametrize(
    ("limits", "notes", "cpu", "core"),
    [
        (["CPU:100:-1", "CORE:0:-1"], [], -1, 0),
        (["CPU:100:200"], ["a hard limit of whoever has started this process stays: CPU 200"], 200, None),
    ],
)
def test_a_limit_is_raised_as_far_as_it_can_be_and_the_rest_is_told(limits, notes, cpu, core):
    """How large a core file is hampers nobody: that one stays as it is."""
    command = [sys.executable, "-c", BEGINS, *limits]
    told, limit, cores = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout)
    assert (told, limit) == (notes, [cpu, cpu])
    assert core in (None, cores)


FACTS = JobFacts("toy", 7, "x", "ada", 1, 1, "debug", "n1", ("n1",), (1,), (1,), "/", "here")
OURS = {os.fsdecode(name): os.fsdecode(value) for name, value in batch_environment([], FACTS).items()}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"A": "1"}, "1"),
        (OURS, "job"),
        (allocation_variables(OURS), "1"),
        (allocation_variables(OURS, for_step=True), "job"),
        (OURS | {"SLURM_WORKING_CLUSTER": "toy:head:6817:9728:109"}, "1"),
    ],
    ids=["none", "script", "shell of salloc", "task", "real Slurm"],
)
def test_outside_jobs_of_ours_cpus_and_priority_are_what_somebody_chose(environ, said):
    assert apart.variables(environ) == {APART: said}


@pytest.mark.parametrize(
    ("own", "joined"),
    [
        ("user/flowbatch-node/s.1.0", "user/flowbatch-node/daemons"),
        ("user/flowbatch-node/s.1.0/below", "user/flowbatch-node/daemons"),
        ("user/flowbatch-node/daemons", None),
        ("user/session", None),
    ],
)
def test_a_daemon_leaves_its_job_s_memory_group(tmp_path, own, joined):
    (tmp_path / "mount" / own).mkdir(parents=True)
    (tmp_path / "self").write_text(f"0::/{own}\n")
    cgroups.leave(tmp_path / "mount", tmp_path / "self")
    told = [str(file.parent.relative_to(tmp_path / "mount")) for file in tmp_path.rglob("cgroup.procs")]
    assert told == ([joined] if joined else [])


def test_jobs_of_a_node_that_a_job_has_started_are_limited_beside_that_one(tmp_path):
    mount, own = tmp_path / "mount", tmp_path / "mount/user/flowbatch-node/daemons"
    own.mkdir(parents=True)
    (mount / "cgroup.controllers").write_text("memory\n")
    (own.parent / "cgroup.subtree_control").write_text("memory\n")
    (own.parent / "cgroup.procs").touch()
    (tmp_path / "self").write_text("0::/user/flowbatch-node/daemons\n")
    found = cgroups.Cgroups.find(mount, tmp_path / "self")
    assert found is not None and found.root == own.parent
