"""What jobs do on the market, in words that a person understands; squeue keeps Slurm's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from flowbatch.commands.flow.flow_results import BidStatus, MarketStatus
from flowbatch.core.bids import Bid
from flowbatch.core.jobs import Job
from flowbatch.core.market.budgets import OVER_GROUP, Ledger, own
from flowbatch.core.market.means import Short, means
from flowbatch.core.market.plans import Places, Plan, places, plans
from flowbatch.core.ports import Snapshot
from flowbatch.core.quotes import Quote
from flowbatch.core.states import Completing, Finished, Pending, Running, Suspended
from flowbatch.core.waiting import MAX_PLACEMENTS, OVER_OWN, RESOURCES
from flowbatch.spec.policy import Budget, MarketPolicy
from flowbatch.units import DAY, HOUR, MINUTE, dollars, rounded


@dataclass(frozen=True)
class Market:
    """One cluster that rents its machines, at one instant."""

    snapshot: Snapshot
    policy: MarketPolicy
    _plans: dict[int, tuple[Plan, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot) -> Market | None:
        """None for a cluster that rents nothing."""
        policy = snapshot.cluster.market
        return None if policy is None else cls(snapshot, policy)

    @cached_property
    def ledger(self) -> Ledger:
        """What counts against budgets now."""
        shot = self.snapshot
        return Ledger.at(self.policy, shot.at, shot.departed, shot.jobs)

    @cached_property
    def places(self) -> Places:
        return places(self.snapshot.cluster)

    def plans(self, job: Job) -> tuple[Plan, ...]:
        """Where the job could run; the tasks of an array share the answer."""
        if job.spec_id not in self._plans:
            shot = self.snapshot
            self._plans[job.spec_id] = plans(shot.cluster, shot.quotes, job.spec, job.partitions, self.places)
        return self._plans[job.spec_id]

    def quote(self, bid: Bid) -> Quote | None:
        quotes = self.snapshot.quotes
        return None if quotes is None else quotes.quotes.get((bid.instance_type, bid.region))

    def status(self, job: Job) -> MarketStatus:
        return MarketStatus(
            says=self.says(job),
            spent_micro_usd=spent(job),
            worst_micro_usd=own(job),
            settled=all(bid.settled for bid in job.bids),
            budget_micro_usd=job.spec.market.budget_micro_usd,
            bids=tuple(self._bid(bid) for bid in job.bids),
        )

    def says(self, job: Job) -> str | None:
        """What goes on; None where Slurm's reason says it all."""
        match job.state:
            case Pending(reason=reason):
                return self._waits(job, reason)
            case Running() | Suspended() | Completing():
                return self._runs(job)
            case Finished():
                return None if not job.bids else _cost(job)

    def _bid(self, bid: Bid) -> BidStatus:
        quote = self.quote(bid) if bid.live else None
        return BidStatus(
            number=bid.number, fid=bid.fid, phase=bid.phase, instance_type=bid.instance_type, region=bid.region,
            limit_micro_usd=bid.limit_micro_usd, price_micro_usd=None if quote is None else quote.price_micro_usd,
            asked_at=bid.asked_at, since=bid.since, leaves_at=bid.leaves_at, lease_ends_at=bid.lease_ends_at,
            paused=bid.paused, wins=bid.wins, spent_micro_usd=bid.spent_micro_usd, settled=bid.settled, why=bid.why,
        )  # fmt: skip

    def _waits(self, job: Job, reason: str) -> str | None:
        if job.held == MAX_PLACEMENTS:
            return f"held: all of its {self.policy.placements} placements are used up"
        if job.bid is not None:
            return PHASES[job.bid.phase](self, job.bid)
        if reason in (OVER_GROUP, OVER_OWN):
            return self._over_budget(job)
        if reason == RESOURCES:
            return self._unbid(job)
        return None

    def _unbid(self, job: Job) -> str:
        """Why there is no bid, though nothing else is waited for."""
        if job.bids and job.bids[-1].why is not None:
            return f"the market refused bid {job.bids[-1].number}: {job.bids[-1].why}"
        if self.snapshot.quotes is None:
            return "the market's prices are not known yet"
        return "about to bid" if any(plan.fits for plan in self.plans(job)) else "no machine of the market would do now"

    def _over_budget(self, job: Job) -> str:
        lacks = [means(self.ledger, job.spec, own(job), plan) for plan in self.plans(job) if plan.fits]
        short = next((one for one in lacks if isinstance(one, Short)), None)
        return "over budget" if short is None else over(short)

    def _runs(self, job: Job) -> str | None:
        bid = job.bid
        if bid is None:
            return "its machine is gone"
        if isinstance(job.state, Completing):
            return f"ending in {bid.region}; its results are brought back"
        quote = self.quote(bid)
        price = "" if quote is None else f" at {dollars(quote.price_micro_usd)}/h"
        if bid.phase == "leaving":
            return f"preempted in {bid.region}: it is told to save, its machine leaves {self._in(bid.leaves_at)}"
        if isinstance(job.state, Running) and not job.state.launched:
            return f"booting in {bid.region}{price} since {ago(self.snapshot.at - job.state.started_at)}"
        return f"{bid.region}{price}, {rounded(spent(job))} so far"

    def _asked(self, bid: Bid) -> str:
        return f"bidding in {bid.region} at up to {dollars(bid.limit_micro_usd)}/h"

    def _open(self, bid: Bid) -> str:
        quote, cap = self.quote(bid), dollars(bid.limit_micro_usd)
        since = f"bid open since {ago(self.snapshot.at - bid.since)} in {bid.region} at up to {cap}/h"
        if bid.paused:
            return f"bid paused in {bid.region}"
        if quote is None:
            return since
        if quote.price_micro_usd > bid.limit_micro_usd:
            return f"outbid: cap {cap}, price {dollars(quote.price_micro_usd)} in {bid.region}"
        return since + (", no capacity" if quote.capacity < bid.instances else "")

    def _won(self, bid: Bid) -> str:
        return f"won in {bid.region}"

    def _leaving(self, bid: Bid) -> str:
        return f"preempted in {bid.region}: its machine leaves {self._in(bid.leaves_at)}; bidding on"

    def _withdrawn(self, bid: Bid) -> str:
        return f"its bid in {bid.region} is being withdrawn"

    def _in(self, at: int | None) -> str:
        return "soon" if at is None or at <= self.snapshot.at else f"in {ago(at - self.snapshot.at)}"


PHASES: dict[str, Callable[[Market, Bid], str]] = {
    "asked": Market._asked, "open": Market._open, "won": Market._won, "leaving": Market._leaving,
    "withdrawn": Market._withdrawn,
}  # fmt: skip
"""What a live bid means to a job that waits."""


def spent(job: Job) -> int:
    """What all bids of a job have cost so far."""
    return sum(bid.spent_micro_usd for bid in job.bids)


def over(short: Short) -> str:
    """`over budget: account lab has $3.20 of $50.00 left, worst case $8.00`."""
    worst = f"worst case {rounded(short.needed_micro_usd)}"
    left = rounded(short.left_micro_usd)
    if short.budget is None:
        return f"over its own budget: {left} left, {worst} for a minute of it"
    return f"over budget: {whose(short.budget)} has {left} of {dollars(short.budget.micro_usd)} left, {worst}"


def whose(budget: Budget) -> str:
    """`account lab`, `everybody today`."""
    return (f"account {budget.account}" if budget.account else "everybody") + (" today" if budget.per == "day" else "")


def ago(seconds: int) -> str:
    """`40 s`, `2 min`, `3 h`, `2 d`."""
    for unit, size in (("d", DAY), ("h", HOUR), ("min", MINUTE)):
        if seconds >= 2 * size or (seconds >= size and unit == "min"):
            return f"{seconds // size} {unit}"
    return f"{max(0, seconds)} s"


def _cost(job: Job) -> str:
    final = all(bid.settled for bid in job.bids)
    return f"cost {rounded(spent(job))}" + ("" if final else " so far")
