"""A caller whose streams are lists, and a queue port over records of the test or over the real queue."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest

from flowbatch import text
from flowbatch.commands.call import Call, CallerFile, Command
from flowbatch.core.events import Event, Passed, Reply
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.past import EVERYTHING, JobName, Past
from flowbatch.core.ports import Payload, Snapshot
from flowbatch.core.queue import Queue, step
from flowbatch.core.records import Stepped
from flowbatch.core.states import Holding
from flowbatch.core.steps import Step, StepKey
from flowbatch.core.tally import Tally
from flowbatch.errors import FlowError
from flowbatch.protocol.seen import TaskSeen
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.store.contract import Entry
from flowbatch.store.memory import MemoryStore


class Heard:
    """What was written to one stream."""

    def __init__(self) -> None:
        self.raw = b""

    def write(self, data: str | bytes) -> None:
        self.raw += text.encode(data) if isinstance(data, str) else data

    async def drain(self) -> None: ...


@dataclass
class Said:
    """One finished command."""

    code: int
    out: str
    err: str


def looked_back(jobs: Iterable[Job], named: Sequence[JobName] | None, limit: int, past: Past) -> list[Job]:
    """What a store with these jobs remembers of what is asked for, newest first."""
    store = MemoryStore()
    store.commit([Entry(1, Passed(0), Stepped({job.id: job for job in jobs}))], next_job_id=1, performed=0)
    return store.history(named, limit, past)


class FixedQueue:
    """Records that the test wrote; events are kept, and answered by `reply`."""

    def __init__(self, snapshot: Snapshot, reply: Callable[[Event], Reply] = lambda event: None) -> None:
        self._snapshot, self._reply = snapshot, reply
        self.events: list[Event] = []
        self.payloads: dict[int, Payload] = {}
        self.steps: dict[StepKey, Step] = {}
        self.counted = Tally()
        self.seen: Sequence[TaskSeen] | None = None
        """What runs, of any job; None where nobody looks."""

    async def look(self, job: Job) -> Sequence[TaskSeen]:
        if self.seen is None:
            raise OSError("nobody looks")
        return self.seen

    @property
    def cluster(self) -> ClusterSpec:
        return self._snapshot.cluster

    def now(self) -> int:
        return self._snapshot.at

    def snapshot(self, job_ids: Collection[int] | None = None) -> Snapshot:
        if job_ids is None:
            return self._snapshot
        jobs = self._snapshot.jobs
        roots = {
            job.id if job.array_id is None else job.array_id for job in jobs if {job.id, job.array_id} & {*job_ids}
        }
        return replace(self._snapshot, jobs=tuple(job for job in jobs if {job.id, job.array_id} & roots))

    def placed(self) -> Snapshot:
        found = self.snapshot()
        return replace(found, jobs=tuple(job for job in found.jobs if isinstance(job.state, Holding) or job.bids))

    async def apply(self, event: Event, payload: Payload | None = None) -> Reply:
        self.events.append(event)
        return self._reply(event)

    async def finished(self, job_id: int) -> Sequence[Job]:
        raise KeyError(job_id)

    async def history(
        self, named: Sequence[JobName] | None = None, limit: int = 1000, past: Past = EVERYTHING
    ) -> Sequence[Job]:
        return looked_back(self.snapshot().jobs, named, limit, past)

    def tally(self) -> Tally:
        return self.counted

    def count(self, kind: str) -> int:
        return sum(job.state.kind == kind for job in self._snapshot.jobs)

    async def step_history(
        self, job_ids: Sequence[int] | None = None, since: int | None = None
    ) -> Sequence[tuple[StepKey, Step]]:
        return [(key, step) for key, step in sorted(self.steps.items()) if job_ids is None or key.job_id in job_ids]

    async def story(self, job_id: int) -> Sequence[tuple[int, str]]:
        return ()

    async def payload(self, job_id: int) -> Payload | None:
        return self.payloads.get(job_id)


class LiveQueue(FixedQueue):
    """The real queue in memory, on a clock that stands still."""

    def __init__(self, cluster: ClusterSpec, at: int = 1_000_000_000) -> None:
        super().__init__(Snapshot(at, cluster, (), {}))
        self.queue = Queue(cluster, cluster.first_job_id)

    async def apply(self, event: Event, payload: Payload | None = None) -> Reply:
        self.events.append(event)
        stepped = step(self.queue, event)
        self.steps.update(stepped.steps)
        if payload is not None:
            self.payloads.update(dict.fromkeys(stepped.changed, payload))
        return stepped.reply

    def snapshot(self, job_ids: Collection[int] | None = None) -> Snapshot:
        jobs = self.queue.jobs.values() if job_ids is None else self.queue.named(job_ids)
        return replace(self._snapshot, jobs=tuple(jobs), steps=dict(self.queue.steps), rulings=self.queue.rulings)


@dataclass(frozen=True)
class Known:
    """The clusters of some queues, the first one's being the default; `away` says why one of them cannot be served."""

    queues: Sequence[FixedQueue]
    away: Mapping[str, str] = field(default_factory=dict)

    @property
    def default(self) -> str:
        return self.names[0]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(queue.cluster.name for queue in self.queues)

    @property
    def used(self) -> tuple[str, ...]:
        return self.names

    async def queue(self, name: str) -> FixedQueue:
        if name in self.away:
            raise FlowError(self.away[name])
        return next(queue for queue in self.queues if queue.cluster.name == name)


Run = Callable[..., Said]


@dataclass
class Caller:
    """Runs commands as one user of one machine; `files` is what this caller can read, `-` its standard input."""

    owner: Owner = field(default_factory=lambda: Owner(0, 0, "root", "root", "vm", 3003))
    environ: Mapping[str, str] = field(default_factory=lambda: {"TZ": "UTC"})
    cwd: str = "/work dir"
    files: Mapping[str, bytes] = field(default_factory=dict)
    most_read: int = 0
    """Bytes that were asked of a file at once."""
    others: Sequence[FixedQueue] = ()
    """Clusters besides the one that a command is run on."""
    away: Mapping[str, str] = field(default_factory=dict)

    def run(self, command: Command, queue: object, *argv: str, **environ: str) -> Said:
        out, err = Heard(), Heard()

        async def read(path: str, limit: int) -> bytes:
            if path not in self.files:
                raise CallerFile(2)
            self.most_read = max(self.most_read, limit)
            return self.files[path][: limit + 1]

        answers = self.files.get("-", b"").splitlines(keepends=True)

        async def chunk() -> bytes:
            return answers.pop(0) if answers else b""

        call = Call(
            command=command.__module__.rpartition(".")[2], argv=argv, environ={**self.environ, **environ}, cwd=self.cwd,
            umask=0o22, columns=80, lines=24, tty=(False, False, False), owner=self.owner, limits={}, out=out, err=err,
            read=read, chunk=chunk, clusters=Known((queue, *self.others), self.away),  # type: ignore[arg-type]  # fakes
        )  # fmt: skip
        code = asyncio.run(command(call, queue))  # type: ignore[arg-type]  # a coroutine; the queue is a fake
        return Said(code, text.decode(out.raw), text.decode(err.raw))


@pytest.fixture
def caller() -> Caller:
    return Caller()


@pytest.fixture
def fixed_queue() -> type[FixedQueue]:
    return FixedQueue


@pytest.fixture
def live_queue() -> type[LiveQueue]:
    return LiveQueue
