"""Amounts of memory and disk: `--mem`, `--mem-per-cpu`, `--mem-per-gpu`, `--tmp`. Whole MiB."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import LONG_MAX, as_uint64, whole

FORMS = "memory is a whole number of MiB, or of K, M, G or T"

_MIB = {"M": 1, "G": 2**10, "T": 2**20}


@lru_cache(maxsize=1024)
def parse(text: str) -> int:
    """MiB; 0 means all the memory of a node. Raises ValueSyntax."""
    return _MEMORY.read(text)


def show(mib: int) -> str:
    """As in sbatch's list of options: the greatest unit that divides it, MiB without one, and `0?` for 0."""
    for unit in ("", "G", "T", "P"):
        if mib % 1024:
            return f"{mib}{unit}"
        mib //= 1024
    return f"{mib}?"


@v_args(inline=True)
class _Reader(Transformer[Token, int]):
    def amount(self, number: str, unit: str = "M") -> int:
        count = whole(number)
        if count > LONG_MAX:
            raise ValueSyntax("too large for memory", hint=FORMS)
        size = unit[0].upper()
        return -(-count // 1024) if size == "K" else as_uint64(count * _MIB[size])


_MEMORY: Language[int] = Language("memory", _Reader(), forms=FORMS)
