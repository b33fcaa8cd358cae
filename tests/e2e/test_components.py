"""A heterogeneous job from the thin client to its steps, on this machine."""

from __future__ import annotations

SCRIPT = """#!/bin/bash
#SBATCH -n1 -J het
#SBATCH hetjob
#SBATCH -n2
srun --het-group=0,1 -l sh -c 'echo $SLURM_PROCID of $SLURM_NTASKS' | sort
srun -l echo alone
srun -l echo a : echo b
srun --het-group=2 true
echo rc=$?
exit 3
"""
CONF = """SelectType=select/cons_tres
SelectTypeParameters=CR_Core
NodeName=n1 CPUs=8
PartitionName=debug Nodes=n1 Default=YES State=UP
"""


def test_a_job_of_two_components(cluster):
    cluster.configure(CONF)
    done = cluster.run("sbatch", "--wait", stdin=SCRIPT, env=cluster.with_commands("srun"))
    assert (done.code, done.out, done.err) == (3, "Submitted batch job 1\n", "")
    lines = (cluster.work / "slurm-1.out").read_text().splitlines()
    assert lines[:4] == ["0: 0 of 3", "1: 1 of 3", "2: 2 of 3", "0: alone"]
    assert sorted(lines[4:7]) == ["0: a", "1: b", "2: b"]
    assert lines[7:] == ["srun: error: Requested het-group offset exceeds highest hetjob index (2 > 1)", "rc=1"]
    told = cluster.run("sacct", "-n", "-P", "-j", "1", "-o", "jobid,jobname,state,exitcode,alloccpus").out
    assert told.splitlines() == [
        "1+0|het|FAILED|3:0|1", "1+0.batch|batch|FAILED|3:0|1", "1+0.0|sh|COMPLETED|0:0|1", "1+0.1|echo|COMPLETED|0:0|1",
        "1+0.2|echo|COMPLETED|0:0|1", "1+1|het|FAILED|3:0|2", "1+1.0|sh|COMPLETED|0:0|2", "1+1.2|echo|COMPLETED|0:0|2",
    ]  # fmt: skip
    assert cluster.run("sacct", "-n", "-P", "-j", "1+1.0", "-o", "jobid").out == "1+1.0\n"


def test_components_live_and_end_together(cluster):
    cluster.configure(CONF)
    cluster.run("sbatch", "--wrap", "echo up; sleep 60", ":", "-n2", "-t", "5")
    cluster.until(lambda: cluster.run("squeue", "-h", "-o", "%i %T").out == "1+0 RUNNING\n1+1 RUNNING\n", "both run")
    assert cluster.run("scancel", "1+1").code == 0
    cluster.until(lambda: cluster.run("squeue", "-h", "-o", "%i %T").out == "1+0 RUNNING\n", "one is cancelled alone")
    assert cluster.run("scancel", "1").code == 0
    cluster.until(lambda: cluster.run("squeue", "-h").out == "", "all is over")
    assert cluster.run("sacct", "-n", "-X", "-P", "-j", "2", "-o", "jobid,state").out.startswith("1+1|CANCELLED")
