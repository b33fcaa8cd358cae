"""Instants, and how many seconds there are in what. Everything is counted in whole numbers; a name that carries one says of what
(`_s`, `_min`, `_mib`, `_micro_usd`)."""

from __future__ import annotations

import re
from typing import NewType

Instant = NewType("Instant", int)
"""Seconds since 1970-01-01 UTC, as Slurm's own time_t. Zones exist where text is read or printed, nowhere else."""

MINUTE = 60
HOUR = 3600
DAY = 86400

MICRO = 1_000_000

_SECONDS = {"s": 1, "m": MINUTE, "h": HOUR, "d": DAY}
_LENGTH = re.compile(r"(?:[0-9]{1,12}[smhd])+")


def length(text: str) -> int | None:
    """Seconds of a length of time as people write it: `90s`, `20m`, `1h30m`, `7d`. None for anything else."""
    if not _LENGTH.fullmatch(text):
        return None
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"([0-9]+)([smhd])", text))


def dollars(micro_usd: int) -> str:
    """`$12.00`; as many digits as it takes, two at least."""
    whole, rest = divmod(abs(micro_usd), MICRO)
    cents = f"{rest:06}".rstrip("0").ljust(2, "0")
    return f"{'-' if micro_usd < 0 else ''}${whole}.{cents}"


def rounded(micro_usd: int) -> str:
    """`$12.35`: to the nearest cent; less than a cent by its first two figures, `$0.0042`."""
    size, cent = abs(micro_usd), MICRO // 100
    step = cent if size >= cent else 10 ** max(0, len(str(size)) - 2)
    near = (size + step // 2) // step * step
    return dollars(-near if micro_usd < 0 else near)
