"""What a question costs, counted in steps of SQLite's machine: it follows what is asked, not what is stored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from flowbatch.core.events import Passed
from flowbatch.core.jobs import ArrayTask, Job, Owner
from flowbatch.core.past import EVERYTHING, Past
from flowbatch.core.queue import Stepped
from flowbatch.core.states import Ending, ExitStatus, Finished, Pending
from flowbatch.spec.job import JobSpec
from flowbatch.store.contract import Entry
from flowbatch.store.pruning import PIECE, prune
from flowbatch.store.reader import Reader
from flowbatch.store.sqlite import SqliteStore

FEW, MANY = 100, 4000
QUEUED = 20
OWNER = Owner(1000, 1000, "ann", "users")
OVER = Job(1, JobSpec(name="train", work_dir="/"), 1, 1, OWNER, Finished(1, Ending("COMPLETED", ExitStatus()), 1), 1, 7)
ARRAY = 1_000_000


def filled(path: Path, over: int) -> None:
    """A store in which so many jobs have ended, one a second until now, half of them tasks of one array; some jobs wait, and some
    lines of the journal are young."""
    store = SqliteStore(path)
    jobs = {
        n: replace(
            OVER, id=n, submitted_at=n - over, state=Finished(n - over, Ending("COMPLETED", ExitStatus()), n - over),
            array=ArrayTask(ARRAY, n) if n % 2 else None,
        )
        for n in range(1, over + 1)
    }  # fmt: skip
    waiting = {ARRAY + n: replace(OVER, id=ARRAY + n, state=Pending()) for n in range(1, QUEUED + 1)}
    store.commit([Entry(1, Passed(1), Stepped(jobs, {*jobs})), Entry(2, Passed(1), Stepped(waiting))], ARRAY * 2, 2)
    store.commit([Entry(n, Passed(1), Stepped()) for n in range(3, over)], ARRAY * 2, over)
    store.close()


@pytest.fixture(scope="module")
def stores(tmp_path_factory) -> dict[int, Path]:
    found = {over: tmp_path_factory.mktemp("stores") / f"{over}.db" for over in (FEW, MANY)}
    for over, path in found.items():
        filled(path, over)
    return found


@contextmanager
def counted(reader: Reader) -> Iterator[list[int]]:
    """How many steps, by tens, what is asked meanwhile takes."""
    steps: list[int] = []

    def step() -> int:
        steps.append(1)
        return 0

    reader.db.set_progress_handler(step, 10)
    yield steps
    reader.db.set_progress_handler(None, 10)


QUESTIONS: dict[str, Callable[[Reader], object]] = {
    "a job": lambda reader: reader.history([FEW // 2], 10, EVERYTHING),
    "a task of a large array": lambda reader: reader.history([(ARRAY, FEW // 2 + 1)], 10, EVERYTHING),
    "the newest": lambda reader: reader.history(None, 10, EVERYTHING),
    "a window": lambda reader: reader.history(None, 1000, Past(since=-30)),
    "a story": lambda reader: reader.story(FEW // 2),
    "steps": lambda reader: reader.steps([FEW // 2], None),
    "what is too old": lambda reader: _forgotten(reader),
}


def _forgotten(reader: Reader) -> int:
    reader.db.execute("PRAGMA query_only = OFF")
    return prune(reader.db, 0, -(10**9))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_costs_the_same_whatever_is_stored(stores, question):
    cost = {}
    for over, path in stores.items():
        reader = Reader(path)
        with counted(reader) as steps:
            QUESTIONS[question](reader)
        cost[over] = len(steps)
        reader.close()
    assert cost[MANY] <= cost[FEW] + 2 * PIECE if question == "what is too old" else cost[MANY] <= cost[FEW] * 1.2 + 20


def test_narrowing_decodes_no_record_that_is_not_listed(stores, monkeypatch):
    reader, decoded = Reader(stores[MANY]), []
    monkeypatch.setattr("flowbatch.store.reader.rows.job", lambda body, spec: decoded.append(body))
    reader.history([ARRAY + 1, 5], 10, Past(since=-30))
    assert len(decoded) == 1
    found = reader.history([ARRAY + 1], 10, Past(users=frozenset({1})))
    assert found == [] and len(decoded) == 1
    reader.close()
