"""Trackable resources: limits and totals in Slurm's accounting words (`cpu=4,mem=2G,gres/gpu=1`)."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values import memory
from flowbatch.directives.values.grammar import Language
from flowbatch.slurm.integers import as_uint64, whole

FORMS = "resources are NAME=COUNT with commas between them"

Tres = tuple[tuple[str, int], ...]

_SCALE = {unit: 1024**power for power, unit in enumerate("KMGTP", start=1)}


@lru_cache(maxsize=256)
def parse(text: str) -> Tres:
    """(name, count) in order; `mem` in MiB. Raises ValueSyntax."""
    return _TRES.read(text)


def show(tres: Tres) -> str:
    return ",".join(f"{name}={count}" for name, count in tres)


@v_args(inline=True)
class _Reader(Transformer[Token, Tres]):
    def start(self, *parts: tuple[str, int] | None) -> Tres:
        return tuple(part for part in parts if part)

    def tres(self, name: str, number: str, unit: str | None) -> tuple[str, int]:
        if name == "mem" and unit not in ("p", "P"):
            return "mem", memory.parse(number + (unit or ""))
        return str(name), as_uint64(whole(number) * (_SCALE[unit.upper()] if unit else 1))


_TRES: Language[Tres] = Language("tres", _Reader(), forms=FORMS)
