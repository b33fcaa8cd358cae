"""Orders: what the world is to do, after the commit. Carrying one out twice must be the same as once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Launch:
    """Start the placement `restart` of the job, once; the allocation stands in the job's record."""

    job_id: int
    restart: int


@dataclass(frozen=True, slots=True)
class Stop:
    """End the placement: SIGCONT and SIGTERM, KillWait, SIGKILL; `why` is the word in the closing line of its output."""

    job_id: int
    restart: int
    why: Literal["cancelled", "timeout", "requeue", "preempted", "deadline", "node"] = "cancelled"


@dataclass(frozen=True, slots=True)
class Deliver:
    """Send one signal to a running placement."""

    job_id: int
    restart: int
    signal: int
    scope: Literal["steps", "batch", "full"] = "steps"


@dataclass(frozen=True, slots=True)
class DeliverStep:
    """Send one signal to the tasks of one step; where it ends them, `by` has cancelled it."""

    job_id: int
    restart: int
    number: int
    signal: int
    by: int


@dataclass(frozen=True, slots=True)
class Freeze:
    """All processes of the placement stop where they are (SIGSTOP), and its time limit stands still."""

    job_id: int
    restart: int


@dataclass(frozen=True, slots=True)
class Thaw:
    """They go on (SIGCONT), and so does the time limit."""

    job_id: int
    restart: int


@dataclass(frozen=True, slots=True)
class Limit:
    """The placement's time limit falls then, its suspensions not counted; None: never."""

    job_id: int
    restart: int
    ends_by: int | None


@dataclass(frozen=True, slots=True)
class Say:
    """One line in the placement's standard error, as a word of its slurmstepd."""

    job_id: int
    restart: int
    text: str


@dataclass(frozen=True, slots=True)
class Forget:
    """The node may drop what it knows of the placement: its end is in the store."""

    job_id: int
    restart: int


@dataclass(frozen=True, slots=True)
class SendMail:
    """One mail of `--mail-type`; the subject is made from the record as it is after the step."""

    job_id: int
    kind: str


@dataclass(frozen=True, slots=True)
class PlaceBid:
    """See to it that the job's bid `number` is on the market, once; its terms stand in the record."""

    job_id: int
    number: int


@dataclass(frozen=True, slots=True)
class ChangeBid:
    """The bid's limit price and pause are as in the record from now on."""

    job_id: int
    number: int


@dataclass(frozen=True, slots=True)
class WithdrawBid:
    """See to it that the bid is not on the market; its machines go with it."""

    job_id: int
    number: int


Effect = (
    Launch
    | Stop
    | Deliver
    | DeliverStep
    | Freeze
    | Thaw
    | Limit
    | Say
    | Forget
    | SendMail
    | PlaceBid
    | ChangeBid
    | WithdrawBid
)
