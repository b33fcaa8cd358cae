"""Lists that come in pages: sorted, cut, and gone on with from a cursor."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable
from typing import Generic, Literal, Protocol, TypeVar

from fastapi import HTTPException
from pydantic import BaseModel

SortDirection = Literal["asc", "desc"]
LIMIT = 100
"""Rows of a page that names no number."""


class Listed(Protocol):
    @property
    def fid(self) -> str: ...


Row = TypeVar("Row", bound=Listed)
Shown = TypeVar("Shown")


class Page(BaseModel, Generic[Shown]):
    data: list[Shown]
    next_cursor: str | None = None


def page(
    rows: Iterable[Row], show: Callable[[Row], Shown], *, by: str, direction: SortDirection, limit: int | None,
    cursor: str | None,
) -> Page[Shown]:  # fmt: skip
    """One page of `rows`, sorted by the attribute `by`, then by id. Refuses a cursor that is not one of these with 400."""
    found, after = cut(rows, lambda row: (getattr(row, by), row.fid), direction, limit, cursor)
    return Page(data=[show(row) for row in found], next_cursor=after)


def cut(
    rows: Iterable[Row], key: Callable[[Row], tuple[object, str]], direction: SortDirection, limit: int | None,
    cursor: str | None,
) -> tuple[list[Row], str | None]:  # fmt: skip
    """The rows of one page, and the cursor of the next; a row that appears or goes meanwhile shifts no other."""
    backwards = direction == "desc"
    ordered = sorted(rows, key=key, reverse=backwards)
    if cursor is not None:
        last = _read(cursor)
        ordered = [row for row in ordered if _follows(key(row), last, backwards)]
    taken = ordered[: limit or LIMIT]
    more = len(ordered) > len(taken)
    return taken, _written(key(taken[-1])) if more else None


def _follows(key: tuple[object, str], last: tuple[object, str], backwards: bool) -> bool:
    try:
        return key < last if backwards else key > last
    except TypeError:
        raise HTTPException(400, "next_cursor belongs to another list") from None


def _written(key: tuple[object, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[object, str]:
    try:
        value, fid = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, TypeError):
        raise HTTPException(400, "Invalid next_cursor") from None
    return value, fid
