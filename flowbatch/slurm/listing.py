"""Rows of a listing: values that are already text, put into columns as squeue 22.05 does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from flowbatch import text

MAX_WIDTH = 65536
"""Wider columns are made this wide: a width is a user's number, and every row costs its memory."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` names its value (None: there is none, only the text `suffix`), `width` pads and cuts.

    Widths count bytes, as printf does. A width of None or 0 takes the value as long as it is.
    """

    key: str | None
    header: str = ""
    width: int | None = None
    right: bool = False
    suffix: str = ""

    def cell(self, value: str) -> str:
        """The value in the column's width: padded with blanks or cut at its end, with the suffix behind it."""
        width = min(self.width or 0, MAX_WIDTH)
        if not width:
            return value + self.suffix
        raw = text.encode(value)[:width]
        return text.decode(raw.rjust(width) if self.right else raw.ljust(width)) + self.suffix


def header(columns: Sequence[Column]) -> str:
    """The line above the rows."""
    return "".join(column.cell(column.header) for column in columns)


def formatter(columns: Sequence[Column]) -> Callable[[Sequence[str]], str]:
    """What makes a row's values (one a column, in their order) one line.

    Made once for many rows: a row of ASCII is one `%`, and where characters are not bytes each cell is made by itself.
    """
    template = "".join(_slot(column) + column.suffix.replace("%", "%%") for column in columns)

    def line(values: Sequence[str]) -> str:
        made = template % tuple(values)
        if made.isascii():
            return made
        return "".join(column.cell(value) for column, value in zip(columns, values, strict=True))

    return line


def lines(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """All rows, each with its line end."""
    made = formatter(columns)
    return "".join([made(row) + "\n" for row in rows])


def _slot(column: Column) -> str:
    width = min(column.width or 0, MAX_WIDTH)
    return f"%{'' if column.right else '-'}{width}.{width}s" if width else "%s"
