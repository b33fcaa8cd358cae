"""One timer unit at work (systemd.timer(5)): the monotonic kinds, counted from its start, the boot or the last firing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from flowbatch.sandbox.machines.inside.unitfile import SERVICE, TIMER, Unit, span


class Timer:
    """`booted`: when the instance did, by the monotonic clock. `fire` begins the service of this name."""

    def __init__(self, unit: Unit, booted: float, fire: Callable[[str], None]) -> None:
        self.unit = unit
        self.state = "inactive"
        self.pid: int | None = None
        self.since = time.time()
        self._booted = booted
        self._fire = fire
        self._life: asyncio.Task[None] | None = None

    async def start(self) -> bool:
        self.unit.check()
        if self._life is None or self._life.done():
            self.state, self.since = "active", time.time()
            self._life = asyncio.create_task(self._live(time.monotonic()))
        return True

    async def stop(self) -> None:
        if self._life is not None:
            self._life.cancel()
            await asyncio.wait({self._life})
        self.state, self.since = "inactive", time.time()

    def signal(self, number: int) -> None:
        """It has no process."""

    def reset(self) -> None:
        """It does not fail."""

    async def _live(self, started: float) -> None:
        target = self.unit.last("Timer", "Unit") or self.unit.name.removesuffix(TIMER) + SERVICE
        dues = [started + s for s in self._spans("OnActiveSec")]
        dues += [self._booted + s for key in ("OnBootSec", "OnStartupSec") for s in self._spans(key)]
        for due in sorted(dues):
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._fire(target)
        while again := self._spans("OnUnitActiveSec"):
            await asyncio.sleep(min(again))
            self._fire(target)

    def _spans(self, key: str) -> list[float]:
        return [span(said) for said in self.unit.all("Timer", key)]
