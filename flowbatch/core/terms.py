"""What `scontrol update` changes of a job's terms: its time limit, and on the market the price it bids.

As on 22.05: the owner and root may; users may shorten the time limit of a job that runs and change that of one that waits,
within its partition's; root and SlurmUser may set any. What a bid was made for, and its lease, does not grow: a waiting job
that wants more bids anew, and one that runs has what it has.
"""

from __future__ import annotations

from dataclasses import replace

from flowbatch.core import limits
from flowbatch.core.asked import each, every
from flowbatch.core.deadlines import ends_by
from flowbatch.core.effects import ChangeBid
from flowbatch.core.events import JobRef, TermsAsked, Verdict
from flowbatch.core.facts import Limited
from flowbatch.core.jobs import Job
from flowbatch.core.market import caps, phases
from flowbatch.core.market.budgets import own
from flowbatch.core.market.buying import ledger
from flowbatch.core.market.upkeep import with_bid
from flowbatch.core.states import Finished, Pending, Running, began, run_of
from flowbatch.core.turn import Turn
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import UNLIMITED, JobSpec
from flowbatch.spec.market import LimitPrice
from flowbatch.units import MINUTE

REVISION = 1 << 40
"""Above every job id. A spec that was changed for one record is stored under the record's id and the number of the change."""


def update(turn: Turn, event: TermsAsked) -> tuple[Verdict, ...]:
    """Changes what the refs name; all that is asked of a job, or nothing."""

    def fault(job: Job) -> str | None:
        return _end_fault(event, job) or _time_fault(turn, _in_minutes(event, job), job)

    def act(job: Job) -> str | None:
        asked = _in_minutes(event, job)
        return _price_fault(turn, asked, job) or _change(turn, asked, job)

    def one(ref: JobRef) -> Verdict:
        return every(ref, each(turn, event.by, ref, act, "ESLURM_ACCESS_DENIED", split=Pending, fault=fault))

    return tuple(map(one, event.refs))


def revised(job: Job, spec: JobSpec) -> Job:
    """The job with another spec than those it shared one with."""
    return replace(job, spec=spec, spec_id=job.id + (job.spec_id // REVISION + 1) * REVISION)


def _end_fault(event: TermsAsked, job: Job) -> str | None:
    if event.ends_at is None:
        return None
    if not isinstance(job.state, Running):
        return "ESLURM_JOB_NOT_RUNNING"
    return "ESLURM_INVALID_TIME_VALUE" if event.ends_at < event.at else None


def _in_minutes(event: TermsAsked, job: Job) -> TermsAsked:
    """With the time limit that has a running job end when it is to."""
    if event.ends_at is None or not isinstance(job.state, Running):
        return event
    minutes = -(-(event.ends_at - job.state.started_at) // MINUTE)
    return replace(event, time_limit_min=max(1, minutes))


def _time_fault(turn: Turn, event: TermsAsked, job: Job) -> str | None:
    asked = event.time_limit_min
    if asked is None or asked == job.spec.time_limit_min:
        return None
    if isinstance(job.state, Finished):
        return "ESLURM_JOB_FINISHED"
    cluster = turn.queue.cluster
    operates = cluster.operated_by(event.by)
    if isinstance(job.state, Pending):
        if _shorter(asked, job.spec.time_min_min or 0):
            return "ESLURM_INVALID_TIME_MIN_LIMIT"
        allowed = operates or _shorter(asked, job.spec.time_limit_min) or _fits(cluster, job, asked)
        return None if allowed else "ESLURM_ACCESS_DENIED"
    where = cluster.partition(job.state.allocation.partition)
    if _shorter(asked, job.spec.time_limit_min if where is None else limits.time_limit_min(where, job.spec)):
        return None
    if not operates:
        return "ESLURM_ACCESS_DENIED"
    return None if cluster.market is None else "ESLURM_NOT_SUPPORTED"  # its lease does not grow


def _fits(cluster: ClusterSpec, job: Job, minutes: int) -> bool:
    """Whether one of its partitions permits so long a time."""
    spec = job.spec.model_copy(update={"time_limit_min": minutes})
    partitions = (cluster.partition(name) for name in job.partitions)
    return any(partition is not None and not limits.too_long(partition, spec) for partition in partitions)


def _shorter(asked: int, limit: int | None) -> bool:
    return asked != UNLIMITED and (limit is None or limit == UNLIMITED or asked < limit)


def _price_fault(turn: Turn, event: TermsAsked, job: Job) -> str | None:
    """A price that may rise needs its worst case in escrow."""
    asked, policy, bid = event.limit_micro_usd, turn.queue.cluster.market, job.bid
    if asked is None:
        return None
    if policy is None:
        return "ESLURM_NOT_SUPPORTED"
    if isinstance(job.state, Finished):
        return "ESLURM_JOB_FINISHED"
    if bid is None or asked <= bid.limit_micro_usd:
        return None
    rise = max(0, caps.billed(asked, bid.instances, bid.longest_s) - bid.exposure_micro_usd)
    budget = job.spec.market.budget_micro_usd
    within = budget is None or own(job) + rise <= budget
    return None if within and ledger(turn, policy).fits(job.spec.account, rise) else "ESLURM_ACCOUNTING_POLICY"


def _change(turn: Turn, event: TermsAsked, job: Job) -> str | None:
    if event.limit_micro_usd is not None:
        price = LimitPrice(micro_usd_per_hour=event.limit_micro_usd)
        terms = job.spec.market.model_copy(update={"limit_price": price})
        job = revised(job, job.spec.model_copy(update={"market": terms}))
        turn.keep(job)
        _rebid(turn, job, event.limit_micro_usd)
        job = turn.queue.jobs[job.id]
    if event.time_limit_min is not None and event.time_limit_min != job.spec.time_limit_min:
        _retime(turn, job, event.time_limit_min)
    turn.queue.pass_by(turn.at)
    return None


def _rebid(turn: Turn, job: Job, limit: int) -> None:
    """The live bid is at this limit; what it may cost never sinks while it may hold a machine at the old one."""
    bid = job.bid
    if bid is None or bid.phase == "withdrawn" or bid.limit_micro_usd == limit:
        return
    worst = max(caps.billed(limit, bid.instances, bid.longest_s), bid.exposure_micro_usd)
    changed = phases.renewed(replace(bid, limit_micro_usd=limit), worst, bid.longest_s)
    turn.keep(with_bid(job, changed), ChangeBid(job.id, bid.number))


def _retime(turn: Turn, job: Job, minutes: int) -> None:
    longer = not _shorter(minutes, job.spec.time_limit_min)
    changed = revised(job, job.spec.model_copy(update={"time_limit_min": minutes}))
    bid, state = changed.bid, changed.state
    if bid is not None and not longer:
        changed = with_bid(changed, replace(bid, run_limit_s=min(bid.run_limit_s, minutes * MINUTE)))
    turn.keep(changed)
    if (run := run_of(state)) is not None:
        end = ends_by(turn.queue.cluster, changed, run.allocation.partition, began(run))
        if end != run.ends_by:
            turn.advance(changed, Limited(turn.at, end))
    elif bid is not None and longer and isinstance(state, Pending):
        turn.withdraw(changed)
