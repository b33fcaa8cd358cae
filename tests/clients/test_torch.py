"""PyTorch: torchrun as its documentation starts it under Slurm, and Lightning, which requeues its own job."""

from __future__ import annotations

import pytest

CLIENT = "torch"
NODES = "localhost,n2"
"""The first node is where the workers meet: its name must lead somewhere."""

pytestmark = pytest.mark.long

TRAIN_WITHIN_S = 300
"""Four processes load all of PyTorch and Lightning first."""

TORCHRUN = """#!/bin/bash
#SBATCH -N2 --ntasks-per-node=1 -c2 -oout
export MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun torchrun --nnodes $SLURM_NNODES --nproc-per-node 2 --rdzv-id $SLURM_JOB_ID --rdzv-backend c10d \\
  --rdzv-endpoint $MASTER_ADDR:$((20000 + SLURM_JOB_ID % 1000)) {program} {work}
"""
TRAINING = """#!/bin/bash
#SBATCH -N2 --ntasks-per-node=2 -c1 -oout --open-mode=append --requeue --signal=USR1@90 -t10
srun python {program} {work}
"""


def test_torchrun_over_two_nodes(client, programs):
    (client.work / "job").write_text(TORCHRUN.format(program=programs / "torch_ranks.py", work=client.work))
    done = client.run("sbatch", "-W", "job")
    assert done.code == 0, (client.work / "out").read_text()
    told = client.told("told-*.json")
    assert [one["group"] for one in told] in ([0, 0, 1, 1], [1, 1, 0, 0])  # who comes first is rank 0
    assert {(one["size"], one["sum"]) for one in told} == {(4, 6)}


def test_lightning_requeues_its_job_and_goes_on(client, site, programs):
    (client.work / "job").write_text(TRAINING.format(program=programs / "lightning_requeue.py", work=client.work))
    job = client.run("sbatch", "--parsable", "job").out.strip()
    site.until(lambda: len(list(client.work.glob("step-*"))) == 4, "all ranks train", within_s=TRAIN_WITHIN_S)
    site.says("scancel", "-s", "USR1", job)
    site.until(lambda: "BeginTime" in site.says("squeue", "-h", "-j", job, "-o", "%r"), "it is requeued")
    site.says("scontrol", "update", f"job={job}", "StartTime=now")
    site.until(lambda: len(client.told("told-*.json")) == 4, "all ranks go on", within_s=TRAIN_WITHIN_S)
    site.says("scancel", job)
    assert client.told("told-*.json") == [{"size": 4, "on": True}] * 4
