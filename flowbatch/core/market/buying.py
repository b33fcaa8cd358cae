"""The scheduling pass of a cluster that rents its nodes: who is bid for, at what price; who has a machine and starts.

In priority order, but nobody waits behind one whose money does not suffice: as in Slurm, limits of an account hold up its
jobs alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flowbatch.core import limits
from flowbatch.core.accounting.gate import Gate
from flowbatch.core.accounting.usage import binds
from flowbatch.core.bids import Bid
from flowbatch.core.deadlines import ends_by
from flowbatch.core.effects import ChangeBid
from flowbatch.core.facts import Asked, Held, Placed, Waits
from flowbatch.core.jobs import ArrayRest, Job
from flowbatch.core.market import caps, phases
from flowbatch.core.market.budgets import Ledger, own
from flowbatch.core.market.means import Funded, means
from flowbatch.core.market.plans import Plan, alone, candidates, places, plans
from flowbatch.core.market.upkeep import bids_in_line, last_first, with_bid
from flowbatch.core.placing.scheduling import Candidate
from flowbatch.core.placing.sizing import demand
from flowbatch.core.states import Holding, Pending
from flowbatch.core.turn import Turn
from flowbatch.core.waiting import BAD_CONSTRAINTS, MAX_PLACEMENTS, RESOURCES
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import MINUTE

PATIENCE_S = 4 * MINUTE
"""A bid that would not win is left where it is for so long (two rounds of the auction): its own price may fall again."""

MARGIN_PERCENT = 95
"""Another place must be cheaper than this part of its limit before a bid moves there: else it would move back."""


def buy(turn: Turn) -> None:
    """One pass: bids for those that have none, machines for those that have won one, better places for those outbid."""
    queue = turn.queue
    policy = queue.cluster.market
    if policy is None:
        return
    buyer = _Buyer(turn, policy)
    for candidate in list(queue.candidates()):
        buyer.serve(candidate)
    for id in list(queue.indexes.ready):
        buyer.name_wait(queue.jobs[id])
    queue.planned, queue.blocked, queue.pass_due = {}, frozenset(), None


def ledger(turn: Turn, policy: MarketPolicy) -> Ledger:
    """What counts against budgets now."""
    queue = turn.queue
    return Ledger.at(policy, turn.at, queue.departed, (queue.jobs[id] for id in queue.indexes.buyers))


def gate(turn: Turn) -> Gate | None:
    """The limits of accounts, with every job counted that has a bid or a machine; None where none bind."""
    queue, accounts = turn.queue, turn.queue.rulings.accounts
    if not binds(queue.cluster, accounts):
        return None
    buyers = (queue.jobs[id] for id in queue.indexes.buyers)
    return Gate(accounts, (job for job in buyers if job.bids_on or isinstance(job.state, Holding)), turn.at)


@dataclass(frozen=True, slots=True)
class _Offer:
    """What a job could be bid for now."""

    plan: Plan
    node: str
    run_limit_s: int
    worst_micro_usd: int


class _Buyer:
    """One pass under way."""

    def __init__(self, turn: Turn, policy: MarketPolicy) -> None:
        self.turn = turn
        self.policy = policy
        self.cluster: ClusterSpec = turn.queue.cluster
        self.ledger = ledger(turn, policy)
        self.gate = gate(turn)
        self.places = places(self.cluster)
        self.nodes = {node.name: node for node in self.cluster.nodes}
        self.taken = {bid.node for id in turn.queue.indexes.buyers if (bid := turn.queue.jobs[id].bid) is not None}
        self.known: dict[object, tuple[Plan, ...]] = {}

    def serve(self, candidate: Candidate) -> None:
        """Whatever the job needs next."""
        job = candidate.job
        bid = job.bid
        if bid is None:
            self._ask(job.id, candidate.startable)
        elif bid.phase == "won":
            self._place(job, bid)
        elif bid.phase == "open" and self._better_elsewhere(job, bid):
            self.turn.withdraw(job)
        else:
            self._wait(job, RESOURCES)

    def name_wait(self, job: Job) -> None:
        """A task that its array's throttle keeps behind its siblings waits for their machines."""
        if isinstance(job.state, Pending) and job.state.reason == "None":
            self._wait(job, RESOURCES)

    def _ask(self, id: int, startable: int) -> None:
        """Bids for as many of the record's tasks as may start and can be paid."""
        for _ in range(startable):
            job = self.turn.queue.jobs[id]
            if self.turn.queue.room(job) == 0:
                return
            if sum(bid.wins for bid in job.bids) >= self.policy.placements:
                self.turn.advance(job, Held(self.turn.at, MAX_PLACEMENTS))
                return
            if (limit := self._limit(job)) is not None:
                self._wait(job, limit)
                return
            offer = self._offer(job)
            if offer == BAD_CONSTRAINTS:
                self.turn.advance(replace(job, last_evaluated_at=self.turn.at), Held(self.turn.at, BAD_CONSTRAINTS))
                return
            if isinstance(offer, str):
                self._wait(job, offer)
                return
            task = job
            if isinstance(job.array, ArrayRest):
                (task,) = self.turn.detach(job, [job.array.pending.first])
            self.turn.advance(task, Asked(self.turn.at, self._bid(task, offer)))
            self.taken.add(offer.node)
            self.ledger.take(job.spec.account, offer.worst_micro_usd)
            if self.gate is not None:
                self.gate.take(job, None, 0)

    def _limit(self, job: Job) -> str | None:
        """Why limits of its account forbid another bid; time limits are those of the first partition that is there."""
        if self.gate is None:
            return None
        found = next(filter(None, map(self.cluster.partition, job.partitions)), None)
        return None if found is None else self.gate.obstacle(job, limits.time_limit_min(found, job.spec))

    def _offer(self, job: Job) -> _Offer | str:
        """The first plan that has a node left and can be paid; else Slurm's reason to wait. What nothing on the market would
        do for (a held job is not judged at submission) can never run: slurmctld holds it."""
        fitting = [plan for plan in self._plans(job) if plan.fits]
        reason = RESOURCES if fitting or not self.places else BAD_CONSTRAINTS
        for plan in fitting:
            if plan.price_micro_usd is None:
                continue
            node = self._free_node(job, plan)
            if node is None:
                continue
            paid = means(self.ledger, job.spec, own(job), plan)
            if isinstance(paid, Funded):
                return _Offer(plan, node, paid.run_limit_s, paid.worst_micro_usd)
            reason = paid.reason
        return reason

    def _bid(self, job: Job, offer: _Offer) -> Bid:
        plan, at = offer.plan, self.turn.at
        longest = caps.longest_s(self.policy, offer.run_limit_s)
        return Bid(
            number=len(job.bids) + 1,
            node=offer.node,
            instance_type=plan.instance_type,
            region=plan.region,
            limit_micro_usd=plan.limit_micro_usd,
            escrow_micro_usd=offer.worst_micro_usd,
            asked_at=at,
            lease_ends_at=at + self.policy.queue_allowance_s + longest,
            run_limit_s=offer.run_limit_s,
            instances=plan.instances,
            since=at,
            exposure_micro_usd=offer.worst_micro_usd,
            longest_s=longest,
            free_at=at,
        )

    def _place(self, job: Job, bid: Bid) -> None:
        """The job starts on the machine that its bid has won. One that no partition has any more is given up, and one whose
        lease, money or guard does not suffice for another run: the guard allows one placement's length from the boot on, of
        which only the boot's allowance can be left over."""
        node = self.nodes.get(bid.node)
        taken = phases.taken(bid, self.turn.at)
        rise = taken.escrow_micro_usd - bid.escrow_micro_usd
        if taken.wins > bid.wins and sum(one.wins for one in job.bids) >= self.policy.placements:
            self.turn.advance(job, Held(self.turn.at, MAX_PLACEMENTS))
            return
        longest = caps.longest_s(self.policy, bid.run_limit_s)
        lasts = (
            self.turn.at + longest <= bid.lease_ends_at and taken.longest_s - longest <= self.policy.boot_allowance_s
        )
        if not lasts or (rise and not self._affords(job, rise)):
            self.turn.withdraw(job)
            return
        for partition in map(self.cluster.partition, job.partitions):
            if node is None or partition is None or node.name not in partition.nodes:
                continue
            allocation = alone(self.cluster, partition, demand(self.cluster, partition, job.spec), node)
            if allocation is not None:
                end = ends_by(self.cluster, job, partition.name, self.turn.at)
                self.turn.advance(with_bid(job, taken), Placed(self.turn.at, allocation, "Main", end))
                self.ledger.take(job.spec.account, rise)
                return
        self.turn.withdraw(job)

    def _affords(self, job: Job, micro_usd: int) -> bool:
        """Whether so much more can be escrowed for a job."""
        budget = job.spec.market.budget_micro_usd
        within = budget is None or own(job) + micro_usd <= budget
        return within and self.ledger.fits(job.spec.account, micro_usd)

    def _better_elsewhere(self, job: Job, bid: Bid) -> bool:
        """Whether the bid has been losing for a while, and another one would clearly win."""
        quotes = self.turn.queue.quotes
        here = None if quotes is None else quotes.quotes.get((bid.instance_type, bid.region))
        if here is None or (here.price_micro_usd <= bid.limit_micro_usd and here.capacity >= bid.instances):
            return False
        if self.turn.at - bid.since < PATIENCE_S:
            return False
        return any(
            plan.winnable
            and plan.place != (bid.instance_type, bid.region)
            and (plan.price_micro_usd or 0) * 100 <= plan.limit_micro_usd * MARGIN_PERCENT
            and self._free_node(job, plan) is not None
            and self.ledger.fits(job.spec.account, plan.worst_micro_usd - bid.escrow_micro_usd)
            for plan in self._plans(job)
        )

    def _plans(self, job: Job) -> tuple[Plan, ...]:
        """Jobs of one shape share what was found for the first of them."""
        spec = job.spec
        shape = (spec.resources, spec.reboot, spec.time_limit_min, spec.account, spec.market, job.partitions)
        found = self.known.get(shape)
        if found is None:
            quotes = self.turn.queue.quotes
            found = self.known[shape] = plans(self.cluster, quotes, spec, job.partitions, self.places)
        return found

    def _free_node(self, job: Job, plan: Plan) -> str | None:
        """A node of the plan's kind that no bid stands for."""
        partition = self.cluster.partition(plan.partition)
        if partition is None:
            return None
        nodes = candidates(demand(self.cluster, partition, job.spec), self.places[plan.place])
        return next((node.name for node in nodes if node.name not in self.taken), None)

    def _wait(self, job: Job, reason: str) -> None:
        if isinstance(job.state, Pending) and job.state.reason != reason:
            self.turn.advance(replace(job, last_evaluated_at=self.turn.at), Waits(self.turn.at, reason))


def keep_under_caps(turn: Turn) -> None:
    """No live bid has a limit above its job's cap, whatever the policy says now."""
    cluster = turn.queue.cluster
    policy = cluster.market
    if policy is None:
        return
    nodes = {node.name: node for node in cluster.nodes}
    for id in sorted(turn.queue.indexes.buyers):
        job = turn.queue.jobs[id]
        bid = job.bid
        node = None if bid is None else nodes.get(bid.node)
        if bid is None or node is None or node.cloud is None or bid.phase == "withdrawn":
            continue
        most = max((caps.cap(policy, job.spec, name, node.cloud) for name in job.partitions), default=0)
        if bid.limit_micro_usd > most:
            turn.keep(with_bid(job, replace(bid, limit_micro_usd=most)), ChangeBid(job.id, bid.number))


def keep_within_budgets(turn: Turn) -> None:
    """Where a budget does not bear what is in escrow any more, bids of jobs that wait go off the market, the last in line first,
    until it does. What runs keeps what it was promised."""
    policy, jobs = turn.queue.cluster.market, turn.queue.jobs
    if policy is None:
        return
    book = ledger(turn, policy)
    waiting = [jobs[id] for id in turn.queue.indexes.buyers if bids_in_line(jobs[id])]
    for job in last_first(waiting):
        account = job.spec.account
        if any(book.used(budget) > budget.micro_usd for budget in book.binding(account)):
            book.take(account, -sum(bid.escrow_micro_usd for bid in job.bids))
            turn.withdraw(job)
