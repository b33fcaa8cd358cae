"""What a job starts of ours is not the job's: controller and node daemon serve everybody."""

from __future__ import annotations

import shlex

import pytest


@pytest.mark.parametrize("how", ["ends", "is cancelled", "is suspended"])
def test_daemons_that_a_job_has_started_outlive_it(cluster, how):
    """Both die, a command inside a job starts them again, and another job runs under them."""
    squeue = shlex.join(cluster.command("squeue"))
    waits = "until [ -e %s ]; do sleep 0.05; done"
    first = cluster.submit(f"#!/bin/sh\ntouch up\n{waits % 'go'}\n{squeue} >seen 2>&1\ntouch asked\n{waits % 'end'}\n")
    cluster.until((cluster.work / "up").exists, "the first job runs")
    cluster.kill("node.pid")
    cluster.kill()
    (cluster.work / "go").touch()
    cluster.until((cluster.work / "asked").exists, "it has asked")
    assert str(first) in (cluster.work / "seen").read_text()
    second = cluster.submit(f"#!/bin/sh\n{waits % 'done'}\nexit 4\n")
    cluster.wait_state(second, "RUNNING")
    daemons = cluster.pid(), cluster.pid("node.pid")
    assert None not in daemons
    match how:
        case "ends":
            (cluster.work / "end").touch()
            cluster.wait_state(first, "COMPLETED")
        case "is cancelled":
            assert cluster.run("scancel", str(first)).code == 0
            cluster.wait_state(first, "CANCELLED")
        case _:
            assert cluster.run("scontrol", "suspend", str(first)).code == 0
            cluster.wait_state(first, "SUSPENDED")
    (cluster.work / "done").touch()
    cluster.wait_state(second, "FAILED")
    assert cluster.run("sacct", "-n", "-P", "-X", "-j", str(second), "-o", "state,exitcode").out == "FAILED|4:0\n"
    assert (cluster.pid(), cluster.pid("node.pid")) == daemons
