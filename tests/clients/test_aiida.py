"""AiiDA: its plugin for Slurm reads `squeue` by a separator of its own, and all columns that `sacct --helpformat` lists."""

from __future__ import annotations

CLIENT = "aiida"


def test_its_parsers(client):
    assert client.program("aiida_jobs.py").told == {
        "held": ["queued held", "held", 300], "running": [1, 2, "debug", "n1"], "times": [True, True], "killed": [True, True],
        "well": ["aiida\n", ["COMPLETED", "0:0"]], "bad": ["FAILED", "3:0"], "wrong": True, "unknown": [0, True],
    }  # fmt: skip
