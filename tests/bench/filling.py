"""Stores with many jobs, made by the rules themselves: submitted, held or cancelled, and gone from the queue."""

from __future__ import annotations

from pathlib import Path

from flowbatch.core.events import Accepted, CancelAsked, Event, JobRef, Passed, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Queue, step
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.files import Files
from flowbatch.spec.job import JobSpec
from flowbatch.store.contract import Entry
from flowbatch.store.sqlite import SqliteStore

TURN = 1000
"""Facts that share a transaction, as in the loop."""

PAYLOAD = Payload(
    b"#!/bin/bash\nsrun python train.py\n" * 20,
    tuple(b"NAME_%d=/some/directory/of/the/user/%d" % (n, n) for n in range(60)),
    {"NOFILE": 1024, "CORE": 0, "STACK": 8_388_608},
    0o22,
)
"""As large as those of usual jobs."""


class Filling:
    """A store at `path` that is written as a controller writes it, without its loop."""

    def __init__(self, path: Path, cluster: ClusterSpec, owner: Owner, cwd: str) -> None:
        self._store = SqliteStore(path)
        loaded = self._store.load()
        self._queue = Queue(cluster, max(loaded.next_job_id, cluster.first_job_id), loaded.jobs)
        self._seq = loaded.seq
        self._entries: list[Entry] = []
        self._owner = owner
        self._cwd = cwd

    def submit(self, count: int, at: int) -> range:
        """So many held jobs, submitted one a second until `at`; their numbers."""
        first = self._queue.next_job_id
        for n in range(count):
            files = Files(output="/dev/null")
            spec = JobSpec(name=f"job-{n % 1000}", work_dir=self._cwd, files=files, hold=True, command="job.sh")
            self._apply(Submitted(at - count + n, self._owner, spec), PAYLOAD)
        self.commit()
        return range(first, self._queue.next_job_id)

    def end(self, ids: range, at: int) -> None:
        """Those jobs are cancelled, and have left the queue by `at`."""
        early = at - self._queue.cluster.min_job_age_s - 1
        for id in ids:
            self._apply(CancelAsked(early, 0, (JobRef(id),)))
        self._apply(Passed(at))
        self.commit()

    def commit(self) -> None:
        """All of it is on the disk."""
        if self._entries:
            self._store.commit(self._entries, self._queue.next_job_id, self._seq)
            self._entries = []

    def close(self) -> None:
        self.commit()
        self._store.close()

    def _apply(self, event: Event, payload: Payload | None = None) -> None:
        stepped = step(self._queue, event)
        assert payload is None or isinstance(stepped.reply, Accepted), stepped.reply
        self._seq += 1
        self._entries.append(Entry(self._seq, event, stepped, payload))
        if len(self._entries) >= TURN:
            self.commit()


def fill(path: Path, cluster: ClusterSpec, stored: int, queued: int, at: int, owner: Owner, cwd: str = "/tmp") -> range:
    """A store with `stored` jobs, the last `queued` of them still in the queue; the numbers of those."""
    filling = Filling(path, cluster, owner, cwd)
    filling.end(filling.submit(stored - queued, at - 3600), at)
    waiting = filling.submit(queued, at)
    filling.close()
    return waiting
