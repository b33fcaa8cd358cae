"""Listings as Slurm's accounting commands print them (sacct, sacctmgr, sreport, sshare, sstat): a blank behind every column,
what has no room ends in a `+`; or values between bars, for programs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from flowbatch import text

_WIDEST = 65536
_NUMBER = re.compile(r"[ \t]*(?P<sign>[+-]?)(?P<digits>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. A width below 0 puts the text at the left; in a `plain` one what has no room is cut without a mark."""

    header: str
    width: int
    plain: bool = False

    def cell(self, value: str, *, is_header: bool = False) -> str:
        """The value in its column; a header is cut without a mark."""
        raw, room = text.encode(value), abs(self.width)
        if not room:
            return ""
        if len(raw) > room:
            raw = raw[:room] if is_header or self.plain else raw[: room - 1] + b"+"
        return text.decode(raw.ljust(room) if self.width < 0 else raw.rjust(room))


def width(text: str) -> int:
    """The width that is asked for: the number that the text begins with (`30`, `-30x`); 0 where there is none."""
    found = _NUMBER.match(text)
    if found is None:
        return 0
    number = min(int(found["digits"][:9]), _WIDEST)
    return -number if found["sign"] == "-" else number


def lines(columns: Sequence[Column], rows: Iterable[Sequence[str]], *, header: bool) -> str:
    """The listing in columns."""
    head = [
        "".join(column.cell(column.header, is_header=True) + " " for column in columns),
        "".join("-" * abs(column.width) + " " for column in columns),
    ]
    body = ("".join(c.cell(value) + " " for c, value in zip(columns, row, strict=True)) for row in rows)
    return "".join(line + "\n" for line in (*(head if header else ()), *body))


def parsable(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], *, header: bool, between: str = "|", closed: bool
) -> str:
    """The listing for programs: values as they are, with `between` between them, and behind the last one if `closed`."""
    head = [[column.header for column in columns]] if header else []
    return "".join(between.join(cells) + (between if closed and cells else "") + "\n" for cells in (*head, *rows))


def names(fields: Iterable[str], width: int) -> str:
    """What --helpformat prints: the fields' names, four a line."""
    cells = [field.ljust(width) for field in fields]
    return "".join(" ".join(cells[at : at + 4]) + "\n" for at in range(0, len(cells), 4))
