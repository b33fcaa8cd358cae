"""A queue of the simplest kind, to see what the shell around it does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from flowbatch.clock import ManualClock
from flowbatch.core.effects import Effect, Forget, Launch
from flowbatch.core.events import Accepted, Ended, Event, Launched, Passed, Submitted
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.queue import Stepped
from flowbatch.core.ruling.rulings import NOTHING_SAID
from flowbatch.core.states import Allocation, Ending, ExitStatus, Finished, NodeShare, Pending, Running
from flowbatch.errors import StoreFailed
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.store.memory import MemoryStore

ALICE = Owner(1000, 1000, "alice", "users")
CLUSTER = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=4),), partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),)
)  # fmt: skip
ON_N1 = Allocation("debug", (NodeShare("n1", 1, (0,)),))


class ToyQueue:
    """Whatever is submitted runs at the next pass; what has ended leaves at the pass after."""

    def __init__(self, cluster: ClusterSpec, next_job_id: int, jobs: Iterable[Job] = (), *beside: object) -> None:
        self.cluster = cluster
        self.next_job_id = next_job_id
        self.jobs = {job.id: job for job in jobs}
        self.planned, self.blocked, self.quotes, self.departed = {}, frozenset(), None, {}
        self.steps, self.rulings = {}, NOTHING_SAID

    def named(self, job_ids: Iterable[int]) -> list[Job]:
        return [self.jobs[id] for id in job_ids if id in self.jobs]

    def next_wake(self) -> int | None:
        waits = any(isinstance(job.state, Pending | Finished) for job in self.jobs.values())
        return 0 if waits else None


def toy_step(queue: ToyQueue, event: Event) -> Stepped:
    did = Stepped()
    match event:
        case Submitted(spec=spec) if spec.name == "bug":
            raise ZeroDivisionError("a bug")
        case Submitted():
            job = Job(
                queue.next_job_id, event.spec, queue.next_job_id, queue.next_job_id, event.owner, Pending(), event.at, 1
            )
            queue.next_job_id += 1
            did.changed[job.id] = job
            did.reply = Accepted(job.id)
        case Passed():
            for job in queue.jobs.values():
                if isinstance(job.state, Pending):
                    did.changed[job.id] = replace(job, state=Running(event.at, ON_N1, None))
                    did.orders.append(Launch(job.id, 0))
                elif isinstance(job.state, Finished):
                    did.dropped.add(job.id)
        case Launched() if event.job_id in queue.jobs:
            job = queue.jobs[event.job_id]
            did.changed[job.id] = replace(job, state=replace(job.state, launched=True))
        case Ended(exit=ExitStatus(code=77)):
            raise ZeroDivisionError("a bug")
        case Ended() if event.job_id in queue.jobs:
            job = queue.jobs[event.job_id]
            ending = Ending("COMPLETED", event.exit)
            did.changed[job.id] = replace(job, state=Finished(event.at, ending, 0, ON_N1))
            did.orders.append(Forget(job.id, 0))
    queue.jobs.update(did.changed)
    for job_id in did.dropped:
        del queue.jobs[job_id]
    return did


class FlakyStore(MemoryStore):
    """Fails its next commits, as a full disk does; `loads` counts how often the queue was read."""

    def __init__(self) -> None:
        super().__init__()
        self.fails = 0
        self.unreadable = 0
        self.loads = 0
        self.commits: list[int] = []

    def load(self) -> Any:
        if self.unreadable:
            self.unreadable -= 1
            raise StoreFailed("cannot read the store: input/output error")
        self.loads += 1
        return super().load()

    def commit(self, entries: Any, next_job_id: int, performed: int) -> None:
        if self.fails:
            self.fails -= 1
            raise StoreFailed("cannot write to the store: disk full")
        super().commit(entries, next_job_id, performed)
        self.commits.append(len(entries))


def submission(name: str = "x") -> Submitted:
    return Submitted(100, ALICE, JobSpec(name=name, work_dir="/"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1000)


@pytest.fixture
def store() -> FlakyStore:
    return FlakyStore()


@pytest.fixture
def toy() -> Any:
    """`toy.cluster`, `toy.queue`, `toy.step`, `toy.submission`."""

    class Toy:
        cluster, queue, step = CLUSTER, ToyQueue, staticmethod(toy_step)

    Toy.submission = staticmethod(submission)  # type: ignore[attr-defined]  # a bag of names
    return Toy


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    async def until(condition: Callable[[], bool], what: str = "it") -> None:
        deadline = asyncio.get_running_loop().time() + 10
        while not condition():
            assert asyncio.get_running_loop().time() < deadline, f"waited in vain for {what}"
            await asyncio.sleep(0.002)

    return until


@pytest.fixture
def effects() -> Callable[[Any], list[Effect]]:
    """What a loop has ordered and nobody has taken yet."""

    def effects(loop: Any) -> list[Effect]:
        found = []
        while not loop.orders.empty():
            found.append(loop.orders.get_nowait().effect)
        return found

    return effects
