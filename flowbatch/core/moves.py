"""The vocabulary of the table: kinds of state, facts, and what a fact comes to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from flowbatch.core.effects import Effect
from flowbatch.core.events import BidGone, BidLost, BidRefused, Ended, Launched, LaunchFailed, NodeLost
from flowbatch.core.facts import (
    Announced,
    Asked,
    Cancelled,
    Continued,
    Doomed,
    Downed,
    Expired,
    Held,
    Limited,
    Missed,
    Paused,
    Placed,
    Released,
    Requeued,
    Signalled,
    Told,
    Waits,
)
from flowbatch.core.jobs import Job
from flowbatch.core.states import Completing, Requeueing, State
from flowbatch.spec.cluster import ClusterSpec

Kind = Literal["pending", "running", "suspended", "requeueing", "ending", "finished"]
KINDS: tuple[Kind, ...] = ("pending", "running", "suspended", "requeueing", "ending", "finished")
"""Completing counts as two: what comes after it, the queue again or the end, decides what may still happen."""


Fact = (
    Waits | Placed | Cancelled | Signalled | Held | Released | Requeued | Doomed | Missed | Announced
    | Launched | LaunchFailed | Ended | NodeLost
    | Asked | BidRefused | BidLost | BidGone | Limited | Expired | Paused | Continued | Told | Downed
)  # fmt: skip
FACTS: tuple[type, ...] = (
    Waits, Placed, Launched, LaunchFailed, Ended, NodeLost, Cancelled, Signalled, Held, Released, Requeued, Doomed,
    Missed, Announced, Asked, BidRefused, BidLost, BidGone, Limited, Expired, Paused, Continued, Told, Downed,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Moved:
    """A record after a fact, and what the world is to do."""

    job: Job
    orders: tuple[Effect, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """The fact changes nothing; `code` is what the one who asked is told, None when nobody asked."""

    code: str | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: the kinds of state it may lead to, what happens in words, and the move."""

    to: tuple[Kind, ...]
    words: str
    move: Callable[[ClusterSpec, Job, Any, Any], Moved]


def kind_of(state: State) -> Kind:
    """The row of the table."""
    if isinstance(state, Completing):
        return "requeueing" if isinstance(state.then, Requeueing) else "ending"
    return state.kind


NOTHING = Refusal()
"""Passed over in silence."""

DONE = Refusal("ESLURM_ALREADY_DONE")
FINISHED = Refusal("ESLURM_JOB_FINISHED")
PENDING = Refusal("ESLURM_JOB_PENDING")
DISABLED = Refusal("ESLURM_DISABLED")
AWAKE = Refusal("ESLURM_JOB_NOT_SUSPENDED")
CHANGING = Refusal("ESLURM_TRANSITION_STATE_NO_UPDATE")
