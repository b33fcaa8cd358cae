"""Every recorded value and edge case: the list of defined options, the messages and the exit code are real sbatch's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flowbatch import text

CORPUS = Path(__file__).parents[1] / "data/corpus"
CHUNKS = 8

LATER = (
    "allocation failure:", "sbatch: Job ", "sbatch: debug:", "sbatch: accounting_storage/", "sbatch: error: Problem talking",
    "sbatch: error: No clusters can be reached", "sbatch: error: invalid partition specified", "sbatch: error: Failed to validate job",
    "sbatch: error: Invalid generic resource", "sbatch: error: Invalid GRES", "sbatch: error: gres_job_state_validate",
    "sbatch: error: Requested mem_per_tres", "sbatch: error: --gpus-per-socket option requires",
    "sbatch: error: --cpus-per-gpu is mutually",
)  # fmt: skip
"""What comes after sbatch has read its options: from the controller, from the check of gres, from the database."""

Difference = str | None


def entries(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / name).read_text().splitlines()]


def decoded(recorded: str) -> str:
    return text.decode(recorded.encode("utf-8", "surrogateescape"))


def messages(entry: dict[str, Any]) -> list[str]:
    said = [decoded(line) for line in entry["messages"]]
    return [line for line in said if not line.startswith(LATER) and "can't be reached now" not in line]


def all_differences(found: Iterator[Difference]) -> list[str]:
    return [difference for difference in found if difference]


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_every_value(read: Callable[..., Any], chunk: int) -> None:
    def differences() -> Iterator[Difference]:
        for entry in entries("values.jsonl")[chunk::CHUNKS]:
            option, value = entry["opt"], entry["value"]
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            script = f'#!/bin/bash\n#SBATCH --{option}="{quoted}"\n'.encode("utf-8", "surrogateescape")
            outcome = read(script, ["-vv", "--test-only", "job.sh"], cwd="CORPUS/cwd")
            shown = (
                dict(outcome.tables[0]).get({"tasks-per-node": "ntasks-per-node"}.get(option, option))
                if outcome.tables
                else None
            )
            wanted = None if entry["shown"] is None else decoded(entry["shown"])
            if value.startswith("now"):
                shown = wanted = None
            got = (bool(outcome.tables), shown, outcome.messages, outcome.exit_code)
            want = (entry["parsed"], wanted, messages(entry), 0 if entry["parsed"] else entry["rc"])
            yield f"--{option}={value!r}: {got}, not {want}" if got != want else None

    assert all_differences(differences()) == []


def test_every_edge_case(read: Callable[..., Any]) -> None:
    def differences() -> Iterator[Difference]:
        for entry in entries("edge.jsonl"):
            script = entry["script"].encode("utf-8", "surrogateescape")
            if script.startswith(b"<"):
                script = b"#!/bin/bash\n#SBATCH -N2\n".ljust(5242904, b"#")
            outcome = read(script, ["-vv", "--test-only", "edge.sh"], cwd="CORPUS/cwd", name="edge.sh")
            got = ([without_clock(table) for table in outcome.tables], outcome.messages)
            want = ([without_clock(table.items()) for table in entry["tables"]], messages(entry))
            if got != want or (not entry["tables"] and outcome.exit_code != entry["rc"]):
                yield f"{entry['name']}: {outcome.exit_code} {got}, not {entry['rc']} {want}"

    assert all_differences(differences()) == []


def without_clock(table: Any) -> dict[str, str]:
    """A list of options; `now` is another instant every time."""
    return {name: decoded(value) for name, value in table if name != "begin"}
