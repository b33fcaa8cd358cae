"""Job arrays: `--array`. sbatch passes any text on; the controller judges (`Invalid job array specification`), and its
MaxArraySize is compared in admission."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import as_int32, whole
from flowbatch.spec.array import ArraySpec, IndexRange

FORMS = "an array is a list of N or FIRST-LAST[:STEP], with %LIMIT behind it"

MAX_INDEX = 4_000_000
"""The greatest index that any slurm.conf can allow (MaxArraySize is at most 4000001)."""

_THROTTLE = re.compile(r"%[ \t\n\v\f\r]*([+-]?[0-9]+)")


@lru_cache(maxsize=256)
def parse(text: str) -> ArraySpec | None:
    """The tasks; None for a text without any (empty, or nothing but commas), which asks for a plain job.

    Raises ValueSyntax. A throttle that is 0, negative or no number is none.
    """
    ranges = _ARRAY.read(text)
    if not ranges:
        return None
    said = _THROTTLE.match(text, text.find("%")) if "%" in text else None
    throttle = as_int32(whole(said[1])) if said else 0
    return ArraySpec(text=text, ranges=ranges, throttle=throttle if throttle > 0 else None)


def show(array: ArraySpec | None) -> str:
    """The text as given, as sbatch shows it."""
    return array.text if array else ""


def _index(text: str | None) -> int:
    number = whole(text) if text else 0
    if number > MAX_INDEX:
        raise ValueSyntax("task number too large", hint=FORMS)
    return number


class Span(NamedTuple):
    """What follows the first number of a range, as written."""

    last: str | None
    step: str | None


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[IndexRange, ...]"]):
    def start(self, *items: IndexRange | None) -> tuple[IndexRange, ...]:
        return tuple(item for item in items if item)

    def item(
        self, opened: str | None, number: str | None, closed: str | None, span: Span | None, throttle: str | None
    ) -> IndexRange | None:
        if not (opened or number or closed or span or throttle):
            return None
        first = _index(number)
        if span is None:
            return IndexRange(first=first, last=first)
        if not number and not closed and span.last and span.last[0].isdigit():
            raise ValueSyntax("a task number is not negative", hint=FORMS)
        last, step = _index(span.last), 1 if span.step is None else _index(span.step)
        if last < first:
            raise ValueSyntax("the last task comes before the first", hint=FORMS)
        if step < 1:
            raise ValueSyntax("step must be at least 1", hint=FORMS)
        return IndexRange(first=first, last=last, step=step)

    def span(self, last: str | None, step: str | None, _closed: str | None) -> Span:
        return Span(last, step)


_ARRAY: Language[tuple[IndexRange, ...]] = Language("array", _Reader(), forms=FORMS)
