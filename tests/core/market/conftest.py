"""A queue of a cluster that rents its nodes: two types in two regions, driven with few words, checked after every step."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowbatch.core import invariants
from flowbatch.core.bids import Bid
from flowbatch.core.events import (
    Accepted,
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
    Event,
    HoldAsked,
    JobRef,
    Launched,
    MarketSeen,
    Passed,
    ReleaseAsked,
    RequeueAsked,
    Submitted,
    TermsAsked,
    Verdict,
)
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.market.cloud import Shape, cloud
from flowbatch.core.queue import Queue, Stepped, step
from flowbatch.core.quotes import Quote, Quotes
from flowbatch.core.states import ExitStatus
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.job import JobSpec
from flowbatch.spec.market import LimitPrice, MarketTerms
from flowbatch.spec.policy import Budget, MarketPolicy, PartitionTerms
from flowbatch.spec.resources import Gres, GresRequest, Resources
from flowbatch.store import rows

START = 20_000 * 86_400
"""A midnight in UTC."""

USD = 1_000_000
EAST, WEST = "us-east1-a", "us-west1-b"
A100, H100, CPU = "a100-80gb.sxm.8x", "h100-80gb.sxm.8x", "cpu.16"


def shape(name: str, region: str, gpu: str | None = None, gpus: int = 0, cpus: int = 16, **more: object) -> Shape:
    return Shape(name, f"it_{name[:4]}", region, gpu, gpus, 80 if gpu else 0, cpus, cpus * 4000, 500_000, **more)


SHAPES = (
    shape(A100, EAST, "a100", 8, 200, interconnect="InfiniBand"),
    shape(A100, WEST, "a100", 8, 200, interconnect="InfiniBand"),
    shape(H100, WEST, "h100", 8, 192),
    shape(CPU, EAST),
)
PRICES = {(A100, EAST): 4.0, (A100, WEST): 5.0, (H100, WEST): 12.0, (CPU, EAST): 0.5}


def usd(amount: float) -> int:
    return round(amount * USD)


def gpus(count: int, model: str | None = None) -> Resources:
    return Resources(gres=GresRequest(per_node=(Gres(name="gpu", type=model, count=count),)))


def dollars_per_hour(amount: float) -> LimitPrice:
    return LimitPrice(micro_usd_per_hour=usd(amount))


class Desk:
    """Instants are seconds after `START`. A job is one of 8 A100 for an hour at $10 an hour at most, unless said otherwise."""

    def __init__(self, shapes: tuple[Shape, ...] = SHAPES, **policy: object) -> None:
        self.policy = MarketPolicy(default_time_s=3600).model_copy(update=policy)
        self.cluster = cloud("mithril", self.policy, shapes)
        self.queue = Queue(self.cluster, 1)
        self.at = 0
        self.stored: dict[int, tuple[str, JobSpec]] = {}
        self.orders: list[object] = []

    @property
    def now(self) -> int:
        return START + self.at

    def step(self, event: Event) -> Stepped:
        before = dict(self.queue.jobs)
        stepped = step(self.queue, event)
        invariants.check(self.queue)
        invariants.check_step(before, self.queue)
        for id, job in stepped.changed.items():
            self.stored[id] = rows.job_row(job), job.spec
        for id in stepped.dropped:
            del self.stored[id]
        assert {id: rows.job(*row) for id, row in self.stored.items()} == self.queue.jobs
        self.orders += stepped.orders
        return stepped

    def restart(self) -> None:
        """The controller starts again, from what the store has."""
        jobs = [rows.job(*row) for row in self.stored.values()]
        self.queue = Queue(self.cluster, self.queue.next_job_id, jobs, self.queue.departed)

    def taken(self) -> list[object]:
        """The orders since they were last asked for."""
        orders, self.orders = self.orders, []
        return orders

    def spec(self, array: int = 0, throttle: int | None = None, **words: object) -> JobSpec:
        ranges = (IndexRange(first=1, last=array),)
        terms = {
            "limit_price": words.pop("limit", dollars_per_hour(10)), "budget_micro_usd": words.pop("budget", None),
            "instance_type": words.pop("type", None), "regions": words.pop("regions", ()),
            "max_run_time_s": words.pop("longest", None),
        }  # fmt: skip
        given = {"name": "job", "work_dir": "/w", "resources": gpus(8), "market": MarketTerms(**terms), **words}
        return JobSpec(array=ArraySpec(text="", ranges=ranges, throttle=throttle) if array else None, **given)

    def submission(self, **words: object) -> object:
        return self.step(Submitted(self.now, Owner(1000, 1000, "ada", "ada"), self.spec(**words))).reply

    def submit(self, **words: object) -> int:
        reply = self.submission(**words)
        assert isinstance(reply, Accepted), reply
        return reply.job_id

    def seen(self, prices: dict[tuple[str, str], float] | None = None, capacity: int = 4) -> Stepped:
        """Prices; those that are not given are as ever. A tuple is (price, capacity)."""
        quotes = {}
        for (name, region), price in {**PRICES, **(prices or {})}.items():
            cost, free = price if isinstance(price, tuple) else (price, capacity)
            quotes[name, region] = Quote(name, region, usd(cost), 0, free)
        return self.step(MarketSeen(self.now, Quotes(self.now, quotes)))

    def passed(self, at: int | None = None) -> Stepped:
        self.at = self.at if at is None else at
        return self.step(Passed(self.now))

    def job(self, id: int) -> Job:
        return self.queue.jobs[id]

    def bid(self, id: int) -> Bid:
        return self.job(id).bids[-1]

    def asked(self, **words: object) -> int:
        """A job with a bid that was asked for."""
        id = self.submit(**words)
        if self.queue.quotes is None:
            self.seen()
        self.passed()
        assert self.job(id).bid is not None, self.job(id)
        return id

    def opened(self, **words: object) -> int:
        id = self.asked(**words)
        self.placed(id)
        return id

    def placed_on(self, **words: object) -> int:
        """A job that has its machine, which boots."""
        id = self.opened(**words)
        self.won(id)
        self.passed()
        assert self.job(id).state.kind == "running"
        return id

    def run(self, **words: object) -> int:
        """A job that runs."""
        id = self.placed_on(**words)
        self.step(Launched(self.now, id, self.job(id).restarts))
        return id

    def placed(self, id: int) -> Stepped:
        return self.step(BidPlaced(self.now, id, len(self.job(id).bids), f"bid_{id}"))

    def refused(self, id: int, why: str = "no") -> Stepped:
        return self.step(BidRefused(self.now, id, len(self.job(id).bids), why))

    def won(self, id: int) -> Stepped:
        return self.step(BidWon(self.now, id, len(self.job(id).bids)))

    def leaving(self, id: int, in_s: int = 300) -> Stepped:
        return self.step(BidLeaving(self.now, id, len(self.job(id).bids), self.now + in_s))

    def stays(self, id: int) -> Stepped:
        return self.step(BidKept(self.now, id, len(self.job(id).bids)))

    def lost(self, id: int) -> Stepped:
        return self.step(BidLost(self.now, id, len(self.job(id).bids)))

    def gone(self, id: int) -> Stepped:
        return self.step(BidGone(self.now, id, len(self.job(id).bids)))

    def charged(self, id: int, amount: float, *, final: bool = False, number: int | None = None) -> Stepped:
        return self.step(BidCharged(self.now, id, number or len(self.job(id).bids), usd(amount), final))

    def ended(self, id: int, code: int = 0, cause: str = "exit") -> Stepped:
        return self.step(Ended(self.now, id, self.job(id).restarts, ExitStatus(code), cause))

    def cancel(self, id: int) -> tuple[Verdict, ...]:
        return self.step(CancelAsked(self.now, 1000, (JobRef(id),))).reply

    def hold(self, id: int) -> tuple[Verdict, ...]:
        return self.step(HoldAsked(self.now, 1000, (JobRef(id),))).reply

    def release(self, id: int) -> tuple[Verdict, ...]:
        return self.step(ReleaseAsked(self.now, 1000, (JobRef(id),))).reply

    def requeue(self, id: int, *, hold: bool = False) -> tuple[Verdict, ...]:
        return self.step(RequeueAsked(self.now, 1000, (JobRef(id),), hold)).reply

    def update(self, id: int, *, by: int = 1000, limit: float | None = None, minutes: int | None = None) -> str | None:
        price = None if limit is None else usd(limit)
        (verdict,) = self.step(TermsAsked(self.now, by, (JobRef(id),), price, minutes)).reply
        return verdict.code

    def configure(self, shapes: tuple[Shape, ...] = SHAPES, **policy: object) -> Stepped:
        self.policy = self.policy.model_copy(update=policy)
        self.cluster = cloud("mithril", self.policy, shapes)
        return self.step(Configured(self.now, self.cluster))

    def says(self, id: int) -> str:
        """`PENDING Resources, open`: state, reason or outcome, phase of the last bid."""
        job = self.job(id)
        state = job.state
        word = {"pending": "reason", "finished": "ending"}.get(state.kind)
        more = getattr(state, word) if word else ""
        more = f" {more.outcome} {more.reason}" if word == "ending" else f" {more}".rstrip()
        return f"{state.kind}{more}" + (f", {job.bids[-1].phase}" if job.bids else "")


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def desk_of() -> Callable[..., Desk]:
    """A desk with another policy: fields of it, and `shapes`."""
    return Desk


@pytest.fixture
def words() -> type:
    """What tests of the market speak of."""

    class Words:
        east, west, a100, h100, cpu = EAST, WEST, A100, H100, CPU
        usd = staticmethod(usd)
        gpus = staticmethod(gpus)
        per_hour = staticmethod(dollars_per_hour)
        shape = staticmethod(shape)
        shapes = SHAPES
        budget = Budget
        terms = PartitionTerms
        start = START

    return Words
