"""The one door through which time comes in."""

from __future__ import annotations

import time
from typing import Protocol

from flowbatch.units import Instant


class Clock(Protocol):
    def now(self) -> Instant:
        """The present instant; may jump either way, as wall clocks do."""


class SystemClock:
    def now(self) -> Instant:
        return Instant(int(time.time()))


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, at: int = 1_000_000_000) -> None:
        self.at = at

    def now(self) -> Instant:
        return Instant(self.at)

    def advance(self, seconds: int) -> None:
        self.at += seconds
