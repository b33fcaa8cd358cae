"""The environments that real Slurm 22.05.8 gave to the tasks of steps (`tests/data/steps/`), and ours for the same words."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from flowbatch.node import granting
from flowbatch.node.granting import Share
from flowbatch.node.srun import environment, options, shaping
from flowbatch.slurm import hostlist
from flowbatch.slurm.environment import unfolded

RECORDED = sorted((Path(__file__).parents[2] / "data" / "steps").glob("*.json"))

BY_CHANCE = {"SLURM_TASK_PID", "SLURM_SRUN_COMM_PORT", "SLURM_STEP_LAUNCHER_PORT"}
"""Process ids and ports."""

PMI = {"PMI_FD", "PMI_RANK", "PMI_SIZE", "PMI_JOBID"}
"""Added where the task's connection is made."""


def shares_of(batch: dict[str, str]) -> tuple[Share, ...]:
    gpus = tuple(map(int, filter(None, batch.get("SLURM_JOB_GPUS", "").split(","))))
    nodes = hostlist.expand(batch["SLURM_JOB_NODELIST"])
    counts = unfolded(batch["SLURM_JOB_CPUS_PER_NODE"])
    return tuple(Share(node, cpus, gpus) for node, cpus in zip(nodes, counts, strict=True))


def ours(case: dict[str, Any]) -> list[dict[str, str]]:
    batch = case["batch"]
    wanted = options.read([*shlex.split(case["step"]), "true"], batch)
    shares = shares_of(batch)
    demand = shaping.demand(wanted, shares, lambda line: None)
    parts = granting.grant_all([demand], shares, ())
    assert parts is not None
    spread = demand.distribution
    step = environment.Step(int(batch["SLURM_JOB_ID"]), 0, parts, shares, wanted, spread.said, spread.plane)
    kept = environment.base(batch, batch, wanted.export)
    places = sorted((rank, node, local) for node, part in enumerate(parts) for local, rank in enumerate(part.ranks))
    return [environment.of_task(kept, step, node, local) for _, node, local in places]


@pytest.mark.parametrize("path", RECORDED, ids=[path.stem for path in RECORDED])
def test_as_recorded(path):
    case = json.loads(path.read_text())
    found = ours(case)
    assert len(found) == len(case["tasks"])
    for mine, changed in zip(found, case["tasks"], strict=True):
        real = {name: value for name, value in (case["batch"] | changed).items() if value is not None}
        ignored = BY_CHANCE | PMI
        assert {k: v for k, v in mine.items() if k not in ignored} == {
            k: v for k, v in real.items() if k not in ignored
        }


def test_there_are_enough():
    assert len(RECORDED) >= 40
