"""executorlib: functions as jobs, with pysqa for the words of Slurm."""

from __future__ import annotations

CLIENT = "executorlib"


def test_functions_as_jobs(client):
    assert client.program("executorlib_sums.py").told == [0, 2]
