"""The market: auctions, bids, instances, charges.

    market = Market(Terms(seed="7"), at=1_800_000_000)
    bid, happened = market.place(Order("train", "proj_x", "user_x", "it_5ECSoHQjLBzrp5YM", "us-central2-a", 20_000_000), at)
    happened = market.advance(at)                        # Allocated, Boot, Leaving, Kept, Lost ...: carry them out on machines
    happened = market.booted(instance, at)               # its machine is up: STATUS_RUNNING, charged from now on
    happened = market.failed(instance, at, why)          # or it is not: STATUS_ERROR
    happened = market.change(bid.fid, at, limit_micro_usd=..., paused=..., volumes=..., memory_gb=...)
    happened = market.remove(bid.fid, at)
    market.set_rival(type, region, price, at); market.set_capacity(type, region, n, at); market.preempt(bid.fid, at)      # by hand
    market.bids, market.instances                        # records by id (records.py); market.ledger: segments and sums (ledger.py)
    market.quote(type, region, quantity), market.quotes(), market.history(type, region, start, end, samples)
    market.next_at()                                     # when to call advance next, if nobody calls before
    Market.load(market.dump())                           # the same market: JSON-able
    market.expected()                                    # what a driver that begins anew has to boot

Instants are whole seconds since 1970-01-01 UTC, money is micro-dollars (per instance-hour), `instance_type` is an `it_` id. Every call that takes
`at` first lets time pass up to then, and what happened meanwhile comes back with what it caused itself. An `at` before the market's own time
counts as the present. Refused (refusal.py) is raised before anything is changed; what happened up to `at` then comes back from the next call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flowbatch.sandbox.market import lives
from flowbatch.sandbox.market.auction import Auction
from flowbatch.sandbox.market.catalogue import OFFERS, Offer
from flowbatch.sandbox.market.happenings import Happening
from flowbatch.sandbox.market.ledger import Ledger
from flowbatch.sandbox.market.lives import Books, fid
from flowbatch.sandbox.market.orders import (
    adjust_memory,
    attach,
    bid_for,
    check_limit,
    check_price,
    check_quantity,
    check_volumes,
    reprice,
)
from flowbatch.sandbox.market.records import Bid, Instance, Order
from flowbatch.sandbox.market.refusal import Refused
from flowbatch.sandbox.market.state import AS_DATA, Replayed, State, Terms, opened

__all__ = ["Market", "Quote", "Terms"]


@dataclass(frozen=True, slots=True)
class Quote:
    """One auction at a glance, in micro-dollars per instance-hour. `winning_micro_usd`: what a new bid for the quantity asked about must offer
    to win at the next round; None if there are not that many machines. `capacity`: all machines, `free`: those that nobody has."""

    fid: str
    instance_type: str
    region: str
    price_micro_usd: int
    floor_micro_usd: int
    lowest_micro_usd: int | None
    winning_micro_usd: int | None
    capacity: int
    free: int


class Market:
    """See the module's docstring."""

    def __init__(
        self,
        terms: Terms,
        at: int,
        offers: Sequence[Offer] = OFFERS,
        replayed: Replayed | None = None,
    ) -> None:
        """Open at `at`; its rounds began `terms.past_s` before."""
        self._restore(opened(terms, at - terms.past_s, offers, replayed or {}))
        self.advance(at)

    def _restore(self, state: State) -> None:
        self._state = state
        self._auctions = {(a.instance_type, a.region): a for a in state.auctions}

    # ---- time

    @property
    def now(self) -> int:
        return self._state.now

    def advance(self, to: int) -> list[Happening]:
        """All rounds, notices and boots up to `to` have been held."""
        self._pass_time(to)
        told, self._state.untold = self._state.untold, []
        return told

    def next_at(self) -> int | None:
        """When something happens by itself next; None if never."""
        return min((at for a in self._auctions.values() if (at := a.next_at(self._books)) is not None), default=None)

    # ---- bids

    def place(self, order: Order, at: int) -> tuple[Bid, list[Happening]]:
        """The bid is open, and takes part from the next round on. Raises Refused."""
        auction = self._auction(order.instance_type, order.region)
        check_limit(order.limit_micro_usd, auction.floor_micro_usd)
        check_quantity(order.quantity)
        self._pass_time(at)
        self._state.serial += 1
        bid = bid_for(order, fid("bid", self._state.terms.seed, self._state.serial), self._state.serial, self.now)
        self._books.bids[bid.fid] = bid
        auction.bids.append(bid.fid)
        auction.touched(self.now)
        return bid, self.advance(self.now)

    def change(
        self,
        bid: str,
        at: int,
        *,
        user: str | None = None,
        limit_micro_usd: int | None = None,
        paused: bool | None = None,
        volumes: Sequence[str] | None = None,
        memory_gb: int | None = None,
    ) -> list[Happening]:
        """What is not None is so. Volumes can be changed while it is paused, or in the same call. A price counts from the next round on.
        Raises Refused: then nothing of the call is done."""
        self._pass_time(at)
        record = self._live(bid)
        auction = self._auction(record.instance_type, record.region)
        if limit_micro_usd is not None:
            check_limit(limit_micro_usd, auction.floor_micro_usd)
        check_volumes(record, volumes, paused)
        if paused and record.may("pause"):
            self._state.untold += lives.pause(self._books, record, self.now, user)
        if limit_micro_usd is not None and limit_micro_usd != record.limit_micro_usd:
            reprice(record, limit_micro_usd, self.now, user)
        if memory_gb is not None and memory_gb != record.memory_gb:
            adjust_memory(record, memory_gb, self.now, user)
        if volumes is not None:
            attach(record, tuple(volumes), self.now, user)
        if paused is False and record.may("resume"):
            lives.resume(record, self.now, user)
        auction.touched(self.now)
        return self.advance(self.now)

    def remove(self, bid: str, at: int, user: str | None = None) -> list[Happening]:
        """The bid is terminated, whatever it was; removing it again changes nothing. Raises Refused if there was never such a bid."""
        self._pass_time(at)
        record = self._known(bid)
        if record.may("end"):
            auction = self._auction(record.instance_type, record.region)
            self._state.untold += lives.end(self._books, record, self.now, user)
            auction.bids.remove(bid)
            auction.touched(self.now)
        return self.advance(self.now)

    # ---- the driver's word about machines

    def booted(self, instance: str, at: int, number: int | None = None) -> list[Happening]:
        """The machine that was ordered by the `number`th Boot (by default the last) is up. Late news of an earlier one changes nothing."""
        self._pass_time(at)
        record = self._instance(instance)
        if self._awaited(record, number):
            bid = self._books.bids[record.bid]
            price = self._auction(record.instance_type, record.region).price_micro_usd
            self._state.untold += lives.up(self._books, bid, record, self.now, price)
        return self.advance(self.now)

    def failed(self, instance: str, at: int, why: str, number: int | None = None) -> list[Happening]:
        """The machine could not be started, or died: the instance is in error and costs nothing more. Its bid keeps its place: whoever placed it
        sees the error and removes it; won anew after a preemption, it has another instance in its stead."""
        self._pass_time(at)
        record = self._instance(instance)
        if (record.up or self._awaited(record, number)) and number in (None, record.boots):
            self._state.untold += lives.fail(self._books, self._books.bids[record.bid], record, self.now, why)
        return self.advance(self.now)

    def expected(self) -> list[Happening]:
        """For a driver that begins anew, with no machine running: the Boot (with the number that it had) of each machine that is to be up,
        and the Leaving of each bid under notice."""
        return [order for auction in self._auctions.values() for order in auction.expected(self._books, self.now)]

    # ---- by hand

    def set_rival(self, instance_type: str, region: str, price_micro_usd: int | None, at: int) -> list[Happening]:
        """From the next round on a rival takes every machine for which nobody bids at least this price, until told otherwise; None: he goes."""
        self._pass_time(at)
        auction = self._auction(instance_type, region)
        if price_micro_usd is not None:
            check_price(price_micro_usd)
        auction.standing_micro_usd = price_micro_usd
        auction.touched(self.now)
        return self.advance(self.now)

    def set_capacity(self, instance_type: str, region: str, machines: int, at: int) -> list[Happening]:
        """From the next round on there are so many machines."""
        self._pass_time(at)
        auction = self._auction(instance_type, region)
        if machines < 0:
            raise Refused("quantity", "there cannot be fewer than 0 machines")
        auction.capacity = machines
        auction.touched(self.now)
        return self.advance(self.now)

    def preempt(self, bid: str, at: int) -> list[Happening]:
        """An allocated bid has its notice at once, and is not restored before it is over; then it bids again as any other."""
        self._pass_time(at)
        record = self._live(bid)
        if not record.may("outbid"):
            raise Refused("conflict", f"bid {bid} is {record.status}, not Allocated")
        self._state.untold += lives.outbid(self._books, record, self.now)
        record.out_until = record.leaves_at
        self._auction(record.instance_type, record.region).touched(self.now)
        return self.advance(self.now)

    # ---- questions

    @property
    def bids(self) -> Mapping[str, Bid]:
        """All there ever were, in the order in which they came."""
        return self._books.bids

    @property
    def instances(self) -> Mapping[str, Instance]:
        return self._books.instances

    @property
    def auctions(self) -> Sequence[Auction]:
        return self._state.auctions

    @property
    def ledger(self) -> Ledger:
        return self._books.ledger

    def quote(self, instance_type: str, region: str, quantity: int = 1) -> Quote:
        """As of the last round; `winning_micro_usd` also knows the bids since."""
        return self._quote(self._auction(instance_type, region), quantity)

    def quotes(self) -> list[Quote]:
        return [self._quote(auction, 1) for auction in self._auctions.values()]

    def history(
        self,
        instance_type: str,
        region: str,
        start: int | None = None,
        end: int | None = None,
        samples: int | None = None,
    ) -> list[tuple[int, int]]:
        """(instant, price): the price at `start` and every change after it, or `samples` of it at equal distances from start to end."""
        prices = self._auction(instance_type, region).prices
        first = max(start if start is not None else prices.instants[0], prices.instants[0])
        last = min(end if end is not None else self.now, self.now)
        changes = prices.changes(first, last)
        if samples is None or len(changes) <= samples:
            return changes
        step = (last - first) / max(1, samples - 1)
        instants = [first + round(step * i) for i in range(samples)]
        return [(at, prices.at(at)) for at in instants]

    # ---- remembering

    def dump(self) -> dict[str, Any]:
        """JSON-able; holds the bids' start-up scripts."""
        dumped: dict[str, Any] = AS_DATA.dump_python(self._state, mode="json")
        return dumped

    @classmethod
    def load(cls, dumped: Mapping[str, Any]) -> Market:
        """The market as it was when it was dumped. Raises pydantic.ValidationError for anything else."""
        market = cls.__new__(cls)
        market._restore(AS_DATA.validate_python(dumped))
        return market

    # ---- within

    @property
    def _books(self) -> Books:
        return self._state.books

    def _pass_time(self, to: int) -> None:
        if to < self.now:
            return
        happened = [h for a in self._auctions.values() for h in a.advance(self._books, to)]
        self._state.untold += sorted(happened, key=lambda happening: happening.at)
        self._state.now = to

    def _auction(self, instance_type: str, region: str) -> Auction:
        try:
            return self._auctions[instance_type, region]
        except KeyError:
            raise Refused("unknown", f"instance type {instance_type} is not offered in {region}") from None

    def _known(self, bid: str) -> Bid:
        if bid not in self._books.bids:
            raise Refused("unknown", f"bid {bid} not found")
        return self._books.bids[bid]

    def _live(self, bid: str) -> Bid:
        record = self._known(bid)
        if record.status == "Terminated":
            raise Refused("conflict", f"bid {bid} is Terminated")
        return record

    def _instance(self, instance: str) -> Instance:
        if instance not in self._books.instances:
            raise Refused("unknown", f"instance {instance} not found")
        return self._books.instances[instance]

    def _awaited(self, instance: Instance, number: int | None) -> bool:
        """Whether its machine was ordered, and nothing was heard of it."""
        starting = instance.status in ("STATUS_STARTING", "STATUS_PREEMPTING") and not instance.stages
        return starting and not instance.up and instance.boots > 0 and number in (None, instance.boots)

    def _quote(self, auction: Auction, quantity: int) -> Quote:
        return Quote(
            fid=auction.fid,
            instance_type=auction.instance_type,
            region=auction.region,
            price_micro_usd=auction.price_micro_usd,
            floor_micro_usd=auction.floor_micro_usd,
            lowest_micro_usd=auction.lowest_micro_usd,
            winning_micro_usd=auction.winning_limit(self._books, quantity, self.now),
            capacity=auction.capacity,
            free=auction.free(self._books),
        )
