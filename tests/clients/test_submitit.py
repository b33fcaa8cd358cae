"""submitit: functions as jobs, arrays of them, and jobs that save themselves when they are stopped; Hydra's launcher on it."""

from __future__ import annotations

import pytest

CLIENT = "submitit"


def test_one_of_each(client):
    assert client.program("submitit_jobs.py").told == {
        "sum": 5, "stdout": True, "stderr": True, "state": "COMPLETED", "done": True,
        "exception": ["FailedJobError", True], "failed": "FAILED",
        "ids": ["0", "1", "2"], "sums": [11, 22, 33], "array": ["COMPLETED"] * 3, "batch": [0, 2, 4],
        "ranks": [[0, 0, 2, 2], [1, 1, 2, 2]], "cancelled": True, "command": "one of each from 1",
    }  # fmt: skip


@pytest.mark.parametrize(("why", "word"), [("preemption", "preempted"), ("timeout", "timed-out")])
def test_a_job_saves_itself_and_goes_on_under_its_id(client, why, word):
    told = client.program("submitit_checkpoint.py", why).told
    assert told.pop("pending") in ("REQUEUED", "PENDING")
    assert told == {"result": 1, "steps": ["at 0", "at 1"], "why": [word], "bypassed": why == "preemption"}


def test_a_sweep_of_hydra(client):
    done = client.program(
        "hydra_sweep.py", "--multirun", "hydra/launcher=submitit_slurm", "hydra.launcher.partition=debug",
        "hydra.launcher.timeout_min=5", "hydra.launcher.cpus_per_task=1", "hydra.launcher.array_parallelism=2",
        "number=1,2,3", f"marks={client.work}",
    )  # fmt: skip
    assert done.code == 0, done
    assert [(client.work / str(number)).read_text() for number in (1, 2, 3)] == ["1", "4", "9"]
