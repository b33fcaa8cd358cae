"""Machines that are booked ahead: paid in full at once, theirs from an hour to an hour, beside the auction and out of a pool of its own.

Every function that changes something answers with what is to be carried out on machines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, Field

from flowbatch.sandbox.ids import fid
from flowbatch.sandbox.market.happenings import Boot, Ended, Happening, Paused
from flowbatch.sandbox.market.records import FINAL, InstanceStatus, Stage
from flowbatch.sandbox.market.refusal import Refused
from flowbatch.units import DAY, HOUR

POOL = 16
"""Machines of each type and region that can be booked."""
SHORTEST_S, LONGEST_S = 3 * HOUR, 14 * DAY
CREDITED_FROM_S = HOUR
"""A pause that is shorter earns nothing."""

Status = Literal["Pending", "Active", "Paused", "Canceled", "Ended"]
EventKind = Literal["Placed", "Active", "Paused", "Resumed", "Canceled", "Ended", "Terms Set", "Terms Changed"]


class Event(BaseModel):
    at: int
    kind: EventKind
    user: str | None = None


class ReservedInstance(BaseModel):
    """`paused_at`: since when it has been paused; `credited_s`: earlier pauses that count; `returned_at`: given back."""

    fid: str
    name: str
    reservation: str
    project: str
    user: str
    instance_type: str
    region: str
    created_at: int
    status: InstanceStatus
    history: list[Stage]
    boots: int = 0
    up: bool = False
    end_time: int | None = None
    why: str | None = None
    paused_at: int | None = None
    credited_s: int = 0
    returned_at: int | None = None
    bid: None = None

    def enter(self, status: InstanceStatus, at: int) -> None:
        if status != self.status:
            self.status = status
            self.history.append(Stage(at, status))

    def paused_s(self, at: int) -> int:
        """How long it has been paused in pauses that count."""
        now_s = at - self.paused_at if self.paused_at is not None else 0
        return self.credited_s + (now_s if now_s >= CREDITED_FROM_S else 0)


class Reservation(BaseModel):
    """`unit_micro_usd` is per instance-hour; the two credits too."""

    fid: str = Field(default_factory=lambda: fid("res"))
    name: str
    project: str
    user: str
    created_at: int
    instance_type: str
    region: str
    quantity: int
    start: int
    end: int
    unit_micro_usd: int
    pause_credit_micro_usd: int
    return_credit_micro_usd: int
    volumes: list[str]
    launch: dict[str, Any] = Field(repr=False)
    status: Status = "Pending"
    deactivated_at: int | None = None
    instances: list[str] = []
    history: list[Event] = []

    @property
    def total_micro_usd(self) -> int:
        return self.unit_micro_usd * self.quantity * (self.end - self.start) // HOUR

    @property
    def live(self) -> bool:
        return self.status in ("Pending", "Active", "Paused")

    def note(self, at: int, kind: EventKind, user: str | None = None) -> None:
        self.history.append(Event(at=at, kind=kind, user=user))


class Reservations(BaseModel):
    """All there ever were, and their instances, by id."""

    reservations: dict[str, Reservation] = {}
    instances: dict[str, ReservedInstance] = {}

    def place(self, reservation: Reservation, at: int) -> list[Happening]:
        """It is booked. Raises Refused."""
        _check_times(reservation.start, reservation.end, at)
        if (
            self.free(reservation.instance_type, reservation.region, reservation.start, reservation.end)
            < reservation.quantity
        ):
            raise Refused("conflict", "not enough capacity for this reservation")
        self.reservations[reservation.fid] = reservation
        reservation.note(at, "Placed", reservation.user)
        reservation.note(at, "Terms Set", reservation.user)
        return self.advance(at)

    def extend(self, reservation: Reservation, end: int, at: int, user: str) -> None:
        """It lasts until `end`. Raises Refused."""
        if not reservation.live or end <= reservation.end:
            raise Refused("conflict", "a live reservation can be extended to a later end")
        _check_times(reservation.start, end, reservation.start)
        if self.free(reservation.instance_type, reservation.region, reservation.end, end) < reservation.quantity:
            raise Refused("conflict", "not enough capacity for this extension")
        reservation.end = end
        reservation.note(at, "Terms Changed", user)
        for instance in self.of(reservation):
            instance.end_time = end

    def advance(self, at: int) -> list[Happening]:
        """What begins has begun, what ends has ended."""
        happened: list[Happening] = []
        for reservation in self.reservations.values():
            if reservation.status == "Pending" and reservation.start <= at:
                happened += self._begin(reservation, at)
            if reservation.live and reservation.end <= at:
                happened += self._finish(reservation, at)
        return happened

    def next_at(self) -> int | None:
        live = [each for each in self.reservations.values() if each.live]
        return min((each.start if each.status == "Pending" else each.end for each in live), default=None)

    def expected(self, at: int) -> list[Happening]:
        """For a driver that begins anew: the Boot of each machine that is to be up."""
        return [
            Boot(at, each.reservation, (each.fid,), each.boots)
            for each in self.instances.values()
            if each.status in ("STATUS_STARTING", "STATUS_RUNNING")
        ]

    def pause(self, reservation: Reservation, fids: Iterable[str], at: int, user: str | None) -> list[Happening]:
        """These instances are stopped, their disks kept; without one that runs, the reservation is Paused."""
        chosen = [
            each for each in map(self.instances.__getitem__, fids) if each.status not in (*FINAL, "STATUS_PAUSED")
        ]
        for instance in chosen:
            instance.up, instance.paused_at = False, at
            instance.enter("STATUS_PAUSED", at)
        self._follow(reservation, at, user)
        return [Paused(at, reservation.fid, tuple(each.fid for each in chosen))]

    def resume(self, reservation: Reservation, fids: Iterable[str], at: int, user: str | None) -> list[Happening]:
        chosen = [each for each in map(self.instances.__getitem__, fids) if each.status == "STATUS_PAUSED"]
        for instance in chosen:
            instance.credited_s, instance.paused_at = instance.paused_s(at), None
        happened = [each for instance in chosen for each in self._boot(instance, at)]
        self._follow(reservation, at, user)
        return happened

    def give_back(self, reservation: Reservation, fids: Iterable[str], at: int) -> list[Happening]:
        """These paused instances are gone for good, and credited for what was left of their time."""
        chosen = [each for each in map(self.instances.__getitem__, fids) if each.status == "STATUS_PAUSED"]
        for instance in chosen:
            instance.credited_s, instance.paused_at, instance.returned_at = instance.paused_s(at), None, at
            instance.enter("STATUS_TERMINATED", at)
        if all(each.status in FINAL for each in self.of(reservation)):
            reservation.status, reservation.deactivated_at = "Canceled", at
            reservation.note(at, "Canceled")
        return [Ended(at, reservation.fid, tuple(each.fid for each in chosen))]

    def booted(self, fid: str, at: int, number: int) -> None:
        instance = self.instances[fid]
        if instance.status == "STATUS_STARTING" and instance.boots == number:
            instance.up = True
            instance.enter("STATUS_RUNNING", at)

    def failed(self, fid: str, at: int, why: str, number: int) -> None:
        instance = self.instances[fid]
        if instance.boots == number and instance.status not in (*FINAL, "STATUS_PAUSED"):
            instance.up, instance.why = False, why
            instance.enter("STATUS_ERROR", at)

    def of(self, reservation: Reservation) -> list[ReservedInstance]:
        return [self.instances[fid] for fid in reservation.instances]

    def free(self, instance_type: str, region: str, start: int, end: int) -> int:
        """Machines that can be booked for the whole of that time."""
        rivals = [
            each
            for each in self.reservations.values()
            if each.live and (each.instance_type, each.region) == (instance_type, region)
            and each.start < end and start < each.end
        ]  # fmt: skip
        instants = [start, *(each.start for each in rivals if each.start > start)]
        return POOL - max(sum(each.quantity for each in rivals if each.start <= at < each.end) for at in instants)

    def credits(self, reservation: Reservation, at: int) -> Mapping[str, int]:
        """Micro-dollars earned by pauses and by instances that were given back."""
        instances = self.of(reservation)
        paused_s = sum(each.paused_s(at) for each in instances)
        returned_s = sum(reservation.end - each.returned_at for each in instances if each.returned_at is not None)
        return {
            "pause": reservation.pause_credit_micro_usd * paused_s // HOUR,
            "return": reservation.return_credit_micro_usd * returned_s // HOUR,
        }

    def _begin(self, reservation: Reservation, at: int) -> list[Happening]:
        reservation.status = "Active"
        reservation.note(at, "Active")
        for rank in range(1, reservation.quantity + 1):
            name = reservation.name if reservation.quantity == 1 else f"{reservation.name}-{rank}"
            made = ReservedInstance(
                fid=fid("inst"), name=name, reservation=reservation.fid, project=reservation.project,
                user=reservation.user, instance_type=reservation.instance_type, region=reservation.region,
                created_at=at, status="STATUS_NEW", history=[Stage(at, "STATUS_NEW")], end_time=reservation.end,
            )  # fmt: skip
            self.instances[made.fid] = made
            reservation.instances.append(made.fid)
        return [each for instance in self.of(reservation) for each in self._boot(instance, at)]

    def _boot(self, instance: ReservedInstance, at: int) -> Sequence[Happening]:
        instance.boots += 1
        instance.enter("STATUS_STARTING", at)
        return [Boot(at, instance.reservation, (instance.fid,), instance.boots)]

    def _finish(self, reservation: Reservation, at: int) -> list[Happening]:
        reservation.status, reservation.deactivated_at = "Ended", at
        reservation.note(at, "Ended")
        for instance in self.of(reservation):
            instance.credited_s, instance.paused_at = instance.paused_s(reservation.end), None
            instance.up = False
            if instance.status not in FINAL:
                instance.enter("STATUS_TERMINATED", at)
        return [Ended(at, reservation.fid, tuple(reservation.instances))]

    def _follow(self, reservation: Reservation, at: int, user: str | None) -> None:
        """Its status is Paused while no instance of it is to run."""
        present = [each for each in self.of(reservation) if each.status not in FINAL]
        paused = bool(present) and all(each.status == "STATUS_PAUSED" for each in present)
        if paused and reservation.status == "Active":
            reservation.status = "Paused"
            reservation.note(at, "Paused", user)
        elif not paused and reservation.status == "Paused":
            reservation.status = "Active"
            reservation.note(at, "Resumed", user)


def _check_times(start: int, end: int, at: int) -> None:
    """Raises Refused."""
    if start < at - HOUR:
        raise Refused("quantity", "start_time is in the past")
    if not SHORTEST_S <= end - start <= LONGEST_S:
        raise Refused("quantity", "a reservation lasts between 3 hours and 2 weeks")
    if (end - start) % HOUR:
        raise Refused("quantity", "a reservation lasts whole hours")
