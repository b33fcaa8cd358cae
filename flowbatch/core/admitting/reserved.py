"""What admission asks of a job that names a reservation."""

from __future__ import annotations

from collections.abc import Sequence

from flowbatch.core.events import Refused
from flowbatch.core.jobs import Owner
from flowbatch.core.placing.fences import fences
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.sizing import demand
from flowbatch.core.ruling.reservations import Reservation, names
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec
from flowbatch.spec.job import JobSpec


def reservation_fault(reservations: Sequence[Reservation], owner: Owner, spec: JobSpec) -> Refused | None:
    """Whether every reservation that is named is there and lets the user in."""
    if spec.reservation is None:
        return None
    known = {one.name: one for one in reservations}
    wanted = names(spec)
    if not wanted or any(name not in known for name in wanted):
        return Refused("ESLURM_RESERVATION_INVALID")
    if not all(known[name].admits(owner, spec.account) for name in wanted):
        return Refused("ESLURM_RESERVATION_ACCESS")
    return None


def outside(
    cluster: ClusterSpec, reservations: Sequence[Reservation], partitions: Sequence[PartitionSpec], spec: JobSpec
) -> Refused | None:
    """Whether the job could run in none of its reservations, were they all its own."""
    if spec.reservation is None:
        return None
    ways = fences(cluster, reservations, spec)
    empty = Occupancy(cluster)
    for fence in ways:
        start = fence.own.start if fence.own is not None else 0
        barred = fence.barred(start, start + 1)
        free = fence.beside(empty, start, start + 1)
        if any(free.find(demand(cluster, part, spec), part, barred) is not None for part in partitions):
            return None
    named = any(fence.own is not None and not set(spec.resources.nodelist) <= set(fence.own.nodes) for fence in ways)
    return Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE", ("Problem using reservation",) if named else ())
