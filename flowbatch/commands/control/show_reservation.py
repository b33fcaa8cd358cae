"""Reservations as `scontrol show reservation` and `sinfo -T` print them."""

from __future__ import annotations

from collections.abc import Sequence

from flowbatch.core.ruling.reservations import FLAGS, Party, Reservation
from flowbatch.slurm import hostlist
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.times import TimeStyle, clock
from flowbatch.spec.cluster import ClusterSpec

NAME_WIDTH = len("RESV_NAME")


def record(cluster: ClusterSpec, one: Reservation, at: int, times: TimeStyle) -> list[str]:
    """One reservation, line by line."""
    flags = ",".join(flag for flag in FLAGS if flag in one.flags)
    cpus = one.cpu_count(cluster)
    return [
        f"ReservationName={one.name} StartTime={times.stamp(one.start)} EndTime={times.stamp(one.end)} "
        f"Duration={clock(one.end - one.start)}",
        f"Nodes={hostlist.fold_sorted(one.nodes) or NULL} NodeCnt={len(one.nodes)} CoreCnt={_cores(cluster, one)} "
        f"Features={one.features or NULL} PartitionName={one.partition or NULL} Flags={flags}",
        f"TRES={f'cpu={cpus}' if cpus else NULL}",
        f"Users={_party(one.users)} Groups={NULL} Accounts={_party(one.accounts)} Licenses={_licenses(one)} "
        f"State={state(one, at)} BurstBuffer={NULL} Watts=n/a",
        f"MaxStartDelay={NULL}",
    ]


def state(one: Reservation, at: int) -> str:
    return "ACTIVE" if one.active(at) else "INACTIVE"


def _cores(cluster: ClusterSpec, one: Reservation) -> int:
    total = 0
    for index, name in enumerate(one.nodes):
        node = cluster.node(name)
        cpus = len(one.cpus[index]) if one.cpus is not None else node.cpus if node is not None else 0
        total += cpus // max(1, node.threads_per_core if node is not None else 1)
    return total


def _party(party: Party) -> str:
    return ",".join(f"{'-' if party.denied else ''}{name}" for name, _ in party.names) or NULL


def _licenses(one: Reservation) -> str:
    return ",".join(f"{name}:{count}" for name, count in one.licenses) or NULL


def listing(reservations: Sequence[Reservation], at: int, times: TimeStyle, *, headed: bool) -> str:
    """`sinfo -T`; without a header names have their least width."""
    width = max([NAME_WIDTH, *(len(one.name) for one in reservations if headed)])
    rows = [("RESV_NAME", "STATE", "START_TIME", "END_TIME", "DURATION", "NODELIST")] if headed else []
    rows += [
        (
            one.name, state(one, at), times.stamp(one.start), times.stamp(one.end), clock(one.end - one.start),
            hostlist.fold_sorted(one.nodes) or NULL,
        )
        for one in reservations
    ]  # fmt: skip
    return "".join(
        f"{row[0]:<{width}}  {row[1]:>8}  {row[2]:>19}  {row[3]:>19}  {row[4]:>11}  {row[5]}\n" for row in rows
    )
