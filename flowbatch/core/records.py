"""The queue in memory: every record that is not yet history, and what follows from them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from flowbatch.core import components
from flowbatch.core.accounting.usage import Claim
from flowbatch.core.arrays import root, tasks, throttle
from flowbatch.core.dependencies import Dependencies
from flowbatch.core.effects import Effect
from flowbatch.core.events import Reply
from flowbatch.core.indexes import Indexes
from flowbatch.core.jobs import Job
from flowbatch.core.market.budgets import Account, Spending, add, spending
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.scheduling import Candidate
from flowbatch.core.quotes import Quotes
from flowbatch.core.ruling.rulings import NOTHING_SAID, Rulings
from flowbatch.core.states import Allocation, Pending, held
from flowbatch.core.steps import JobSteps, Step, StepKey
from flowbatch.core.tally import Tally
from flowbatch.core.waiting import PRIORITY, is_alone, is_ready
from flowbatch.spec.cluster import ClusterSpec


@dataclass(slots=True)
class Stepped:
    """What one step did. `changed`: records as they are now, by id. `dropped`: ids that left the queue (the store keeps them).

    A record that changed and left stands in both.
    """

    changed: dict[int, Job] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    orders: list[Effect] = field(default_factory=list)
    reply: Reply = None
    departed: dict[Account, int] = field(default_factory=dict)
    """What the jobs that left were billed, by account and day."""
    rulings: Rulings | None = None
    """What administrators have said, all of it, where this step changed it."""
    steps: dict[StepKey, Step] = field(default_factory=dict)
    """Steps that began or ended, as they are now."""
    tally: Tally | None = None
    """All that was counted, where this step has counted something."""


class Queue:
    """Every job that is not yet history, and what follows from them (indexes, what nodes hold), kept up to date by `step`."""

    def __init__(
        self, cluster: ClusterSpec, next_job_id: int, jobs: Iterable[Job] = (), departed: Spending | None = None,
        steps: Mapping[int, JobSteps] | None = None, rulings: Rulings = NOTHING_SAID,
        tally: Tally = Tally(),  # noqa: B008  it never changes
    ) -> None:  # fmt: skip
        self.next_job_id = next_job_id
        self.departed = dict(departed or {})
        """What jobs were billed that have left the queue, by account and day."""
        self.quotes: Quotes | None = None
        """The market as last seen."""
        self.jobs: dict[int, Job] = {job.id: job for job in jobs}
        self.steps: dict[int, JobSteps] = dict(steps or {})
        """The steps of placements that run, by job; none of a job that never had one."""
        self.planned: Mapping[int, tuple[int, tuple[str, ...]]] = {}
        """Expected (start, nodes) of pending jobs, as the last scheduling pass saw them."""
        self.blocked: frozenset[str] = frozenset()
        """Partitions whose first waiting job could not start at the last scheduling pass."""
        self.pass_due: int | None = None
        """When the next scheduling pass may find something new; None while it cannot."""
        self.tally = tally
        """What has happened since midnight."""
        self.rulings = rulings
        self.boundary: int | None = 0 if rulings.reservations else None
        """When a reservation next begins or ends; 0: look at once."""
        self.reshape(cluster)

    def reshape(self, cluster: ClusterSpec) -> None:
        """The cluster is configured so; everything that follows from the records is made anew."""
        self.configured = cluster
        self._shape(self.rulings.applied(cluster))

    def _shape(self, cluster: ClusterSpec) -> None:
        """This is the cluster as administrators have it."""
        self.cluster = cluster
        self.indexes = Indexes(self.cluster)
        self.occupancy = Occupancy(self.cluster)
        self.count = 0
        """How many tasks the records stand for."""
        for job in self.jobs.values():
            self.count += tasks(job)
            self.indexes.add(job)
            self._take(_held(job))
        self.dependencies = Dependencies(self.jobs, self.indexes)
        if len(self.indexes.ready):
            self.pass_due = 0

    def rule(self, rulings: Rulings, at: int) -> None:
        """Administrators have said this; reservations and those that wait are looked at anew."""
        self.rulings = rulings
        self.boundary = rulings.next_boundary(at)
        applied = rulings.applied(self.configured)
        if applied != self.cluster:
            self._shape(applied)
        self.pass_by(at)

    def next_wake(self) -> int | None:
        """The next instant at which `Passed` must come, or None while only other facts can change anything."""
        due = (self.pass_due, self.boundary, self.indexes.timers.least())
        return min((at for at in due if at is not None), default=None)

    def unfinished(self) -> Mapping[Claim, int]:
        """How many tasks are not over, by where they count."""
        return self.indexes.unfinished

    def job_count(self) -> int:
        """How many jobs the queue holds, an array's unstarted tasks counted each."""
        return self.count

    def put(self, job: Job, at: int) -> None:
        """The record is in the queue as it is now, in place of the one with its id."""
        old = self.jobs.get(job.id)
        had, holds = _held(old), _held(job)
        if old is not None:
            self.count -= tasks(old)
            self.indexes.remove(old)
        self.jobs[job.id] = job
        self.count += tasks(job)
        self.indexes.add(job)
        if had is not holds:
            self._let_go(had)
            self._take(holds)
        newly_ready = is_ready(job) and (old is None or not is_ready(old) or old.priority != job.priority)
        other_bids = bool(job.bids) and (old is None or old.bids is not job.bids) and len(self.indexes.ready) > 0
        if newly_ready or other_bids or (had is not None and had is not holds) or self._gives_way(old, job):
            self.pass_by(at)

    def _gives_way(self, old: Job | None, job: Job) -> bool:
        """Whether others may start because this one, for which they had to wait, waits for a place no more."""
        if old is None or not isinstance(old.state, Pending) or not is_ready(old) or is_ready(job):
            return False
        return old.state.reason != PRIORITY or job.id in self.planned

    def drop(self, job_id: int) -> None:
        """The record leaves the queue."""
        job = self.jobs.pop(job_id)
        if job.bids:
            add(self.departed, spending(job))
        self.count -= tasks(job)
        self.indexes.remove(job)
        self._let_go(_held(job))

    def pass_by(self, at: int) -> None:
        """A scheduling pass is due at `at`, or earlier."""
        self.pass_due = at if self.pass_due is None else min(self.pass_due, at)

    def room(self, job: Job) -> int | None:
        """How many more tasks of the job's array may start, or be bid for; None for any number."""
        limit = throttle(job)
        if limit is None:
            return None
        entry = self.indexes.arrays.get(root(job))
        return limit if entry is None else max(0, limit - entry.started)

    def candidates(self) -> Iterator[Candidate]:
        """Those that wait for nothing but a place, in order, each with as many tasks as its array's throttle allows. Who is alone
        with its reason takes no room from its siblings: whether there still is some, it asks when it can start after all."""
        left: dict[int, int] = {}
        for id in self.indexes.ready:
            job = self.jobs[id]
            if job.het is not None:
                if not job.follows and components.startable(self.jobs, job):
                    yield Candidate(job, parts=tuple(components.parts(self.jobs, job)))
                continue
            if job.bids and job.bids_on:
                yield Candidate(job)
                continue
            startable, room = tasks(job), self.room(job)
            if room is not None:
                room = left.get(root(job), room)
                startable = min(startable, room)
                if not is_alone(job):
                    left[root(job)] = room - startable
            if startable:
                yield Candidate(job, startable)

    def named(self, job_ids: Iterable[int]) -> list[Job]:
        """The records that these numbers name, and all others of their arrays and heterogeneous jobs, by id."""
        found: set[int] = set()
        for id in job_ids:
            job = self.jobs.get(id)
            if job is not None and job.het is not None:
                found.update(job.het.ids)
                continue
            entry = self.indexes.arrays.get(id if job is None else root(job))
            found.update([id] if entry is None else entry.records)
        return [self.jobs[id] for id in sorted(found) if id in self.jobs]

    def placed(self) -> list[Job]:
        """Every record that holds an allocation or has bids, by id."""
        return [self.jobs[id] for id in sorted(self.indexes.holding | self.indexes.buyers)]

    def running(self) -> Iterator[Job]:
        """Every job that holds an allocation, by id."""
        return (self.jobs[id] for id in sorted(self.indexes.holding))

    def _take(self, allocation: Allocation | None) -> None:
        if allocation is not None:
            self.occupancy.add(allocation)

    def _let_go(self, allocation: Allocation | None) -> None:
        if allocation is not None:
            self.occupancy.remove(allocation)


def _held(job: Job | None) -> Allocation | None:
    return None if job is None else held(job.state)
