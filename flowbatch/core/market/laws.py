"""What is true of bids and money after every step, while no budget was lowered and no partition taken away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flowbatch.core.jobs import Job
from flowbatch.core.market import caps
from flowbatch.core.market.budgets import Ledger, own
from flowbatch.core.market.upkeep import bids_in_line
from flowbatch.core.records import Queue
from flowbatch.core.states import Completing, Finished, Pending, Running
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import DAY, dollars

Law = Callable[[Queue, MarketPolicy], Iterator[str]]


def broken(queue: Queue) -> Iterator[str]:
    """Every law that does not hold, in words; none where nothing is rented."""
    policy = queue.cluster.market
    if policy is not None:
        for law in LAWS:
            yield from law(queue, policy)


def _buyers(queue: Queue) -> Iterator[Job]:
    return (job for job in queue.jobs.values() if job.bids)


def _one_live_bid(queue: Queue, policy: MarketPolicy) -> Iterator[str]:
    """A job has one live bid at most, the last; a node stands for one live bid."""
    holders: dict[str, int] = {}
    for job in _buyers(queue):
        if [bid.number for bid in job.bids] != list(range(1, len(job.bids) + 1)):
            yield f"job {job.id} has bids {[bid.number for bid in job.bids]}"
        if any(bid.live for bid in job.bids[:-1]):
            yield f"job {job.id} has a live bid that is not its last"
        if job.bid is not None and (other := holders.setdefault(job.bid.node, job.id)) != job.id:
            yield f"jobs {other} and {job.id} have bids for {job.bid.node}"


def _bids_suit_states(queue: Queue, policy: MarketPolicy) -> Iterator[str]:
    """Who holds a machine has it by its bid; who is over has none on the market, who is held none that may win."""
    for job in queue.jobs.values():
        bid, state = job.bid, job.state
        if isinstance(state, Running | Completing):
            if (
                bid is None
                or bid.phase not in ("won", "leaving", "withdrawn")
                or bid.node not in state.allocation.nodes
            ):
                yield f"job {job.id} runs on {state.allocation.nodes} with bid {bid}"
        elif bid is None or bid.phase == "withdrawn":
            continue
        elif isinstance(state, Finished):
            yield f"job {job.id} is over and its bid {bid.number} is {bid.phase}"
        elif isinstance(state, Pending) and bid.paused != (job.held is not None):
            yield f"job {job.id} is held by {job.held} and its bid {bid.number} is {bid}"


def _limits(queue: Queue, policy: MarketPolicy) -> Iterator[str]:
    """No bid is above its job's cap; each has its lease, with room for a placement."""
    nodes = {node.name: node for node in queue.cluster.nodes}
    for job in _buyers(queue):
        bid = job.bid
        if bid is None or bid.phase == "withdrawn":
            continue
        place = nodes[bid.node].cloud if bid.node in nodes else None
        most = [caps.cap(policy, job.spec, name, place) for name in job.partitions] if place is not None else []
        if most and bid.limit_micro_usd > max(most):
            yield f"bid {bid.number} of job {job.id} is at {dollars(bid.limit_micro_usd)}, its cap {dollars(max(most))}"
        if not bid.asked_at + bid.run_limit_s <= bid.asked_at + bid.longest_s <= bid.lease_ends_at:
            yield f"bid {bid.number} of job {job.id} has no lease for what it is made for: {bid}"


def _money(queue: Queue, policy: MarketPolicy) -> Iterator[str]:
    """A bid that may win has its worst case in escrow, what is settled nothing; every day's part adds up; no budget is exceeded by the worst case."""
    for job in _buyers(queue):
        for bid in job.bids:
            if bid.settled and (bid.escrow_micro_usd or bid.exposure_micro_usd):
                yield f"bid {bid.number} of job {job.id} is settled and has {bid.escrow_micro_usd} in escrow"
            worst = caps.billed(bid.limit_micro_usd, bid.instances, bid.longest_s)
            if bid.phase not in ("withdrawn", "gone") and bid.exposure_micro_usd < worst:
                yield f"bid {bid.number} of job {job.id} may cost {dollars(worst)}, escrowed as {bid}"
            if min(bid.escrow_micro_usd, bid.spent_micro_usd, bid.exposure_micro_usd) < 0:
                yield f"bid {bid.number} of job {job.id} counts backwards: {bid}"
            if sum(micro_usd for _, micro_usd in bid.by_day) != bid.spent_micro_usd:
                yield f"bid {bid.number} of job {job.id} has spent {bid.spent_micro_usd}, by days {bid.by_day}"
        budget = job.spec.market.budget_micro_usd
        if budget is not None and own(job) > budget:
            yield f"job {job.id} may cost {dollars(own(job))}, its budget is {dollars(budget)}"
    now = max((max(bid.asked_at, bid.since) for job in _buyers(queue) for bid in job.bids), default=0)
    ledger = Ledger.at(policy, now // DAY * DAY, queue.departed, queue.jobs.values())
    for one in policy.budgets:
        # One that was lowered may bear less than what runs was promised, or what is still to leave the market: then nobody bids.
        buyers = [job for job in _buyers(queue) if one.covers(job.spec.account)]
        leaving = sum(bid.escrow_micro_usd for job in buyers for bid in job.bids if bid.phase == "withdrawn")
        if any(map(bids_in_line, buyers)) and ledger.used(one) - leaving > one.micro_usd:
            yield f"{dollars(ledger.used(one))} may be spent of {one!r}"


LAWS: tuple[Law, ...] = (_one_live_bid, _bids_suit_states, _limits, _money)
