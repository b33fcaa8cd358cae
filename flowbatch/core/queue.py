"""The queue in memory, and `step`: one fact in; changed records, orders and a reply out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, get_args

from flowbatch.core import administering, asked, changes, priority, reserving, stepping, terms
from flowbatch.core.admitting.admission import admit
from flowbatch.core.events import (
    Accepted,
    BidFact,
    CancelAsked,
    Configured,
    Ended,
    Event,
    HoldAsked,
    Launched,
    LaunchFailed,
    MarketSeen,
    NodeAsked,
    NodeLost,
    NotifyAsked,
    PartitionAsked,
    Passed,
    Refused,
    ReleaseAsked,
    Reply,
    RequeueAsked,
    Reread,
    ReservationAsked,
    SignalAsked,
    StepBegan,
    StepEnded,
    StepSignalAsked,
    Submitted,
    SuspendAsked,
    TermsAsked,
    UpdateAsked,
    WouldStart,
)
from flowbatch.core.jobs import ArrayRest, Job
from flowbatch.core.market import caps, forecast
from flowbatch.core.market.buying import keep_under_caps
from flowbatch.core.market.hearing import hear, see
from flowbatch.core.passing import pass_time
from flowbatch.core.placing.scheduling import would_start
from flowbatch.core.records import Queue, Stepped
from flowbatch.core.states import Pending
from flowbatch.core.turn import Turn
from flowbatch.core.waiting import DEPENDENCY, HELD_BY_USER
from flowbatch.spec.array import ArraySpec
from flowbatch.spec.dependency import Dependency
from flowbatch.spec.job import JobSpec

__all__ = ["Queue", "Stepped", "step"]


def step(queue: Queue, event: Event) -> Stepped:
    """Applies one fact to the queue, in place. Bad input is answered by the reply; an impossible (state, fact) pair
    changes nothing. Never raises for anything a user or a node can send."""
    turn = Turn(queue, event.at)
    turn.stepped.reply = ANSWERS[type(event)](turn, event)
    turn.settle()
    return turn.stepped


def _submit(turn: Turn, event: Submitted) -> Reply:
    queue = turn.queue
    verdict = admit(queue.cluster, event, queue, queue.rulings.reservations)
    if isinstance(verdict, Refused):
        return verdict
    spec = caps.paid(queue.cluster.market, verdict.spec, verdict.partitions)
    job = _new_job(queue, event, spec, verdict.partitions, (*event.notes, *verdict.notes))
    if event.test_only and queue.cluster.market is not None:
        return forecast.would_start(queue.cluster, queue.quotes, queue.jobs.values(), job, event.at)
    if event.test_only:
        return would_start(
            queue.cluster, queue.occupancy, job, queue.running(), event.at, queue.rulings.reservations
        )
    if event.immediate and not _starts_now(queue, job, event.at):
        return Refused("ESLURM_NODES_BUSY")
    queue.next_job_id += 1
    turn.put(job)
    turn.rejudge(job)
    turn.reconsider(queue.jobs[job.id])
    return Accepted(job.id, job.notes)


def _starts_now(queue: Queue, job: Job, at: int) -> bool:
    first = would_start(queue.cluster, queue.occupancy, job, queue.running(), at)
    return isinstance(first, WouldStart) and first.at <= at


def _new_job(queue: Queue, event: Submitted, spec: JobSpec, partitions: tuple[str, ...], notes: tuple[str, ...]) -> Job:
    id = queue.next_job_id
    array = spec.array if isinstance(spec.array, ArraySpec) else None
    dependency = spec.dependency if isinstance(spec.dependency, Dependency) else None
    return Job(
        id=id, spec=spec, spec_id=id, payload_id=id, owner=event.owner, state=Pending(DEPENDENCY), submitted_at=event.at,
        priority=0 if spec.hold else priority.at_submission(queue.indexes.bases.least(), event.owner, spec),
        partitions=partitions, array=None if array is None else ArrayRest(array.indices(), array.throttle),
        waiting=() if dependency is None else queue.dependencies.terms(dependency), notes=notes,
        held=HELD_BY_USER if spec.hold else None, last_evaluated_at=event.at,
    )  # fmt: skip


def _configure(turn: Turn, event: Configured) -> None:
    """Jobs stay; the next pass finds out what those that wait wait for now, also where a partition is gone."""
    if event.cluster != turn.queue.configured:
        turn.queue.reshape(event.cluster)
        keep_under_caps(turn)


def _hear(turn: Turn, event: Launched | LaunchFailed | Ended | NodeLost) -> None:
    """What a node says; of a placement that is over or was never made it changes nothing."""
    job = turn.queue.jobs.get(event.job_id)
    if job is not None and turn.advance(_noted(job, event), event) is None:
        turn.reconsider(turn.queue.jobs[job.id])


def _noted(job: Job, event: Event) -> Job:
    """The record with what a node says that it is to keep."""
    notes = event.notes if isinstance(event, Ended) else ()
    return replace(job, notes=tuple(dict.fromkeys((*job.notes, *notes)))) if notes else job


ANSWERS: dict[type, Callable[[Turn, Any], Reply]] = {
    Submitted: _submit,
    CancelAsked: lambda turn, event: asked.cancel(turn, event.by, event.refs),
    SignalAsked: lambda turn, event: asked.signal(turn, event.by, event.refs, event.signal, event.scope),
    HoldAsked: lambda turn, event: asked.hold(turn, event.by, event.refs, releasable=event.releasable),
    ReleaseAsked: lambda turn, event: asked.release(turn, event.by, event.refs),
    RequeueAsked: lambda turn, event: asked.requeue(turn, event.by, event.refs, event.hold),
    SuspendAsked: lambda turn, event: asked.suspend(turn, event.by, event.refs, event.resume),
    NotifyAsked: lambda turn, event: asked.notify(turn, event.by, event.refs, event.text),
    UpdateAsked: changes.update,
    TermsAsked: terms.update,
    NodeAsked: administering.nodes,
    PartitionAsked: administering.partition,
    ReservationAsked: reserving.reservation,
    Reread: administering.reread,
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
