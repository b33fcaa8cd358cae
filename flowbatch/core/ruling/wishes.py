"""What administrators ask, as a command has read it: events like those of `core/events.py`, with what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from flowbatch.core.accounting.accounts import Account, Association, Key, Qos, User
from flowbatch.core.ruling.reservations import NOBODY, Party
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec

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


@dataclass(frozen=True, slots=True)
class TopAsked:
    """An administrator puts jobs before the others of their owner. Reply: one `Verdict` each, or that of the first that cannot."""

    at: int
    by: int
    job_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Recount:
    """An operator has the jobs counted anew (`sdiag -r`). Reply: None, or `Refused`."""

    at: int
    by: int


@dataclass(frozen=True, slots=True)
class Reread:
    """An administrator had the configuration read again: the cluster has this shape, and what was said of partitions, and of
    weights and features of nodes, is said no more. Reply: None or `Refused`."""

    at: int
    by: int
    cluster: ClusterSpec = field(repr=False)


@dataclass(frozen=True, slots=True)
class NodeAsked:
    """An administrator says something of nodes. Reply: None, or `Refused` for the last that it cannot be said of: it holds for
    the others. `name`: whose the reason is."""

    at: int
    by: int
    name: str
    nodes: tuple[str, ...]
    change: NodeChange


@dataclass(frozen=True, slots=True)
class PartitionAsked:
    """An administrator makes, changes or deletes a partition; `fields` of `spec` are what is said of it. Reply: None or `Refused`."""

    at: int
    by: int
    act: Literal["create", "update", "delete"]
    spec: PartitionSpec
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReservationAsked:
    """An administrator makes, changes or deletes a reservation. Reply: `Made` or `Refused`."""

    at: int
    by: int
    act: Literal["create", "update", "delete"]
    wish: ReservationWish


@dataclass(frozen=True, slots=True)
class AccountsAsked:
    """An administrator changes accounts: first what is dropped, then what is put, each record in place of the one of its
    name. `name` is his. Reply: None or `Refused`."""

    at: int
    by: int
    name: str
    put: tuple[Account | User | Association | Qos, ...] = ()
    drop: tuple[Key, ...] = ()


Said = TopAsked | NodeAsked | PartitionAsked | ReservationAsked | AccountsAsked | Reread | Recount
"""Everything that administrators say."""
