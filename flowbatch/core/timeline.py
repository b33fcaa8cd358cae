"""The future as far as it is known: when running jobs end by their limits, and what is promised to waiting ones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flowbatch.core.jobs import Job
from flowbatch.core.placement import Occupancy
from flowbatch.core.sizing import Demand
from flowbatch.core.states import Allocation, Completing, Running
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec
from flowbatch.spec.job import UNLIMITED
from flowbatch.units import DAY, MINUTE

FOREVER_S = 365 * DAY
"""A job without a limit is planned for a year, as the backfill scheduler does."""


@dataclass(frozen=True, slots=True)
class Booking:
    """Resources promised to a waiting job from `start` to `end`."""

    start: int
    end: int
    allocation: Allocation

    def meets(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end


def seconds_of(limit_min: int) -> int:
    """How long a job of this time limit is planned to run."""
    return FOREVER_S if limit_min == UNLIMITED else limit_min * MINUTE


def releases(cluster: ClusterSpec, running: Iterable[Job], at: int) -> Iterator[tuple[int, Allocation]]:
    """When what jobs hold is expected back: at their limits; never before the next second."""
    for job in running:
        state = job.state
        if isinstance(state, Running):
            ends_by = state.started_at + FOREVER_S if state.ends_by is None else state.ends_by
            yield max(at + 1, ends_by), state.allocation
        elif isinstance(state, Completing):
            yield max(at + 1, state.since + cluster.kill_wait_s), state.allocation


class Timeline:
    """Occupancy now and at each instant at which something is expected back."""

    def __init__(self, occupancy: Occupancy, back: Iterable[tuple[int, Allocation]], at: int) -> None:
        """`back`: when what `occupancy` holds is expected back."""
        self.at = at
        self.cluster = occupancy.cluster
        self.bookings: list[Booking] = []
        returns: dict[int, list[Allocation]] = {}
        for time, allocation in back:
            returns.setdefault(time, []).append(allocation)
        self._times = [at, *sorted(returns)]
        self._returns = [returns[time] for time in self._times[1:]]
        self._states = [occupancy.copy()]

    def book(self, booking: Booking) -> None:
        """From now on nothing is found that would disturb the booking."""
        self.bookings.append(booking)

    def now(self, need: Demand, partition: PartitionSpec, seconds: int, avoid: frozenset[str]) -> Allocation | None:
        """Where the job can run now for `seconds` without disturbing any booking."""
        return self._try(self.at, need, partition, seconds, avoid)

    def earliest(self, need: Demand, partition: PartitionSpec, seconds: int, avoid: frozenset[str]) -> Booking | None:
        """The first instant and place at which the job can run for `seconds` beside all bookings."""
        times = sorted({*self._times, *(b.end for b in self.bookings if b.end > self.at)})
        for time in times[self._first_hope(times, need, partition, avoid) :]:
            allocation = self._try(time, need, partition, seconds, avoid)
            if allocation is not None:
                return Booking(time, time + seconds, allocation)
        return None

    def _first_hope(self, times: list[int], need: Demand, partition: PartitionSpec, avoid: frozenset[str]) -> int:
        """Index of the first time at which enough would be free if nothing were booked (found by halving)."""
        low, high = 0, len(times)
        while low < high:
            middle = (low + high) // 2
            if self._at(times[middle]).find(need, partition, avoid) is None:
                low = middle + 1
            else:
                high = middle
        return low

    def _at(self, time: int) -> Occupancy:
        """Occupancy at `time`, by the jobs that run now."""
        index = bisect_right(self._times, time) - 1
        while len(self._states) <= index:
            state = self._states[-1].copy()
            for allocation in self._returns[len(self._states) - 1]:
                state.remove(allocation)
            self._states.append(state)
        return self._states[index]

    def _try(
        self, time: int, need: Demand, partition: PartitionSpec, seconds: int, avoid: frozenset[str]
    ) -> Allocation | None:
        state, met = self._at(time), [b for b in self.bookings if b.meets(time, time + seconds)]
        if met:
            state = state.copy()
            for booking in met:
                state.add(_without_amounts(booking.allocation))
        found = state.find(need, partition, avoid)
        if found is None or not all(self._amounts_fit(found, moment) for moment in {time, *(b.start for b in met)}):
            return None
        return found

    def _amounts_fit(self, found: Allocation, moment: int) -> bool:
        """Whether memory and licences suffice at the moment, with all that is booked then. (What has a number of its
        own, CPUs and devices, was looked at before; amounts must not be counted for jobs that follow one another.)"""
        state = self._at(max(moment, self.at))
        active = [b.allocation for b in self.bookings if b.meets(moment, moment + 1)]
        totals = dict(self.cluster.licenses)
        for name, count in found.licenses:
            booked = sum(dict(a.licenses).get(name, 0) for a in active)
            if state.licenses_used(name) + booked + count > totals.get(name, 0):
                return False
        if not self.cluster.select_memory:
            return True
        for share in found.shares:
            node = self.cluster.node(share.node)
            booked = sum(s.memory_mib for a in active for s in a.shares if s.node == share.node)
            if node is None or state.load(share.node).memory_mib + booked + share.memory_mib > node.real_memory:
                return False
        return True


def _without_amounts(allocation: Allocation) -> Allocation:
    shares = tuple(replace(share, memory_mib=0) for share in allocation.shares)
    return replace(allocation, shares=shares, licenses=())
