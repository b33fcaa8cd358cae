"""How a sandbox is set up. The defaults suit a person who tries it; the real market's own numbers stand beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from flowbatch.errors import ConfigError
from flowbatch.units import DAY

FASTEST = 1_000_000
"""The highest rate: a week of the market in less than a second."""
LONGEST_S = 10 * 366 * DAY
PORTS = 65535


@dataclass(frozen=True)
class Settings:
    """Seconds are of the market's time, which runs `rate` times as fast as ours; `idle_s` and `requests_per_minute` are ours."""

    tick_s: int = 5
    """Between two rounds of the auction (real: 120)."""
    notice_s: int = 60
    """From the notice of a preemption to the stop (real: 300)."""
    boot_delay_s: int = 1
    """From an allocation to the machine's first second (real: minutes)."""
    seed: int = 1
    """Of the rivals: the same seed, the same prices."""
    rate: float = 1.0
    prices: Path | None = None
    """A recorded price history that the rivals follow."""
    history_s: int = 7 * DAY
    """How far back prices reach on the first day."""
    port: int = 0
    """0: the one it had before, else any that is free."""
    requests_per_minute: int = 1200
    """Of one API key; 0 is no limit (real: not published)."""
    idle_s: int = 3600
    """It ends when nobody has asked it for so long and no instance runs; 0: never."""

    def __post_init__(self) -> None:
        """Raises ConfigError for a number that no market can run on."""
        if not 0 < self.rate <= FASTEST:
            raise ConfigError(f"rate {self.rate:g}: not above 0, or above {FASTEST}")
        for name, (least, most) in BOUNDS.items():
            if not least <= (said := getattr(self, name)) <= most:
                words = name.removesuffix("_s").replace("_", "-")
                raise ConfigError(f"{words} {said}: not from {least} to {most}")


BOUNDS = {
    "tick_s": (1, LONGEST_S),
    "notice_s": (0, LONGEST_S),
    "boot_delay_s": (0, LONGEST_S),
    "history_s": (0, LONGEST_S),
    "port": (0, PORTS),
    "requests_per_minute": (0, 1_000_000_000),
    "idle_s": (0, LONGEST_S),
}
