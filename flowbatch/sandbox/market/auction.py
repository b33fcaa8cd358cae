"""One instance type in one region: its machines, its rounds, its price, the bids on it."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowbatch.sandbox.market import lives
from flowbatch.sandbox.market.happenings import Boot, Happening, Leaving
from flowbatch.sandbox.market.lives import Books
from flowbatch.sandbox.market.prices import Prices
from flowbatch.sandbox.market.records import Bid
from flowbatch.sandbox.market.rivals import Crowd, Recorded
from flowbatch.sandbox.market.rounds import Contender, clear, winning_limit


@dataclass(slots=True)
class Auction:
    """Rounds are held at `opened_at` and every `tick_s` after it; one whose outcome cannot differ from the last one's is left out.

    `standing_micro_usd`: a rival who takes every machine that nobody outbids him for, put there by hand. `due_from`: a round is needed at the first
    tick from this instant on, since something changed. `bids`: those of ours that are not terminated."""

    fid: str
    instance_type: str
    region: str
    capacity: int
    floor_micro_usd: int
    opened_at: int
    tick_s: int
    remember_s: int
    rivals: Crowd | Recorded
    standing_micro_usd: int | None = None
    due_from: int | None = None
    price_micro_usd: int = 0
    lowest_micro_usd: int | None = None
    left: int = 0
    prices: Prices = field(default_factory=Prices)
    bids: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.rivals.open(self.opened_at)
        self.due_from = self.opened_at

    def touched(self, at: int) -> None:
        """Something changed at `at`, after whatever round was held then."""
        self._due(at + 1)

    def _due(self, at: int) -> None:
        self.due_from = at if self.due_from is None else min(at, self.due_from)

    def next_at(self, books: Books) -> int | None:
        """When something will happen here if nobody calls."""
        return min((at for at in (self._next_timer(books), self._next_round()) if at is not None), default=None)

    def advance(self, books: Books, to: int) -> list[Happening]:
        """Everything that happens here up to `to`, included."""
        happened: list[Happening] = []
        while True:
            timer, tick = self._next_timer(books), self._next_round()
            if timer is not None and timer <= to and (tick is None or timer <= tick):
                happened += self._timers(books, timer)
            elif tick is not None and tick <= to:
                happened += self._round(books, tick)
            else:
                return happened

    def expected(self, books: Books, at: int) -> list[Happening]:
        """The orders that stand: which machines are to be up, and which of them have notice."""
        orders: list[Happening] = []
        for bid in (books.bids[fid] for fid in self.bids if books.bids[fid].holds):
            present = books.present(bid)
            orders += [Boot(at, bid.fid, (i.fid,), i.boots) for i in present if i.boots and not i.stages]
            if bid.leaves_at is not None:
                orders.append(Leaving(at, bid.fid, tuple(i.fid for i in present), bid.leaves_at))
        return orders

    def reserve(self) -> int:
        return max(self.floor_micro_usd, self.rivals.reserve(), self.standing_micro_usd or 0)

    def winning_limit(self, books: Books, quantity: int, at: int) -> int | None:
        return winning_limit(self._contenders(books, at), self.capacity, self.reserve(), quantity)

    def held(self, books: Books) -> int:
        """Machines that our bids occupy, those under notice included."""
        return sum(books.bids[fid].holds for fid in self.bids)

    def free(self, books: Books) -> int:
        """Machines that a bid at the present price would get without pushing anybody out."""
        return 0 if self.standing_micro_usd else max(0, min(self.left, self.capacity - self.held(books)))

    def _contenders(self, books: Books, at: int) -> list[Contender]:
        ours = (books.bids[fid] for fid in self.bids)
        return self.rivals.contenders() + [
            Contender(bid.limit_micro_usd, bid.quantity, bid.created_at, bid.serial, bid.fid)
            for bid in ours
            if bid.status != "Paused" and (bid.out_until is None or bid.out_until <= at)
        ]

    def _next_round(self) -> int | None:
        change = self.rivals.next_change()
        wanted = min((at for at in (change, self.due_from) if at is not None), default=None)
        if wanted is None:
            return None
        return self.opened_at + max(0, -(-(wanted - self.opened_at) // self.tick_s)) * self.tick_s

    def _next_timer(self, books: Books) -> int | None:
        if not self.bids:
            return None
        bids = [books.bids[fid] for fid in self.bids]
        leaving = [bid.leaves_at for bid in bids if bid.leaves_at is not None]
        stages = [i.stages[0].at for bid in bids for i in map(books.instances.__getitem__, bid.instances) if i.stages]
        return min(leaving + stages, default=None)

    def _timers(self, books: Books, at: int) -> list[Happening]:
        happened: list[Happening] = []
        for bid in [books.bids[fid] for fid in self.bids]:
            if bid.leaves_at == at:
                happened += lives.lose(books, bid, at)
                self._due(at)
            for instance in [books.instances[fid] for fid in bid.instances]:
                while instance.stages and instance.stages[0].at == at:
                    happened += lives.stage(books, bid, instance, at, self.price_micro_usd)
        return happened

    def _round(self, books: Books, at: int) -> list[Happening]:
        self.due_from = None
        self.rivals.advance(at)
        outcome = clear(self._contenders(books, at), self.capacity, self.reserve())
        self.price_micro_usd, self.lowest_micro_usd, self.left = (
            outcome.price_micro_usd,
            outcome.lowest_micro_usd,
            outcome.left,
        )
        self.prices.set(at, outcome.price_micro_usd)
        self.prices.forget(at, self.remember_s)
        if not self.bids:
            return []
        bids = [books.bids[fid] for fid in self.bids]
        losers = [bid for bid in bids if bid.fid not in outcome.winners]
        winners = sorted((bid for bid in bids if bid.fid in outcome.winners), key=_turn)
        happened = [h for bid in losers if bid.may("outbid") for h in lives.outbid(books, bid, at)]
        happened += [h for bid in winners if bid.may("keep") for h in lives.keep(books, bid, at, self.price_micro_usd)]
        happened += [
            h for bid in winners if bid.may("win") and self._has_room(books, bid) for h in lives.win(books, bid, at)
        ]
        self._charge(books, bids, at)
        return happened

    def _has_room(self, books: Books, bid: Bid) -> bool:
        """Whether the machines that it won have been left by those of ours who had them."""
        return self.held(books) + bid.quantity <= self.capacity

    def _charge(self, books: Books, bids: list[Bid], at: int) -> None:
        for bid in bids:
            for account in (books.ledger.accounts[fid] for fid in bid.instances):
                if account.running:
                    account.charge(at, lives.rate(bid, self.price_micro_usd))


def _turn(bid: Bid) -> tuple[int, int, int]:
    return (-bid.limit_micro_usd, bid.created_at, bid.serial)
