"""What an auction cleared at, and since when."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(slots=True)
class Prices:
    """The clearing price since `instants[i]`, each different from the one before."""

    instants: list[int] = field(default_factory=list)
    micro_usd: list[int] = field(default_factory=list)

    def set(self, at: int, micro_usd: int) -> None:
        if not self.micro_usd or self.micro_usd[-1] != micro_usd:
            self.instants.append(at)
            self.micro_usd.append(micro_usd)

    def at(self, instant: int) -> int:
        """Before the first: the first."""
        return self.micro_usd[max(0, bisect_right(self.instants, instant) - 1)]

    def changes(self, start: int, end: int) -> list[tuple[int, int]]:
        """The price at `start`, and every change after it, up to `end` included."""
        first = max(start, self.instants[0])
        if first > end:
            return []
        later = slice(bisect_right(self.instants, first), bisect_right(self.instants, end))
        return [(first, self.at(first)), *zip(self.instants[later], self.micro_usd[later], strict=True)]

    def forget(self, now: int, remember_s: int) -> None:
        """What is older than `remember_s` may be gone, once it is twice as old."""
        if self.instants[0] < now - 2 * remember_s:
            stale = bisect_right(self.instants, now - remember_s) - 1
            del self.instants[:stale], self.micro_usd[:stale]
