"""Instants, and how many seconds there are in what. Everything is counted in whole numbers; a name that carries one says of what
(`_s`, `_min`, `_mib`, `_micro_usd`)."""

from __future__ import annotations

from typing import NewType

Instant = NewType("Instant", int)
"""Seconds since 1970-01-01 UTC, as Slurm's own time_t. Zones exist where text is read or printed, nowhere else."""

MINUTE = 60
HOUR = 3600
DAY = 86400
