"""PrologFlags=Contain: every job has a step `extern`, in the words and the order that a real Slurm 22.05 printed."""

from __future__ import annotations

CONF = """SelectType=select/cons_tres
SelectTypeParameters=CR_Core
PrologFlags=Contain
NodeName=n[1-2] CPUs=1
PartitionName=debug Nodes=n[1-2] Default=YES State=UP
"""
SCRIPT = """#!/bin/bash
#SBATCH -N2
srun -n2 true
srun -N1 -n1 sh -c 'touch began; until [ -e go ]; do sleep 0.05; done'
"""


def test_an_extern_step_is_listed_shown_and_remembered(cluster):
    cluster.configure(CONF)
    assert cluster.run("sbatch", stdin=SCRIPT, env=cluster.with_commands("srun")).code == 0
    cluster.until(lambda: (cluster.work / "began").exists(), "its second step runs")
    listed = cluster.run("squeue", "-hs", "-o", "%i|%j|%l|%N|%A").out.splitlines()
    assert listed == ["1.1|sh|UNLIMITED|n1|1", "1.batch|batch|UNLIMITED|n1|1", "1.extern|extern|UNLIMITED|n[1-2]|2"]
    shown = cluster.run("scontrol", "-o", "show", "step", "1").out.splitlines()
    assert [line.split()[0] for line in shown] == ["StepId=1.extern", "StepId=1.batch", "StepId=1.1"]
    assert "NodeList=n[1-2] Nodes=2 CPUs=0 Tasks=2 Name=extern Network=(null) TRES=(null)" in shown[0]
    assert cluster.run("scancel", "1").code == 0
    cluster.until(lambda: cluster.jobs("-j", "1").get("1") == "CANCELLED", "it ends")
    told = cluster.run("sacct", "-nP", "-j", "1", "-o", "jobid,jobname,state,exitcode,alloctres,ntasks,layout").out
    assert told.splitlines()[:3] == [
        "1|sbatch|CANCELLED by 0|0:0|billing=2,cpu=2,node=2||",
        "1.batch|batch|CANCELLED|0:15|cpu=1,mem=0,node=1|1|Unknown",
        "1.extern|extern|COMPLETED|0:0|billing=2,cpu=2,node=2|2|Unknown",
    ]


def test_x11_implies_it_and_without_it_there_is_none(cluster):
    for flags, steps in (("X11,Alloc", ["1", "1.batch", "1.extern"]), ("Alloc", ["2", "2.batch"])):
        cluster.configure(CONF.replace("Contain", flags))
        done = cluster.run("sbatch", "--wait", "--wrap", "true")
        assert done.code == 0
        job = done.out.split()[-1]
        assert cluster.run("sacct", "-nP", "-j", job, "-o", "jobid").out.split() == steps
        cluster.kill("controller.pid")
