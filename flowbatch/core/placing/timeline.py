"""The future as far as it is known: when running jobs end by their limits, and what is promised to waiting ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flowbatch.core.jobs import Job
from flowbatch.core.placing.fences import Fence
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.sizing import Demand
from flowbatch.core.states import Allocation, Completing, Running, Suspended, held
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
            yield max(at + 1, state.since + cluster.kill_wait_s), held(state) or state.allocation
        elif isinstance(state, Suspended):
            yield at + FOREVER_S, held(state) or state.allocation


class Timeline:
    """Occupancy from now on, in stretches between the instants at which it changes; the last one has no end."""

    def __init__(
        self, occupancy: Occupancy, back: Iterable[tuple[int, Allocation]], at: int, marks: Iterable[int] = ()
    ) -> None:
        """`back`: when what `occupancy` holds is expected back. `marks`: other instants at which something may begin."""
        self.at = at
        self._times = [at]
        self._states = [occupancy.copy()]
        returns: dict[int, list[Allocation]] = {}
        for time, allocation in back:
            returns.setdefault(time, []).append(allocation)
        for time in sorted(returns):
            state = self._states[-1].copy()
            for allocation in returns[time]:
                state.remove(allocation)
            self._times.append(time)
            self._states.append(state)
        self._from_now: dict[int, Occupancy] = {}
        for time in marks:
            self._cut(time)

    def copy(self) -> Timeline:
        """An independent copy, to try bookings on."""
        twin = object.__new__(Timeline)
        twin.at, twin._times, twin._from_now = self.at, list(self._times), {}
        twin._states = [state.copy() for state in self._states]
        return twin

    def instants(self, since: int) -> list[int]:
        """From `since` on, the instants at which what is held changes."""
        return [time for time in self._times if time >= since]

    def starting(
        self, time: int, need: Demand, partition: PartitionSpec, seconds: int, avoid: frozenset[str], fence: Fence
    ) -> Booking | None:
        """The place where the job can run for `seconds` from `time` on, which is one of the instants, without disturbing any
        booking, or a reservation."""
        index, end = bisect_left(self._times, time), time + seconds
        avoid |= fence.barred(time, end)
        # Asked first because it most often says no, and the whole length costs more to look at.
        if self._states[index].find(need, partition, avoid) is None:
            return None
        allocation = fence.beside(self._during(index, seconds), time, end).find(need, partition, avoid)
        return None if allocation is None else Booking(time, end, allocation)

    def book(self, booking: Booking) -> None:
        """From now on nothing is found that would disturb the booking."""
        first, last = self._cut(booking.start), self._cut(booking.end)
        for state in self._states[first:last]:
            state.add(booking.allocation)
        self._from_now.clear()

    def earliest(
        self, need: Demand, partition: PartitionSpec, seconds: int, avoid: frozenset[str], since: int, fence: Fence
    ) -> Booking | None:
        """The first instant from `since` on, and the place, at which the job can run for `seconds` beside all bookings."""
        starts = (self.starting(time, need, partition, seconds, avoid, fence) for time in self.instants(since))
        return next((one for one in starts if one is not None), None)

    def _during(self, index: int, seconds: int) -> Occupancy:
        """What is held at any time of `seconds` from the start of a stretch."""
        end = bisect_left(self._times, self._times[index] + seconds)
        if index:
            return self._states[index].union(self._states[index + 1 : end])
        if end not in self._from_now:
            self._from_now[end] = self._states[0].union(self._states[1:end])
        return self._from_now[end]

    def _cut(self, time: int) -> int:
        """Index of the stretch that begins at `time`, which it does from now on."""
        index = bisect_right(self._times, time) - 1
        if self._times[index] != time:
            index += 1
            self._times.insert(index, time)
            self._states.insert(index, self._states[index - 1].copy())
        return index
