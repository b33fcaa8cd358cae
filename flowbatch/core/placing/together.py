"""Places for several jobs at once: the components of a heterogeneous job start together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from flowbatch.core.placing.fences import Fence
from flowbatch.core.placing.sizing import Demand
from flowbatch.core.placing.timeline import Booking, Timeline
from flowbatch.spec.cluster import PartitionSpec

INSTANTS = 50
"""So many instants are tried for one job's components."""


@dataclass(frozen=True, slots=True)
class Try:
    """A partition that a job may run in: what it needs there, and for how long."""

    partition: PartitionSpec
    need: Demand
    seconds: int
    fence: Fence


def earliest(timeline: Timeline, wishes: Sequence[Sequence[Try]], avoid: frozenset[str]) -> list[Booking] | None:
    """The first instant at which there is a place for every wish (of several tries) beside all others, and the places.

    As on 22.05 each has nodes of its own where that is possible; where it is not, they share nodes rather than wait for ever.
    """
    for time in islice(timeline.instants(timeline.at), INSTANTS):
        if not all(_first(timeline, time, wish, avoid) for wish in wishes):
            continue
        for apart in (True, False):
            found = _at(timeline.copy(), time, wishes, avoid, apart=apart)
            if found is not None:
                return found
    return None


def _at(
    timeline: Timeline, time: int, wishes: Sequence[Sequence[Try]], avoid: frozenset[str], *, apart: bool
) -> list[Booking] | None:
    """A place for each from `time` on, one after the other."""
    found: list[Booking] = []
    for wish in wishes:
        used = frozenset(node for booking in found for node in booking.allocation.nodes) if apart else frozenset()
        booking = _first(timeline, time, wish, avoid | used)
        if booking is None:
            return None
        timeline.book(booking)
        found.append(booking)
    return found


def _first(timeline: Timeline, time: int, wish: Sequence[Try], avoid: frozenset[str]) -> Booking | None:
    starts = (timeline.starting(time, one.need, one.partition, one.seconds, avoid, one.fence) for one in wish)
    return next((start for start in starts if start is not None), None)
