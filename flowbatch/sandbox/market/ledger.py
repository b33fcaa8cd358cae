"""Who owes what: for each instance, from when to when at which price.

A stretch of one price costs `price * seconds // 3600` micro-dollars, rounded down once for the stretch. Every sum is a sum of
stretches so rounded, whichever way one adds up: by instance, by bid, by project.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from flowbatch.units import HOUR


@dataclass(frozen=True, slots=True)
class Segment:
    """One price for one instance, from `start` up to `end`; without an end it goes on."""

    start: int
    end: int | None
    price_micro_usd: int

    def cost_micro_usd(self, now: int) -> int:
        end = now if self.end is None else self.end
        return self.price_micro_usd * max(0, end - self.start) // HOUR


@dataclass(slots=True)
class Account:
    """What one instance was charged for. Only the last segment may be without an end."""

    bid: str
    project: str
    segments: list[Segment] = field(default_factory=list)

    @property
    def running(self) -> bool:
        return bool(self.segments) and self.segments[-1].end is None

    def charge(self, at: int, price_micro_usd: int) -> None:
        """From `at` on it costs this much per hour. The same price again goes on; a stretch of no length leaves no trace."""
        self.stop(at)
        start = at
        if self.segments and (self.segments[-1].end, self.segments[-1].price_micro_usd) == (at, price_micro_usd):
            start = self.segments.pop().start
        self.segments.append(Segment(start, None, price_micro_usd))

    def stop(self, at: int) -> None:
        """From `at` on it costs nothing."""
        if self.running:
            last = self.segments.pop()
            if last.start < at:
                self.segments.append(Segment(last.start, at, last.price_micro_usd))

    def total_micro_usd(self, now: int) -> int:
        return sum(segment.cost_micro_usd(now) for segment in self.segments)


@dataclass(slots=True)
class Ledger:
    """All accounts, by instance id. They are never closed."""

    accounts: dict[str, Account] = field(default_factory=dict)

    def open(self, instance: str, bid: str, project: str) -> None:
        self.accounts[instance] = Account(bid, project)

    def segments(self, instance: str) -> tuple[Segment, ...]:
        return tuple(self.accounts[instance].segments)

    def of_instance(self, instance: str, now: int) -> int:
        """Micro-dollars up to `now`, as all sums here."""
        return self.accounts[instance].total_micro_usd(now)

    def of_bid(self, bid: str, now: int) -> int:
        return sum(account.total_micro_usd(now) for account in self.accounts.values() if account.bid == bid)

    def of_project(self, project: str, now: int) -> int:
        return sum(account.total_micro_usd(now) for account in self.accounts.values() if account.project == project)

    def by_bid(self, now: int) -> dict[str, int]:
        sums: dict[str, int] = {}
        for account in self.accounts.values():
            sums[account.bid] = sums.get(account.bid, 0) + account.total_micro_usd(now)
        return sums

    def faults(self) -> Iterator[str]:
        """What is wrong with it; nothing, ever."""
        for instance, account in self.accounts.items():
            for segment in account.segments:
                if segment.price_micro_usd <= 0 or (segment.end is not None and segment.end <= segment.start):
                    yield f"{instance}: {segment}"
            for earlier, later in zip(account.segments, account.segments[1:], strict=False):
                if earlier.end is None or earlier.end > later.start:
                    yield f"{instance}: {earlier} and {later} overlap"
                elif earlier.end == later.start and earlier.price_micro_usd == later.price_micro_usd:
                    yield f"{instance}: {earlier} and {later} are one"
