"""What 22.05.8 made of some four hundred requests on two clusters: refused with which words, waiting why, placed where.

`tests/data/placement/*.jsonl`: `before` are jobs that ran already, `options` the words of sbatch; then `refused` (its
stderr), `pending` (its reason) or `nodes` (scontrol's CPU_IDs, memory and GRES indices, and SLURM_TASKS_PER_NODE).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flowbatch.core.admission import Admitted, admit
from flowbatch.core.events import Refused, Submitted
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.placement import Occupancy
from flowbatch.core.scheduling import Candidate, Plan, plan
from flowbatch.core.states import Pending
from flowbatch.slurm import codes
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec

DATA = Path(__file__).parents[1] / "data" / "placement"
NOW = 1_800_000_000


class NoJobs:
    def job_exists(self, job_id: int) -> bool:
        return False

    def job_count(self) -> int:
        return 0


def records(name: str) -> list[Any]:
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text().splitlines()]
    return [pytest.param(row, id=" || ".join([*row["before"], row["options"]]) or "nothing") for row in rows]


def said(refusal: Refused) -> list[str]:
    """sbatch's stderr."""
    closing = codes.message(refusal.code)
    if refusal.code not in codes.FOUND_BY_CLIENT:
        closing = f"Batch job submission failed: {closing}"
    return [f"sbatch: error: {line}" for line in (*refusal.lines, closing)]


def passed(cluster: ClusterSpec, occupancy: Occupancy, admitted: Admitted) -> Plan:
    owner = Owner(0, 0, "root", "root")
    job = Job(7, admitted.spec, 7, 7, owner, Pending(), NOW, 1, admitted.partitions)
    return plan(cluster, occupancy, [Candidate(job)], [], NOW)


def compare(cluster: ClusterSpec, row: dict[str, Any], spec_of: Callable[[str], JobSpec]) -> None:
    occupancy = Occupancy(cluster)
    owner = Owner(0, 0, "root", "root")
    for words in row["before"]:
        earlier = admit(cluster, Submitted(NOW, owner, spec_of(words)), NoJobs())
        assert isinstance(earlier, Admitted)
        ((_, allocation, _),) = passed(cluster, occupancy, earlier).starts
        occupancy.add(allocation)
    verdict = admit(cluster, Submitted(NOW, owner, spec_of(row["options"])), NoJobs())
    if "refused" in row:
        assert isinstance(verdict, Refused)
        assert said(verdict) == row["refused"]
        return
    assert isinstance(verdict, Admitted), verdict
    found = passed(cluster, occupancy, verdict)
    if "pending" in row:
        assert (found.starts, found.reasons) == ([], {7: row["pending"]})
        return
    assert len(found.starts) == 1, found.reasons
    shares = found.starts[0][1].shares
    got = [
        {
            "node": share.node,
            "cpus": list(share.cpu_ids),
            "memory": share.memory_mib,
            "tasks": share.tasks,
            "gres": {f"{name}:{type_}": list(indices) for name, type_, indices in share.gres},
        }
        for share in shares
    ]
    assert got == [{"gres": {}, **node} for node in row["nodes"]]


@pytest.mark.parametrize("row", records("flat"))
def test_on_equal_nodes_without_memory(
    row: dict[str, Any],
    clusters: dict[str, Callable[[], ClusterSpec]],
    spec_of: Callable[[str], JobSpec],
) -> None:
    compare(clusters["flat"](), row, spec_of)


@pytest.mark.parametrize("row", records("mixed"))
def test_on_unequal_nodes_with_memory(
    row: dict[str, Any],
    clusters: dict[str, Callable[[], ClusterSpec]],
    spec_of: Callable[[str], JobSpec],
) -> None:
    compare(clusters["mixed"](), row, spec_of)
