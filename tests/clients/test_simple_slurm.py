"""simple_slurm: scripts and queues by the names of options."""

from __future__ import annotations

CLIENT = "simple-slurm"


def test_one_of_each(client):
    assert client.program("simple_slurm_jobs.py").told == {
        "tasks": ["task 0\n", "task 1\n", "task 2\n"], "after": True, "held": ["held", "PD", "(JobHeldUser)"],
        "waited": "waited\n", "srun": 0,
    }  # fmt: skip
