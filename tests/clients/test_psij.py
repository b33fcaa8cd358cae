"""PSI/J: one interface to many schedulers, Slurm's among them."""

from __future__ import annotations

CLIENT = "psij"


def test_ends_of_jobs(client):
    assert client.program("psij_jobs.py").told == {
        "well": ["COMPLETED", 0, "well\n"], "failed": ["FAILED", 1], "cancelled": "CANCELED",
        "steps": ["COMPLETED", "twice\ntwice\n"],
    }  # fmt: skip
