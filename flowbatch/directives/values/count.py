"""Counts: --ntasks, --cpus-per-task, --ntasks-per-*, --mincpus, --*-per-gpu ... (at least 1), --core-spec,
--wait-all-nodes (at least 0; nothing is 0). sbatch judges.

A number past 32 bits wraps, as it does in Slurm: `--ntasks=4294967296` is 0. What sbatch makes of a result that became
negative or 0 in this way is the option's own affair (-n and -c refuse it: `invalid number of tasks (-n -1)`).
"""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import LONG_MAX, as_int32, whole

FORMS = "a count is a whole number"


@lru_cache(maxsize=1024)
def parse(text: str, at_least: int = 1) -> int:
    """The number. Raises ValueSyntax with sbatch's sentence up to ` for --OPTION.`, which the caller knows."""
    try:
        number = _COUNT.read(text)
    except ValueSyntax as error:
        raise _invalid(text, error.column) from None
    if (0 if number is None else number) < at_least:
        raise _invalid(text)
    if number is not None and number >= LONG_MAX:
        raise ValueSyntax(f"Numeric argument ({LONG_MAX}) to big", hint=FORMS)
    return as_int32(number or 0)


def show(count: int) -> str:
    return str(count)


def _invalid(text: str, column: int = 1) -> ValueSyntax:
    return ValueSyntax(f'Invalid numeric value "{text}"', column, hint=FORMS)


@v_args(inline=True)
class _Reader(Transformer[Token, "int | None"]):
    def number(self, text: str | None) -> int | None:
        return None if text is None else whole(text)


_COUNT: Language[int | None] = Language("count", _Reader(), forms=FORMS)
