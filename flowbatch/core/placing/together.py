"""Places for several jobs at once: the components of a heterogeneous job start together or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

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


class Place(NamedTuple):
    """A place for a job, and by which of its tries it was found."""

    by: Try
    booking: Booking


def earliest(timeline: Timeline, wishes: Sequence[Sequence[Try]], avoid: frozenset[str]) -> list[Place] | None:
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
) -> list[Place] | None:
    """A place for each from `time` on, one after the other."""
    found: list[Place] = []
    for wish in wishes:
        if found:
            timeline.book(found[-1].booking)
        used = frozenset(node for place in found for node in place.booking.allocation.nodes) if apart else frozenset()
        place = _first(timeline, time, wish, avoid | used)
        if place is None:
            return None
        found.append(place)
    return found


def _first(timeline: Timeline, time: int, wish: Sequence[Try], avoid: frozenset[str]) -> Place | None:
    for one in wish:
        booking = timeline.starting(time, one.need, one.partition, one.seconds, avoid, one.fence)
        if booking is not None:
            return Place(one, booking)
    return None
