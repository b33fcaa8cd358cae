"""What a job's state means for its bid, and when time means something for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flowbatch.core.bids import Bid
from flowbatch.core.effects import ChangeBid, Effect, PlaceBid, WithdrawBid
from flowbatch.core.jobs import Job
from flowbatch.core.market import phases
from flowbatch.core.states import Completing, Finished, Pending, Running
from flowbatch.spec.policy import MarketPolicy


def with_bid(job: Job, bid: Bid) -> Job:
    """The job with one of its bids as given."""
    return replace(job, bids=tuple(bid if one.number == bid.number else one for one in job.bids))


def bids_in_line(job: Job) -> bool:
    """Whether the job waits and has a bid on the market."""
    return isinstance(job.state, Pending) and job.bid is not None and job.bid.phase != "withdrawn"


def last_first(jobs: Iterable[Job]) -> list[Job]:
    """Who gives up a bid before the others do: the last in line."""
    return sorted(jobs, key=lambda job: (job.priority, -job.id))


def followed(job: Job, at: int) -> tuple[Job, tuple[Effect, ...]]:
    """The job with its bid as its state wants it: off the market when it is over; paused while it is held. A held job gives
    up a machine that it has."""
    bid = job.bid
    if bid is None or bid.phase == "withdrawn":
        return job, ()
    waits = isinstance(job.state, Pending)
    if isinstance(job.state, Finished) or (waits and job.held is not None and bid.phase in ("won", "leaving")):
        return withdrawn(job, at)
    if waits and bid.paused != (job.held is not None):
        return with_bid(job, replace(bid, paused=not bid.paused)), (ChangeBid(job.id, bid.number),)
    return job, ()


def withdrawn(job: Job, at: int) -> tuple[Job, tuple[Effect, ...]]:
    """The job with its live bid taken off the market."""
    bid = job.bid
    if bid is None or bid.phase == "withdrawn":
        return job, ()
    return with_bid(job, phases.advance(bid, phases.Withdrawn(at))), (WithdrawBid(job.id, bid.number),)


def wished(job: Job) -> Effect | None:
    """What is to hold of the job's bid, by its record alone: given again after a restart."""
    bid = job.bid
    if bid is None:
        return None
    if bid.phase == "asked":
        return PlaceBid(job.id, bid.number)
    return WithdrawBid(job.id, bid.number) if bid.phase == "withdrawn" else ChangeBid(job.id, bid.number)


def lapses_at(policy: MarketPolicy, job: Job) -> int | None:
    """When the job's bid is taken off the market because nothing came of it in time; None for never.

    One without a machine: when its lease leaves no room for a placement. One whose machine does not begin the job, or
    does not report its end, or is still there well after it was to go away: when the allowances for that are used up.
    """
    bid, state = job.bid, job.state
    if bid is None or bid.phase == "withdrawn":
        return None
    back = policy.grace_s + policy.return_allowance_s
    if isinstance(state, Pending):
        if bid.phase == "leaving" and bid.leaves_at is not None:
            return bid.leaves_at + back
        return bid.lease_ends_at - bid.longest_s if bid.phase in ("asked", "open") else None
    if isinstance(state, Completing):
        return state.since + back
    if not isinstance(state, Running):
        return None
    if not state.launched:
        return state.started_at + policy.boot_allowance_s + policy.upload_allowance_s
    return None if state.ends_by is None else state.ends_by + back
