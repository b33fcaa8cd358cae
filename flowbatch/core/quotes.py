"""The market as it was last seen: facts of the moment, never stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quote:
    """One instance type in one region. Prices in micro-dollars per instance-hour; `capacity` in instances free now."""

    instance_type: str
    region: str
    price_micro_usd: int
    floor_micro_usd: int = 0
    capacity: int = 0


@dataclass(frozen=True, slots=True)
class Quotes:
    """All quotes, by (instance type, region)."""

    at: int
    quotes: Mapping[tuple[str, str], Quote]
