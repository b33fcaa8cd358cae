"""A queue that is checked after every step, and that a store could bring back at any time."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from flowbatch.core import invariants
from flowbatch.core.events import (
    Accepted,
    CancelAsked,
    Configured,
    Ended,
    Event,
    HoldAsked,
    JobRef,
    Passed,
    ReleaseAsked,
    RequeueAsked,
    SignalAsked,
    Submitted,
    Verdict,
)
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.queue import Queue, Stepped, step
from flowbatch.core.states import ExitStatus, Running
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.dependency import Dependency, DependencyTerm
from flowbatch.spec.job import JobSpec, Mail
from flowbatch.spec.resources import Resources

ROOT = Owner(0, 0, "root", "root")
ADA = Owner(1000, 1000, "ada", "ada")
BOB = Owner(1001, 1001, "bob", "bob")
OWNERS = {owner.uid: owner for owner in (ROOT, ADA, BOB)}
START = 1_000_000


class Desk:
    """Drives a queue with few words. Instants are seconds after `START`; jobs are one CPU each unless said otherwise."""

    def __init__(self, **cluster: object) -> None:
        node = NodeSpec(name="n1", cpus=4, cores_per_socket=4, real_memory=1000)
        partitions = (
            PartitionSpec(name="debug", nodes=("n1",), default=True),
            PartitionSpec(name="other", nodes=("n1",)),
        )
        self.cluster = ClusterSpec(name="c", nodes=(node,), partitions=partitions).model_copy(update=cluster)
        self.queue = Queue(self.cluster, 1)
        self.at = 0
        self.stored: dict[int, Job] = {}
        self.orders: list[object] = []

    def step(self, event: Event) -> Stepped:
        before = dict(self.queue.jobs)
        stepped = step(self.queue, event)
        invariants.check(self.queue)
        invariants.check_step(before, self.queue)
        self.stored.update(stepped.changed)
        for id in stepped.dropped:
            del self.stored[id]
        assert self.stored == self.queue.jobs
        assert Queue(self.queue.cluster, self.queue.next_job_id, self.stored.values()).indexes == self.queue.indexes
        self.orders += stepped.orders
        return stepped

    @property
    def now(self) -> int:
        return START + self.at

    def submission(self, owner: Owner = ADA, **words: object) -> Submitted:
        return Submitted(self.now, owner, self.spec(**words))

    def spec(
        self, array: str = "", depend: str = "", cpus: int = 1, name: str = "job", mail: str = "", **more: object
    ) -> JobSpec:
        return JobSpec(
            name=name, work_dir="/w", resources=Resources(ntasks=cpus), array=array_of(array),
            dependency=dependency_of(depend), mail=Mail(types=tuple(mail.split())), **more,
        )  # fmt: skip

    def submit(self, owner: Owner = ADA, **words: object) -> int:
        reply = self.step(self.submission(owner, **words)).reply
        assert isinstance(reply, Accepted)
        return reply.job_id

    def passed(self, at: int | None = None) -> Stepped:
        self.at = self.at if at is None else at
        return self.step(Passed(self.now))

    def run(self, **words: object) -> int:
        """A job that is running."""
        id = self.submit(**words)
        self.passed()
        assert isinstance(self.queue.jobs[id].state, Running)
        return id

    def end(self, id: int, code: int = 0, signal: int = 0, cause: str = "exit") -> Stepped:
        return self.step(Ended(self.now, id, self.queue.jobs[id].restarts, ExitStatus(code, signal), cause))

    def cancel(self, *refs: object, by: int = 1000) -> tuple[Verdict, ...]:
        return self.asked(CancelAsked(self.now, by, tuple(map(ref, refs))))

    def hold(self, *refs: object, by: int = 1000, releasable: bool = False) -> tuple[Verdict, ...]:
        return self.asked(HoldAsked(self.now, by, tuple(map(ref, refs)), releasable))

    def release(self, *refs: object, by: int = 1000) -> tuple[Verdict, ...]:
        return self.asked(ReleaseAsked(self.now, by, tuple(map(ref, refs))))

    def requeue(self, *refs: object, by: int = 1000, hold: bool = False) -> tuple[Verdict, ...]:
        return self.asked(RequeueAsked(self.now, by, tuple(map(ref, refs)), hold))

    def signal(self, *refs: object, number: int = 10, by: int = 1000, scope: str = "steps") -> tuple[Verdict, ...]:
        return self.asked(SignalAsked(self.now, by, tuple(map(ref, refs)), number, scope))

    def asked(self, event: Event) -> tuple[Verdict, ...]:
        reply = self.step(event).reply
        assert isinstance(reply, tuple)
        return reply

    def codes(self, verdicts: tuple[Verdict, ...]) -> list[str | None]:
        return [verdict.code for verdict in verdicts]

    def configure(self, **cluster: object) -> Stepped:
        return self.step(Configured(self.now, self.cluster.model_copy(update=cluster)))

    def reason(self, id: int) -> str:
        """The reason of a pending job."""
        return self.queue.jobs[id].state.reason

    def kind(self, id: int) -> str:
        return self.queue.jobs[id].state.kind

    def outcome(self, id: int) -> tuple[str, str, int, int]:
        ending = self.queue.jobs[id].state.ending
        return ending.outcome, ending.reason, ending.exit.code, ending.exit.signal

    def listing(self) -> dict[int, str]:
        """All records in a few words: `pending Priority`, `running`, `finished COMPLETED`."""
        return {id: _words(job) for id, job in sorted(self.queue.jobs.items())}


def _words(job: Job) -> str:
    state = job.state
    more = {"pending": "reason", "finished": "ending"}.get(state.kind)
    if more is None:
        return state.kind
    value = getattr(state, more)
    return f"{state.kind} {getattr(value, 'outcome', value)}"


def ref(text: object) -> JobRef:
    """`7`, `7_3`, `7_[1-4,6]`, `7+1`."""
    match = re.fullmatch(r"(\d+)(?:\+(\d+))?(?:_\[?([\d,-]+)\]?)?", str(text))
    assert match
    spec = array_of(match[3] or "")
    return JobRef(int(match[1]), None if spec is None else spec.indices(), int(match[2]) if match[2] else None)


def array_of(text: str) -> ArraySpec | None:
    """`1-6`, `1,3-9:2%2`."""
    if not text:
        return None
    body, _, throttle = text.partition("%")
    ranges = []
    for part in body.split(","):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?(?::(\d+))?", part)
        assert match
        ranges.append(IndexRange(first=int(match[1]), last=int(match[2] or match[1]), step=int(match[3] or 1)))
    return ArraySpec(text=text, ranges=tuple(ranges), throttle=int(throttle) if throttle else None)


def dependency_of(text: str) -> Dependency | None:
    """`afterok:7`, `after:7+5,singleton`, `afterok:7_1?afterany:8`."""
    if not text:
        return None
    terms = []
    for part in re.split("[,?]", text):
        match = re.fullmatch(r"(\w+?)(?::(\d+)(?:_(\d+))?(?:\+(\d+))?)?", part)
        assert match
        terms.append(
            DependencyTerm(
                kind=match[1], job_id=int(match[2] or 0), task=int(match[3]) if match[3] else None,
                delay_minutes=int(match[4] or 0),
            )
        )  # fmt: skip
    return Dependency(text=text, any="?" in text, terms=tuple(terms))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def desk_of() -> Callable[..., Desk]:
    """A desk with another cluster: fields of its `ClusterSpec`."""
    return Desk


@pytest.fixture
def owners() -> dict[str, Owner]:
    return {owner.name: owner for owner in OWNERS.values()}
