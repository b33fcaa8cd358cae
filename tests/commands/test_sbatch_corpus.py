"""The whole corpus through sbatch and the real queue: also what the controller answers is what real Slurm answered."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from flowbatch import text
from flowbatch.commands.submitting import sbatch
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec

CORPUS = Path(__file__).parents[1] / "data/corpus"
CHUNKS = 8

NODES = tuple(
    NodeSpec(
        name=f"n{number}", cpus=8, cores_per_socket=8, real_memory=4000,
        gres=(GresDevice(name="gpu", type="h100", count=8),),
    )
    for number in range(1, 5)
)  # fmt: skip
CLUSTER = ClusterSpec(
    name="oracle",
    nodes=NODES,
    partitions=(PartitionSpec(name="debug", nodes=tuple(node.name for node in NODES), default=True),),
    max_array_size=100001,
    max_job_count=200000,
    gres_types=("gpu",),
    batch_sched_delay_s=0,
)
"""The cluster of the recordings."""

DEFINED = re.compile(r"^sbatch: defined options$.*?^sbatch: end of defined options$\n", re.MULTILINE | re.DOTALL)
"""The lists that -v prints; `tests/directives` compares them."""

NOT_OURS = ("sbatch: debug:", "sbatch: accounting_storage/", "sbatch: error: Problem talking to database")
"""What only a client with plugins of Slurm's own says."""

NOT_THEIRS = ("sbatch: Job ", "sbatch: error: No cluster '")
"""When and where a job would start is no matter of its options alone; who knows a cluster was asked of no database there."""


OURS = {
    "--clusters=all": (0, []),
}
"""Where we answer otherwise, and know it: `all` clusters where there is one."""

NOW = 1795310488
"""2026-11-22, when the corpus was recorded."""


def entries(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text().splitlines()]


def answered(entry: dict[str, Any]) -> tuple[int, list[str]]:
    """Exit code and messages."""
    said = [text.decode(line.encode("utf-8", "surrogateescape")) for line in entry["messages"]]
    return entry["rc"], [line for line in said if not line.startswith((*NOT_OURS, "sbatch: Job "))]


def ask(caller: Any, live_queue: Any, script: bytes) -> tuple[int, list[str]]:
    caller.cwd, caller.files = "/CORPUS/cwd", {"/CORPUS/cwd/edge.sh": script}
    said = caller.run(sbatch.main, live_queue(CLUSTER, NOW), "-v", "--test-only", "edge.sh")
    lines = DEFINED.sub("", said.err).removesuffix("\n").split("\n") if said.err else []
    return said.code, [line for line in lines if line and not line.startswith(NOT_THEIRS)]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_value(caller: Any, live_queue: Any, chunk: int) -> None:
    differences = []
    for entry in entries("values.jsonl")[chunk::CHUNKS]:
        quoted = entry["value"].replace("\\", "\\\\").replace('"', '\\"')
        script = f'#!/bin/bash\n#SBATCH --{entry["opt"]}="{quoted}"\n'.encode("utf-8", "surrogateescape")
        got, want = ask(caller, live_queue, script), answered(entry)
        if got != want:
            differences.append(f"--{entry['opt']}={entry['value']!r}: {got}, not {want}")
    assert differences == []


def test_every_edge_case(caller: Any, live_queue: Any) -> None:
    differences = []
    for entry in entries("edge.jsonl"):
        script = entry["script"].encode("utf-8", "surrogateescape")
        if script.startswith(b"<"):
            script = b"#!/bin/bash\n#SBATCH -N2\n".ljust(5242904, b"#")
        got, want = ask(caller, live_queue, script), OURS.get(entry["name"]) or answered(entry)
        if got != want:
            differences.append(f"{entry['name']}: {got}, not {want}")
    assert differences == []
