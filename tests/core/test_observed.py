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

from flowbatch.core.admitting.admission import AdmissionContext, Admitted, admit
from flowbatch.core.events import Refused, Submitted
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.scheduling import Candidate, Plan, plan, would_start
from flowbatch.core.states import Pending
from flowbatch.slurm import codes, hostlist
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec

DATA = Path(__file__).parents[1] / "data" / "placement"
NOW = 1_800_000_000


def records(name: str) -> list[Any]:
    rows = [json.loads(line) for line in (DATA / f"{name}.jsonl").read_text().splitlines()]
    return [pytest.param(row, id=" || ".join([*row["before"], row["options"]]) or "nothing") for row in rows]


def said(refusal: Refused) -> list[str]:
    """sbatch's stderr."""
    closing = codes.message(refusal.code)
    if refusal.code not in codes.FOUND_BY_CLIENT:
        closing = f"Batch job submission failed: {closing}"
    return [f"sbatch: error: {line}" for line in (*refusal.lines, closing)]


ROOT = Owner(0, 0, "root", "root")


def job(admitted: Admitted) -> Job:
    return Job(7, admitted.spec, 7, 7, ROOT, Pending(), NOW, 1, admitted.partitions)


def passed(cluster: ClusterSpec, occupancy: Occupancy, admitted: Admitted) -> Plan:
    return plan(cluster, occupancy, [Candidate(job(admitted))], [], NOW)


def compare(
    cluster: ClusterSpec, row: dict[str, Any], spec_of: Callable[[str], JobSpec], no_jobs: AdmissionContext
) -> None:
    occupancy = Occupancy(cluster)
    for words in row["before"]:
        earlier = admit(cluster, Submitted(NOW, ROOT, spec_of(words)), no_jobs)
        assert isinstance(earlier, Admitted)
        ((_, allocation, _),) = passed(cluster, occupancy, earlier).starts
        occupancy.add(allocation)
    verdict = admit(cluster, Submitted(NOW, ROOT, spec_of(row["options"])), no_jobs)
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
    no_jobs: AdmissionContext,
) -> None:
    compare(clusters["flat"](), row, spec_of, no_jobs)


@pytest.mark.parametrize("row", records("mixed"))
def test_on_unequal_nodes_with_memory(
    row: dict[str, Any],
    clusters: dict[str, Callable[[], ClusterSpec]],
    spec_of: Callable[[str], JobSpec],
    no_jobs: AdmissionContext,
) -> None:
    compare(clusters["mixed"](), row, spec_of, no_jobs)


@pytest.mark.parametrize("row", [json.loads(line) for line in (DATA / "test-only.jsonl").read_text().splitlines()])
def test_only(
    row: dict[str, Any],
    clusters: dict[str, Callable[[], ClusterSpec]],
    spec_of: Callable[[str], JobSpec],
    no_jobs: AdmissionContext,
) -> None:
    """sbatch --test-only on the idle, unequal nodes. Left out of the data: seven answers of 22.05 that forget a counted
    feature, a required node or a limit of memory per CPU, all of which it heeds when the job is real."""
    cluster = clusters["mixed"]()
    verdict = admit(cluster, Submitted(NOW, ROOT, spec_of(row["options"]), test_only=True), no_jobs)
    answer = (
        verdict if isinstance(verdict, Refused) else would_start(cluster, Occupancy(cluster), job(verdict), [], NOW)
    )
    if isinstance(answer, Refused):
        assert [*answer.lines, codes.message(answer.code)] == [
            line.removeprefix("sbatch: error: ").removeprefix("allocation failure: ") for line in row.get("refused", [])
        ]
        return
    assert (answer.at, answer.cpus, hostlist.fold(answer.nodes), answer.partition) == (
        NOW,
        row["cpus"],
        row["nodes"],
        row["partition"],
    )
