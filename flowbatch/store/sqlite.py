"""The store on disk: one SQLite file, its write-ahead log synced at each commit (synchronous=FULL).

A copied file takes a new id, so that two controllers never own the same placements: the file's host, device and inode
stand in it, and where they differ and no job is placed or bid for, a new id is drawn. A copy with placed jobs keeps the
id: its placements are known by it, and the node (or market) that holds them says what is true.
"""

from __future__ import annotations

import os
import socket
import sqlite3
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from flowbatch.core.arrays import root
from flowbatch.core.effects import Effect
from flowbatch.core.events import Accepted
from flowbatch.core.jobs import ArrayTask, Job
from flowbatch.core.market.budgets import Account, add
from flowbatch.core.past import EVERYTHING, JobName, Past, outcome
from flowbatch.core.ports import Payload
from flowbatch.core.ruling.rulings import NOTHING_SAID
from flowbatch.core.states import Finished, Holding, Pending
from flowbatch.core.steps import Step, StepKey
from flowbatch.errors import NewerStore, StoreFailed
from flowbatch.ids import StoreId, new_store_id
from flowbatch.store import rows, story
from flowbatch.store.contract import Entry, Loaded, remembered
from flowbatch.store.migrations import MIGRATIONS
from flowbatch.store.pruning import prune
from flowbatch.store.reader import Reader, records, steps

_QUEUED = (
    "SELECT jobs.body, specs.body FROM jobs INDEXED BY jobs_queued JOIN specs ON specs.id = jobs.spec_id WHERE queued"
)
_COLUMNS = (
    "id", "array_id", "spec_id", "payload_id", "body", "task", "ended_at", "submitted_at", "uid", "outcome", "started_at",
    "scheduled_by",
)  # fmt: skip
_SAVE = (
    f"INSERT INTO jobs (queued, {', '.join(_COLUMNS)}) VALUES (1, {', '.join('?' * len(_COLUMNS))}) ON CONFLICT (id) "
    f"DO UPDATE SET queued = 1, {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)
_STEP = "SELECT job_id, restart, number, body FROM steps"
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
            self._reader = Reader(path)

    def load(self) -> Loaded:
        with _reading():
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            meta = dict(self._db.execute("SELECT name, value FROM meta"))
            jobs = tuple(sorted(records(self._db.execute(_QUEUED)), key=lambda job: job.id))
            (seq,) = self._db.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()
            next_job_id, performed = int(meta["next_job_id"]), int(meta["performed"])
            owed = tuple(self._owed(performed))
            departed = {(account, day): micro_usd for account, day, micro_usd in self._db.execute(_DEPARTED)}
            steps = remembered(jobs, self._last_steps(jobs))
            rulings = rows.rulings(meta["rulings"]) if "rulings" in meta else NOTHING_SAID
            tally = rows.tally(meta["tally"]) if "tally" in meta else None
            store = self._identity(meta, placed=any(map(_is_placed, jobs)))
        self._known_specs = {job.spec_id for job in jobs}
        return Loaded(store, next_job_id, jobs, seq, performed, owed, departed, steps, rulings, tally)

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
            tallies = [entry.stepped.tally for entry in entries if entry.stepped.tally is not None]
            counted = {"tally": rows.tally_row(tallies[-1])} if tallies else {}
            self._meta({"next_job_id": str(next_job_id), "performed": str(performed), **ruled, **counted})

    def payload(self, payload_id: int) -> Payload | None:
        with _reading():
            found = self._db.execute("SELECT body FROM payloads WHERE id = ?", (payload_id,)).fetchone()
            return rows.payload(found[0]) if found else None

    def history(self, named: Sequence[JobName] | None = None, limit: int = 1000, past: Past = EVERYTHING) -> list[Job]:
        with _reading():
            return self._reader.history(named, limit, past)

    def story(self, job_id: int) -> list[tuple[int, str]]:
        with _reading():
            return self._reader.story(job_id)

    def steps(self, job_ids: Sequence[int] | None = None, since: int | None = None) -> list[tuple[StepKey, Step]]:
        with _reading():
            return self._reader.steps(job_ids, since)

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
        self._db.executemany(_SAVE, map(_row, changed))

    def _save_steps(self, steps: Mapping[StepKey, Step]) -> None:
        self._db.executemany(
            "INSERT INTO steps (job_id, restart, number, ended_at, body) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT (job_id, restart, number) DO UPDATE SET ended_at = excluded.ended_at, body = excluded.body",
            ((*key, step.ended_at, rows.step_row(step)) for key, step in steps.items()),
        )

    def _last_steps(self, jobs: Collection[Job]) -> Iterator[tuple[StepKey, Step]]:
        """The steps that run, and the highest numbered one of each of these jobs that holds an allocation."""
        yield from steps(self._db.execute(_RUNNING_STEPS))
        for job in jobs:
            if isinstance(job.state, Holding):
                yield from steps(self._db.execute(_LAST_STEP, (job.id, job.restarts)))

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


def _row(job: Job) -> tuple[str | int | None, ...]:
    """The values of _COLUMNS: what finds a record, the record, and what is asked for without reading it."""
    ended = job.state if isinstance(job.state, Finished) else None
    return (
        job.id, root(job) if job.het is not None else job.array_id, job.spec_id, job.payload_id, rows.job_row(job),
        job.array.index if isinstance(job.array, ArrayTask) else None,
        ended.ended_at if ended is not None else None, job.submitted_at, job.owner.uid,
        outcome(job),
        None if isinstance(job.state, Pending) else job.state.started_at, job.scheduled_by,
    )  # fmt: skip


@contextmanager
def _border(what: str) -> Iterator[None]:
    """No exception of sqlite3 or the file system leaves the store."""
    try:
        yield
    except (
        sqlite3.Error,
        OSError,
        UnicodeDecodeError,
    ) as error:  # the last: sqlite3 reading the words of a broken schema
        raise StoreFailed(f"{what}: {error}") from error


@contextmanager
def _reading() -> Iterator[None]:
    """Nor does what a damaged record makes of its reader: a file of SQLite's may be whole, and what stands in it is not."""
    try:
        with _border("cannot read the store"):
            yield
    except (ValueError, LookupError, TypeError, zlib.error) as error:
        raise StoreFailed(f"cannot read the store: a record is damaged: {error!r}") from error
