"""Whatever is asked of a market, in whatever order: its ledger is right to the micro-dollar, and it can stop and go on anywhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from itertools import pairwise

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from flowbatch.sandbox.market.catalogue import CENT, Offer
from flowbatch.sandbox.market.engine import Market, Terms
from flowbatch.sandbox.market.happenings import Allocated, Boot, Happening
from flowbatch.sandbox.market.invariants import faults
from flowbatch.sandbox.market.lives import Delays
from flowbatch.sandbox.market.prices import Prices
from flowbatch.sandbox.market.records import Bid, Instance, Order
from flowbatch.sandbox.market.refusal import Refused
from flowbatch.sandbox.market.rivals import CrowdTerms

OPENED, TICK, NOTICE = 1000, 10, 25
PLACES = [Offer("it_a", "here", 3, 100 * CENT, 300 * CENT), Offer("it_a", "there", 1, 100 * CENT, 200 * CENT)]
limits = st.integers(100, 500).map(lambda cents: cents * CENT)
seconds = st.integers(1, 40)


def charged_seconds(instance: Instance, now: int) -> Iterator[tuple[int, int]]:
    """(start, end) of each time that it is charged for, from the history of its statuses alone."""
    ends = [*((stage.at, stage.status) for stage in instance.history), (now, "now")]
    before = ""
    for (start, status), (end, _) in pairwise(ends):
        if status == "STATUS_RUNNING" or (status == "STATUS_PREEMPTING" and before == "STATUS_RUNNING"):
            yield start, end
        before = status


def limit_before(bid: Bid, instant: int) -> int:
    """The limit that was in force when the round at `instant` was held: what comes in that very second comes after it."""
    said = [e.limit_micro_usd for e in bid.history if e.kind in ("Placed", "Limit Price Changed") and e.at < instant]
    assert said[-1] is not None
    return said[-1]


def integral(bid: Bid, instance: Instance, prices: Prices, now: int) -> int:
    """Micro-dollar seconds per hour that it owes, second by second: the price of the moment, at most the limit of the last round."""
    owed = 0
    for start, end in charged_seconds(instance, now):
        for second in range(start, end):
            rated = max(start, second - (second - OPENED) % TICK)
            owed += min(prices.at(second), limit_before(bid, rated))
    return owed


class MarketMachine(RuleBasedStateMachine):
    """A market, and its twin for whom time passes second by second and who is never stopped. Every rule acts in a second of its own."""

    bids = Bundle("bids")

    @initialize(seed=st.integers(0, 5), demand=st.sampled_from((0.0, 1.0, 3.0)), boots_by_itself=st.booleans())
    def open(self, seed: int, demand: float, boots_by_itself: bool) -> None:
        terms = Terms(
            seed=str(seed),
            tick_s=TICK,
            delays=Delays(notice_s=NOTICE, boot_s=4, boots_by_itself=boots_by_itself),
            crowd=CrowdTerms(demand=demand, lifetime_s=60) if demand else None,
        )
        self.market, self.twin = Market(terms, OPENED, PLACES), Market(terms, OPENED, PLACES)
        self.owed: list[Boot] = []
        self.capacities = {offer.region: [(0, offer.capacity)] for offer in PLACES}

    def both(self, wait: int, act: Callable[[Market, int], list[Happening]]) -> None:
        """Both do it `wait` seconds later, and the same things happen to them."""
        at = self.market.now + wait
        happened = act(self.market, at)
        told = [h for second in range(self.twin.now + 1, at + 1) for h in self.twin.advance(second)]
        assert happened == [*told, *act(self.twin, at)]
        self.owed += [h for h in happened if isinstance(h, Boot)]
        for won in (h for h in happened if isinstance(h, Allocated)):
            assert len(won.instances) == self.market.bids[won.bid].quantity

    @rule(
        target=bids, wait=seconds, region=st.sampled_from(("here", "there")), limit=limits, quantity=st.integers(1, 3)
    )
    def place(self, wait: int, region: str, limit: int, quantity: int) -> str:
        order = Order("b", "proj", "user", "it_a", region, limit, quantity)
        self.both(wait, lambda market, at: market.place(order, at)[1])
        return list(self.market.bids)[-1]

    @rule(wait=seconds)
    def wait(self, wait: int) -> None:
        self.both(wait, lambda market, at: market.advance(at))

    @rule(wait=seconds, bid=bids, limit=st.none() | limits, paused=st.none() | st.booleans())
    def change(self, wait: int, bid: str, limit: int | None, paused: bool | None) -> None:
        if self.market.bids[bid].status == "Terminated":
            return
        self.both(wait, lambda market, at: market.change(bid, at, limit_micro_usd=limit, paused=paused))

    @rule(wait=seconds, bid=bids)
    def remove(self, wait: int, bid: str) -> None:
        self.both(wait, lambda market, at: market.remove(bid, at))

    @rule(wait=seconds, bid=bids)
    def preempt(self, wait: int, bid: str) -> None:
        def act(market: Market, at: int) -> list[Happening]:
            try:
                return market.preempt(bid, at)
            except Refused:
                return market.advance(at)

        self.both(wait, act)

    @rule(wait=seconds, region=st.sampled_from(("here", "there")), price=st.none() | limits)
    def rival(self, wait: int, region: str, price: int | None) -> None:
        self.both(wait, lambda market, at: market.set_rival("it_a", region, price, at))

    @rule(wait=seconds, region=st.sampled_from(("here", "there")), machines=st.integers(0, 4))
    def resize(self, wait: int, region: str, machines: int) -> None:
        self.both(wait, lambda market, at: market.set_capacity("it_a", region, machines, at))
        self.capacities[region].append((self.market.now, machines))

    @rule(wait=seconds, fails=st.sampled_from((False, False, False, True)))
    def hear(self, wait: int, fails: bool) -> None:
        """Of the machine that was ordered first."""
        if not self.owed:
            return
        boot = self.owed.pop(0)
        (fid,) = boot.instances
        if fails:
            self.both(wait, lambda market, at: market.failed(fid, at, "no", boot.number))
        else:
            self.both(wait, lambda market, at: market.booted(fid, at, boot.number))

    @rule()
    def stop_and_go_on(self) -> None:
        dumped = json.loads(json.dumps(self.market.dump()))
        self.market = Market.load(dumped)
        assert self.market.dump() == dumped

    @invariant()
    def nothing_is_wrong(self) -> None:
        if hasattr(self, "market"):
            assert list(faults(self.market)) == []

    @invariant()
    def both_are_the_same(self) -> None:
        if hasattr(self, "market"):
            assert self.market.dump() == self.twin.dump()

    @invariant()
    def no_machine_is_given_twice(self) -> None:
        """Capacity that was taken away may be held until the next round's notice is over."""
        for auction in self.market.auctions if hasattr(self, "market") else ():
            held = sum(self.market.bids[fid].holds for fid in auction.bids)
            since = self.market.now - TICK - NOTICE
            (*_, last), later = (
                [n for at, n in self.capacities[auction.region] if at <= since] or [0],
                [n for at, n in self.capacities[auction.region] if at > since],
            )
            assert held <= max([last, *later])

    def teardown(self) -> None:
        """What was charged is the integral of the price over the time that the machines ran."""
        if not hasattr(self, "market"):
            return
        ledger, now = self.market.ledger, self.market.now
        prices = {auction.region: auction.prices for auction in self.market.auctions}
        for instance in self.market.instances.values():
            bid = self.market.bids[instance.bid]
            segments = ledger.segments(instance.fid)
            exact = sum(s.price_micro_usd * ((now if s.end is None else s.end) - s.start) for s in segments)
            assert exact == integral(bid, instance, prices[instance.region], now)
            assert 0 <= exact - 3600 * ledger.of_instance(instance.fid, now) <= 3599 * len(segments)
            assert all(s.price_micro_usd <= limit_ever(bid, s.start) for s in segments)
        assert ledger.of_project("proj", now) == sum(ledger.by_bid(now).values())


def limit_ever(bid: Bid, until: int) -> int:
    """The highest limit that it had up to then: nobody ever pays more."""
    return max(e.limit_micro_usd for e in bid.history if e.limit_micro_usd is not None and e.at <= until)


TestMarket = MarketMachine.TestCase
TestMarket.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
