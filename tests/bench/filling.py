"""Stores with many jobs: a few that the rules themselves made, and copies of them, each a little later and with numbers of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path

from flowbatch.core.effects import Launch
from flowbatch.core.events import Accepted, Ended, Event, Launched, Passed, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Queue, step
from flowbatch.core.states import ExitStatus
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.files import Files
from flowbatch.spec.job import JobSpec
from flowbatch.store.contract import Entry
from flowbatch.store.sqlite import SqliteStore

PAYLOAD = Payload(
    b"#!/bin/bash\nsrun python train.py\n" * 20,
    tuple(b"NAME_%d=/some/directory/of/the/user/%d" % (n, n) for n in range(60)),
    {"NOFILE": 1024, "CORE": 0, "STACK": 8_388_608},
    0o22,
)
"""As large as those of usual jobs."""

TASKS, SINGLES = 10, 90
PATTERN = TASKS + SINGLES
"""What is copied: so many tasks of one array and so many jobs; the copies' tasks are of the same array."""

A_SECOND = 2
"""So many jobs were submitted each second: a million within the week for which the journal is kept."""

HELD = 100
"""So many jobs that wait are made by the rules."""


class Ruled:
    """A store that is written as a controller writes it, without its loop."""

    def __init__(self, path: Path, cluster: ClusterSpec, owner: Owner) -> None:
        self._store = SqliteStore(path)
        loaded = self._store.load()
        self.queue = Queue(cluster, max(loaded.next_job_id, cluster.first_job_id), loaded.jobs)
        self.seq = loaded.seq
        self._owner = owner

    def submit(self, at: int, **wish: object) -> None:
        spec = JobSpec.model_validate(
            {"name": "job-0", "work_dir": "/tmp", "command": "job.sh", "files": Files(output="/dev/null"), **wish}
        )
        self.apply(Submitted(at, self._owner, spec), PAYLOAD)

    def run(self, at: int) -> None:
        """All that can start runs for a second; of three jobs one fails."""
        for order in self.apply(Passed(at)):
            if isinstance(order, Launch):
                self.apply(Launched(at, order.job_id, order.restart))
                self.apply(Ended(at + 1, order.job_id, order.restart, ExitStatus(int(order.job_id % 3 == 0))))

    def apply(self, event: Event, payload: Payload | None = None) -> list[object]:
        """What it orders."""
        stepped = step(self.queue, event)
        assert payload is None or isinstance(stepped.reply, Accepted), stepped.reply
        self.seq += 1
        self._store.commit([Entry(self.seq, event, stepped, payload)], self.queue.next_job_id, self.seq)
        return [*stepped.orders]

    def close(self) -> None:
        self._store.close()


@dataclass(frozen=True)
class Copies:
    """`times` copies of so many `jobs` from `first` on, told of behind line `behind` of the journal: each with higher numbers, and
    as much later as it takes to submit them."""

    first: int
    jobs: int
    behind: int
    times: int


def fill(path: Path, cluster: ClusterSpec, finished: int, queued: int, at: int, owner: Owner) -> range:
    """A store with so many jobs that have left the queue, the last by `at`, and so many that are held; the numbers of those."""
    ruled = Ruled(path, cluster, owner)
    behind, first, since = (
        ruled.seq,
        ruled.queue.next_job_id,
        at - finished // A_SECOND - cluster.min_job_age_s - PATTERN,
    )
    ruled.submit(since, array=ArraySpec(text=f"0-{TASKS - 1}", ranges=(IndexRange(first=0, last=TASKS - 1),)))
    for n in range(TASKS, PATTERN):
        ruled.submit(since + n // A_SECOND, name=f"job-{n}")
    for now in count(since + PATTERN):
        if not ruled.queue.indexes.unfinished:
            break
        ruled.run(now)
    ruled.apply(Passed(now + cluster.min_job_age_s + 1))
    assert not ruled.queue.jobs
    ruled.close()
    copy(path, Copies(first, PATTERN, behind, finished // PATTERN - 1))

    ruled = Ruled(path, cluster, owner)
    behind, waiting = ruled.seq, ruled.queue.next_job_id
    for n in range(min(HELD, queued)):
        ruled.submit(at - (queued - n) // A_SECOND, name=f"job-{n}", hold=True)
    ruled.close()
    copy(path, Copies(waiting, HELD, behind, queued // HELD - 1))
    return range(waiting, waiting + queued)


def copy(path: Path, copies: Copies) -> None:
    """All that the store knows of those jobs once more, as often as it is asked."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        (last,) = db.execute("SELECT max(seq) FROM journal").fetchone()
        lines = last - copies.behind
        words = {**asdict(copies), "seconds": copies.jobs // A_SECOND, "tasks": TASKS, "lines": lines}
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        for statement in _COPY:
            db.execute(_TIMES + statement, words)
        db.executemany(
            "UPDATE meta SET value = ? WHERE name = ?",
            [
                (copies.first + copies.jobs * (copies.times + 1), "next_job_id"),
                (last + lines * copies.times, "performed"),
            ],
        )
        db.execute("COMMIT")


_BODY = {
    "$.id": ":jobs", "$.spec_id": "apart", "$.payload_id": "apart", "$.array.index": ":tasks", "$.submitted_at": ":seconds",
    "$.eligible_at": ":seconds", "$.last_evaluated_at": ":seconds", "$.state.started_at": ":seconds", "$.state.ended_at": ":seconds",
}  # fmt: skip
"""What differs between a record and its copy, and by how much; `apart`: nothing where all tasks share it."""

_TIMES = "WITH RECURSIVE times (n) AS (SELECT 1 WHERE :times > 0 UNION ALL SELECT n + 1 FROM times WHERE n < :times) "
_PATTERN = "pattern AS (SELECT *, iif(array_id IS NULL, :jobs, 0) AS apart FROM jobs WHERE id BETWEEN :first AND :first + :jobs - 1) "
_REPLACED = ", ".join(f"'{path}', json_extract(body, '{path}') + n * {by}" for path, by in _BODY.items())
_COPY = (
    f", {_PATTERN} INSERT INTO jobs (id, queued, array_id, spec_id, payload_id, body, task, ended_at, submitted_at, uid, outcome, "
    "started_at, scheduled_by) SELECT id + n * :jobs, queued, array_id, spec_id + n * apart, payload_id + n * apart, "
    f"json_replace(body, {_REPLACED}), task + n * :tasks, ended_at + n * :seconds, submitted_at + n * :seconds, uid, outcome, "
    "started_at + n * :seconds, scheduled_by FROM times, pattern",
    f", {_PATTERN} INSERT INTO specs SELECT id + n * :jobs, json_set(body, '$.name', 'job-' || ((id + n * :jobs) % 1000)) "
    "FROM times, specs WHERE id IN (SELECT spec_id FROM pattern WHERE apart)",
    "INSERT INTO payloads SELECT id + n * :jobs, body FROM times, payloads WHERE id BETWEEN :first AND :first + :jobs - 1",
    "INSERT INTO story SELECT job_id + n * :jobs, seq + n * :lines, at + n * :seconds, words FROM times, story "
    "WHERE job_id BETWEEN :first AND :first + :jobs - 1",
    "INSERT INTO journal SELECT seq + n * :lines, at + n * :seconds, event, NULL FROM times, journal WHERE seq BETWEEN :behind + 1 AND :behind + :lines",
)
