"""Units, each in whole numbers: seconds, MiB, micro-dollars. A name that carries a number says which."""

from __future__ import annotations

from typing import NewType

Instant = NewType("Instant", int)
"""Seconds since 1970-01-01 UTC, as Slurm's own time_t. Zones exist where text is read or printed, nowhere else."""

Seconds = NewType("Seconds", int)
MiB = NewType("MiB", int)
MicroUSD = NewType("MicroUSD", int)

MINUTE = 60
HOUR = 3600
DAY = 86400
