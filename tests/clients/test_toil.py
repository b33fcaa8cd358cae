"""Toil: a tree of jobs by its slurm batch system."""

from __future__ import annotations

CLIENT = "toil"


def test_a_workflow(client):
    done = client.program(
        "toil_workflow.py", "./store", "--batchSystem", "slurm", "--slurmPartition", "debug", "--slurmTime", "0:05:00",
        "--disableCaching", "--statePollingWait", "1", "--batchLogsDir", ".", "--retryCount", "0",
    )  # fmt: skip
    assert done.code == 0, done
    assert done.out == "result ['hello a', 'hello b']\n"
