"""What earlier versions wrote down is read by every later one, and nothing of it is lost.

`tests/data/records/*.jsonl`: one row a line, of the store (`job`, `spec`, `step`, `rulings`, `orders`) or of the node's journal (`journal`), with every
kind of value that it may hold. A version that writes otherwise adds a file by `python -m tests.store.test_records FILE`; none is ever changed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from flowbatch.core.effects import Effect
from flowbatch.core.jobs import Job
from flowbatch.core.ruling.rulings import Rulings
from flowbatch.core.steps import Step
from flowbatch.node import book, journal
from flowbatch.spec.job import JobSpec
from flowbatch.store import rows

RECORDS = Path(__file__).parent.parent / "data" / "records"
SPEC = JobSpec(name="x", work_dir="/")
AGAIN: dict[str, Callable[[str], str | None]] = {
    "job": lambda row: rows.job_row(rows.job(row, SPEC)),
    "spec": lambda row: rows.spec_row(rows.spec(row)),
    "step": lambda row: rows.step_row(rows.step(row)),
    "rulings": lambda row: rows.rulings_row(rows.rulings(row)),
    "orders": lambda row: rows.orders_row(rows.orders(row)),
    "journal": lambda row: _journal_row(book.fact_of(json.loads(row))),
}
"""A row, read and written again, by its kind."""


def _journal_row(fact: book.Fact | None) -> str | None:
    return None if fact is None else journal._line(book.record_of(fact)).decode().partition(" ")[2]


def holds(now: Any, before: Any) -> bool:
    """Whether all that was said before is said still."""
    if isinstance(before, dict):
        return isinstance(now, dict) and all(name in now and holds(now[name], value) for name, value in before.items())
    if isinstance(before, list):
        if not isinstance(now, list) or len(now) != len(before):
            return False
        return all(map(holds, now, before)) or _is_one_set(now, before)
    return bool(now == before)


def _is_one_set(now: list[Any], before: list[Any]) -> bool:
    return all(isinstance(one, str) for one in (*now, *before)) and sorted(now) == sorted(before)


@pytest.mark.parametrize("file", sorted(RECORDS.glob("*.jsonl")), ids=lambda file: file.stem)
def test_what_an_earlier_version_wrote_is_read_whole(file):
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert {line["kind"] for line in lines} == set(AGAIN)
    for line in lines:
        again = AGAIN[line["kind"]](line["row"])
        assert again is not None and holds(json.loads(again), json.loads(line["row"])), line


def written() -> Iterator[tuple[str, str]]:
    """Rows of this version."""
    st.register_type_strategy(str, st.text("ab,7", max_size=3))
    st.register_type_strategy(int, st.integers(0, 99))
    st.register_type_strategy(float, st.integers(0, 99).map(float))
    st.register_type_strategy(Mapping, lambda kind: st.from_type(dict[get_args(kind)]))
    yield from (("job", rows.job_row(one)) for one in _some(Job, 40))
    yield from (("spec", rows.spec_row(one)) for one in _some(JobSpec, 40))
    yield from (("step", rows.step_row(one)) for one in _some(Step, 10))
    yield from (("rulings", rows.rulings_row(one)) for one in _some(Rulings, 20))
    yield from (("orders", str(rows.orders_row([one]))) for kind in get_args(Effect) for one in _some(kind, 3))
    yield from (("journal", str(_journal_row(one))) for kind in get_args(book.Fact) for one in _some(kind, 5))


def _some(kind: Any, count: int) -> list[Any]:
    found: list[Any] = []

    @seed(1)
    @settings(max_examples=count, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.from_type(kind))
    def collect(one: Any) -> None:
        found.append(one)

    collect()
    return found


if __name__ == "__main__":
    with open(sys.argv[1], "x") as file:
        file.writelines(json.dumps({"kind": kind, "row": row}) + "\n" for kind, row in written())
