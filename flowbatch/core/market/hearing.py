"""What the market says: of bids, and of its prices."""

from __future__ import annotations

from flowbatch.core.bids import Bid
from flowbatch.core.events import BidCharged, BidFact, BidGone, BidLost, BidRefused, MarketSeen
from flowbatch.core.facts import Expired
from flowbatch.core.jobs import Job
from flowbatch.core.market import caps, phases
from flowbatch.core.market.budgets import OVER_GROUP, own
from flowbatch.core.market.buying import ledger
from flowbatch.core.market.upkeep import with_bid
from flowbatch.core.states import Running
from flowbatch.core.turn import Turn
from flowbatch.core.waiting import OVER_OWN
from flowbatch.spec.policy import MarketPolicy


def see(turn: Turn, event: MarketSeen) -> None:
    """Prices are these from now on; a pass looks at those that wait."""
    turn.queue.quotes = event.quotes
    if len(turn.queue.indexes.ready):
        turn.queue.pass_by(turn.at)


def hear(turn: Turn, fact: BidFact) -> None:
    """The bid is as its table says, and its job as the table of jobs; of a bid that nobody knows it changes nothing."""
    policy, job = turn.queue.cluster.market, turn.queue.jobs.get(fact.job_id)
    bid = None if job is None else next((one for one in job.bids if one.number == fact.number), None)
    if policy is None or job is None or bid is None:
        return
    after = phases.advance(bid, fact)
    lost = isinstance(fact, BidLost | BidGone) and bid is job.bid
    if after is bid and not lost:
        return
    changed = job if after is bid else with_bid(job, after)
    moves = isinstance(fact, BidLost | BidGone | BidRefused) and turn.advance(changed, fact) is None
    if not moves and after is not bid:
        turn.keep(changed)
    if isinstance(fact, BidLost) and after is not bid:
        _renew(turn, policy, fact.job_id)
    elif isinstance(fact, BidCharged):
        _stop_if_spent(turn, policy, turn.queue.jobs[job.id])
    turn.reconsider(turn.queue.jobs[job.id])


def _renew(turn: Turn, policy: MarketPolicy, job_id: int) -> None:
    """A bid that is open again will serve another placement: that is escrowed, or the bid is withdrawn."""
    job = turn.queue.jobs[job_id]
    bid = job.bid
    if bid is None or bid.phase != "open":
        return
    worst = caps.worst_case(policy, bid.limit_micro_usd, bid.instances, bid.run_limit_s)
    budget = job.spec.market.budget_micro_usd
    within = budget is None or own(job) + worst <= budget
    tries = sum(one.wins for one in job.bids)
    if within and tries < policy.placements and ledger(turn, policy).fits(job.spec.account, worst):
        turn.keep(with_bid(job, phases.renewed(bid, worst, caps.longest_s(policy, bid.run_limit_s))))
    else:
        turn.withdraw(job)


def _stop_if_spent(turn: Turn, policy: MarketPolicy, job: Job) -> None:
    """A run whose money is used up, but for what stopping it costs, is stopped."""
    bid = job.bid
    if bid is None or not isinstance(job.state, Running):
        return
    reason = _used_up(turn, policy, job, bid)
    if reason is not None:
        turn.advance(job, Expired(turn.at, reason))


def _used_up(turn: Turn, policy: MarketPolicy, job: Job, bid: Bid) -> str | None:
    """Which limit leaves no more than what stopping the run and bringing its results back may cost."""
    seconds = policy.grace_s + policy.return_allowance_s
    reserve = caps.billed(bid.limit_micro_usd, bid.instances, seconds)
    budget = job.spec.market.budget_micro_usd
    if budget is not None and sum(one.spent_micro_usd for one in job.bids) + reserve > budget:
        return OVER_OWN
    books = ledger(turn, policy)
    over = any(books.spent(one) + reserve > one.micro_usd for one in books.binding(job.spec.account))
    return OVER_GROUP if over else None
