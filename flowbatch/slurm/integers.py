"""The C integers that Slurm reads into: a number that is too long wraps as it does there."""

from __future__ import annotations

import re

LONG_MAX = 2**63 - 1

_INTEGER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]+")


def whole(text: str) -> int:
    """The number that ASCII digits (signed or not, blanks around them) spell; past a long, some number past a long."""
    digits = text.strip().lstrip("+-").lstrip("0")
    number = int(digits) if 0 < len(digits) < 21 else 0 if not digits else 10**21
    return -number if "-" in text else number


def as_long(number: int) -> int:
    """What strtol makes of it."""
    return max(-LONG_MAX - 1, min(number, LONG_MAX))


def leading(text: str) -> int:
    """What strtol makes of a text: the number it begins with, 0 where there is none."""
    found = _INTEGER.match(text)
    return as_long(whole(found.group())) if found else 0


def as_int32(number: int) -> int:
    """What a C int holds after strtol's answer was stored in it."""
    return (as_long(number) + 2**31) % 2**32 - 2**31


def as_uint32(number: int) -> int:
    return number % 2**32


def as_uint64(number: int) -> int:
    return number % 2**64
