"""Cron expressions: `5 4 * * *`, `@daily`. The minute 60 and the hour 24 are the first of the next, as in scrontab."""

from __future__ import annotations

from dataclasses import dataclass

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.spec.cron import CronSpec

FORMS = "MINUTE HOUR DAY MONTH WEEKDAY, or @hourly, @daily, @weekly, @monthly, @yearly"
BAD_STEP = "bad step value"
BAD_NICKNAME = "invalid @ line"

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
NICKNAMES = {
    "hourly": "0 0-23 * * *", "daily": "0 0 * * *", "midnight": "0 0 * * *", "weekly": "0 0 * * 0",
    "monthly": "0 0 1 * *", "yearly": "0 0 1 1 *", "annually": "0 0 1 1 *",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Place:
    """One of the five fields: its least and greatest number, the number that the last one stands for, and its names."""

    least: int
    most: int
    wraps: int
    names: tuple[str, ...] = ()


_PLACES = (
    _Place(0, 60, 0), _Place(0, 24, 0), _Place(1, 31, 31), _Place(1, 12, 12, MONTHS), _Place(0, 7, 0, WEEKDAYS),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Field:
    """What was written: ranges (a number is one of length 1), a step, or a name; without any it is `*`."""

    ranges: tuple[tuple[int, int], ...] = ()
    step: int | None = None
    name: str = ""


def parse(text: str, zone: str | None = None) -> CronSpec:
    """Raises ValueSyntax."""
    found = _CRON.read(text)
    if isinstance(found, str):
        if found not in NICKNAMES:
            raise ValueSyntax(BAD_NICKNAME, hint=FORMS)
        return parse(NICKNAMES[found], zone)
    numbers = [_numbers(field, place) for field, place in zip(found, _PLACES, strict=True)]
    minutes, hours, days, months, weekdays = numbers
    return CronSpec(
        minutes=minutes, hours=hours, days=days, months=months, weekdays=weekdays, zone=zone,
        text=" ".join(map(show, numbers)),
    )  # fmt: skip


def show(numbers: tuple[int, ...] | None) -> str:
    """`*`, `1,15`, `0-23`."""
    if numbers is None:
        return "*"
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def _numbers(field: _Field, place: _Place) -> tuple[int, ...] | None:
    if field.name:
        if field.name not in place.names:
            raise ValueSyntax(f"{field.name!r} is no name here", hint=FORMS)
        return (place.names.index(field.name) + place.least,)
    if field.step is not None and not 1 <= field.step <= place.most:
        raise ValueSyntax(BAD_STEP, hint=FORMS)
    if not field.ranges and field.step is None:
        return None
    found: set[int] = set()
    for first, last in field.ranges or ((place.least, place.most - (place.wraps != place.most)),):
        if first > last or first < place.least or last > place.most:
            raise ValueSyntax(f"{first}-{last} is not within {place.least}-{place.most}", hint=FORMS)
        numbers = (n for n in range(first, last + 1) if field.step is None or n % field.step == 0)
        found |= {place.wraps if n == place.most else n for n in numbers}
    return tuple(sorted(found))


@v_args(inline=True)
class _Reader(Transformer[Token, "str | tuple[_Field, ...]"]):
    def nickname(self, word: Token) -> str:
        return word.lower()

    def entry(self, *fields: _Field) -> tuple[_Field, ...]:
        return fields

    def every(self) -> _Field:
        return _Field()

    def steps(self, step: Token) -> _Field:
        return _Field(step=_int(step))

    def stepped(self, first: Token, last: Token, step: Token) -> _Field:
        return _Field(((_int(first), _int(last)),), _int(step))

    def listed(self, *items: tuple[int, int]) -> _Field:
        return _Field(items)

    def named(self, word: Token) -> _Field:
        return _Field(name=word.lower())

    def item(self, first: Token, last: Token | None) -> tuple[int, int]:
        return _int(first), _int(first if last is None else last)


def _int(token: Token) -> int:
    return int(token[:9])


_CRON: Language[str | tuple[_Field, ...]] = Language("cron", _Reader(), forms=FORMS)
