"""srun in a job of this machine: from the thin client through the controller to the tasks."""

from __future__ import annotations

STEPS = """#!/bin/bash
#SBATCH --ntasks=2 --overcommit
srun -l sh -c 'echo $SLURM_PROCID of $SLURM_NTASKS' | sort
srun -n1 sh -c 'exit 5'
echo rc=$?
"""


def test_tasks_of_a_job(cluster):
    done = cluster.run("sbatch", "--wait", stdin=STEPS, env=cluster.with_commands("srun"))
    assert (done.code, done.err) == (0, "")
    host = next(iter((cluster.work / "slurm-1.out").read_text().splitlines()[2].split(":")[2:3])).strip()
    assert (cluster.work / "slurm-1.out").read_text().splitlines() == [
        "0: 0 of 2", "1: 1 of 2", f"srun: error: {host}: task 0: Exited with exit code 5", "rc=5",
    ]  # fmt: skip
