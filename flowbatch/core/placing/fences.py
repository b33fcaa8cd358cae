"""What reservations leave to a job: the nodes, CPUs and licences that it may have from one instant to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.ruling.reservations import Reservation, names
from flowbatch.core.states import Allocation, NodeShare
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec

Span = tuple[int, int]

_NOWHERE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fence:
    """For jobs that ask for the reservation `own`, or for none: what the `others` keep them from.

    A job of a reservation has its nodes alone, and only while it lasts (its end ends the job); one that is FLEX has others besides.
    """

    cluster: ClusterSpec
    own: Reservation | None
    others: tuple[Reservation, ...]
    _barred: dict[Span, frozenset[str]] = field(default_factory=dict, compare=False)

    @property
    def inside(self) -> bool:
        """Whether the job may not leave its reservation."""
        return self.own is not None and "FLEX" not in self.own.flags

    def maintained(self, start: int, end: int) -> frozenset[str]:
        """The barred nodes that are to be maintained then."""
        kept = (one for one in self.others if "MAINT" in one.flags and one.overlaps(start, end))
        return frozenset(name for one in kept for name in one.nodes) & self.barred(start, end)

    def closed(self, at: int) -> bool:
        """Whether the job's reservation is not on at that instant."""
        return self.own is not None and self.inside and not self.own.active(at)

    def barred(self, start: int, end: int) -> frozenset[str]:
        """Nodes of which the job may have nothing from `start` to `end`."""
        if self.own is None and not self.others:
            return _NOWHERE
        span = start, end
        if span not in self._barred:
            self._barred[span] = frozenset(self._closed_nodes(start, end))
        return self._barred[span]

    def _closed_nodes(self, start: int, end: int) -> Iterable[str]:
        if self.own is not None and self.inside:
            kept = self.own.nodes if not self.closed(start) else ()
            return (node.name for node in self.cluster.nodes if node.name not in kept)
        whole = (one for one in self.others if one.cpus is None and one.overlaps(start, end))
        return (name for one in whole for name in one.nodes)

    def beside(self, occupancy: Occupancy, start: int, end: int) -> Occupancy:
        """The occupancy with all that the job may not have on nodes that are not barred, and with reserved licences."""
        if self.own is None and not self.others:
            return occupancy
        kept = [Allocation("", self._foreign_cpus())] if self.own is not None and self.inside else []
        if not self.inside:
            kept += [_held(one) for one in self.others if one.cpus is not None and one.overlaps(start, end)]
        kept += [
            Allocation("", (), licenses=one.licenses)
            for one in self.others
            if one.licenses and one.overlaps(start, end)
        ]
        kept = [one for one in kept if one.shares or one.licenses]
        if not kept:
            return occupancy
        found = occupancy.copy()
        for one in kept:
            found.add(one)
        return found

    def _foreign_cpus(self) -> tuple[NodeShare, ...]:
        """The CPUs of its nodes that are not the reservation's."""
        own = self.own
        if own is None or own.cpus is None:
            return ()
        shares = []
        for name, cpus in zip(own.nodes, own.cpus, strict=True):
            node = self.cluster.node(name)
            rest = tuple(cpu for cpu in range(node.cpus) if cpu not in cpus) if node is not None else ()
            shares += [NodeShare(name, len(rest), rest)] if rest else []
        return tuple(shares)


def _held(reservation: Reservation) -> Allocation:
    cpus = reservation.cpus or ()
    return Allocation(
        "", tuple(NodeShare(name, len(ids), ids) for name, ids in zip(reservation.nodes, cpus, strict=True))
    )


def fences(cluster: ClusterSpec, reservations: Sequence[Reservation], spec: JobSpec) -> tuple[Fence, ...]:
    """The ways in which a job may run: one for each reservation that it asks for and that there is, else one."""
    if spec.reservation is None:
        return (Fence(cluster, None, tuple(reservations)),)
    wanted = names(spec)
    known = [one for name in wanted for one in reservations if one.name == name]
    return tuple(Fence(cluster, one, tuple(other for other in reservations if other.name != one.name)) for one in known)


def boundaries(reservations: Iterable[Reservation], at: int) -> list[int]:
    """When reservations begin and end after `at`."""
    return sorted({time for one in reservations for time in (one.start, one.end) if time > at})
