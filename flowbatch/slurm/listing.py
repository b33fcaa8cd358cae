"""Rows of a listing: values that are already text, put into columns as squeue 22.05 does it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from flowbatch import text
from flowbatch.slurm.fields import CUT_WORDS, NULL

MAX_WIDTH = 65536
"""Wider columns are made this wide: a width is a user's number, and every row costs its memory."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `key` names its value (None: there is none, only the text `suffix`), `width` pads and cuts.

    Widths count bytes, as printf does. A width of None or 0 takes the value as long as it is. `whole` is of slurm/fields.py.
    """

    key: str | None
    header: str = ""
    width: int | None = None
    right: bool = False
    suffix: str = ""
    whole: bool = False
    whole_header: bool = False

    @property
    def room(self) -> int:
        return min(self.width or 0, MAX_WIDTH)

    def fit(self, value: str) -> str:
        """What of the value is shown, before it is padded."""
        if not self.room or (len(value) <= self.room and value.isascii()):
            return value
        if not self.right and value == NULL:
            return ""
        if self.right and self.whole and not (value in CUT_WORDS or (value.startswith("(") and value != NULL)):
            return value
        return text.decode(text.encode(value)[: self.room])

    def cell(self, value: str) -> str:
        """The value in its column, with the suffix behind it."""
        raw = text.encode(self.fit(value))
        padded = raw.rjust(self.room) if self.right else raw.ljust(self.room)
        return text.decode(padded) + self.suffix


def header(columns: Sequence[Column]) -> str:
    """The line above the rows; a header is cut, but for those of lists of nodes."""
    return "".join(replace(column, whole=column.whole_header).cell(column.header) for column in columns)


def formatter(columns: Sequence[Column]) -> Callable[[Sequence[str]], str]:
    """What makes a row's values (one a column, in their order) one line.

    Made once for many rows: a row of ASCII is one `%`, and where characters are not bytes each cell is made by itself.
    """
    template = "".join(_slot(column) + column.suffix.replace("%", "%%") for column in columns)
    particular = [(at, column.room, column.fit) for at, column in enumerate(columns) if _is_particular(column)]

    def line(values: Sequence[str]) -> str:
        shown = list(values)
        for at, room, fit in particular:
            if len(shown[at]) > room:
                shown[at] = fit(shown[at])
        made = template % tuple(shown)
        if made.isascii():
            return made
        return "".join([column.cell(value) for column, value in zip(columns, values, strict=True)])

    return line


def lines(columns: Sequence[Column], rows: Iterable[Sequence[str]]) -> str:
    """All rows, each with its line end."""
    made = formatter(columns)
    return "".join([made(row) + "\n" for row in rows])


def _is_particular(column: Column) -> bool:
    """Whether cutting at the width is not all there is to it."""
    return (column.right and column.whole) or (not column.right and 0 < column.room < len(NULL))


def _slot(column: Column) -> str:
    width = column.room
    if not width:
        return "%s"
    return f"%{width}s" if column.right and column.whole else f"%{'' if column.right else '-'}{width}.{width}s"
