"""The words of `flow submit` as sbatch's: options may stand anywhere, those of the market among them; `--` ends them.

sbatch has `-i FILE` for --input, the market `-i TYPE`: the text tells which is meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from flowbatch.directives import market
from flowbatch.directives.options import TABLES
from flowbatch.slurm.getopt import GetoptError, Given, Operand

SBATCH = TABLES["sbatch"]
INSTANCE_TYPE = re.compile(
    r"[0-9]+x[A-Za-z][\w-]*|[A-Za-z]+[0-9]+[A-Za-z]*[:x][0-9]+|it_\w+|[\w-]+(?:\.[\w-]+)*\.[0-9]+x"
)
"""`-i 8xh100` is what the market calls its machine; `-i` with any other text is sbatch's --input."""

COMPONENT = ":"
"""Stands between the components of a heterogeneous job."""


@dataclass
class Words:
    """`options` are sbatch's, `terms` those of the market, `operands` the script or command and what follows it."""

    options: list[str] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    operands: list[str] = field(default_factory=list)

    @property
    def argv(self) -> list[str]:
        """What sbatch would be called with."""
        return [*self.options, *(["--", *self.operands] if self.operands else [])]


def sort(words: Sequence[str]) -> Words:
    """Every word in its place. A word that nobody knows stays with sbatch's, whose business it is to refuse it.

    sbatch's options come first: what it understands, if only as a prefix, is never taken for one of the market's.
    """
    sorted_, rest = Words(), list(words)
    while rest:
        length, found = _options(rest)
        sorted_.options += rest[:length]
        rest = rest[length:]
        if isinstance(found, Given):
            sorted_.terms.append(f"--instance-type={found.value}")
            rest = rest[_end(found) - length :]
        elif isinstance(found, GetoptError):
            length = _term(rest)
            if not length:
                sorted_.options += rest
                break
            sorted_.terms += rest[:length]
            rest = rest[length:]
        elif rest and rest[0] == "--":
            sorted_.operands += rest[1:]
            break
        elif rest:
            (sorted_.options if rest[0] == COMPONENT else sorted_.operands).append(rest.pop(0))
    return sorted_


def _options(words: Sequence[str]) -> tuple[int, Operand | GetoptError | Given | None]:
    """How many of `words` are sbatch's options with their values, and what ended them: a `Given` is one of the market's."""
    length = 0
    try:
        for found in SBATCH.parse("sbatch", words, permute=False):
            if isinstance(found, Operand):
                return length, found
            if found.spelled == "-i" and INSTANCE_TYPE.fullmatch(found.value or "") and found.index == length:
                return length, found
            length = _end(found)
    except GetoptError as error:
        return error.index, error
    return length, None


def _term(words: Sequence[str]) -> int:
    """How many of `words` are one option of the market with its value; 0 if it is none."""
    try:
        found = next(market.TABLE.parse("flow", words))
    except GetoptError:
        return 0
    return _end(found) if isinstance(found, Given) and found.spelled.startswith("--") else 0


def _end(given: Given) -> int:
    """The place behind an option and its value."""
    return (given.value_at[0] if given.value_at else given.index) + 1
