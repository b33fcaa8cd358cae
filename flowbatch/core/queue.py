"""The queue in memory, and `step`: one fact in; changed records, orders and a reply out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from flowbatch.core import asked, changes, cron, stepping, terms
from flowbatch.core.accounting import changing
from flowbatch.core.effects import Forget
from flowbatch.core.events import (
    BidFact,
    CancelAsked,
    Configured,
    CrontabAsked,
    Ended,
    Event,
    HetSubmitted,
    HoldAsked,
    Launched,
    LaunchFailed,
    MarketSeen,
    NodeLost,
    NotifyAsked,
    Passed,
    Refused,
    ReleaseAsked,
    Reply,
    RequeueAsked,
    SignalAsked,
    StepBegan,
    StepEnded,
    StepSignalAsked,
    Submitted,
    SuspendAsked,
    TermsAsked,
    UpdateAsked,
)
from flowbatch.core.jobs import Job
from flowbatch.core.market.buying import keep_under_caps, keep_within_budgets
from flowbatch.core.market.hearing import hear, see
from flowbatch.core.passing import pass_time
from flowbatch.core.records import Queue, Stepped
from flowbatch.core.ruling import administering, reserving, topping
from flowbatch.core.ruling.wishes import (
    AccountsAsked,
    NodeAsked,
    PartitionAsked,
    Recount,
    Reread,
    ReservationAsked,
    TopAsked,
)
from flowbatch.core.states import Holding
from flowbatch.core.submitting import submit, submit_het
from flowbatch.core.turn import Turn

__all__ = ["Queue", "Stepped", "step"]


def step(queue: Queue, event: Event) -> Stepped:
    """Applies one fact to the queue, in place. Bad input is answered by the reply; an impossible (state, fact) pair
    changes nothing. Never raises for anything a user or a node can send."""
    turn = Turn(queue, event.at)
    turn.stepped.reply = ANSWERS[type(event)](turn, event)
    turn.settle()
    return turn.stepped


def _configure(turn: Turn, event: Configured) -> None:
    """Jobs stay; the next pass finds out what those that wait wait for now, also where a partition is gone."""
    if event.cluster != turn.queue.configured:
        turn.queue.reshape(event.cluster)
        keep_under_caps(turn)
        keep_within_budgets(turn)


def _hear(turn: Turn, event: Launched | LaunchFailed | Ended | NodeLost) -> None:
    """What a node says; of a placement that is over or was never made it changes nothing, and its end is to be forgotten: the
    node would say it again for ever."""
    job = turn.queue.jobs.get(event.job_id)
    if isinstance(event, LaunchFailed | Ended) and not _holds(job, event.restart):
        turn.stepped.orders.append(Forget(event.job_id, event.restart))
    elif job is not None and turn.advance(_noted(job, event), event) is None:
        turn.reconsider(turn.queue.jobs[job.id])


def _holds(job: Job | None, restart: int) -> bool:
    """Whether that placement is the one by which the job has its nodes."""
    return job is not None and job.restarts == restart and isinstance(job.state, Holding)


def _noted(job: Job, event: Event) -> Job:
    """The record with what a node says that it is to keep."""
    notes = event.notes if isinstance(event, Ended) else ()
    return replace(job, notes=tuple(dict.fromkeys((*job.notes, *notes)))) if notes else job


def _recount(turn: Turn, event: Recount) -> Refused | None:
    if not turn.queue.cluster.operated_by(event.by):
        return Refused("ESLURM_ACCESS_DENIED")
    turn.count_anew()
    return None


ANSWERS: dict[type, Callable[[Turn, Any], Reply]] = {
    Submitted: submit,
    HetSubmitted: submit_het,
    CancelAsked: lambda turn, event: asked.cancel(turn, event.by, event.refs),
    SignalAsked: lambda turn, event: asked.signal(turn, event.by, event.refs, event.signal, event.scope),
    HoldAsked: cron.guarded(lambda turn, event: asked.hold(turn, event.by, event.refs, releasable=event.releasable)),
    ReleaseAsked: cron.guarded(lambda turn, event: asked.release(turn, event.by, event.refs)),
    RequeueAsked: asked.requeue,
    SuspendAsked: lambda turn, event: asked.suspend(turn, event.by, event.refs, event.resume),
    NotifyAsked: lambda turn, event: asked.notify(turn, event.by, event.refs, event.text),
    UpdateAsked: cron.guarded(changes.update),
    TermsAsked: cron.guarded(terms.update),
    TopAsked: topping.top,
    NodeAsked: administering.nodes,
    PartitionAsked: administering.partition,
    ReservationAsked: reserving.reservation,
    AccountsAsked: changing.change,
    CrontabAsked: cron.change,
    Reread: administering.reread,
    Recount: _recount,
    Passed: lambda turn, event: pass_time(turn),
    Configured: _configure,
    MarketSeen: see,
    **dict.fromkeys(get_args(BidFact), hear),
    StepSignalAsked: asked.signal_step,
    StepBegan: lambda turn, event: stepping.began(turn.queue, turn.stepped, event),
    StepEnded: lambda turn, event: stepping.ended(turn.queue, turn.stepped, event),
    **dict.fromkeys((Launched, LaunchFailed, Ended, NodeLost), _hear),
}
"""What each fact does."""
