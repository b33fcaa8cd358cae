"""What a job starts of ours is not the job's: controller and node daemon serve everybody."""

from __future__ import annotations

import os
import resource
import shlex
import signal
import sys
from pathlib import Path

import pytest

STRANGE = """
import os, resource, signal, sys
for name, soft in (("CPU", 1000), ("FSIZE", 10 ** 8), ("AS", 4 * 10 ** 9), ("NOFILE", 100)):
    number = getattr(resource, "RLIMIT_" + name)
    resource.setrlimit(number, (soft, resource.getrlimit(number)[1]))
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
os.nice(3)
os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
signal.signal(signal.SIGINT, signal.SIG_IGN)
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGCHLD})
os.execvp(sys.argv[1], sys.argv[1:])
"""
"""What a job may have made of itself before it calls a command."""


@pytest.mark.parametrize("how", ["ends", "is cancelled", "is suspended"])
def test_daemons_that_a_job_has_started_outlive_it(cluster, how):
    """Both die, a command inside a job starts them again, and another job runs under them."""
    squeue = shlex.join([sys.executable, "-c", STRANGE, *cluster.command("squeue")])
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
    for pid in daemons:
        assert _inherited(pid) == []
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


def _inherited(pid):
    """What a daemon has of the job that has started it."""
    fields = dict(line.partition(":\t")[::2] for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    environ = Path(f"/proc/{pid}/environ").read_text().split("\0")
    limits = {
        name: resource.prlimit(pid, getattr(resource, f"RLIMIT_{name}")) for name in ("CPU", "FSIZE", "AS", "NOFILE")
    }
    found = {
        "variables": [word for word in environ if word.startswith(("SLURM_", "CUDA_"))],
        "limits": [name for name, (soft, hard) in limits.items() if soft != hard],
        "CPUs": os.sched_getaffinity(pid) != os.sched_getaffinity(0),
        "policy": os.sched_getscheduler(pid) != os.SCHED_OTHER,
        "priority": os.geteuid() == 0 and os.getpriority(os.PRIO_PROCESS, pid) > 0,
        "blocked": int(fields["SigBlk"], 16),
        "ignored": int(fields["SigIgn"], 16) & 1 << signal.SIGINT - 1,
    }
    return [name for name, kept in found.items() if kept]
