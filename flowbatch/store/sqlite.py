"""The store on disk: one SQLite file, its write-ahead log synced at each commit (synchronous=FULL).

A copied file takes a new id, so that two controllers never own the same placements: the file's host, device and inode
stand in it, and where they differ and no job is placed or bid for, a new id is drawn. A copy with placed jobs keeps the
id: its placements are known by it, and the node (or market) that holds them says what is true.
"""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from flowbatch.core.arrays import root
from flowbatch.core.effects import Effect
from flowbatch.core.events import Accepted
from flowbatch.core.jobs import Job
from flowbatch.core.market.budgets import Account, add
from flowbatch.core.ports import Payload, Tally
from flowbatch.core.ruling.rulings import NOTHING_SAID
from flowbatch.core.states import Holding
from flowbatch.core.steps import Step, StepKey
from flowbatch.errors import NewerStore, StoreFailed
from flowbatch.ids import StoreId, new_store_id
from flowbatch.spec.job import JobSpec
from flowbatch.store import rows, story
from flowbatch.store.contract import Entry, Loaded, remembered
from flowbatch.store.migrations import MIGRATIONS
from flowbatch.store.pruning import prune

_IDS_PER_QUERY = 500
_RECORD = "SELECT jobs.body, specs.body FROM jobs {} JOIN specs ON specs.id = jobs.spec_id"
_QUEUED = _RECORD.format("INDEXED BY jobs_queued") + " WHERE queued"
_ENDED = "json_extract(jobs.body, '$.state.ended_at')"
"""As the index `jobs_ended` has it, letter by letter; inside a `coalesce` no index is used."""
_NEWEST = _RECORD.format("") + " ORDER BY jobs.id DESC LIMIT ?"
_LATE = _RECORD.format("") + f" WHERE {_ENDED} >= ? OR {_ENDED} IS NULL ORDER BY jobs.id DESC LIMIT ?"
_NAMED = (
    _RECORD.format("")
    + f" WHERE (jobs.id IN ({{0}}) OR jobs.array_id IN ({{0}})) AND coalesce({_ENDED} >= ?, 1) ORDER BY jobs.id DESC LIMIT ?"
)
_OUTCOME, _STARTED = (
    "json_extract(body, '$.state.ending.outcome')",
    "coalesce(json_extract(body, '$.state.started_at'), json_extract(body, '$.state.was.started_at'), 0)",
)
_TALLY = (
    f"SELECT total(json_extract(body, '$.submitted_at') >= :since), total({_STARTED} >= :since), "
    f"total({_ENDED} >= :since AND {_OUTCOME} = 'COMPLETED'), total({_ENDED} >= :since AND {_OUTCOME} = 'CANCELLED'), "
    f"total({_ENDED} >= :since AND {_OUTCOME} NOT IN ('COMPLETED', 'CANCELLED')), "
    f"total({_STARTED} >= :since AND json_extract(body, '$.scheduled_by') = 'Backfill') "
    f"FROM jobs WHERE {_ENDED} >= :since OR {_ENDED} IS NULL"
)

_STEP = "SELECT job_id, restart, number, body FROM steps"
_STEPS = _STEP + " WHERE {0}coalesce(ended_at >= ?, 1) ORDER BY job_id, restart, number"
_RUNNING_STEPS = _STEP + " WHERE ended_at IS NULL ORDER BY job_id, restart, number"
_LAST_STEP = _STEP + " WHERE job_id = ? AND restart = ? ORDER BY number DESC LIMIT 1"
_DEPARTED = "SELECT nullif(account, ''), day, micro_usd FROM departed"
_BILLED = (
    "INSERT INTO departed (account, day, micro_usd) VALUES (?, ?, ?) "
    "ON CONFLICT (account, day) DO UPDATE SET micro_usd = micro_usd + excluded.micro_usd"
)


class SqliteStore:
    """One file at `path` (0600, its directory 0700), made if missing. `trace` sees every statement before it runs."""

    def __init__(self, path: Path, trace: Callable[[str], None] | None = None) -> None:
        """Opens and migrates the file. Raises NewerStore, or StoreFailed for a file that cannot be opened."""
        self._path = path
        self._known_specs: set[int] = set()
        with _border(f"cannot open the store {path}"):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.set_trace_callback(trace)
            self._migrate()
            self._reader = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._reader.execute("PRAGMA query_only = ON")

    def load(self) -> Loaded:
        with _border("cannot read the store"):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            meta = dict(self._db.execute("SELECT name, value FROM meta"))
            jobs = tuple(sorted(_records(self._db.execute(_QUEUED)), key=lambda job: job.id))
            (seq,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
            owed = tuple(self._owed(int(meta["performed"])))
            departed = {(account, day): micro_usd for account, day, micro_usd in self._db.execute(_DEPARTED)}
            steps = remembered(jobs, self._last_steps(jobs))
            rulings = rows.rulings(meta["rulings"]) if "rulings" in meta else NOTHING_SAID
            store = self._identity(meta, placed=any(map(_is_placed, jobs)))
        self._known_specs = {job.spec_id for job in jobs}
        return Loaded(
            store, int(meta["next_job_id"]), jobs, seq, int(meta["performed"]), owed, departed, steps, rulings
        )

    def commit(self, entries: Sequence[Entry], next_job_id: int, performed: int) -> None:
        with _border("cannot write to the store"), self._transaction():
            changed: dict[int, Job] = {}
            dropped: set[int] = set()
            departed: dict[Account, int] = {}
            for entry in entries:
                self._journal(entry)
                changed.update(entry.stepped.changed)
                dropped |= entry.stepped.dropped
                add(departed, entry.stepped.departed.items())
            self._save(changed.values())
            self._drop(dropped)
            self._save_steps({key: step for entry in entries for key, step in entry.stepped.steps.items()})
            self._db.executemany(_BILLED, ((name or "", day, sum_) for (name, day), sum_ in departed.items()))
            said = [entry.stepped.rulings for entry in entries if entry.stepped.rulings is not None]
            ruled = {"rulings": rows.rulings_row(said[-1])} if said else {}
            self._meta({"next_job_id": str(next_job_id), "performed": str(performed), **ruled})

    def payload(self, payload_id: int) -> Payload | None:
        with _border("cannot read the store"):
            found = self._db.execute("SELECT body FROM payloads WHERE id = ?", (payload_id,)).fetchone()
        return rows.payload(found[0]) if found else None

    def history(self, job_ids: Sequence[int] | None = None, limit: int = 1000, since: int | None = None) -> list[Job]:
        earliest = -1 if since is None else since
        with _border("cannot read the store"):
            if job_ids is None:
                query = (_NEWEST, (limit,)) if since is None else (_LATE, (since, limit))
                return list(_records(self._reader.execute(*query)))
            found: dict[int, Job] = {}
            for start in range(0, len(job_ids), _IDS_PER_QUERY):
                ids = job_ids[start : start + _IDS_PER_QUERY]
                marks = ",".join("?" * len(ids))
                named = self._reader.execute(_NAMED.format(marks), (*ids, *ids, earliest, limit))
                found.update({job.id: job for job in _records(named)})
        return sorted(found.values(), key=lambda job: -job.id)[:limit]

    def story(self, job_id: int) -> list[tuple[int, str]]:
        with _border("cannot read the store"):
            query = "SELECT at, words FROM story WHERE job_id = ? ORDER BY seq"
            return list(self._reader.execute(query, (job_id,)))

    def tally(self, since: int) -> Tally:
        with _border("cannot read the store"):
            return Tally(*map(int, self._reader.execute(_TALLY, {"since": since}).fetchone()))

    def steps(self, job_ids: Sequence[int] | None = None, since: int | None = None) -> list[tuple[StepKey, Step]]:
        earliest = -1 if since is None else since
        with _border("cannot read the store"):
            if job_ids is None:
                return list(_steps(self._reader.execute(_STEPS.format(""), (earliest,))))
            found: list[tuple[StepKey, Step]] = []
            named = sorted(set(job_ids))
            for start in range(0, len(named), _IDS_PER_QUERY):
                some = named[start : start + _IDS_PER_QUERY]
                query = _STEPS.format(f"job_id IN ({','.join('?' * len(some))}) AND ")
                found += _steps(self._reader.execute(query, (*some, earliest)))
            return found

    def prune(self, journal_before: int, jobs_before: int) -> int:
        with _border("cannot write to the store"), self._transaction():
            return prune(self._db, journal_before, jobs_before)

    def close(self) -> None:
        with _border("cannot close the store"):
            self._reader.close()
            self._db.close()

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            self._db.close()
            raise NewerStore(
                f"the store {self._path} was written by a later version of flowbatch",
                hint="use that version, or set FLOW_STATE_DIR to another directory",
            )
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        if version == len(MIGRATIONS):
            return
        with self._transaction():
            for number, script in enumerate(MIGRATIONS[version:], version + 1):
                for statement in filter(str.strip, script.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {number}")
            if version == 0:
                self._meta(
                    {"store": new_store_id(), "file": self._file(), "next_job_id": "1", "performed": "0"},
                )

    def _identity(self, meta: dict[str, str], placed: bool) -> StoreId:
        if meta["file"] == self._file() or placed:
            return StoreId(meta["store"])
        fresh = new_store_id()
        with self._transaction():
            self._meta({"store": fresh, "file": self._file()})
        return fresh

    def _file(self) -> str:
        stat = os.stat(self._path)
        return f"{socket.gethostname()}:{stat.st_dev}:{stat.st_ino}"

    def _owed(self, performed: int) -> Iterator[tuple[int, Effect]]:
        query = "SELECT seq, orders FROM journal WHERE seq > ? AND orders IS NOT NULL ORDER BY seq"
        for seq, row in self._db.execute(query, (performed,)).fetchall():
            for order in rows.orders(row):
                yield seq, order

    def _journal(self, entry: Entry) -> None:
        event, stepped = entry.event, entry.stepped
        self._db.execute(
            "INSERT INTO journal (seq, at, event, orders) VALUES (?, ?, ?, ?)",
            (entry.seq, event.at, rows.event_row(event), rows.orders_row(stepped.orders)),
        )
        self._db.executemany(
            "INSERT INTO story (job_id, seq, at, words) VALUES (?, ?, ?, ?)",
            ((job_id, entry.seq, event.at, words) for job_id, words in story.lines(event, stepped)),
        )
        if entry.payload is not None and isinstance(stepped.reply, Accepted):
            payload_id = stepped.changed[stepped.reply.job_id].payload_id
            self._db.execute(
                "INSERT INTO payloads (id, body) VALUES (?, ?)", (payload_id, rows.payload_row(entry.payload))
            )

    def _save(self, changed: Collection[Job]) -> None:
        for job in changed:
            if job.spec_id not in self._known_specs:
                self._db.execute(
                    "INSERT OR IGNORE INTO specs (id, body) VALUES (?, ?)", (job.spec_id, rows.spec_row(job.spec))
                )
                self._known_specs.add(job.spec_id)
        self._db.executemany(
            "INSERT INTO jobs (id, queued, array_id, spec_id, payload_id, body) VALUES (?, 1, ?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET queued = 1, array_id = excluded.array_id, spec_id = excluded.spec_id, "
            "payload_id = excluded.payload_id, body = excluded.body",
            (
                (
                    job.id,
                    root(job) if job.het is not None else job.array_id,
                    job.spec_id,
                    job.payload_id,
                    rows.job_row(job),
                )
                for job in changed
            ),
        )

    def _save_steps(self, steps: Mapping[StepKey, Step]) -> None:
        self._db.executemany(
            "INSERT INTO steps (job_id, restart, number, ended_at, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (job_id, restart, number) DO UPDATE SET ended_at = excluded.ended_at, body = excluded.body",
            ((*key, step.ended_at, rows.step_row(step)) for key, step in steps.items()),
        )

    def _last_steps(self, jobs: Collection[Job]) -> Iterator[tuple[StepKey, Step]]:
        """The steps that run, and the highest numbered one of each of these jobs that holds an allocation."""
        yield from _steps(self._db.execute(_RUNNING_STEPS))
        for job in jobs:
            if isinstance(job.state, Holding):
                yield from _steps(self._db.execute(_LAST_STEP, (job.id, job.restarts)))

    def _drop(self, job_ids: set[int]) -> None:
        ids = [(job_id,) for job_id in sorted(job_ids)]
        self._db.executemany("UPDATE jobs SET queued = 0 WHERE id = ?", ids)
        self._db.executemany(
            "DELETE FROM payloads WHERE id = (SELECT payload_id FROM jobs WHERE id = ?) "
            "AND NOT EXISTS (SELECT 1 FROM jobs WHERE queued AND jobs.payload_id = payloads.id)",
            ids,
        )
        if ids:
            self._known_specs.clear()

    def _meta(self, values: dict[str, str]) -> None:
        self._db.executemany(
            "INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            values.items(),
        )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._known_specs.clear()
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise


def _is_placed(job: Job) -> bool:
    """Whether the world knows of it by the store's id: a machine or a market."""
    return isinstance(job.state, Holding) or any(not bid.settled for bid in job.bids)


def _records(cursor: sqlite3.Cursor) -> Iterator[Job]:
    """Records with their specs rejoined: those that say the same share one value."""
    specs: dict[str, JobSpec] = {}
    for body, spec in cursor:
        if spec not in specs:
            specs[spec] = rows.spec(spec)
        yield rows.job(body, specs[spec])


def _steps(cursor: sqlite3.Cursor) -> Iterator[tuple[StepKey, Step]]:
    return ((StepKey(*key), rows.step(body)) for *key, body in cursor.fetchall())


@contextmanager
def _border(what: str) -> Iterator[None]:
    """No exception of sqlite3 or the file system leaves the store."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(f"{what}: {error}") from error
