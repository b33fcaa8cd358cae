"""Command lines, environments, components, conflicts, #PBS and #BSUB lines: as recorded from sbatch 22.05."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).parents[1] / "data/directives/recorded.jsonl"


def test_everything_recorded(read: Callable[..., Any]) -> None:
    differences = []
    for entry in map(json.loads, RECORDED.read_text().splitlines()):
        script = b"#!/bin/bash\n" + entry["script"].encode()
        outcome = read(script, ["-v", "--test-only", *entry["argv"], "/submit/job.sh"], entry["env"])
        listed = "sbatch: defined options" in outcome.said
        tables = [first_of_each(table) for table in outcome.tables] if listed else []
        got = (tables, outcome.messages, outcome.exit_code if entry["rc"] is not None else None)
        want = ([[tuple(row) for row in table] for table in entry["tables"]], entry["messages"], entry["rc"])
        if got != want:
            differences.append(f"{entry['argv']} {entry['script']!r} {entry['env']}: {got}, not {want}")
    assert differences == []


def first_of_each(table: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The recordings keep one row for a name; `(null)` may come twice."""
    rows: dict[str, str] = {}
    for name, value in table:
        rows.setdefault(name, value)
    return list(rows.items())
