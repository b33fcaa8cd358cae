"""All that stands behind the API: the world it tells of, and the weather on the way there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from flowbatch.sandbox.settings import Settings
from flowbatch.sandbox.web.faults import Fault, Limits, Weather
from flowbatch.sandbox.web.lines import Lines
from flowbatch.sandbox.world import World


@dataclass
class Site:
    """`save` puts the world on disk or raises OSError; `stop` ends the process soon; `secret` opens /sandbox."""

    world: World
    secret: str = field(repr=False)
    save: Callable[[], None]
    stop: Callable[[], None]
    limits: Limits
    settings: Settings
    weather: Weather = field(default_factory=Weather)
    lines: Lines = field(default_factory=Lines)
    asked_at: float = field(default_factory=time.monotonic)
    """When the market was last asked for something, in real time."""
    _stale: dict[int, World] = field(default_factory=dict)

    def real_now(self) -> float:
        return time.monotonic()

    def asked(self) -> None:
        self.asked_at = self.real_now()

    def set(self, fault: Fault) -> int:
        number = self.weather.set(fault)
        if fault.kind == "stale":
            self._stale[number] = self.world.copy()
        return number

    def clear(self) -> None:
        self.weather.clear()
        self._stale.clear()

    def as_of(self, fault: int | None) -> World:
        """The world, or how it was when a fault was set."""
        return self.world if fault is None else self._stale.get(fault, self.world)
