"""What administrators ask of nodes and reservations, as a command has read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flowbatch.core.reservations import NOBODY, Party

NodeWord = Literal["DOWN", "DRAIN", "FAIL", "FUTURE", "IDLE", "NORESP", "RESUME", "UNDRAIN", "POWER_DOWN", "POWER_UP"]


@dataclass(frozen=True, slots=True)
class NodeChange:
    """What is said of nodes; None is not said. Features and words that are empty are none."""

    state: NodeWord | None = None
    reason: str | None = None
    weight: int | None = None
    features: tuple[str, ...] | None = None
    active: tuple[str, ...] | None = None
    gres: str | None = None
    comment: str | None = None
    extra: str | None = None


@dataclass(frozen=True, slots=True)
class ReservationWish:
    """What a reservation is to be; None is not said. `nodes` are names; `node_count` and `core_count` leave the choice to us.

    `more_flags` and `less_flags` change those that there are, as `Flags+=` and `Flags-=` do.
    """

    name: str = ""
    start: int | None = None
    end: int | None = None
    duration_s: int | None = None
    nodes: tuple[str, ...] | None = None
    all_nodes: bool = False
    node_count: int | None = None
    core_count: int | None = None
    partition: str | None = None
    features: str | None = None
    users: Party | None = None
    accounts: Party | None = None
    more_users: Party = NOBODY
    less_users: Party = NOBODY
    licenses: tuple[tuple[str, int], ...] | None = None
    flags: frozenset[str] = frozenset()
    less_flags: frozenset[str] = frozenset()
    skip: bool = False
