"""Reservations: nodes, or CPUs of them, that some jobs alone may have from an instant to another."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from flowbatch.core.jobs import Job, Owner
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec
from flowbatch.units import DAY, HOUR

WEEK = 7 * DAY
NEVER = 365 * DAY
"""A reservation without an end lasts a year, as on 22.05."""

PERIODS = {"HOURLY": HOUR, "DAILY": DAY, "WEEKLY": WEEK}
"""How long after one beginning comes the next."""

FLAGS = (
    "MAINT", "FLEX", "OVERLAP", "IGNORE_JOBS", "HOURLY", "DAILY", "WEEKLY", "SPEC_NODES", "ALL_NODES", "ANY_NODES",
    "NO_HOLD_JOBS_AFTER_END",
)  # fmt: skip
"""Those that have an effect here, or are said of every reservation, in the order in which 22.05 prints them."""


@dataclass(frozen=True, slots=True)
class Party:
    """Who may use a reservation, or, if `denied`, who may not: names of users with their numbers, or accounts (number 0)."""

    names: tuple[tuple[str, int], ...] = ()
    denied: bool = False

    def allows(self, name: str | None, number: int | None = None) -> bool:
        """Whether it says yes to one; a party of nobody says nothing."""
        found = any(number == other if number is not None else name == known for known, other in self.names)
        return found != self.denied


NOBODY = Party()


@dataclass(frozen=True, slots=True)
class Reservation:
    """One reservation, from `start` up to `end`. `cpus`: the CPU numbers of each node that it has; None is whole nodes."""

    name: str
    start: int
    end: int
    nodes: tuple[str, ...] = ()
    cpus: tuple[tuple[int, ...], ...] | None = None
    partition: str | None = None
    features: str | None = None
    users: Party = NOBODY
    accounts: Party = NOBODY
    licenses: tuple[tuple[str, int], ...] = ()
    flags: frozenset[str] = frozenset()

    def active(self, at: int) -> bool:
        return self.start <= at < self.end

    def overlaps(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end

    def admits(self, owner: Owner, account: str | None) -> bool:
        """Whether this user and account may use it. Either party suffices, but what one denies stays denied."""
        verdicts = [
            (party.denied, party.allows(name, number))
            for party, name, number in ((self.users, owner.name, owner.uid), (self.accounts, account, None))
            if party.names
        ]
        if any(denied and not allowed for denied, allowed in verdicts):
            return False
        granting = [allowed for denied, allowed in verdicts if not denied]
        return any(granting) if granting else True

    def again(self, at: int) -> Reservation | None:
        """The next one of a series once this one is over; None for one that does not come again."""
        period = next((PERIODS[flag] for flag in PERIODS if flag in self.flags), None)
        if period is None:
            return None
        later = (max(0, at - self.end) // period + 1) * period
        return replace(self, start=self.start + later, end=self.end + later)

    def cpu_count(self, cluster: ClusterSpec) -> int:
        """How many CPUs it has."""
        if self.cpus is not None:
            return sum(map(len, self.cpus))
        return sum(node.cpus for name in self.nodes if (node := cluster.node(name)) is not None)


def deleted(name: str) -> str:
    """Slurm's reason of a job that is held because its reservation is not there any more."""
    return f"Reservation {name} was deleted"


def is_deletion(reason: str | None) -> bool:
    """Whether it is that reason, of whatever reservation: the job asks for none any more."""
    return reason is not None and reason.startswith("Reservation ") and reason.endswith(" was deleted")


def names(spec: JobSpec) -> tuple[str, ...]:
    """The reservations that a job asks for: any of them will do."""
    return tuple(name for name in (spec.reservation or "").split(",") if name)


def users_of(reservation: Reservation, jobs: Iterable[Job]) -> Iterator[Job]:
    """The jobs that asked for it."""
    return (job for job in jobs if reservation.name in names(job.spec))
