"""The rules against the market's own books: a queue that buys, a market that really holds auctions and bills by the second.

Both halves are the real ones, and so are what stands between them: the guard of each machine (`node.guard.Watch`), what is believed of a
look at the market (`Belief`), and what a controller that starts again owes (`recovery`). This file only carries words from one
to the other, late, twice, or not at all, while controllers die and come back. Judged is by the market's ledger, never by our records.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from flowbatch.backends.contract import BidKey
from flowbatch.backends.mithril.bids import BEGAN
from flowbatch.backends.mithril.sights import Belief, Sight
from flowbatch.controller import recovery
from flowbatch.core import invariants
from flowbatch.core.arrays import throttle
from flowbatch.core.effects import ChangeBid, Effect, Forget, Launch, PlaceBid, Stop, WithdrawBid
from flowbatch.core.events import (
    BidCharged,
    BidGone,
    BidRefused,
    CancelAsked,
    Ended,
    Event,
    HoldAsked,
    JobRef,
    Launched,
    MarketSeen,
    NodeLost,
    Passed,
    ReleaseAsked,
    RequeueAsked,
    Submitted,
    TermsAsked,
)
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.market import caps
from flowbatch.core.market.budgets import OVER_GROUP
from flowbatch.core.market.cloud import Shape, cloud
from flowbatch.core.market.plans import plans
from flowbatch.core.queue import Queue, Stepped, step
from flowbatch.core.quotes import Quote, Quotes
from flowbatch.core.states import Completing, ExitStatus, Finished, Pending, Running
from flowbatch.core.waiting import OVER_OWN
from flowbatch.ids import StoreId
from flowbatch.node.guard import Watch
from flowbatch.sandbox.market import happenings
from flowbatch.sandbox.market.catalogue import CENT, Offer
from flowbatch.sandbox.market.engine import Market, Terms
from flowbatch.sandbox.market.invariants import faults
from flowbatch.sandbox.market.lives import Delays
from flowbatch.sandbox.market.records import Order
from flowbatch.sandbox.market.refusal import Refused
from flowbatch.sandbox.market.rivals import CrowdTerms
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.job import JobSpec
from flowbatch.spec.market import LimitPrice, MarketTerms
from flowbatch.spec.policy import Budget, MarketPolicy
from flowbatch.spec.resources import Gres, GresRequest, Resources
from flowbatch.store import rows
from flowbatch.store.contract import Loaded
from flowbatch.units import DAY, HOUR, MINUTE

ADA = Owner(1000, 1000, "ada", "ada")
STORE = StoreId("0123456789ab")
USD = 1_000_000
START = 20_000 * DAY + 20 * HOUR
BUDGETS = (
    Budget(micro_usd=150 * USD), Budget(micro_usd=90 * USD, account="lab"), Budget(micro_usd=60 * USD, per="day"),
    Budget(micro_usd=40 * USD, account="lab", per="day"),
)  # fmt: skip
POLICY = MarketPolicy(
    placements=4, queue_allowance_s=12 * HOUR, boot_allowance_s=600, upload_allowance_s=300, return_allowance_s=300,
    grace_s=60, default_time_s=HOUR, max_time_s=4 * HOUR, other_gpu_hour_cap=3 * USD,
    gpu_hour_caps=(("a100", 4 * USD), ("h100", 6 * USD)), budgets=BUDGETS,
)  # fmt: skip
SHAPES = tuple(
    Shape(f"{gpu}.{gpus}x", f"it_{gpu}{gpus}", region, gpu, gpus, 80, 16, 64_000, 100_000)
    for gpu, gpus, region in (("a100", 1, "east"), ("a100", 2, "west"), ("h100", 1, "west"))
)
OFFERS = [Offer(shape.fid, shape.region, 2, 50 * CENT, 150 * CENT * shape.gpus) for shape in SHAPES]
CLUSTER = cloud("market", POLICY, SHAPES).model_copy(update={"min_job_age_s": 600})
LOOK_S = 600
ids = st.integers(1, 8)
places = st.integers(0, len(SHAPES) - 1)
rarely = st.sampled_from([False, False, False, False, True])


@dataclass
class Host:
    """One instance while it is up. `uploading`, `running`: (placement, when that ends)."""

    bid: str
    watch: Watch
    lease: dict
    came: str = ""
    uploading: tuple[tuple[int, int], int] | None = None
    running: tuple[tuple[int, int], int, str] | None = None


@dataclass
class Disk:
    """What of an instance outlives a boot: the reports that nobody has confirmed, and what its guard has written down."""

    reports: dict[tuple[int, int], Event] = field(default_factory=dict)
    past: dict | None = None


@dataclass
class Seen:
    """What one controller holds of one bid."""

    belief: Belief
    wish: str = "there"
    news: deque = field(default_factory=deque)
    charged: int = 0
    told_final: bool = False


class LedgerMachine(RuleBasedStateMachine):
    @initialize(
        seed=st.integers(0, 3), crowd=st.sampled_from([None, None, CrowdTerms(demand=1.2, lifetime_s=2 * HOUR)]),
        saves=st.booleans(),
    )  # fmt: skip
    def open(self, seed, crowd, saves) -> None:
        delays = Delays(notice_s=300, boot_s=30)
        self.market = Market(Terms(seed=str(seed), delays=delays, crowd=crowd), START, OFFERS)
        self.saves, self.upload_s, self.breaks = saves, 60, False
        self.stubborn = False
        self.at = START
        self.queue = Queue(CLUSTER, 1)
        self.stored: dict[int, tuple[str, JobSpec]] = {}
        self.departed: dict = {}
        self.alive, self.deaf = True, False
        self.commits_left: int | None = None
        self.orders: deque[tuple[Effect, Job | None]] = deque()
        self.launches: dict[tuple[int, int], tuple[str, int]] = {}
        self.stops: set[tuple[int, int]] = set()
        self.seen: dict[str, Seen] = {}
        self.looked_at = self.at
        self.hosts: dict[str, Host] = {}
        self.disks: dict[str, Disk] = {}
        self.ran: set[tuple[int, int]] = set()
        self.accounts: dict[int, str | None] = {}
        self.budgets: dict[int, int | None] = {}
        self.limits: dict[str, int] = {}
        self.fids: dict[str, str] = {}
        self.look()

    # ---- the controller

    def do(self, event: Event) -> Stepped:
        """A fact, stepped and committed; its orders wait."""
        before = dict(self.queue.jobs)
        stepped = step(self.queue, event)
        invariants.check_step(before, self.queue)
        for id, job in stepped.changed.items():
            self.stored[id] = rows.job_row(job), job.spec
            self.accounts[id], self.budgets[id] = job.spec.account, job.spec.market.budget_micro_usd
            for bid in job.bids:
                name = self.name(id, bid.number)
                self.limits[name] = max(self.limits.get(name, 0), bid.limit_micro_usd)
        for id in stepped.dropped:
            del self.stored[id]
        for key, micro_usd in stepped.departed.items():
            self.departed[key] = self.departed.get(key, 0) + micro_usd
        self.orders += [(order, stepped.changed.get(getattr(order, "job_id", 0))) for order in stepped.orders]
        if self.commits_left is not None:
            self.commits_left -= 1
            if self.commits_left <= 0:
                self.die()
        return stepped

    def tell(self, fact: Event) -> None:
        """Everything is said twice."""
        for _ in range(2):
            if self.alive:
                self.do(fact)

    def die(self) -> None:
        """What was committed is all that is left of it."""
        self.alive, self.commits_left = False, None
        self.orders.clear()
        self.launches.clear()
        self.stops.clear()
        self.seen.clear()
        for host in self.hosts.values():
            host.uploading = None

    def name(self, job_id: int, number: int) -> str:
        return str(BidKey(STORE, job_id, number))

    def numbers(self, name: str) -> tuple[int, int]:
        _, _, job, number = name.split("-")
        return int(job), int(number)

    def carry_out(self) -> None:
        """Orders in their order, unless the market is not heard: then they wait."""
        while self.alive and not self.deaf and self.orders:
            self.obey(*self.orders.popleft())

    def obey(self, order: Effect, job: Job | None) -> None:
        if isinstance(order, Launch):
            assert job is not None
            if isinstance(job.state, Running) and job.bid is not None:
                self.launches[order.job_id, order.restart] = (
                    self.name(job.id, job.bid.number), min(job.bid.run_limit_s, job.state.ends_by - job.state.started_at),
                )  # fmt: skip
        elif isinstance(order, Stop):
            self.stops.add((order.job_id, order.restart))
        elif isinstance(order, Forget):
            key = (order.job_id, order.restart)
            self.launches.pop(key, None)
            self.stops.discard(key)
            for disk in self.disks.values():
                disk.reports.pop(key, None)
        elif isinstance(order, WithdrawBid):
            name = self.name(order.job_id, order.number)
            self.seen.setdefault(name, Seen(Belief("unseen"))).wish = "gone"
        elif isinstance(order, PlaceBid | ChangeBid):
            bid = next((one for one in job.bids if one.number == order.number), None) if job is not None else None
            if bid is None or bid.phase in ("withdrawn", "gone"):
                return
            name = self.name(order.job_id, order.number)
            if isinstance(order, PlaceBid):
                self.place(name, bid)
            elif name in self.fids and self.market.bids[self.fids[name]].status != "Terminated":
                limit = bid.limit_micro_usd // CENT * CENT
                self.happened(self.market.change(self.fids[name], self.at, limit_micro_usd=limit, paused=bid.paused))

    def place(self, name, bid) -> None:
        """Looked for by its name before it is sent."""
        seen = self.seen.setdefault(name, Seen(Belief("unseen")))
        if name in self.fids or seen.wish == "gone":
            return
        shape = next(one for one in SHAPES if (one.instance_type, one.region) == (bid.instance_type, bid.region))
        lease = {
            "ends_at": bid.lease_ends_at, "run_limit_s": bid.run_limit_s, "boot_s": POLICY.boot_allowance_s,
            "upload_s": POLICY.upload_allowance_s, "grace_s": POLICY.grace_s, "return_s": POLICY.return_allowance_s,
        }  # fmt: skip
        limit = bid.limit_micro_usd // CENT * CENT
        order = Order(name, "proj", "ada", shape.fid, shape.region, limit, bid.instances, launch=lease)
        try:
            placed, happened = self.market.place(order, self.at)
        except Refused as no:
            seen.news.append(BidRefused(self.at, *self.numbers(name), str(no)))
            seen.told_final = True
            return
        self.fids[name] = placed.fid
        self.happened(happened)

    def look(self) -> None:
        """The market is asked, and what it shows is told."""
        if not self.alive or self.deaf:
            return
        self.looked_at = self.at
        for name in list(self.seen):
            if self.alive:
                self.look_at(name)
        self.visit()
        prices = {}
        for quote in self.market.quotes():
            shape = next(one for one in SHAPES if one.fid == quote.instance_type and one.region == quote.region)
            key = shape.instance_type, shape.region
            prices[key] = Quote(*key, quote.price_micro_usd, quote.floor_micro_usd, quote.capacity)
        if self.alive:
            self.do(MarketSeen(self.at, Quotes(self.at, prices)))

    def look_at(self, name: str) -> None:
        seen, numbers = self.seen[name], self.numbers(name)
        there = self.market.bids.get(self.fids.get(name, ""))
        while self.alive and seen.news:
            self.tell(seen.news.popleft())
        if not self.alive or seen.told_final:
            return
        if seen.wish == "gone" and there is not None and there.status != "Terminated":
            self.happened(self.market.remove(there.fid, self.at))
        cost = 0 if there is None else self.market.ledger.of_bid(there.fid, self.at)
        if cost > seen.charged and seen.belief.stage != "gone":
            seen.charged = cost
            self.tell(BidCharged(self.at, *numbers, cost))
        if there is not None and seen.belief.stage != "gone":
            sight = Sight(there.status, there.limit_micro_usd, until=there.leaves_at)
            for fact in seen.belief.take(BidKey(STORE, *numbers), there.fid, sight, self.at, float(self.at), 0.0):
                if self.alive:
                    self.tell(fact)
        elif there is None and seen.wish == "gone" and seen.belief.stage != "gone":
            seen.belief.stage = "gone"
            self.tell(BidGone(self.at, *numbers))
        if self.alive and seen.belief.stage == "gone":
            seen.told_final = True
            self.tell(BidCharged(self.at, *numbers, cost, True))

    def visit(self) -> None:
        """The controller is at each machine that is up: brings work, takes reports home, ends what is to end."""
        for fid, host in list(self.hosts.items()):
            disk = self.disks[fid]
            for key in [key for key in self.stops if self.is_at(key, host)]:
                if host.running is not None and host.running[0] == key and not self.stubborn:
                    self.end_run(fid, "killed")
                elif key not in disk.reports:
                    host.uploading = None if host.uploading and host.uploading[0] == key else host.uploading
                    disk.reports[key] = NodeLost(self.at, *key)
            for key, (bid, _) in self.launches.items():
                unknown = key not in disk.reports and key not in self.stops
                if bid == host.bid and unknown and host.uploading is None and host.running is None:
                    host.came = str(self.at)
                    host.uploading = key, self.at + self.upload_s
            for report in list(disk.reports.values()):
                if self.alive:
                    self.tell(report)

    def is_at(self, key, host) -> bool:
        job = self.queue.jobs.get(key[0])
        return job is not None and bool(job.bids) and self.name(job.id, job.bids[-1].number) == host.bid

    def pass_by(self) -> None:
        """What the controller does at this instant."""
        self.carry_out()
        if self.alive and not self.deaf:
            self.look()
        for _ in range(20):
            if not self.alive:
                return
            wake = self.queue.next_wake()
            if wake is not None and wake <= self.at:
                self.do(Passed(self.at))
            if not self.orders or self.deaf or not self.alive:
                return
            self.carry_out()
            for name in list(self.seen):
                if self.alive:
                    self.look_at(name)
            if self.alive:
                self.visit()
        raise AssertionError("the controller and the market never come to rest")

    # ---- the world

    def happened(self, told) -> None:
        for one in told:
            for fid in one.instances:
                if isinstance(one, happenings.Boot):
                    self.boot(fid, one.bid, one.number)
                elif isinstance(one, happenings.Leaving) and fid in self.hosts and self.saves:
                    self.end_run(fid, "preempted")
                elif isinstance(one, happenings.Lost | happenings.Paused | happenings.Ended):
                    self.halt(fid)

    def boot(self, fid, bid, number) -> None:
        if self.breaks:
            self.breaks = False
            self.happened(self.market.failed(fid, self.at, "broken", number))
            return
        record = self.market.bids[bid]
        disk = self.disks.setdefault(fid, Disk())
        watch = Watch(record.launch, self.at, self.at, past=disk.past)
        self.hosts[fid] = Host(record.name, watch, record.launch)
        self.happened(self.market.booted(fid, self.at, number))

    def halt(self, fid) -> None:
        host = self.hosts.pop(fid, None)
        if host is None:
            return
        self.disks[fid].past = host.watch.past(self.at)
        if host.running is not None:
            self.disks[fid].reports[host.running[0]] = NodeLost(self.at, *host.running[0])

    def end_run(self, fid, cause) -> None:
        host = self.hosts[fid]
        if host.running is not None:
            key, host.running = host.running[0], None
            self.disks[fid].reports[key] = Ended(self.at, *key, ExitStatus(0), cause)

    def standing(self, fid) -> str:
        if self.hosts[fid].running is not None:
            return "busy"
        return "over" if any(isinstance(one, Ended) for one in self.disks[fid].reports.values()) else ""

    def guard_due(self, fid, to: int) -> int | None:
        """The first instant up to `to` at which the guard of this machine deletes its bid, if nothing changes before."""
        host = self.hosts[fid]
        if host.watch.due(host.lease, to, to) is None:
            return None
        early, late = self.at - 1, to
        while late - early > 1:
            middle = (early + late) // 2
            early, late = (early, middle) if host.watch.due(host.lease, middle, middle) else (middle, late)
        return late

    def turn(self) -> None:
        """Everything that is due now, but for the controller."""
        self.happened(self.market.advance(self.at))
        for fid in list(self.hosts):
            if (host := self.hosts.get(fid)) is None:
                continue
            if host.uploading is not None and host.uploading[1] <= self.at:
                (key, _), host.uploading = host.uploading, None
                assert key not in self.ran, f"{key} runs twice"
                self.ran.add(key)
                natural = (key[0] * 37 % 11 + 1) * 20 * MINUTE
                limit = self.launches[key][1] if key in self.launches else POLICY.max_time_s
                cause = "exit" if natural < limit else "timeout"
                host.running = key, self.at + min(natural, limit), cause
                self.disks[fid].reports[key] = Launched(self.at, *key)
            if host.running is not None and host.running[1] <= self.at and not self.stubborn:
                self.end_run(fid, host.running[2])
            host.watch.look(host.came, self.standing(fid), self.at)
            if host.watch.due(host.lease, self.at, self.at) is not None:
                self.happened(self.market.remove(self.market.instances[fid].bid, self.at))

    def until(self, to: int) -> None:
        """Time passes from one thing that happens to the next."""
        self.turn()
        self.pass_by()
        self.the_law()
        while self.at < to:
            soon = [to, self.market.next_at()]
            for fid, host in self.hosts.items():
                soon += [
                    host.uploading and host.uploading[1],
                    host.running and host.running[1],
                    self.guard_due(fid, to),
                ]
            if self.alive:
                soon.append(self.queue.next_wake())
                soon.append(None if self.deaf else self.looked_at + LOOK_S)
            self.at = min(at for at in soon if at is not None and at > self.at)
            self.turn()
            self.pass_by()
            self.the_law()

    # ---- what may befall it

    @rule(
        gpus=st.sampled_from([1, 1, 2]), model=st.sampled_from([None, "h100"]), account=st.sampled_from([None, "lab"]),
        limit=st.none() | st.integers(1, 6), budget=st.none() | st.integers(1, 20), tasks=st.sampled_from([0, 0, 0, 3]),
        throttle=st.sampled_from([None, 1, 2]), minutes=st.none() | st.integers(1, 180), hold=rarely,
        requeue=st.sampled_from([None, None, True, False]),
    )  # fmt: skip
    def submit(self, gpus, model, account, limit, budget, tasks, throttle, minutes, hold, requeue) -> None:
        wish = Resources(gres=GresRequest(per_node=(Gres(name="gpu", type=model, count=gpus),)))
        terms = MarketTerms(
            limit_price=None if limit is None else LimitPrice(micro_usd_per_hour=limit * USD),
            budget_micro_usd=None if budget is None else budget * USD,
        )
        ranges = (IndexRange(first=1, last=tasks),)
        spec = JobSpec(
            name="j", work_dir="/", resources=wish, account=account, market=terms, time_limit_min=minutes, hold=hold,
            array=ArraySpec(text="", ranges=ranges, throttle=throttle) if tasks else None, requeue=requeue,
        )  # fmt: skip
        if self.alive:
            self.do(Submitted(self.at, ADA, spec))
        self.until(self.at)

    @rule(seconds=st.sampled_from([1, 60, 300, 1200, HOUR, 3 * HOUR, 10 * HOUR, 30 * HOUR]))
    def time_passes(self, seconds) -> None:
        self.until(self.at + seconds)

    @rule(id=ids, ask=st.sampled_from([CancelAsked, HoldAsked, ReleaseAsked, RequeueAsked]))
    def asked(self, id, ask) -> None:
        if self.alive:
            self.do(ask(self.at, 1000, (JobRef(id),)))
        self.until(self.at)

    @rule(id=ids, limit=st.none() | st.integers(1, 9), minutes=st.none() | st.integers(1, 240))
    def other_terms(self, id, limit, minutes) -> None:
        if self.alive:
            self.do(TermsAsked(self.at, 1000, (JobRef(id),), None if limit is None else limit * USD, minutes))
        self.until(self.at)

    @rule(place=places, price=st.none() | st.integers(1, 9))
    def a_rival(self, place, price) -> None:
        price_micro_usd = None if price is None else price * USD
        self.happened(self.market.set_rival(SHAPES[place].fid, SHAPES[place].region, price_micro_usd, self.at))

    @rule(place=places, machines=st.integers(0, 3))
    def capacity(self, place, machines) -> None:
        self.happened(self.market.set_capacity(SHAPES[place].fid, SHAPES[place].region, machines, self.at))

    @precondition(lambda self: any(bid.status == "Allocated" for bid in self.market.bids.values()))
    @rule(data=st.data(), again=st.booleans())
    def preempted(self, data, again) -> None:
        chosen = data.draw(st.sampled_from([b.fid for b in self.market.bids.values() if b.status == "Allocated"]))
        self.happened(self.market.preempt(chosen, self.at))
        if again:
            self.until(self.at + 500)

    @rule(times=st.integers(2, 6), seconds=st.sampled_from([400, 700]), dies=st.booleans())
    def won_and_taken_again_and_again(self, times, seconds, dies) -> None:
        if dies and self.alive:
            self.die()
        for _ in range(times):
            for bid in list(self.market.bids.values()):
                if bid.status == "Allocated":
                    self.happened(self.market.preempt(bid.fid, self.at))
            self.until(self.at + seconds)

    @precondition(lambda self: any(bid.status != "Terminated" for bid in self.market.bids.values()))
    @rule(data=st.data())
    def ended_in_the_console(self, data) -> None:
        chosen = data.draw(st.sampled_from([b.fid for b in self.market.bids.values() if b.status != "Terminated"]))
        self.happened(self.market.remove(chosen, self.at))

    @rule(upload_s=st.sampled_from([0, 60, 200, 2000]), breaks=rarely, stubborn=rarely)
    def machines(self, upload_s, breaks, stubborn) -> None:
        self.upload_s, self.breaks, self.stubborn = upload_s, breaks, stubborn

    @rule()
    def the_market_is_out_of_reach(self) -> None:
        self.deaf = not self.deaf

    @precondition(lambda self: self.alive)
    @rule(commits=st.integers(0, 6))
    def the_controller_dies(self, commits) -> None:
        """Now, or right after so many more commits: before the orders of the last one."""
        if commits:
            self.commits_left = commits
        else:
            self.die()

    @precondition(lambda self: not self.alive)
    @rule()
    def the_controller_starts(self) -> None:
        self.start()
        self.until(self.at)

    def start(self) -> None:
        """From the rows alone: first the truth about bids and placements, then what is owed."""
        jobs = tuple(rows.job(*row) for row in self.stored.values())
        self.queue = Queue(CLUSTER, self.queue.next_job_id, jobs, self.departed)
        self.alive, self.deaf = True, False
        for job in jobs:
            for bid in job.bids:
                if not bid.settled:
                    wish = "gone" if bid.phase in ("withdrawn", "gone") else "there"
                    belief = Belief(BEGAN[bid.phase], bid.leaves_at)
                    self.seen[self.name(job.id, bid.number)] = Seen(belief, wish, charged=bid.spent_micro_usd)
        for name in list(self.seen):
            if self.alive:
                self.look_at(name)
        known = {key for disk in self.disks.values() for key in disk.reports} | {
            host.running[0] for host in self.hosts.values() if host.running is not None
        }
        for key in recovery.placed(STORE, jobs):
            if (key.job_id, key.restart) not in known and self.alive:
                self.tell(NodeLost(self.at, key.job_id, key.restart))
        for order in recovery.owed(Loaded(STORE, self.queue.next_job_id, jobs), dict(self.queue.jobs)):
            if self.alive:
                self.obey(order.effect, order.job)

    # ---- the law

    def paid(self) -> dict[str, int]:
        """By bid's name."""
        sums = self.market.ledger.by_bid(self.at)
        return {name: sums.get(fid, 0) for name, fid in self.fids.items()}

    def paid_by_day(self) -> dict[tuple[str | None, int], int]:
        """By account and UTC day, from the stretches of the ledger."""
        days: dict[tuple[str | None, int], int] = {}
        for account in self.market.ledger.accounts.values():
            who = self.accounts[self.numbers(self.market.bids[account.bid].name)[0]]
            for part in account.segments:
                end = self.at if part.end is None else part.end
                for day in range(part.start // DAY, (end - 1) // DAY + 1):
                    seconds = min(end, (day + 1) * DAY) - max(part.start, day * DAY)
                    days[who, day] = days.get((who, day), 0) + part.price_micro_usd * seconds // HOUR
        return days

    def the_law(self) -> None:
        """Paid, by the market's books, is at most what we have in escrow; and that is inside every budget."""
        paid = self.paid()
        of_job: dict[int, int] = {}
        for name, micro_usd in paid.items():
            id, number = self.numbers(name)
            of_job[id] = of_job.get(id, 0) + micro_usd
            job = self.queue.jobs.get(id)
            if job is not None:
                bid = job.bids[number - 1]
                assert micro_usd <= bid.spent_micro_usd + bid.escrow_micro_usd, (name, micro_usd, bid)
        for id, micro_usd in of_job.items():
            assert self.budgets[id] is None or micro_usd <= self.budgets[id], (id, micro_usd, self.budgets[id])
        days = self.paid_by_day()
        for budget in BUDGETS:
            mine = {key: cost for key, cost in days.items() if budget.account in (None, key[0])}
            for day in {day for _, day in mine} if budget.per == "day" else [None]:
                total = sum(cost for (_, when), cost in mine.items() if day in (None, when))
                assert total <= budget.micro_usd, (budget, day, total)

    @invariant()
    def nobody_pays_above_its_limit(self) -> None:
        for account in self.market.ledger.accounts.values():
            limit = self.limits[self.market.bids[account.bid].name]
            assert all(part.price_micro_usd <= limit for part in account.segments)

    @invariant()
    def one_live_bid_a_job(self) -> None:
        live = [self.numbers(bid.name)[0] for bid in self.market.bids.values() if bid.status != "Terminated"]
        assert len(live) == len(set(live)), live
        assert len({bid.name for bid in self.market.bids.values()}) == len(self.market.bids)

    @invariant()
    def all_is_well(self) -> None:
        invariants.check(self.queue)
        assert list(faults(self.market)) == []
        assert {id: rows.job(*row) for id, row in self.stored.items()} == self.queue.jobs
        for id, entry in self.queue.indexes.arrays.items():
            if id in self.queue.jobs and (limit := throttle(self.queue.jobs[id])):
                assert entry.started <= limit, id  # nobody lowers it here

    def teardown(self) -> None:
        """The market becomes quiet, the controller lives: whatever can run does, and when all is over the books agree."""
        if not hasattr(self, "market"):
            return
        for offer in OFFERS:
            self.happened(self.market.set_rival(offer.instance_type, offer.region, None, self.at))
            self.happened(self.market.set_capacity(offer.instance_type, offer.region, 64, self.at))
        self.commits_left, self.stubborn, self.breaks, self.upload_s, self.deaf = None, False, False, 60, False
        if not self.alive:
            self.start()
        for job in list(self.queue.jobs.values()):
            if job.held is not None:
                self.do(ReleaseAsked(self.at, 0, (JobRef(job.array_id or job.id),)))
        for _ in range(30):
            before = self.unfinished()
            self.until(self.at + DAY)
            if not self.unfinished() or (self.unfinished() == before and not self.holding()):
                break
        for id in self.unfinished():
            self.waits_rightly(self.queue.jobs[id])
        for id in self.unfinished():
            self.do(CancelAsked(self.at, 0, (JobRef(self.queue.jobs[id].array_id or id),)))
        self.until(self.at + DAY)
        assert self.queue.jobs == {}, self.queue.jobs
        assert [bid.name for bid in self.market.bids.values() if bid.status != "Terminated"] == []
        assert sum(self.departed.values()) == self.market.ledger.of_project("proj", self.at)
        assert self.departed == self.queue.departed

    def unfinished(self) -> list[int]:
        return [job.id for job in self.queue.jobs.values() if not isinstance(job.state, Finished)]

    def holding(self) -> list[int]:
        return [job.id for job in self.queue.jobs.values() if isinstance(job.state, Running | Completing)]

    def waits_rightly(self, job: Job) -> None:
        """Who still waits has no money for a placement, or had all the placements that he may have, or bids too little."""
        assert isinstance(job.state, Pending), job
        reason = job.state.reason
        if job.held is not None:
            fits = any(plan.fits for plan in plans(CLUSTER, None, job.spec, job.partitions))
            assert sum(bid.wins for bid in job.bids) >= POLICY.placements or not fits, job
            return
        prices = [quote.price_micro_usd for quote in self.market.quotes()]
        nodes = [node for node in CLUSTER.nodes if node.cloud is not None]
        limit = min(caps.cap(POLICY, job.spec, "market", node.cloud) for node in nodes if node.cloud is not None)
        assert reason in (OVER_GROUP, OVER_OWN) or limit < max(prices), (reason, limit, prices, job)


def test_a_machine_that_is_won_again_and_again_while_nobody_comes():
    """The bid is on the market again by itself; its guard has what one placement costs, for all boots that nobody has paid for."""
    machine = LedgerMachine()
    machine.open(seed=0, crowd=None, saves=False)
    machine.submit(
        gpus=1, model=None, account="lab", limit=4, budget=None, tasks=0, throttle=None, minutes=30, hold=False, requeue=None
    )  # fmt: skip
    machine.until(machine.at + 300)
    machine.market.set_rival(SHAPES[0].fid, SHAPES[0].region, 395 * CENT, machine.at)
    machine.die()
    (bid,) = machine.market.bids.values()
    while bid.status != "Terminated":
        if bid.status == "Allocated" and machine.hosts:
            machine.market.preempt(bid.fid, machine.at)
        machine.until(machine.at + 120)
    assert 8 <= sum(event.kind == "Preempted" for event in bid.history) <= 12
    machine.teardown()


def counts(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
    )


TestMarketLedger = LedgerMachine.TestCase
TestMarketLedger.settings = counts(15, 40)


@pytest.mark.long
@pytest.mark.timeout(4 * HOUR)
class TestMarketLedgerLong(LedgerMachine.TestCase):
    settings = counts(2000, 80)
