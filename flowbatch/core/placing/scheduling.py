"""The scheduling pass: who starts now, in priority order, and who may start early because nobody ahead is delayed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Literal

from flowbatch.core import limits
from flowbatch.core.accounting.gate import Gate
from flowbatch.core.events import Refused, WouldStart
from flowbatch.core.jobs import Job
from flowbatch.core.placing import together
from flowbatch.core.placing.fences import boundaries, fences
from flowbatch.core.placing.placement import Occupancy, out_of_service
from flowbatch.core.placing.sizing import demand
from flowbatch.core.placing.timeline import FOREVER_S, Booking, Timeline, releases, seconds_of
from flowbatch.core.placing.together import Try
from flowbatch.core.ruling.reservations import Reservation, deleted, names
from flowbatch.core.states import Allocation
from flowbatch.core.waiting import FORESEEN, LICENSES, NODES_TAKEN, PASSING, PRIORITY, RESOURCES
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.resources import Resources

By = Literal["Main", "Backfill"]

BACKFILL_DEPTH = 100
"""Jobs that one pass tries to start out of order."""

BOOKINGS = 20
"""Waiting jobs that are promised a start in one pass; the first of each partition always is."""

PATIENCE = 3
"""A pass looks at this many times `default_queue_depth` jobs at most, those included that only wait behind others."""

RESERVED = "ReqNodeNotAvail, May be reserved for other job"
MAINTAINED = "ReqNodeNotAvail, Reserved for maintenance"
NOT_YET = "Reservation"
"""A job's own reservation has not begun."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A pending job that waits for nothing but a place. `startable`: how many of its tasks may start (1 but for arrays).
    `parts`: all components of a heterogeneous job, whose leader is `job`."""

    job: Job
    startable: int = 1
    parts: tuple[Job, ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a pass decided; nothing has happened yet.

    `starts`: (record id, where, by which scheduler), in order; an array's record once for each task that starts.
    `reasons`: why those that were looked at and do not start (or not with all tasks) wait, in Slurm's words. A job
    with `BadConstraints` can never run on this cluster as it is; slurmctld holds it.
    `planned`: expected (start, nodes) of jobs that were looked ahead for.
    `blocked`: partitions whose first waiting job cannot start: every other job that waits there has reason Priority.
    """

    starts: list[tuple[int, Allocation, By]] = field(default_factory=list)
    reasons: dict[int, str] = field(default_factory=dict)
    planned: dict[int, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    blocked: frozenset[str] = frozenset()


def plan(
    cluster: ClusterSpec, occupancy: Occupancy, candidates: Iterable[Candidate], running: Iterable[Job], at: int,
    reservations: Sequence[Reservation] = (), gate: Gate | None = None,
) -> Plan:  # fmt: skip
    """One pass at the instant `at`. `candidates` come in priority order and are read only as far as the pass looks;
    `running` are all jobs that hold something (running or completing); `gate`: limits of accounts, which counts what starts.

    Costs at most some hundred placements, however long the queue is.
    """
    return _Pass(cluster, occupancy, running, at, reservations, gate).run(candidates)


def would_start(
    cluster: ClusterSpec, occupancy: Occupancy, job: Job, running: Iterable[Job], at: int,
    reservations: Sequence[Reservation] = (),
) -> WouldStart | Refused:  # fmt: skip
    """Where and when `job` (accepted, not queued) would start, as sbatch --test-only says it; or why it never would.

    As on 22.05 partition limits on time and memory are not asked, and jobs that wait are not seen.
    """
    wish = job.spec.resources
    if wish.nodes is not None and not wish.nodes.minimum and not wish.nodes.maximum and not wish.ntasks:
        return WouldStart(job.id, at, 0, (), job.partitions[0])
    timeline = Timeline(occupancy, releases(cluster, running, at), at, boundaries(reservations, at))
    ways = fences(cluster, reservations, job.spec)
    empty, out = occupancy.emptied(), out_of_service(cluster)
    for name in job.partitions:
        partition = cluster.partition(name)
        if partition is None:
            continue
        need = demand(cluster, partition, job.spec)
        seconds = seconds_of(limits.time_limit_min(partition, job.spec))
        starts = (timeline.earliest(need, partition, seconds, out, at, fence) for fence in ways)
        found = min((one for one in starts if one is not None), key=lambda one: one.start, default=None)
        where = found.allocation if found is not None else empty.find(need, partition)
        if where is not None:
            start = found.start if found is not None else at + FOREVER_S
            return WouldStart(job.id, start, where.cpus, where.nodes, name)
    return Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE")


Shape = tuple[Resources, bool, int | None, str | None, tuple[str, ...], bool, str | None]
"""All of a job that decides where it may run."""

_Look = tuple[Sequence[Try], Sequence[str]]
"""Where a job may run, and why it may not elsewhere."""


class _Pass:
    """One pass under way: `free` is what is held if all that was decided so far happens."""

    def __init__(
        self, cluster: ClusterSpec, occupancy: Occupancy, running: Iterable[Job], at: int,
        reservations: Sequence[Reservation], gate: Gate | None,
    ) -> None:  # fmt: skip
        self.cluster = cluster
        self.gate = gate
        self.reservations = reservations
        self.running = running
        self.at = at
        self.free = occupancy.copy()
        self.out = out_of_service(cluster)
        self.taken = self.out
        """Nodes that are no use to those that come later: out of service, or of a partition where one waits already."""
        self.failures = 0
        self.shapes: dict[Shape, _Look] = {}
        self.in_vain: dict[int, str] = {}
        """Tries (by identity) that found no place, and why: within a pass nothing becomes free, so equal jobs find none."""
        self.not_now: set[int] = set()
        """Tries that found no place beside the bookings."""
        self.earliest: dict[int, int] = {}
        """Before when an equal try is not to be booked."""
        self.blocked: set[str] = set()
        self.starts: list[tuple[int, Allocation, By]] = []
        self.reasons: dict[int, str] = {}
        self.planned: dict[int, tuple[int, tuple[str, ...]]] = {}
        self.releases: list[tuple[int, Allocation]] = []
        self.waiting: list[Candidate] = []

    @cached_property
    def empty(self) -> Occupancy:
        return self.free.emptied()

    def run(self, candidates: Iterable[Candidate]) -> Plan:
        rest = iter(candidates)
        self._in_order(rest)
        if self.cluster.backfill and self.waiting:
            self._out_of_order(rest)
        return Plan(self.starts, self.reasons, self.planned, frozenset(self.blocked))

    def _in_order(self, candidates: Iterator[Candidate]) -> None:
        """In a partition, and on its nodes, nobody passes a job that waits for resources."""
        depth = self.cluster.default_queue_depth
        for candidate in islice(candidates, depth * PATIENCE):
            job = candidate.job
            if candidate.parts:
                if self._components_in_order(candidate.parts):
                    self.waiting.append(candidate)
                continue
            tries, limited = self._look(job)
            started, reasons = 0, list(limited)
            while started < candidate.startable and self._start_in_order(job, tries, reasons):
                started += 1
            if started < candidate.startable:
                self.reasons[job.id] = _telling(reasons)
                if self.reasons[job.id] in PASSING:
                    self.waiting.append(Candidate(job, candidate.startable - started))
            if self.failures >= depth:
                return

    def _start_in_order(self, job: Job, tries: Sequence[Try], reasons: list[str]) -> bool:
        """Starts one task of the job, or adds the reason of each partition that cannot take it."""
        for one in tries:
            if (limit := self._limit(job, one)) is not None:
                reasons.append(limit)
                continue
            if one.partition.name in self.blocked and not one.fence.inside:
                reasons.append(PRIORITY)
                continue
            known = self.in_vain.get(id(one))
            allocation = None if known else self._find(self.free, one, self.out if one.fence.inside else self.taken)
            if allocation is not None and (limit := self._limit(job, one, allocation)) is not None:
                reasons.append(limit)
                continue
            if allocation is not None:
                self._start(job, one, allocation, "Main")
                return True
            self.failures += 1
            reasons.append(known or self._obstacle(one))
            if reasons[-1] not in (RESOURCES, NODES_TAKEN):
                self.in_vain[id(one)] = reasons[-1]
            elif not one.fence.inside and self._only_busy(one):
                self.blocked.add(one.partition.name)
                self.taken |= frozenset(one.partition.nodes)
        return False

    def _obstacle(self, one: Try) -> str:
        """Why the job cannot start in this partition now."""
        if one.fence.closed(self.at):
            return NOT_YET
        if not one.fence.beside(self.free, self.at, self.at + one.seconds).licenses_suffice(one.need):
            return LICENSES
        if not one.fence.barred(self.at, self.at + one.seconds).isdisjoint(one.need.nodelist):
            upkept = one.fence.maintained(self.at, self.at + one.seconds)
            return MAINTAINED if not upkept.isdisjoint(one.need.nodelist) else RESERVED
        overtaken = self.taken > self.out and self.taken.issuperset(one.partition.nodes)
        if overtaken or self.free.find(one.need, one.partition, self.out) is not None:
            return NODES_TAKEN
        if self._only_busy(one):
            return RESOURCES
        if self.empty.find(one.need, one.partition) is None:
            return "BadConstraints"
        missing = [name for name in one.need.nodelist if name in self.out]
        return f"ReqNodeNotAvail, UnavailableNodes:{','.join(missing)}" if missing else NODES_TAKEN

    def _only_busy(self, one: Try) -> bool:
        """Whether the nodes in service would do, were they idle."""
        return self._find(self.empty, one, self.out) is not None

    def _find(self, occupancy: Occupancy, one: Try, avoid: frozenset[str]) -> Allocation | None:
        """A place for all the time that the job may take, outside what is reserved."""
        end = self.at + one.seconds
        free = one.fence.beside(occupancy, self.at, end)
        return free.find(one.need, one.partition, avoid | one.fence.barred(self.at, end))

    def _look(self, job: Job) -> _Look:
        """The partitions that may take the job, those of higher tier first, and the limits of those that may not.

        Jobs of one shape share what was found for the first of them.
        """
        spec, young = job.spec, self.at < limits.named_at(self.cluster, job)
        shape = (
            spec.resources, spec.reboot, spec.time_limit_min, spec.account, job.partitions, young, spec.reservation,
        )  # fmt: skip
        found = self.shapes.get(shape)
        if found is None:
            found = self.shapes[shape] = self._tries(job, young=young)
        return found

    def _tries(self, job: Job, *, young: bool) -> _Look:
        tries: list[Try] = []
        ways = fences(self.cluster, self.reservations, job.spec)
        reasons = [] if ways else [deleted(names(job.spec)[0])]
        found = [p for p in (self.cluster.partition(name) for name in job.partitions) if p is not None]
        for partition in sorted(found, key=lambda p: -p.priority_tier):
            need = demand(self.cluster, partition, job.spec)
            trouble = limits.reason_to_wait(self.cluster, partition, job.spec, need)
            if trouble is None:
                seconds = seconds_of(limits.time_limit_min(partition, job.spec))
                tries += [Try(partition, need, seconds, fence) for fence in ways]
            elif trouble in ("PartitionNodeLimit", "PartitionTimeLimit"):
                reasons.append(limits.UNNAMED if young else trouble)
            else:
                reasons.append(trouble)
        return tries, reasons

    def _limit(self, job: Job, one: Try, allocation: Allocation | None = None) -> str | None:
        """Why limits of its account forbid the job to run in this partition, or to have this allocation."""
        if self.gate is None:
            return None
        minutes = limits.time_limit_min(one.partition, job.spec)
        return self.gate.obstacle(job, minutes) if allocation is None else self.gate.refuses(job, allocation, minutes)

    def _start(self, job: Job, one: Try, allocation: Allocation, by: By) -> None:
        if self.gate is not None:
            self.gate.take(job, allocation, limits.time_limit_min(one.partition, job.spec))
        self.free.add(allocation)
        self.releases.append((self.at + one.seconds, allocation))
        self.starts.append((job.id, allocation, by))

    def _out_of_order(self, rest: Iterator[Candidate]) -> None:
        """A job starts if that delays no booking; the first of each partition and some more that cannot are booked."""
        known = [*releases(self.cluster, self.running, self.at), *self.releases]
        timeline = Timeline(self.free, known, self.at, boundaries(self.reservations, self.at))
        unbooked = set(self.blocked)
        for candidate in islice(self._line(rest), BACKFILL_DEPTH):
            job = candidate.job
            if candidate.parts:
                wishes = [self._allowed(part) for part in candidate.parts]
                if all(wishes):
                    self._start_together(candidate.parts, wishes, timeline, self.out)
                continue
            tries, _ = self._look(job)
            started = 0
            while started < candidate.startable and self._start_early(job, tries, timeline):
                started += 1
            if started == candidate.startable:
                del self.reasons[job.id]
            elif self.reasons[job.id] not in FORESEEN:
                continue
            elif not unbooked.isdisjoint(job.partitions) or len(self.planned) < BOOKINGS:
                unbooked.difference_update(job.partitions)
                self._book(job, tries, timeline)

    def _line(self, rest: Iterator[Candidate]) -> Iterator[Candidate]:
        """Those that were looked at and wait, then those behind them."""
        yield from self.waiting
        for candidate in rest:
            self.reasons.update((part.id, PRIORITY) for part in candidate.parts or (candidate.job,))
            yield candidate

    def _start_early(self, job: Job, tries: Sequence[Try], timeline: Timeline) -> bool:
        for one in tries:
            if (limit := self._limit(job, one)) is not None:
                self.reasons[job.id] = limit
                continue
            if id(one) in self.not_now:
                continue
            booking = timeline.starting(self.at, one.need, one.partition, one.seconds, self.out, one.fence)
            if booking is None:
                self.not_now.add(id(one))
            elif (limit := self._limit(job, one, booking.allocation)) is not None:
                self.reasons[job.id] = limit
            else:
                timeline.book(booking)
                self._start(job, one, booking.allocation, "Backfill")
                return True
        return False

    def _components_in_order(self, parts: Sequence[Job]) -> bool:
        """They start if there are places for all of them; if time alone will bring those, nobody passes them. Whether they wait for that."""
        wishes = [self._allowed(part) for part in parts]
        if not all(wishes) or self._start_together(parts, wishes, Timeline(self.free, (), self.at), self.taken):
            return False
        if together.earliest(Timeline(self.empty, (), self.at), wishes, self.out) is not None:
            waited_for = [one.partition for wish in wishes for one in wish if not one.fence.inside]
            self.blocked.update(partition.name for partition in waited_for)
            self.taken = self.taken.union(*(partition.nodes for partition in waited_for))
        return True

    def _allowed(self, part: Job) -> Sequence[Try]:
        """Where the component may run and limits let it; its reason to wait is noted."""
        tries, reasons = self._look(part)
        found = {id(one): self._limit(part, one) for one in tries}
        open_ = [one for one in tries if found[id(one)] is None]
        self.reasons[part.id] = RESOURCES if open_ else _telling([*reasons, *filter(None, found.values())])
        return open_

    def _start_together(
        self, parts: Sequence[Job], wishes: Sequence[Sequence[Try]], timeline: Timeline, avoid: frozenset[str]
    ) -> bool:
        """All of them start if there is a place for each now, beside what is booked; else they are booked. Whether they started."""
        found = together.earliest(timeline, wishes, avoid)
        if found is None:
            return False
        if found[0].booking.start > self.at:
            if len(self.planned) < BOOKINGS:
                for part, (_, booking) in zip(parts, found, strict=True):
                    timeline.book(booking)
                    self.planned[part.id] = (booking.start, booking.allocation.nodes)
            return False
        if (forbidden := self._forbidden(parts, found)) is not None:
            self.reasons[forbidden[0].id] = forbidden[1]
            return False
        for part, (one, booking) in zip(parts, found, strict=True):
            timeline.book(booking)
            self._start(part, one, booking.allocation, "Backfill")
            del self.reasons[part.id]
        return True

    def _forbidden(self, parts: Sequence[Job], found: Sequence[together.Place]) -> tuple[Job, str] | None:
        """The first component that limits of its account forbid to run in its place beside the others, and why."""
        wanted = (
            (part, place.booking.allocation, limits.time_limit_min(place.by.partition, part.spec))
            for part, place in zip(parts, found, strict=True)
        )
        return None if self.gate is None else self.gate.forbids(wanted)

    def _book(self, job: Job, tries: Sequence[Try], timeline: Timeline) -> None:
        found: list[Booking] = []
        for one in tries:
            since = self.earliest.get(id(one), self.at)
            booking = timeline.earliest(one.need, one.partition, one.seconds, self.out, since, one.fence)
            if booking is not None:
                self.earliest[id(one)] = booking.start
                found.append(booking)
        if found:
            first = min(found, key=lambda booking: booking.start)
            timeline.book(first)
            self.planned[job.id] = (first.start, first.allocation.nodes)


def _telling(reasons: Sequence[str]) -> str:
    """The reason to show of one per partition: that a job waits for its turn says more than a limit elsewhere."""
    return next((reason for reason in PASSING if reason in reasons), reasons[0] if reasons else "PartitionDown")
