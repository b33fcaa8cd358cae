"""Amounts as Slurm prints them: memory and disk with units, trackable resources (TRES) and requests for gres as one text."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_UNITS = "MGTPE"
_UNIT = 1024


@lru_cache(1024)
def mebibytes(mib: int, *, convert: bool = True) -> str:
    """`500M`, `2G`, `62.50G`: a greater unit where at most half of it is left over (all of it exact); 0 is plain `0`."""
    if mib == 0:
        return "0"
    amount, unit = float(mib), 0
    while convert and amount >= _UNIT and amount % (_UNIT / 2) == 0 and unit < len(_UNITS) - 1:
        amount /= _UNIT
        unit += 1
    number = str(int(amount)) if amount.is_integer() else f"{amount:.2f}"
    return number + _UNITS[unit]


def plain(number: int) -> str:
    """A number, with the greatest unit of which at most a half is left over: `99`, `1.50K`, `13680K`, `2M`."""
    amount, unit = float(number), -1
    while amount >= _UNIT and amount % (_UNIT / 2) == 0 and unit < len(_UNITS):
        amount /= _UNIT
        unit += 1
    shown = str(int(amount)) if amount.is_integer() else f"{amount:.2f}"
    return shown + ("" if unit < 0 else f"K{_UNITS}"[unit])


def in_unit(mib: int, unit: str) -> str:
    """So many MiB in `K`, `M`, `G`, `T` or `P`: `16384000K`, `15.62G`."""
    amount = mib * _UNIT / _UNIT ** ("K" + _UNITS).index(unit)
    return (str(int(amount)) if amount.is_integer() else f"{amount:.2f}") + unit


def tres(*, cpu: int = 0, mib: int = 0, node: int = 0, billing: int = 0, gpus: int = 0) -> str:
    """`cpu=4,mem=500M,node=1,billing=4,gres/gpu=2`: of trackable resources those that there are."""
    found = {"cpu": cpu, "mem": mebibytes(mib) if mib else 0, "node": node, "billing": billing, "gres/gpu": gpus}
    return ",".join(f"{name}={amount}" for name, amount in found.items() if amount)


def gres(requests: Iterable[tuple[str, str | None, int]]) -> str:
    """`gres:gpu:h100:2,gres:shard:1` of (name, type, count); empty for none."""
    return ",".join(f"gres:{name}:{kind}:{count}" if kind else f"gres:{name}:{count}" for name, kind, count in requests)
