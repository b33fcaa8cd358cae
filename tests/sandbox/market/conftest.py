"""A small market: one type in one region with few machines and nobody else, rounds every 120 s from OPENED on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from flowbatch.sandbox.market.catalogue import Offer
from flowbatch.sandbox.market.engine import Market, Terms
from flowbatch.sandbox.market.happenings import Happening
from flowbatch.sandbox.market.invariants import faults
from flowbatch.sandbox.market.lives import Delays
from flowbatch.sandbox.market.records import Bid, Instance, Order

OPENED = 1_800_000_000
TYPE, REGION = "it_5ECSoHQjLBzrp5YM", "us-central2-a"
DOLLAR = 1_000_000


@dataclass
class Stall:
    """A market as the tests speak to it: dollars, seconds since it opened."""

    capacity: int = 3
    floor: float = 1.0
    boot_s: int = 0
    notice_s: int = 300
    boots_by_itself: bool = True
    market: Market = field(init=False)

    def __post_init__(self) -> None:
        delays = Delays(notice_s=self.notice_s, boot_s=self.boot_s, boots_by_itself=self.boots_by_itself)
        offer = Offer(TYPE, REGION, self.capacity, micro(self.floor), micro(10))
        self.market = Market(Terms(delays=delays, crowd=None), OPENED, [offer])

    @property
    def now(self) -> int:
        return self.market.now - OPENED

    @property
    def price(self) -> float:
        return self.market.quote(TYPE, REGION).price_micro_usd / DOLLAR

    def bid(self, limit: float, quantity: int = 1, name: str = "b") -> Bid:
        bid, happened = self.market.place(
            Order(name, "proj_a", "user_a", TYPE, REGION, micro(limit), quantity), self.market.now
        )
        assert happened == []
        return bid

    def to(self, seconds: int) -> list[Happening]:
        return self.market.advance(OPENED + seconds)

    def rival(self, price: float | None) -> None:
        assert self.market.set_rival(TYPE, REGION, None if price is None else micro(price), self.market.now) == []

    def instance(self, bid: Bid, rank: int = 0) -> Instance:
        return self.market.instances[bid.instances[rank]]

    def segments(self, bid: Bid, rank: int = 0) -> list[tuple[int, int | None, float]]:
        return [
            (s.start - OPENED, None if s.end is None else s.end - OPENED, s.price_micro_usd / DOLLAR)
            for s in self.market.ledger.segments(bid.instances[rank])
        ]

    def events(self, bid: Bid) -> list[tuple[int, str]]:
        return [(event.at - OPENED, event.kind) for event in bid.history]

    def statuses(self, bid: Bid, rank: int = 0) -> list[tuple[int, str]]:
        return [(stage.at - OPENED, stage.status.removeprefix("STATUS_")) for stage in self.instance(bid, rank).history]


def micro(dollars: float) -> int:
    return round(dollars * 100) * 10_000


def kinds(happened: list[Happening]) -> list[tuple[int, str]]:
    return [(happening.at - OPENED, happening.kind) for happening in happened]


@pytest.fixture(name="kinds")
def _kinds() -> Callable[[list[Happening]], list[tuple[int, str]]]:
    return kinds


@pytest.fixture
def new_stall() -> Iterator[Callable[..., Stall]]:
    """Makes stalls; what must be true of every market is asked of each at the end."""
    stalls: list[Stall] = []

    def made(**settings: object) -> Stall:
        stalls.append(Stall(**settings))  # type: ignore[arg-type]  # the fields' own types
        return stalls[-1]

    yield made
    for stall in stalls:
        assert list(faults(stall.market)) == []


@pytest.fixture
def stall(new_stall: Callable[..., Stall]) -> Stall:
    return new_stall()
