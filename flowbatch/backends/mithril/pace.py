"""How often the market is asked, and how soon again after it did not answer."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import count
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """It was not done in time."""


async def within(seconds: float, work: Coroutine[Any, Any, T]) -> T:
    """What the work returns. Raises TookTooLong. A cancellation is never swallowed, as `asyncio.wait_for` does before
    Python 3.12 when the work ends in the same instant."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        if not task.done():
            raise TookTooLong
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def poked(event: asyncio.Event, at_most_s: float | None) -> bool:
    """Whether the event came in that time; None waits for it."""
    if at_most_s is None:
        return await event.wait()
    with contextlib.suppress(TookTooLong):
        return await within(at_most_s, event.wait())
    return False


LOOKS, ORDERS, HOUSEKEEPING = range(3)
"""Who goes first where calls wait: what becomes of machines is seen in time however many bids are being placed, and keys that are
only to be tidied away wait for both."""

rank: ContextVar[int] = ContextVar("rank", default=ORDERS)
"""Of all calls that the present task makes."""


AT_ONCE = 16
"""So many calls are under way at most: a market that answers slowly is not asked more and more."""
FOR_LOOKS = 2
"""Of these, so many are for looks alone: a market that hangs on bids is looked at all the same."""


class Pace:
    """At most `burst` calls begin at once and `per_s` calls a second for long, and `AT_ONCE` are under way; the others wait for their turn: by
    rank, then first come first served."""

    def __init__(self, per_s: float, burst: int) -> None:
        self._gap = 1 / per_s
        self._slack = self._gap * (burst - 1)
        self._next = 0.0
        self._under_way = 0
        self._arrivals = count()
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._timer: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """A call is made inside."""
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (rank.get(), next(self._arrivals), mine))
        self._let()
        try:
            await mine
            yield
        finally:
            if mine.done() and not mine.cancelled():
                self._under_way -= 1
                self._let()

    def _let(self) -> None:
        """Whoever may begin now does; those who have gone away meanwhile do not."""
        loop = asyncio.get_running_loop()
        while self._waiting and self._under_way < AT_ONCE - FOR_LOOKS * (self._waiting[0][0] != LOOKS):
            due = max(self._next, loop.time() - self._slack)
            if due > loop.time():
                if self._timer is None:
                    self._timer = loop.call_at(due, self._rung)
                return
            *_, first = heapq.heappop(self._waiting)
            if not first.done():
                self._next = due + self._gap
                self._under_way += 1
                first.set_result(None)

    def _rung(self) -> None:
        self._timer = None
        self._let()


class Shared(Generic[T]):
    """One asking for all who want the same answer meanwhile: each gets one that was asked for after he came."""

    def __init__(self, ask: Callable[[], Awaitable[T]]) -> None:
        self._ask = ask
        self._turn = asyncio.Lock()
        self._came = self._served = 0
        self._answers: list[T] = []

    async def answer(self) -> T:
        self._came += 1
        mine = self._came
        async with self._turn:
            if self._served < mine:
                everybody = self._came
                self._answers = [await self._ask()]
                self._served = everybody
            return self._answers[0]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `first_s` to `longest_s`, each shortened at random by up to a half."""

    first_s: float
    longest_s: float

    def wait_s(self, failures: int, rng: random.Random) -> float:
        """The wait after the `failures`-th failure in a row, counted from 0."""
        return min(self.first_s * 2.0 ** min(failures, 30), self.longest_s) * rng.uniform(0.5, 1)


@dataclass(frozen=True, slots=True)
class Tempo:
    """Everything about time in which markets differ; seconds. `decisions/0017` has the reasons and the sums.

    `poll_s`: between two looks while bids wait or run; `keen_s`: while one of them is about to change; `idle_s`: while
    there is none. `settle_s`: so long after a bid was sent a look may miss it still, and after its end its bill may grow.
    """

    per_s: float
    burst: int
    poll_s: float
    keen_s: float
    idle_s: float
    settle_s: float
    charge_s: float = 60
    catalogue_s: float = 3600
    retry: Backoff = Backoff(0.5, 8)
    away: Backoff = Backoff(1, 60)


AT_HOME = Tempo(per_s=15, burst=60, poll_s=2, keen_s=1, idle_s=5, settle_s=3)
"""For a market on this machine."""

ABROAD = Tempo(per_s=2, burst=20, poll_s=20, keen_s=10, idle_s=60, settle_s=60)
"""For the real one: 120 calls a minute at most, however many jobs there are."""
