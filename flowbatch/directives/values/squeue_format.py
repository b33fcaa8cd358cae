"""The format strings of `squeue -o` and `squeue -O` as columns. Which fields exist is the field tables' affair."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.slurm.integers import as_int32, whole

LONG_WIDTH = 20
ALL = "all"
"""The `field` of `%all`."""


@dataclass(frozen=True)
class Column:
    """One column. `field` is the letter of -o or the name of -O as written; "" is a literal text (`suffix`).

    `width` None prints the text as long as it is, as a width of 0 does; a negative one (`-O name:-5`, or one that wraps) is
    printed so by squeue, with a blank behind the text. `source` is what was written: squeue prints it
    in place of a column of -o whose letter it does not know (`Invalid job format specification: LETTER`). A column of
    -o without a letter (`%5`) has field "" and a source.
    """

    field: str
    width: int | None = None
    right: bool = False
    suffix: str = ""
    source: str = ""


@lru_cache(maxsize=256)
def parse_short(text: str) -> tuple[Column, ...]:
    """The columns of `-o`; a text before the first % is a column with neither field nor source."""
    return _SHORT.read(text)


@lru_cache(maxsize=256)
def parse_long(text: str) -> tuple[Column, ...]:
    """The columns of `-O`; of those whose name it does not know squeue prints the suffix alone, after saying so."""
    return _LONG.read(text)


def show_short(columns: tuple[Column, ...]) -> str:
    return "".join(column.source or column.suffix for column in columns)


def show_long(columns: tuple[Column, ...]) -> str:
    return ",".join(column.source for column in columns)


def _column(field: str, right: str | None, digits: str | None, suffix: str | None, source: str) -> Column:
    width = as_int32(whole(digits)) if digits else 0
    return Column(str(field), width or None, right is not None, suffix or "", source)


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[Column, ...]"]):
    def short(self, literal: str | None, *rest: Column | str | None) -> tuple[Column, ...]:
        columns = tuple(part for part in rest if isinstance(part, Column))
        return (Column("", suffix=str(literal)), *columns) if literal else columns

    def all(self, _word: str) -> Column:
        return Column(ALL, source=f"%{ALL}")

    def field(self, right: str | None, width: str | None, letter: str, suffix: str | None) -> Column:
        return _column(letter, right, width, suffix, _joined("%", right, width, letter, suffix))

    def unnamed(self, *parts: str | None) -> Column:
        return Column("", source=_joined("%", *parts))

    def long(self, *parts: Column | str | None) -> tuple[Column, ...]:
        return tuple(part for part in parts if isinstance(part, Column))

    def plain(self, name: str) -> Column:
        return Column(str(name), LONG_WIDTH, source=str(name))

    def sized(self, name: str | None, right: str | None, digits: str | None, text: str | None) -> Column:
        return _column(name or "", right, digits, text, _joined(name, ":", right, digits, text))


def _joined(*parts: str | None) -> str:
    return "".join(part for part in parts if part)


_SHORT: Language[tuple[Column, ...]] = Language("squeue_format", _Reader(), start="short")
_LONG: Language[tuple[Column, ...]] = Language("squeue_format", _Reader(), start="long")
