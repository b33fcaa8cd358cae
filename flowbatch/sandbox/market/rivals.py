"""The others who bid: a seeded crowd, or a price that was recorded somewhere and is replayed. Each auction has its own.

Every rival of a crowd is drawn from the seed, the auction and its number alone, so it is the same one however time is cut into steps.
"""

from __future__ import annotations

import csv
import json
import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from flowbatch.sandbox.market.catalogue import CENT
from flowbatch.sandbox.market.rounds import Contender
from flowbatch.units import DAY, HOUR


@dataclass(frozen=True, slots=True)
class CrowdTerms:
    """How rivals behave. `demand`: machines wanted by all of them at a time, as a multiple of those there are. `lifetime_s`: how long a
    bid stays, on average. `spread`: how far limits lie apart around what people have in mind (sigma of the logarithm). What they have in mind
    wanders (`wander`, sigma of the logarithm) and comes back to the usual price within `return_s`. `sizes`: quantities, one as likely as another."""

    demand: float = 2.0
    lifetime_s: int = 6 * HOUR
    spread: float = 0.25
    wander: float = 0.3
    return_s: int = 2 * DAY
    sizes: tuple[int, ...] = (1, 1, 1, 2)


@dataclass(frozen=True, slots=True)
class Rival:
    contender: Contender
    until: int


@dataclass(slots=True)
class Crowd:
    """Rivals that come, stay for a while, and go."""

    seed: str
    terms: CrowdTerms
    usual_micro_usd: int
    floor_micro_usd: int
    capacity: int
    drawn: int = 0
    mood: float = 0.0
    """Logarithm of what people have in mind now over the usual price."""
    last_at: int = 0
    next_at: int = 0
    present: list[Rival] = field(default_factory=list)

    def open(self, at: int) -> None:
        """The crowd is there as if it had always been."""
        self.last_at = self.next_at = at
        size = sum(self.terms.sizes) / len(self.terms.sizes)
        while len(self.present) < round(self.terms.demand * self.capacity / size):
            self._arrive(at)
        self.next_at = at + self._gap(Random(f"{self.seed} opens"))

    def advance(self, to: int) -> None:
        while self.next_at <= to:
            self._arrive(self.next_at)
        if any(rival.until <= to for rival in self.present):
            self.present = [rival for rival in self.present if rival.until > to]

    def next_change(self) -> int | None:
        return min([self.next_at, *(rival.until for rival in self.present)])

    def contenders(self) -> list[Contender]:
        return [rival.contender for rival in self.present]

    def reserve(self) -> int:
        return 0

    def _gap(self, rng: Random) -> int:
        size = sum(self.terms.sizes) / len(self.terms.sizes)
        mean = self.terms.lifetime_s * size / max(self.terms.demand * self.capacity, 1e-9)
        return 1 + int(rng.expovariate(1 / mean))

    def _arrive(self, at: int) -> None:
        self.drawn += 1
        rng = Random(f"{self.seed} {self.drawn}")
        kept = math.exp(-(at - self.last_at) / self.terms.return_s)
        self.mood = self.mood * kept + self.terms.wander * math.sqrt(1 - kept * kept) * rng.gauss(0, 1)
        limit = self.usual_micro_usd * math.exp(self.mood + self.terms.spread * rng.gauss(0, 1))
        contender = Contender(
            max(self.floor_micro_usd, round(limit / CENT) * CENT), rng.choice(self.terms.sizes), at, self.drawn
        )
        self.present.append(Rival(contender, at + 1 + int(rng.expovariate(1 / self.terms.lifetime_s))))
        self.last_at = at
        self.next_at = at + self._gap(rng)


@dataclass(slots=True)
class Recorded:
    """Somebody else's machines are had at this price at any time: who bids less gets none. Before the first instant the first price holds,
    after the last the last."""

    instants: list[int]
    prices_micro_usd: list[int]
    at: int = 0

    def open(self, at: int) -> None:
        self.at = at

    def advance(self, to: int) -> None:
        self.at = to

    def next_change(self) -> int | None:
        later = bisect_right(self.instants, self.at)
        return self.instants[later] if later < len(self.instants) else None

    def contenders(self) -> list[Contender]:
        return []

    def reserve(self) -> int:
        return self.prices_micro_usd[max(0, bisect_right(self.instants, self.at) - 1)] if self.instants else 0


def nobody() -> Recorded:
    """No rivals: the floor is the price until we outbid ourselves."""
    return Recorded([], [])


def recorded(series: Sequence[tuple[int, int]]) -> Recorded:
    """Of (instant, micro-dollars per instance-hour), in any order."""
    ordered = sorted(dict(series).items())
    return Recorded([at for at, _ in ordered], [_whole_cents(price) for _, price in ordered])


def recorded_csv(text: str) -> Recorded:
    """Of lines `instant,dollars`: seconds since 1970, dollars per instance-hour. Raises ValueError for any other line; `#` begins a comment."""
    rows = csv.reader(line for line in text.splitlines() if line.strip() and not line.startswith("#"))
    return recorded([(int(at), round(float(dollars) * 1_000_000)) for at, dollars in rows])


def recorded_json(text: str) -> Recorded:
    """Of `[[instant, dollars], ...]`."""
    return recorded([(int(at), round(float(dollars) * 1_000_000)) for at, dollars in json.loads(text)])


def _whole_cents(micro_usd: int) -> int:
    return max(CENT, round(micro_usd / CENT) * CENT)
