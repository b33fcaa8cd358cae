"""The file: its modes, its age, its copies, and what is left of it when a commit fails."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from flowbatch.core.events import Accepted, Passed, Submitted
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Stepped
from flowbatch.core.states import Allocation, Ending, ExitStatus, Finished, NodeShare, Pending, Running
from flowbatch.errors import FlowError, NewerStore, StoreFailed
from flowbatch.spec.job import JobSpec
from flowbatch.store.contract import Entry
from flowbatch.store.migrations import MIGRATIONS
from flowbatch.store.pruning import PIECE
from flowbatch.store.sqlite import SqliteStore

OLD = Path(__file__).parent.parent / "data" / "stores"
OWNER = Owner(1000, 1000, "alice", "users", "laptop", 42)
JOB = Job(1, JobSpec(name="x", work_dir="/"), 1, 1, OWNER, Pending(), 100, 7)
PAYLOAD = Payload(b"#!/bin/sh\n", (b"A=1",), {"NOFILE": 1024}, 0o22)


def entry(seq: int, *jobs: Job) -> Entry:
    return Entry(seq, Passed(100), Stepped({job.id: job for job in jobs}))


def submission(seq: int, job: Job) -> Entry:
    return Entry(
        seq, Submitted(job.submitted_at, job.owner, job.spec), Stepped({job.id: job}, reply=Accepted(job.id)), PAYLOAD
    )


def schema(path: Path) -> list[tuple[str, ...]]:
    db = sqlite3.connect(path)
    try:
        return sorted(db.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"))
    finally:
        db.close()


def placed(job: Job) -> Job:
    return replace(job, state=Running(105, Allocation("debug", (NodeShare("n1", 2, (0, 1)),)), None))


def test_nobody_else_may_read_it(tmp_path):
    path = tmp_path / "deep" / "store.db"
    store = SqliteStore(path)
    store.commit([entry(1, JOB)], 2, 0)
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()} == {
        "store.db": 0o600, "store.db-wal": 0o600, "store.db-shm": 0o600,
    }  # fmt: skip
    store.close()


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_every_old_store_opens_and_becomes_as_a_new_one(tmp_path, version):
    shutil.copy(OLD / f"v{version}.db", tmp_path / "old.db")
    old, new = SqliteStore(tmp_path / "old.db"), SqliteStore(tmp_path / "new.db")
    loaded = old.load()
    assert (loaded.next_job_id, loaded.seq) == (3, 3)
    assert [job.id for job in loaded.jobs] == [2]
    assert isinstance(loaded.jobs[0].state, Running)
    assert old.payload(2) == PAYLOAD
    ended = Finished(110, Ending("FAILED", ExitStatus(3), "NonZeroExitCode"), 105)
    assert [(job.id, job.state) for job in old.history([1])] == [(1, ended)]
    old.close(), new.close()
    assert schema(tmp_path / "old.db") == schema(tmp_path / "new.db")


def test_a_later_version_is_left_alone(tmp_path):
    path = tmp_path / "store.db"
    SqliteStore(path).close()
    db = sqlite3.connect(path)
    db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    before = path.read_bytes()
    with pytest.raises(NewerStore, match="later version"):
        SqliteStore(path)
    assert path.read_bytes() == before


def test_a_file_that_is_no_store_is_named(tmp_path):
    path = tmp_path / "store.db"
    path.write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(StoreFailed, match=r"cannot open the store .*store\.db: file is not a database"):
        SqliteStore(path)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE jobs SET body = replace(body, 'started_at', 'begun_at')", "UPDATE specs SET body = '{'",
        "DELETE FROM meta WHERE name = 'performed'", "UPDATE meta SET value = 'many' WHERE name = 'next_job_id'",
    ],
)  # fmt: skip
def test_a_record_that_is_damaged_is_a_failure_in_words(tmp_path, damage):
    shutil.copy(OLD / "v4.db", tmp_path / "store.db")
    store = SqliteStore(tmp_path / "store.db")
    store._db.execute(damage)
    with pytest.raises(StoreFailed, match="cannot read the store: a record is damaged"):
        store.load()
    store.close()


def test_a_payload_that_is_damaged_is_a_failure_in_words(tmp_path):
    shutil.copy(OLD / "v4.db", tmp_path / "store.db")
    store = SqliteStore(tmp_path / "store.db")
    store._db.execute("UPDATE payloads SET body = x'789c00'")
    with pytest.raises(StoreFailed, match="a record is damaged"):
        store.payload(2)
    store.close()


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreFailed, match="cannot open the store"):
        SqliteStore(tmp_path / "file" / "store.db")


def test_a_commit_that_fails_leaves_nothing(tmp_path):
    path = tmp_path / "store.db"
    store = SqliteStore(path)
    store.commit([entry(1, JOB)], 2, 0)
    with pytest.raises(StoreFailed, match="cannot write to the store"):
        store.commit([entry(2, replace(JOB, id=2)), entry(2, replace(JOB, id=3))], 4, 0)
    loaded = store.load()
    assert ([job.id for job in loaded.jobs], loaded.next_job_id, loaded.seq) == ([1], 2, 1)
    store.commit([entry(2, replace(JOB, id=2, spec_id=2))], 3, 0)
    assert [job.id for job in store.load().jobs] == [1, 2]
    store.close()


def test_no_space_is_a_failed_commit(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    store._db.execute("PRAGMA max_page_count = 1")
    big = replace(JOB, spec=JobSpec(name="x" * 1_000_000, work_dir="/"))
    with pytest.raises(StoreFailed, match="full"):
        store.commit([entry(1, big)], 2, 0)
    assert store.load().jobs == ()
    store.close()


def test_a_copy_takes_a_new_id(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    original = store.load().store
    store.close()
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    copy = SqliteStore(tmp_path / "copy.db")
    fresh = copy.load().store
    assert fresh != original and copy.load().store == fresh
    copy.close()


def test_a_copy_with_placed_jobs_keeps_its_id(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    store.commit([entry(1, placed(JOB))], 2, 0)
    original = store.load().store
    store.close()
    shutil.copy(tmp_path / "store.db", tmp_path / "copy.db")
    copy = SqliteStore(tmp_path / "copy.db")
    assert copy.load().store == original
    copy.close()


def test_a_start_reads_no_history(tmp_path):
    """Every query of a start goes through an index: it costs what is queued, not what has ever run."""
    statements: list[str] = []
    store = SqliteStore(tmp_path / "store.db", trace=statements.append)
    statements.clear()
    store.load()
    plans = [" ".join(row[3] for row in store._db.execute(f"EXPLAIN QUERY PLAN {sql}")) for sql in statements[:4]]
    whole = [plan for plan in plans if "SCAN jobs" in plan and "jobs_queued" not in plan]
    assert whole == [] and not [plan for plan in plans if "SCAN journal" in plan]
    store.close()


def test_lines_of_a_clock_that_was_ahead_keep_none_behind_them(tmp_path):
    path, ahead = tmp_path / "store.db", 2 * PIECE
    store = SqliteStore(path)
    for first, count, at in ((1, ahead, 10**9), (ahead + 1, 10, 100), (ahead + 11, 2, 300)):
        store.commit([Entry(first + n, Passed(at), Stepped({})) for n in range(count)], 2, ahead + 5)
    while store.prune(200, 0):
        pass
    store.close()
    db = sqlite3.connect(path)
    kept = [seq - ahead for (seq,) in db.execute("SELECT seq FROM journal ORDER BY seq")]
    db.close()
    assert kept == [6, 7, 8, 9, 10, 11, 12]  # their orders were not carried out, or they are young


def test_foreign_errors_stay_inside(tmp_path):
    store = SqliteStore(tmp_path / "store.db")
    store.close()
    for ask in (store.load, store.history, lambda: store.story(1), lambda: store.payload(1)):
        with pytest.raises(FlowError, match="closed"):
            ask()


def write_example(path: Path) -> None:
    """How `tests/data/stores/v<N>.db` was made; a new version adds a file, none is ever changed."""
    second = replace(JOB, id=2, spec_id=2, payload_id=2)
    ended = Finished(110, Ending("FAILED", ExitStatus(3), "NonZeroExitCode"), 105)
    store = SqliteStore(path)
    store.commit([submission(1, JOB)], 2, 0)
    store.commit([submission(2, placed(second))], 3, 0)
    store.commit([Entry(3, Passed(500), Stepped({1: replace(JOB, state=ended)}, {1}))], 3, 2)
    store._db.execute("PRAGMA journal_mode = DELETE")
    store.close()
