"""Facts about one job that the queue itself makes known to the table: what users asked of it, what the pass found, what time did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flowbatch.core.bids import Bid
from flowbatch.core.states import Allocation


@dataclass(frozen=True, slots=True)
class Waits:
    """A pending job waits for something else than before; `rested`: no longer for the end of its rest after a requeue."""

    at: int
    reason: str
    rested: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """The scheduler gave the job a place."""

    at: int
    allocation: Allocation
    by: str
    ends_by: int | None


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The owner or root wants the job ended."""

    at: int
    by: int


@dataclass(frozen=True, slots=True)
class Signalled:
    """The owner or root sends a signal."""

    at: int
    signal: int
    scope: Literal["steps", "batch", "full"]


@dataclass(frozen=True, slots=True)
class Held:
    """The job must not start; `why` is Slurm's reason."""

    at: int
    why: str


@dataclass(frozen=True, slots=True)
class Released:
    """A hold ends; `priority` is the job's new number."""

    at: int
    priority: int


@dataclass(frozen=True, slots=True)
class Requeued:
    """The owner or root wants the job to run anew."""

    at: int
    hold: bool = False


@dataclass(frozen=True, slots=True)
class Doomed:
    """Its dependency can never be fulfilled, and it was asked not to wait for ever."""

    at: int


@dataclass(frozen=True, slots=True)
class Missed:
    """It can no longer begin in time to keep its deadline."""

    at: int


@dataclass(frozen=True, slots=True)
class Announced:
    """So much of the time limit is used up, and the owner wanted to know."""

    at: int
    percent: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A bid is to be made for it."""

    at: int
    bid: Bid


@dataclass(frozen=True, slots=True)
class Limited:
    """Its time limit is another one while it runs: the run ends at `ends_by`, None for never."""

    at: int
    ends_by: int | None


@dataclass(frozen=True, slots=True)
class Expired:
    """Its time is used up, or its money; `reason` is Slurm's."""

    at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Downed:
    """An administrator says that a node of its is down."""

    at: int


@dataclass(frozen=True, slots=True)
class Paused:
    """The owner or root wants it suspended."""

    at: int


@dataclass(frozen=True, slots=True)
class Continued:
    """The owner or root wants a suspended job to go on; `priority` is its new number."""

    at: int
    priority: int


@dataclass(frozen=True, slots=True)
class Told:
    """The owner or root has something to say in its output."""

    at: int
    text: str
