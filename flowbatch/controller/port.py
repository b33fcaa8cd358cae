"""The queue as commands see it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.backends.contract import BidKey, MarketBackend, Seeing
from flowbatch.controller.loop import Loop
from flowbatch.controller.payloads import Payloads
from flowbatch.core import arrays
from flowbatch.core.events import Accepted, Event, Reply
from flowbatch.core.jobs import ArrayTask, Job
from flowbatch.core.past import EVERYTHING, JobName, Past
from flowbatch.core.ports import Door, Payload, Snapshot
from flowbatch.core.states import Finished
from flowbatch.core.steps import Step, StepKey
from flowbatch.core.tally import Tally
from flowbatch.protocol.launch import Key
from flowbatch.protocol.seen import TaskSeen
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.store.contract import Store

ALL = 2_000_000
"""More records than an array can have."""


@dataclass(slots=True)
class _Waiter:
    """Someone waits until none of `unfinished` is left."""

    unfinished: set[int]
    over: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(slots=True)
class _Watcher:
    """Someone waits for a record of which `condition` holds, or that is over."""

    job_id: int
    condition: Callable[[Job], bool]
    seen: asyncio.Future[Job]

    def look(self, job: Job) -> None:
        if job.id == self.job_id and not self.seen.done() and (_over(job) or self.condition(job)):
            self.seen.set_result(job)


class Port:
    """`core.ports.QueuePort` on a loop and its store."""

    def __init__(
        self, loop: Loop, store: Store, steps: tuple[str, ...] = (), programs: Mapping[str, tuple[str, ...]] | None = None,
        reread: Callable[[], ClusterSpec] | None = None,
    ) -> None:  # fmt: skip
        self._loop = loop
        self._reread = reread
        self.steps = steps
        self.programs = programs or {}
        self._store = store
        self._payloads = Payloads()
        self._market: tuple[str, MarketBackend] | None = None
        self._seeing: tuple[str, Seeing] | None = None
        self._waiters: defaultdict[int, list[_Waiter]] = defaultdict(list)
        self._watchers: list[_Watcher] = []
        loop.on_commit = self._hear

    def rents(self, store: str, market: MarketBackend) -> None:
        """The machines are rented from `market`, for the store of this id."""
        self._market = store, market

    def sees(self, store: str, seeing: Seeing) -> None:
        """The machine can be looked at, for the store of this id."""
        self._seeing = store, seeing

    def now(self) -> int:
        return self._loop.clock.now()

    @property
    def cluster(self) -> ClusterSpec:
        return self._loop.cluster

    async def configuration(self) -> ClusterSpec:
        return self._loop.cluster if self._reread is None else await asyncio.to_thread(self._reread)

    async def apply(self, event: Event, payload: Payload | None = None) -> Reply:
        reply = await self._loop.apply(event, payload)
        if isinstance(reply, Accepted) and payload is not None:
            self._payloads.keep(reply.job_id, payload)  # it has the number of the job that brought it
        return reply

    def snapshot(self, job_ids: Collection[int] | None = None) -> Snapshot:
        queue = self._loop.queue
        return self._shot(queue.jobs.values() if job_ids is None else queue.named(job_ids))

    def placed(self) -> Snapshot:
        return self._shot(self._loop.queue.placed())

    def _shot(self, jobs: Iterable[Job]) -> Snapshot:
        queue = self._loop.queue
        return Snapshot(
            self.now(),
            queue.cluster,
            tuple(jobs),
            queue.planned,
            queue.blocked,
            queue.quotes,
            dict(queue.departed),
            dict(queue.steps),
            queue.rulings,
        )

    async def finished(self, job_id: int) -> Sequence[Job]:
        root = await self._root(job_id)
        while True:
            await self._over(root)
            # The store is asked behind the commit in flight; had that failed, the job is not over yet after all.
            await self._loop.settled()
            records = await self.history([root], ALL)
            if all(_over(job) for job in records):
                return sorted(records, key=_index)

    async def until(self, job_id: int, condition: Callable[[Job], bool]) -> Job:
        watcher = _Watcher(job_id, condition, asyncio.get_running_loop().create_future())
        self._watchers.append(watcher)
        try:
            # Asked behind the commit in flight: what the queue in memory says may never come true.
            await self._loop.settled()
            records = await self.history([job_id])
            record = next((job for job in records if job.id == job_id), None)
            if record is None:
                raise KeyError(job_id)
            watcher.look(record)
            return await watcher.seen
        finally:
            self._watchers.remove(watcher)

    async def _over(self, root: int) -> None:
        """Nothing of the job is unfinished in the queue."""
        waiter = _Waiter(
            {job.id for job in self._loop.queue.named([root]) if arrays.root(job) == root and not _over(job)}
        )
        if not waiter.unfinished:
            return
        self._waiters[root].append(waiter)
        try:
            await waiter.over.wait()
        finally:
            self._waiters[root].remove(waiter)
            if not self._waiters[root]:
                del self._waiters[root]

    async def history(
        self, named: Sequence[JobName] | None = None, limit: int = 1000, past: Past = EVERYTHING
    ) -> Sequence[Job]:
        return await self._loop.of_the_past(self._store.history, named, limit, past)

    async def step_history(
        self, job_ids: Sequence[int] | None = None, since: int | None = None
    ) -> Sequence[tuple[StepKey, Step]]:
        return await self._loop.of_the_past(self._store.steps, job_ids, since)

    def tally(self) -> Tally:
        return self._loop.queue.tally.on(self.now())

    def count(self, kind: str) -> int:
        return self._loop.queue.indexes.kinds[kind]

    async def story(self, job_id: int) -> Sequence[tuple[int, str]]:
        return await self._loop.of_the_past(self._store.story, job_id)

    async def payload(self, job_id: int) -> Payload | None:
        job = await self._record(job_id)
        if job is None:
            return None
        found = self._payloads.find(job.payload_id)
        if found is None:  # not asked behind somebody's long look at the past: a launch waits for it
            found = await self._loop.on_disk(self._store.payload, job.payload_id)
            if found is not None:
                self._payloads.keep(job.payload_id, found)
        return found

    async def door(self, job_id: int) -> Door | None:
        job = self._loop.queue.jobs.get(job_id)
        if self._market is None or job is None or job.bid is None:
            return None
        store, market = self._market
        return await market.door(BidKey(store, job_id, job.bid.number))

    async def look(self, job: Job) -> Sequence[TaskSeen]:
        if self._seeing is None:
            raise OSError("what runs on other machines is not looked at")
        store, seeing = self._seeing
        return await seeing.look(Key(store, job.id, job.restarts))

    async def strangers(self) -> Sequence[str]:
        return () if self._market is None else await self._market[1].strangers()

    async def _record(self, job_id: int) -> Job | None:
        job = self._loop.queue.jobs.get(job_id)
        if job is not None:
            return job
        return next((job for job in await self.history([job_id]) if job.id == job_id), None)

    async def _root(self, job_id: int) -> int:
        job = await self._record(job_id)
        if job is not None:
            return arrays.root(job)
        if await self.history([job_id], 1):
            return job_id
        raise KeyError(job_id)

    def _hear(self, changed: Iterable[Job]) -> None:
        """After a commit: who has waited for the last of these?"""
        touched = set()
        for job in changed:
            for watcher in self._watchers:
                watcher.look(job)
            for waiter in self._waiters.get(arrays.root(job), ()):
                (waiter.unfinished.discard if _over(job) else waiter.unfinished.add)(job.id)
                touched.add(arrays.root(job))
        for root in touched:
            for waiter in self._waiters[root]:
                if not waiter.unfinished:
                    waiter.over.set()


def _over(job: Job) -> bool:
    return isinstance(job.state, Finished)


def _index(job: Job) -> tuple[int, int]:
    return (job.array.index if isinstance(job.array, ArrayTask) else 1 << 30), job.id
