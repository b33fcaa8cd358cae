"""The market's own time, in whole seconds since 1970-01-01 UTC: one that stands until it is moved, and one that runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class MarketClock(Protocol):
    """Never goes back."""

    def now(self) -> int: ...

    def wait_s(self, until: int) -> float | None:
        """Real seconds from now to `until`; None if it does not come by itself."""

    def move(self, seconds: int) -> None:
        """Time passes at once. Raises ValueError for a move backwards."""


class VirtualClock:
    """Stands still until it is moved."""

    def __init__(self, at: int) -> None:
        self._at = at

    def now(self) -> int:
        return self._at

    def wait_s(self, until: int) -> float | None:
        return 0.0 if until <= self._at else None

    def move(self, seconds: int) -> None:
        self._at += _forwards(seconds)


class RealClock:
    """Runs `rate` times as fast as `monotonic` (seconds, from anywhere), starting at `at`. It does not follow the wall clock's jumps."""

    def __init__(self, at: int, monotonic: Callable[[], float], rate: float = 1.0) -> None:
        if rate <= 0:
            raise ValueError("a clock that runs has a rate above 0")
        self._monotonic = monotonic
        self._from = monotonic()
        self._at = float(at)
        self._rate = rate

    def now(self) -> int:
        return int(self._exact())

    def wait_s(self, until: int) -> float | None:
        return max(0.0, (until - self._exact()) / self._rate)

    def move(self, seconds: int) -> None:
        self._at += _forwards(seconds)

    def _exact(self) -> float:
        return self._at + (self._monotonic() - self._from) * self._rate


def _forwards(seconds: int) -> int:
    if seconds < 0:
        raise ValueError("the market's time does not go back")
    return seconds
