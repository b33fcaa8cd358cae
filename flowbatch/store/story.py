"""What happened to a job, in words: one line for each fact that changed its record."""

from __future__ import annotations

from collections.abc import Iterator

from flowbatch.core import events, states
from flowbatch.core.effects import PlaceBid, WithdrawBid
from flowbatch.core.events import Event
from flowbatch.core.jobs import Job
from flowbatch.core.queue import Stepped
from flowbatch.core.ruling import wishes
from flowbatch.core.states import State
from flowbatch.units import dollars


def lines(event: Event, stepped: Stepped) -> Iterator[tuple[int, str]]:
    """(job id, words) for each record that `event` changed; a pass that only found new reasons to wait is no news,
    nor is a bill that only grew."""
    if isinstance(event, events.BidCharged) and not event.final and not stepped.orders:
        return
    waits = isinstance(event, events.Passed | events.MarketSeen)
    ordered = {order.job_id for order in stepped.orders if isinstance(order, PlaceBid | WithdrawBid)}
    for job in stepped.changed.values():
        if job.id in ordered or not (waits and isinstance(job.state, states.Pending)):
            yield job.id, f"{_fact(event)} -> {_state(job)}{_bid(job)}"


def _bid(job: Job) -> str:
    """The live bid of a job on the market."""
    bid = job.bid
    if bid is None:
        return ""
    where = f"{bid.instance_type} in {bid.region}"
    return f", bid {bid.number} {bid.phase}: {where}, at most {dollars(bid.limit_micro_usd)} an hour"


def _fact(event: Event) -> str:
    match event:
        case events.Submitted():
            return f"submitted by {event.owner.name}"
        case events.HetSubmitted():
            return f"submitted by {event.owner.name} with {len(event.specs)} components"
        case events.CancelAsked():
            return f"cancel asked by uid {event.by}"
        case events.SignalAsked():
            return f"signal {event.signal} asked by uid {event.by}"
        case events.StepSignalAsked():
            return f"signal {event.signal} to step {event.number} asked by uid {event.by}"
        case events.StepBegan():
            return f"step {event.step.number} began"
        case events.StepEnded():
            return f"step {event.step.number} ended"
        case events.HoldAsked():
            return f"hold asked by uid {event.by}"
        case events.ReleaseAsked():
            return f"release asked by uid {event.by}"
        case events.RequeueAsked():
            return f"requeue asked by uid {event.by}"
        case events.SuspendAsked():
            return f"{'resume' if event.resume else 'suspend'} asked by uid {event.by}"
        case events.NotifyAsked():
            return f"notice by uid {event.by}"
        case events.UpdateAsked():
            return f"other {', '.join(event.fields) or 'throttle'} asked by uid {event.by}"
        case events.TermsAsked():
            return f"other terms asked by uid {event.by}"
        case events.Launched():
            return "launched"
        case events.LaunchFailed():
            return f"launch failed ({event.why})"
        case events.Ended():
            return f"ended {event.exit.code}:{event.exit.signal} ({event.cause})"
        case events.NodeLost():
            return "lost by its node"
        case events.Passed():
            return "scheduled"
        case wishes.TopAsked():
            return f"put first by uid {event.by}"
        case wishes.NodeAsked():
            return f"node {','.join(event.nodes)} {event.change.state or 'changed'} by {event.name}"
        case wishes.PartitionAsked():
            return f"partition {event.spec.name}: {event.act}"
        case events.CrontabAsked():
            return f"crontab of {event.owner.name}"
        case wishes.AccountsAsked():
            return f"accounts changed by uid {event.by}"
        case wishes.ReservationAsked():
            return f"reservation {event.wish.name}: {event.act}"
        case wishes.Recount():
            return f"jobs are counted anew, by uid {event.by}"
        case wishes.Reread():
            return "configuration read again"
        case events.Configured():
            return "cluster configured"
        case events.MarketSeen():
            return "prices seen"
        case events.BidPlaced():
            return f"bid {event.number} is on the market as {event.fid}"
        case events.BidRefused():
            return f"bid {event.number} refused: {event.why}"
        case events.BidWon():
            return f"bid {event.number} has its machine"
        case events.BidLeaving():
            return f"bid {event.number} will lose its machine"
        case events.BidKept():
            return f"bid {event.number} keeps its machine after all"
        case events.BidLost():
            return f"bid {event.number} has lost its machine"
        case events.BidGone():
            return f"bid {event.number} is gone from the market"
        case events.BidCharged():
            return f"bid {event.number} has cost {dollars(event.micro_usd)}"
    raise TypeError(event)


def _state(job: Job) -> str:
    state: State = job.state
    match state:
        case states.Pending():
            return f"PENDING ({state.reason})"
        case states.Running():
            return f"RUNNING on {','.join(state.allocation.nodes)}"
        case states.Suspended():
            return f"SUSPENDED on {','.join(state.allocation.nodes)}"
        case states.Completing():
            return "COMPLETING"
        case states.Finished():
            return f"{state.ending.outcome} {state.ending.exit.code}:{state.ending.exit.signal}"
    raise TypeError(state)
