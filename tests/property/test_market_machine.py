"""A queue on a market that keeps its own books: whatever is told, in whatever order, what is truly paid stays in escrow.

The market of this test bills by the second at up to the limit, gives and takes machines, loses orders for a while and
repeats itself. A placement ends by itself when its time is over, as the machine's own guard sees to it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from flowbatch.core import invariants
from flowbatch.core.effects import ChangeBid, Forget, Launch, PlaceBid, WithdrawBid
from flowbatch.core.events import (
    BidCharged,
    BidGone,
    BidKept,
    BidLeaving,
    BidLost,
    BidPlaced,
    BidRefused,
    BidWon,
    CancelAsked,
    Configured,
    Ended,
    HoldAsked,
    JobRef,
    Launched,
    LaunchFailed,
    MarketSeen,
    NodeLost,
    Passed,
    ReleaseAsked,
    RequeueAsked,
    Submitted,
    TermsAsked,
)
from flowbatch.core.jobs import Owner
from flowbatch.core.market.cloud import Shape, cloud
from flowbatch.core.market.upkeep import wished
from flowbatch.core.queue import Queue, Stepped, step
from flowbatch.core.quotes import Quote, Quotes
from flowbatch.core.states import Completing, ExitStatus, Running
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.job import JobSpec
from flowbatch.spec.market import LimitPrice, MarketTerms
from flowbatch.spec.policy import Budget, MarketPolicy
from flowbatch.spec.resources import Gres, GresRequest, Resources
from flowbatch.store import rows
from flowbatch.units import DAY, HOUR

ADA = Owner(1000, 1000, "ada", "ada")
USD = 1_000_000
POLICY = MarketPolicy(
    placements=4, queue_allowance_s=6 * HOUR, boot_allowance_s=600, upload_allowance_s=300, return_allowance_s=300,
    default_time_s=HOUR, max_time_s=4 * HOUR, other_gpu_hour_cap=USD,
    gpu_hour_caps=(("a100", 2 * USD), ("h100", 4 * USD)),
    budgets=(
        Budget(micro_usd=90 * USD), Budget(micro_usd=70 * USD, account="lab"), Budget(micro_usd=40 * USD, per="day"),
        Budget(micro_usd=30 * USD, account="lab", per="day"),
    ),
)  # fmt: skip
SHAPES = tuple(
    Shape(f"{gpu}.{gpus}x", f"it_{gpu}{gpus}", region, gpu, gpus, 80, 16, 64_000, 100_000)
    for gpu, gpus, region in (("a100", 1, "east"), ("a100", 4, "west"), ("h100", 1, "west"))
)
CLUSTER = cloud("market", POLICY, SHAPES).model_copy(update={"min_job_age_s": 600})
CLUSTERS = [
    CLUSTER,
    CLUSTER.model_copy(update={"job_requeue": False}),
    cloud("market", POLICY, SHAPES[:2]).model_copy(update={"min_job_age_s": 600}),
]
QUOTES = {(shape.instance_type, shape.region): Quote(shape.instance_type, shape.region, USD, 0, 1) for shape in SHAPES}
ids = st.integers(1, 8)
rarely = st.sampled_from([False, False, False, False, True])


@dataclass
class Truth:
    """A bid as it really is. `told`: facts that are on their way, oldest first."""

    limit: int
    longest: int
    lease: int
    phase: str
    paused: bool = False
    won_at: int = 0
    spent: int = 0
    told: deque = field(default_factory=deque)


class MarketMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue, self.twin = Queue(CLUSTER, 1), Queue(CLUSTER, 1)
        self.at = 20_000 * DAY
        self.stored = {}
        self.truths: dict[tuple[int, int], Truth] = {}
        self.paid: dict[tuple[str | None, int], int] = {}
        self.placed = set()
        self.accounts: dict[int, str | None] = {}
        self.do(MarketSeen(self.at, Quotes(self.at, QUOTES)))

    def do(self, event) -> Stepped:
        before = dict(self.queue.jobs)
        stepped = step(self.queue, event)
        assert step(self.twin, event) == stepped
        invariants.check_step(before, self.queue)
        for id, job in stepped.changed.items():
            self.stored[id] = rows.job_row(job), job.spec
        for id in stepped.dropped:
            del self.stored[id]
        for order in stepped.orders:
            self.obey(order)
        return stepped

    def told(self, event) -> None:
        """Everything is said twice."""
        self.do(event)
        before = dict(self.queue.jobs)
        again = self.do(event)
        orders = [Forget(event.job_id, event.restart)] if isinstance(event, Ended | LaunchFailed) else []
        assert again.orders == orders and again.changed == {}
        assert self.queue.jobs == before

    def obey(self, order) -> None:
        """What the market makes of an order; carried out twice it is the same as once."""
        if isinstance(order, Launch):
            assert (order.job_id, order.restart) not in self.placed
            self.placed.add((order.job_id, order.restart))
            bid = self.queue.jobs[order.job_id].bid
            truth = self.truths[order.job_id, bid.number]
            truth.longest = max(truth.longest, bid.longest_s)
        if not isinstance(order, PlaceBid | ChangeBid | WithdrawBid):
            return
        key = order.job_id, order.number
        truth = self.truths.get(key)
        bid = self.queue.jobs[order.job_id].bids[order.number - 1]
        if isinstance(order, PlaceBid) and truth is None:
            self.truths[key] = Truth(bid.limit_micro_usd, bid.longest_s, bid.lease_ends_at, "sent", bid.paused)
        elif isinstance(order, ChangeBid):
            truth.limit, truth.paused = bid.limit_micro_usd, bid.paused
        elif isinstance(order, WithdrawBid):
            if truth is None:
                truth = self.truths[key] = Truth(0, 0, 0, "sent")
            self.end(key, truth)

    def end(self, key, truth) -> None:
        if truth.phase != "gone":
            truth.phase = "gone"
            truth.told.append(BidGone(self.at, *key))

    def bill(self, seconds, price_percent) -> None:
        """Time goes by, and machines are paid for: at the limit or below, and no longer than their guards allow."""
        over = []
        for (job_id, number), truth in self.truths.items():
            if truth.phase in ("won", "leaving"):
                left = truth.won_at + truth.longest - self.at
                cost = truth.limit * max(0, min(seconds, left)) * price_percent // 100 // HOUR
                truth.spent += cost
                who = self.owner((job_id, number))
                for day in {self.at // DAY, (self.at + seconds) // DAY}:  # counted on both: harder than the truth
                    self.paid[who, day] = self.paid.get((who, day), 0) + cost
                if left <= seconds:
                    over.append((job_id, number))
            elif truth.phase == "open" and self.at + seconds >= truth.lease:
                over.append((job_id, number))
        self.at += seconds
        for key in over:
            self.end(key, self.truths[key])

    @rule(
        gpus=st.sampled_from([1, 1, 2, 4]), model=st.sampled_from([None, "h100"]), account=st.sampled_from([None, "lab"]),
        limit=st.none() | st.integers(1, 6), budget=st.none() | st.integers(1, 30), tasks=st.sampled_from([0, 0, 3]),
        throttle=st.sampled_from([None, 1, 2]), minutes=st.none() | st.integers(1, 180), hold=rarely,
        requeue=st.sampled_from([None, None, True, False]), begin=st.sampled_from([None, None, None, 0, 900]),
        deadline=st.sampled_from([None, None, None, 3000, 9000]),
    )  # fmt: skip
    def submit(
        self, gpus, model, account, limit, budget, tasks, throttle, minutes, hold, requeue, begin, deadline
    ) -> None:
        wish = Resources(gres=GresRequest(per_node=(Gres(name="gpu", type=model, count=gpus),)))
        terms = MarketTerms(
            limit_price=None if limit is None else LimitPrice(micro_usd_per_hour=limit * USD),
            budget_micro_usd=None if budget is None else budget * USD,
        )
        ranges = (IndexRange(first=1, last=tasks),)
        spec = JobSpec(
            name="j", work_dir="/", resources=wish, account=account, market=terms, time_limit_min=minutes, hold=hold,
            array=ArraySpec(text="", ranges=ranges, throttle=throttle) if tasks else None, requeue=requeue,
            begin=None if begin is None else self.at + begin, deadline=None if deadline is None else self.at + deadline,
        )  # fmt: skip
        self.do(Submitted(self.at, ADA, spec))
        self.do(Passed(self.at))

    @rule(seconds=st.sampled_from([0, 0, 1, 60, 600, 2400, 20_000]), price=st.sampled_from([100, 100, 50, 0]))
    def passed(self, seconds, price) -> None:
        self.bill(seconds, price)
        self.do(Passed(self.at))
        wake = self.queue.next_wake()
        assert wake is None or wake > self.at
        assert self.do(Passed(self.at)) == Stepped()

    @rule(price=st.integers(0, 8), free=st.integers(0, 2), data=st.data())
    def prices(self, price, free, data) -> None:
        chosen = data.draw(st.sampled_from(SHAPES))
        quotes = dict(QUOTES)
        key = chosen.instance_type, chosen.region
        quotes[key] = Quote(*key, price * USD, 0, free)
        self.do(MarketSeen(self.at, Quotes(self.at, quotes)))
        self.do(Passed(self.at))

    def any(self, *phases) -> bool:
        return any(truth.phase in phases for truth in self.truths.values())

    def some(self, data, *phases):
        return data.draw(st.sampled_from(sorted(key for key, truth in self.truths.items() if truth.phase in phases)))

    def becomes(self, key, phase, fact, late) -> None:
        """The bid is so from now on; the news of it comes at once, behind all that was not told yet, or later."""
        truth = self.truths[key]
        truth.phase = phase
        truth.told.append(fact)
        while truth.told and not late:
            self.told(truth.told.popleft())
        self.do(Passed(self.at))

    @precondition(lambda self: self.any("sent"))
    @rule(data=st.data(), late=rarely, refuses=rarely)
    def the_market_takes_a_bid(self, data, late, refuses) -> None:
        key = self.some(data, "sent")
        fact = BidRefused(self.at, *key, "quota") if refuses else BidPlaced(self.at, *key, "bid_x")
        self.becomes(key, "gone" if refuses else "open", fact, late)

    @precondition(lambda self: self.any("open"))
    @rule(data=st.data(), late=rarely)
    def a_bid_wins(self, data, late) -> None:
        key = self.some(data, "open")
        truth = self.truths[key]
        if truth.paused or any(isinstance(fact, BidLost) for fact in truth.told):
            return  # that it lost its machine a moment ago is known before it wins another
        truth.won_at = self.at
        self.becomes(key, "won", BidWon(self.at, *key), late)

    @precondition(lambda self: self.any("won"))
    @rule(data=st.data(), late=rarely)
    def a_notice(self, data, late) -> None:
        key = self.some(data, "won")
        self.becomes(key, "leaving", BidLeaving(self.at, *key, self.at + 300), late)

    @precondition(lambda self: self.any("leaving"))
    @rule(data=st.data(), late=rarely)
    def a_notice_is_taken_back(self, data, late) -> None:
        key = self.some(data, "leaving")
        self.becomes(key, "won", BidKept(self.at, *key), late)

    @precondition(lambda self: self.any("won", "leaving"))
    @rule(data=st.data(), late=rarely)
    def a_machine_is_taken(self, data, late) -> None:
        key = self.some(data, "won", "leaving")
        self.becomes(key, "open", BidLost(self.at, *key), late)

    @precondition(lambda self: self.any("open", "won", "leaving"))
    @rule(data=st.data(), late=rarely)
    def somebody_ends_a_bid(self, data, late) -> None:
        key = self.some(data, "open", "won", "leaving")
        self.becomes(key, "gone", BidGone(self.at, *key), late)

    @precondition(lambda self: any(truth.told for truth in self.truths.values()))
    @rule(data=st.data(), all_of_it=st.booleans())
    def news_arrive(self, data, all_of_it) -> None:
        keys = [key for key, truth in self.truths.items() if truth.told]
        truth = self.truths[data.draw(st.sampled_from(keys))]
        while truth.told:
            self.told(truth.told.popleft())
            if not all_of_it:
                return

    @precondition(lambda self: self.truths)
    @rule(data=st.data())
    def the_bill_so_far(self, data) -> None:
        key = data.draw(st.sampled_from(sorted(self.truths)))
        truth = self.truths[key]
        final = truth.phase == "gone" and not truth.told
        self.told(BidCharged(self.at, *key, truth.spent, final))

    @rule(data=st.data(), kind=st.sampled_from([BidPlaced, BidRefused, BidWon, BidLeaving, BidKept, BidLost, BidGone]))
    def old_news(self, data, kind) -> None:
        """Of bids that are gone, or never were."""
        known = [key for key, truth in self.truths.items() if truth.phase == "gone" and not truth.told]
        key = data.draw(st.sampled_from([*known, (1, 99), (99, 1)]))
        more = {BidPlaced: ("bid_y",), BidRefused: ("no",), BidLeaving: (self.at + 9,)}.get(kind, ())
        assert self.do(kind(self.at, *key, *more)) == Stepped()

    def holding(self):
        return [job for job in self.queue.jobs.values() if isinstance(job.state, Running | Completing)]

    @precondition(lambda self: self.holding())
    @rule(data=st.data(), code=st.integers(0, 1), cause=st.sampled_from(["exit", "timeout", "killed", "preempted"]))
    def a_run_ends(self, data, code, cause) -> None:
        job = data.draw(st.sampled_from(self.holding()))
        self.told(Launched(self.at, job.id, job.restarts))
        self.told(Ended(self.at, job.id, job.restarts, ExitStatus(code), cause))

    @precondition(lambda self: self.holding())
    @rule(data=st.data())
    def a_run_begins(self, data) -> None:
        job = data.draw(st.sampled_from(self.holding()))
        self.told(Launched(self.at, job.id, job.restarts))

    @rule(id=ids, restart=st.integers(0, 3), kind=st.sampled_from([Launched, LaunchFailed, NodeLost]))
    def a_node_says_anything(self, id, restart, kind) -> None:
        self.told(kind(self.at, id, restart, *({LaunchFailed: ("JobLaunchFailure",)}.get(kind, ()))))

    @rule(id=ids, ask=st.sampled_from([CancelAsked, HoldAsked, ReleaseAsked, RequeueAsked]))
    def asked(self, id, ask) -> None:
        assert len(self.do(ask(self.at, 1000, (JobRef(id),))).reply) == 1

    @rule(
        id=ids,
        limit=st.none() | st.integers(1, 9),
        minutes=st.none() | st.integers(1, 240),
        by=st.sampled_from([0, 1000]),
    )
    def other_terms(self, id, limit, minutes, by) -> None:
        price = None if limit is None else limit * USD
        self.do(TermsAsked(self.at, by, (JobRef(id),), price, minutes))

    @rule(cluster=st.sampled_from(CLUSTERS))
    def configured(self, cluster) -> None:
        self.do(Configured(self.at, cluster))

    @precondition(lambda self: self.stored)
    @rule()
    def the_controller_starts_again(self) -> None:
        jobs = [rows.job(*row) for row in self.stored.values()]
        self.queue = Queue(self.queue.cluster, self.queue.next_job_id, jobs, self.queue.departed)
        self.twin = Queue(self.queue.cluster, self.queue.next_job_id, reversed(jobs), self.queue.departed)
        for job in jobs:
            if (order := wished(job)) is not None:
                self.obey(order)

    @invariant()
    def all_is_well(self) -> None:
        invariants.check(self.queue)
        assert {id: rows.job(*row) for id, row in self.stored.items()} == self.queue.jobs

    @invariant()
    def what_is_paid_was_in_escrow(self) -> None:
        for (job_id, number), truth in self.truths.items():
            if (job := self.queue.jobs.get(job_id)) is not None:
                bid = job.bids[number - 1]
                assert truth.spent <= bid.spent_micro_usd + bid.escrow_micro_usd, (truth, bid)
        for budget in (one for one in POLICY.budgets if one.per == "day"):
            for day in {day for _, day in self.paid}:
                paid = sum(
                    cost
                    for (account, when), cost in self.paid.items()
                    if budget.account in (None, account) and when == day
                )
                assert paid <= budget.micro_usd, (budget, self.paid)
        assert sum(truth.spent for truth in self.truths.values()) <= POLICY.budgets[0].micro_usd
        lab = sum(truth.spent for key, truth in self.truths.items() if self.owner(key) == "lab")
        assert lab <= POLICY.budgets[1].micro_usd

    def owner(self, key) -> str | None:
        job = self.queue.jobs.get(key[0])
        return self.accounts.setdefault(key[0], job.spec.account if job else None)


TestMarketMachine = MarketMachine.TestCase
TestMarketMachine.settings = settings(
    max_examples=40, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck)
)
