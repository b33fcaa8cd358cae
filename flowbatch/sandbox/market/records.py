"""Bids and instances as the market keeps them, and the one table of how a bid's status changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

BidStatus = Literal["Open", "Allocated", "Preempting", "Paused", "Terminated"]

InstanceStatus = Literal[
    "STATUS_NEW",
    "STATUS_CONFIRMED",
    "STATUS_INITIALIZING",
    "STATUS_STARTING",
    "STATUS_RUNNING",
    "STATUS_TERMINATED",
    "STATUS_PREEMPTING",
    "STATUS_PREEMPTED",
    "STATUS_REPLACED",
    "STATUS_PAUSED",
    "STATUS_ERROR",
]

BidEventKind = Literal[
    "Placed",
    "Paused",
    "Resumed",
    "Terminated",
    "Allocated",
    "Preempted",
    "Limit Price Changed",
    "Memory Adjusted",
    "Volumes Attached",
    "Volumes Removed",
]

Move = Literal["win", "outbid", "keep", "lose", "pause", "resume", "end"]

MOVES: Mapping[tuple[BidStatus, Move], BidStatus] = {
    ("Open", "win"): "Allocated",
    ("Allocated", "outbid"): "Preempting",
    ("Preempting", "keep"): "Allocated",
    ("Preempting", "lose"): "Open",
    ("Open", "pause"): "Paused",
    ("Allocated", "pause"): "Paused",
    ("Preempting", "pause"): "Paused",
    ("Paused", "resume"): "Open",
    ("Open", "end"): "Terminated",
    ("Allocated", "end"): "Terminated",
    ("Preempting", "end"): "Terminated",
    ("Paused", "end"): "Terminated",
}
"""A move that has no line here does not happen."""

STARTING: tuple[InstanceStatus, ...] = ("STATUS_NEW", "STATUS_CONFIRMED", "STATUS_INITIALIZING", "STATUS_STARTING")
"""What an instance goes through before it first runs, in order; not charged for."""

FINAL: tuple[InstanceStatus, ...] = ("STATUS_TERMINATED", "STATUS_REPLACED", "STATUS_ERROR")


@dataclass(frozen=True, slots=True)
class Order:
    """What is bid for. `instance_type` is an `it_` id. `launch`: the rest of the launch specification, which the market only keeps."""

    name: str
    project: str
    user: str
    instance_type: str
    region: str
    limit_micro_usd: int
    quantity: int = 1
    volumes: tuple[str, ...] = ()
    memory_gb: int | None = None
    launch: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class BidEvent:
    """One line of a bid's history."""

    at: int
    kind: BidEventKind
    limit_micro_usd: int | None = None
    user: str | None = None
    memory_gb: int | None = None
    attached: str | None = None
    removed: str | None = None


@dataclass(frozen=True, slots=True)
class Stage:
    """An instance is to have this status from `at` on."""

    at: int
    status: InstanceStatus


@dataclass(slots=True)
class Instance:
    """A machine of a bid, through all its preemptions: the same id, the same disk.

    `stages` are still to come; after the last its machine is to be booted. `boots` counts how often that was ordered.
    `up`: its machine runs. `end_time`: until when the notice gives it."""

    fid: str
    name: str
    bid: str
    project: str
    user: str
    instance_type: str
    region: str
    created_at: int
    status: InstanceStatus
    history: list[Stage]
    stages: list[Stage] = field(default_factory=list)
    boots: int = 0
    up: bool = False
    end_time: int | None = None
    why: str | None = None
    """Why it could not be started."""

    def enter(self, status: InstanceStatus, at: int) -> None:
        if status != self.status:
            self.status = status
            self.history.append(Stage(at, status))


@dataclass(slots=True)
class Bid:
    """`serial` orders bids that came in the same second. `instances`: the present ones, by rank. `leaves_at`: the end of its notice.
    `out_until`: it takes no part in any round before (it was preempted by hand)."""

    fid: str
    serial: int
    name: str
    project: str
    user: str
    instance_type: str
    region: str
    limit_micro_usd: int
    quantity: int
    created_at: int
    volumes: tuple[str, ...]
    memory_gb: int | None
    launch: dict[str, Any] = field(repr=False)
    status: BidStatus = "Open"
    instances: list[str] = field(default_factory=list)
    history: list[BidEvent] = field(default_factory=list)
    instances_made: int = 0
    leaves_at: int | None = None
    out_until: int | None = None
    deactivated_at: int | None = None

    def may(self, move: Move) -> bool:
        return (self.status, move) in MOVES

    def make(self, move: Move) -> None:
        """The status that the table says. Raises KeyError for a move that has no line."""
        self.status = MOVES[self.status, move]

    @property
    def holds(self) -> int:
        """How many machines it occupies."""
        return self.quantity if self.status in ("Allocated", "Preempting") else 0
