"""What follows from the records, kept up to date: each index is a function of the records alone.

A record is taken out as it was and put in as it is, so the cost follows what changed; a queue that is built anew from
the same records has equal indexes.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from flowbatch.core import priority, timers
from flowbatch.core.accounting.usage import Claim, claim
from flowbatch.core.arrays import root, tasks
from flowbatch.core.jobs import ArrayTask, Job
from flowbatch.core.states import Finished, Holding, Pending
from flowbatch.core.waiting import is_alone, is_ready
from flowbatch.spec.cluster import ClusterSpec

SINGLETON = 0
"""The job id of a term that names no job."""


class Lowest:
    """Numbers by key, the lowest first. Setting one costs a logarithm; equal when the numbers are."""

    def __init__(self) -> None:
        self.numbers: dict[int, int] = {}
        self._heap: list[tuple[int, int]] = []

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lowest) and self.numbers == other.numbers

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        return f"Lowest({self.numbers})"

    def set(self, key: int, number: int | None) -> None:
        """The key's number from now on; None for none."""
        if self.numbers.get(key) == number:
            return
        if number is None:
            del self.numbers[key]
            return
        self.numbers[key] = number
        heapq.heappush(self._heap, (number, key))

    def least(self) -> int | None:
        """The lowest number, or None when there is none."""
        while self._heap:
            number, key = self._heap[0]
            if self.numbers.get(key) == number:
                return number
            heapq.heappop(self._heap)
        return None

    def upto(self, number: int) -> list[int]:
        """The keys whose number is no higher, ascending by number, then key; they stay."""
        found: list[tuple[int, int]] = []
        while (least := self.least()) is not None and least <= number:
            entry = heapq.heappop(self._heap)
            if not found or found[-1] != entry:
                found.append(entry)
        for entry in found:
            heapq.heappush(self._heap, entry)
        return [key for _, key in found]


class Ready:
    """Pending records that wait for nothing but a place, in the order in which they are looked at."""

    def __init__(self) -> None:
        self._ranks: list[priority.Rank] = []
        self._ids: dict[priority.Rank, int] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ready) and self._ranks == other._ranks and self._ids == other._ids

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __iter__(self) -> Iterator[int]:
        for rank in self._ranks:
            yield self._ids[rank]

    def __len__(self) -> int:
        return len(self._ranks)

    def add(self, rank: priority.Rank, id: int) -> None:
        insort(self._ranks, rank)
        self._ids[rank] = id

    def remove(self, rank: priority.Rank) -> None:
        del self._ranks[bisect_left(self._ranks, rank)]
        del self._ids[rank]


@dataclass(slots=True)
class ArrayEntry:
    """The records of one array. The numbers count tasks: waiting, holding an allocation, and those that are over."""

    rest: int | None = None
    tasks: dict[int, int] = field(default_factory=dict)
    """Record ids of the tasks that have one, by index."""
    pending: int = 0
    active: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    requeued: int = 0
    ready: set[int] = field(default_factory=set)
    """Records that wait for a place as their siblings do; who waits for something of its own is not among them."""
    bidding: set[int] = field(default_factory=set)
    """Records that wait and bid: as good as started for the throttle, and not among `ready`."""
    limited: set[int] = field(default_factory=set)
    """Records that wait because of the throttle alone."""
    own_due: int | None = None
    """When the record with the array's id, which is over, may leave if it is the last."""

    @property
    def over(self) -> bool:
        return self.pending == self.active == 0

    @property
    def started(self) -> int:
        """How many tasks the array's throttle counts."""
        return self.active + len(self.bidding)

    @property
    def records(self) -> list[int]:
        """Every record, the array's own rest first, then by descending id, as slurmctld goes through them."""
        return [*([] if self.rest is None else [self.rest]), *sorted(self.tasks.values(), reverse=True)]

    def count(self, job: Job, by: int) -> None:
        state, number = job.state, by * tasks(job)
        if isinstance(state, Pending):
            self.pending += number
        elif isinstance(state, Holding):
            self.active += number
        elif state.ending.outcome == "COMPLETED":
            self.completed += number
        elif state.ending.outcome == "CANCELLED":
            self.cancelled += number
        else:
            self.failed += number
        if job.restarts:
            self.requeued += number


@dataclass(slots=True)
class Namesakes:
    """One owner's unfinished jobs of one name, as (root, id): all of them, those that wait for being the only one, and
    those that hold an allocation."""

    unfinished: list[tuple[int, int]] = field(default_factory=list)
    waiting: list[tuple[int, int]] = field(default_factory=list)
    active: set[tuple[int, int]] = field(default_factory=set)


class Indexes:
    """All of them."""

    def __init__(self, cluster: ClusterSpec) -> None:
        self.cluster = cluster
        self.ready = Ready()
        self.timers = Lowest()
        """When something about a record changes by time alone."""
        self.bases = Lowest()
        """The priorities that were given out, as `priority.base` counts them."""
        self.arrays: dict[int, ArrayEntry] = {}
        self.namesakes: dict[tuple[int, str], Namesakes] = {}
        self.dependants: dict[int, set[int]] = {}
        """Who waits, by the job id in the term."""
        self.holding: set[int] = set()
        """Who holds an allocation."""
        self.buyers: set[int] = set()
        """Who has bids, live or not."""
        self.kinds: Counter[str] = Counter()
        """How many records are in each state."""
        self.unfinished: Counter[Claim] = Counter()
        """How many tasks are not over, by where they count."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Indexes) and all(
            getattr(self, name) == getattr(other, name)
            for name in (
                "ready", "timers", "bases", "arrays", "namesakes", "dependants", "holding", "buyers", "kinds", "unfinished",
            )
        )  # fmt: skip

    __hash__ = None  # type: ignore[assignment]  # they change

    def add(self, job: Job) -> None:
        """The record is in the queue."""
        self.kinds[job.state.kind] += 1
        if is_ready(job):
            self.ready.add(priority.rank(self.cluster, job), job.id)
        self.bases.set(job.id, priority.base(job))
        for target in _targets(job):
            self.dependants.setdefault(target, set()).add(job.id)
        if isinstance(job.state, Holding):
            self.holding.add(job.id)
        if job.bids:
            self.buyers.add(job.id)
        if not isinstance(job.state, Finished):
            self._add_namesake(job)
            self.unfinished[claim(job)] += tasks(job)
        if job.array is None:
            self.timers.set(job.id, timers.due_at(self.cluster, job))
        else:
            self._add_to_array(job)

    def remove(self, job: Job) -> None:
        """The record, which was added, is not in the queue any more."""
        self.kinds[job.state.kind] -= 1
        if is_ready(job):
            self.ready.remove(priority.rank(self.cluster, job))
        self.bases.set(job.id, None)
        for target in _targets(job):
            self.dependants[target].discard(job.id)
            if not self.dependants[target]:
                del self.dependants[target]
        self.holding.discard(job.id)
        self.buyers.discard(job.id)
        if not isinstance(job.state, Finished):
            self._remove_namesake(job)
            self._remove_claim(job)
        self.timers.set(job.id, None)
        if job.array is not None:
            self._remove_from_array(job)

    def _add_to_array(self, job: Job) -> None:
        entry = self.arrays.setdefault(root(job), ArrayEntry())
        if isinstance(job.array, ArrayTask):
            entry.tasks[job.array.index] = job.id
        else:
            entry.rest = job.id
        entry.count(job, 1)
        if job.bids and job.bids_on and isinstance(job.state, Pending):
            entry.bidding.add(job.id)
        elif is_ready(job) and not is_alone(job):
            entry.ready.add(job.id)
        elif isinstance(job.state, Pending) and job.state.reason == "JobArrayTaskLimit":
            entry.limited.add(job.id)
        if job.id == root(job) and isinstance(job.state, Finished):
            entry.own_due = timers.due_at(self.cluster, job)
        else:
            self.timers.set(job.id, timers.due_at(self.cluster, job))
        self._time_own(root(job), entry)

    def _remove_from_array(self, job: Job) -> None:
        entry = self.arrays[root(job)]
        if isinstance(job.array, ArrayTask):
            del entry.tasks[job.array.index]
        else:
            entry.rest = None
        entry.count(job, -1)
        entry.ready.discard(job.id)
        entry.bidding.discard(job.id)
        entry.limited.discard(job.id)
        if job.id == root(job):
            entry.own_due = None
        self._time_own(root(job), entry)
        if entry.rest is None and not entry.tasks:
            del self.arrays[root(job)]

    def _time_own(self, id: int, entry: ArrayEntry) -> None:
        """The record with an array's id leaves last: its time runs once no other record of the array is left."""
        if entry.own_due is not None:
            alone = len(entry.tasks) + (entry.rest is not None) == 1
            self.timers.set(id, entry.own_due if alone else None)

    def _add_namesake(self, job: Job) -> None:
        entry = self.namesakes.setdefault((job.owner.uid, job.spec.name), Namesakes())
        insort(entry.unfinished, (root(job), job.id))
        if SINGLETON in _targets(job):
            insort(entry.waiting, (root(job), job.id))
        if isinstance(job.state, Holding):
            entry.active.add((root(job), job.id))

    def _remove_namesake(self, job: Job) -> None:
        key = (job.owner.uid, job.spec.name)
        entry = self.namesakes[key]
        del entry.unfinished[bisect_left(entry.unfinished, (root(job), job.id))]
        if SINGLETON in _targets(job):
            del entry.waiting[bisect_left(entry.waiting, (root(job), job.id))]
        entry.active.discard((root(job), job.id))
        if not entry.unfinished:
            del self.namesakes[key]

    def _remove_claim(self, job: Job) -> None:
        own = claim(job)
        self.unfinished[own] -= tasks(job)
        if not self.unfinished[own]:
            del self.unfinished[own]


def _targets(job: Job) -> set[int]:
    return {waiting.term.job_id for waiting in job.waiting} if isinstance(job.state, Pending) else set()
