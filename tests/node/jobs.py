"""Launch messages for tests: a job of the present user, in a directory of the test."""

from __future__ import annotations

import getpass
import os
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.slurm.environment import JobFacts

STORE = "0123456789ab"


def key(job_id: int = 1, restart: int = 0) -> Key:
    return Key(STORE, job_id, restart)


def message(work: Path, script: str, /, job_id: int = 1, restart: int = 0, **changes: Any) -> LaunchMessage:
    """A job that runs `script` with bash in `work`; its output is slurm-ID.out there."""
    user, uid, gid = getpass.getuser(), os.getuid(), os.getgid()
    facts = JobFacts(
        cluster="local", job_id=job_id, name="job.sh", user=user, uid=uid, gid=gid, partition="debug", nodelist="n1",
        nodes=("n1",), cpus_per_node=(1,), tasks_per_node=(1,), submit_dir=str(work), submit_host="login1",
        restarts=restart,
    )  # fmt: skip
    plain = LaunchMessage(
        key=key(job_id, restart), name="job.sh", user=user, uid=uid, gid=gid, node="n1", hosts=("n1",),
        work_dir=str(work), script=script if script.startswith("#!") else f"#!/bin/bash\n{script}\n", arguments=(),
        environment=(f"PATH={os.environ['PATH']}",), facts=asdict(facts), stdin=None, stdout=None, stderr=None,
        append=False, umask=0o022, limits={}, array_id=None, array_index=None, kill_wait_s=30, ends_by=None,
    )  # fmt: skip
    return replace(plain, **changes)


def until(condition: Any, within_s: float = 20) -> None:
    """Returns once the condition holds; fails after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
