"""Instants: `--begin`, `--deadline`. sbatch judges, in the caller's own zone.

What is refused is told in Slurm's words (`Invalid time specification (pos=4): now+1x`), which stand before the option's
own refusal; where Slurm says nothing more than that, the message is "no time".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.times import standard
from flowbatch.units import DAY, HOUR, MINUTE, Instant

FORMS = "a time is now+N[unit], HH:MM[:SS], a date (2030-12-31, 12/31/30), a word (noon, tomorrow), or date and time"

_UNITS = {"second": 1, "minute": MINUTE, "hour": HOUR, "day": DAY, "week": 7 * DAY}
_WORDS = {"midnight": 0, "noon": 12, "fika": 15, "teatime": 16}
_EARLIEST, _LATEST = -62_000_000_000, 253_000_000_000
"""What Python's calendar can show: years 6 to 9987."""


@dataclass(frozen=True)
class Start:
    """So many seconds from now."""

    seconds: int


@dataclass(frozen=True)
class Wish:
    """A date, a time of day, or both, as written. `year` None is the next that fits; `days` counts from today."""

    clock: tuple[int, int, int] | None = None
    year: int | None = None
    month: int | None = None
    day: int | None = None
    days: int | None = None


def parse(text: str, now: Instant, zone: tzinfo, *, past: bool = False) -> Instant:
    """The instant; what names no day or no year is the next one that fits or, with `past`, today's or the last one. Raises
    ValueSyntax."""
    wish = _read(text)
    at = now + wish.seconds if isinstance(wish, Start) else _instant(wish, datetime.fromtimestamp(now, zone), past)
    if at == 0 or not _EARLIEST < at < _LATEST:
        raise ValueSyntax("no time", hint=FORMS)
    return Instant(at)


def show(instant: Instant, zone: tzinfo) -> str:
    """As in sbatch's list of options."""
    return standard(datetime.fromtimestamp(instant, zone))


@lru_cache(maxsize=256)
def _read(text: str) -> Start | Wish:
    try:
        return _BEGIN.read(text)
    except ValueSyntax as error:
        if not error.column:
            raise
        said = f"Invalid time specification (pos={error.column - 1}): {text}"
        raise ValueSyntax(said, error.column, said=said, hint=FORMS) from None


def _instant(wish: Wish, now: datetime, past: bool) -> int:
    hour, minute, second = wish.clock or (0, 0, 0)
    today = now.date()
    passed = (hour, minute) <= (now.hour, now.minute)
    if wish.days is not None:
        day = today + timedelta(days=wish.days)
    elif wish.month is not None and wish.day is not None:
        year = wish.year
        if year is None:
            later = (wish.month, wish.day) > (today.month, today.day)
            gone = not later and ((wish.month, wish.day) != (today.month, today.day) or passed)
            year = today.year - later if past else today.year + gone
        day = _date(year, wish.month, wish.day)
    else:
        day = today + timedelta(days=passed and not past)
    return int(datetime.combine(day, time(hour, minute, second), now.tzinfo).timestamp())


def _date(year: int, month: int, day: int) -> date:
    """Slurm takes 31 days in every month: those too many run into the next one."""
    try:
        return date(year, month, 1) + timedelta(days=day - 1)
    except (ValueError, OverflowError):
        raise ValueSyntax("no time", hint=FORMS) from None


def _pair(token: Token, at: int, low: int, high: int) -> int:
    """The two digits at `at` of a token. What is missing is told behind the last digit, what is out of range before it."""
    digits = re.match(r"[0-9]{0,2}", token[at:])
    found = digits.group() if digits else ""
    if len(found) < 2:
        raise _fault(token, at + len(found))
    if not low <= int(found) <= high:
        raise _fault(token, at)
    return int(found)


def _part(token: Token, at: int, text: str, low: int, high: int) -> int:
    """One or two digits at `at` of a token."""
    if not text or not low <= int(text) <= high:
        raise _fault(token, at)
    return int(text)


def _fault(token: Token, at: int) -> ValueSyntax:
    return ValueSyntax("no time", (token.start_pos or 0) + at + 1, hint=FORMS)


@v_args(inline=True)
class _Reader(Transformer[Token, "Start | Wish"]):
    def from_now(self, _now: str, sign: str | None, amount: str | None, *_blank: str) -> Start:
        if amount is None:
            return Start(0)
        digits = re.match(r"[0-9]+", amount)
        number = min(int(digits.group()[:15]), 10**15) if digits else 0
        unit = amount.lstrip("0123456789").strip().lower().removesuffix("s")
        return Start(number * _UNITS.get(unit, 1) * (-1 if sign and sign[0] == "-" else 1))

    def named(self, *items: Wish) -> Wish:
        if not items:
            raise ValueSyntax("no time", 0, hint=FORMS)
        wish = Wish()
        for item in items:
            wish = replace(item, clock=wish.clock) if item.clock is None else replace(wish, clock=item.clock)
        return wish

    def day(self, word: str) -> Wish:
        return Wish(days=int(word.lower() == "tomorrow"))

    def hour_word(self, word: str) -> Wish:
        return Wish(clock=(_WORDS[word.lower()], 0, 0))

    def clock(self, token: Token, half: Token | None) -> Wish:
        hour, *_ = token.split(":")
        hours = _part(token, 0, hour, 0, 23)
        minutes = _pair(token, len(hour) + 1, 0, 59)
        seconds = _pair(token, len(hour) + 4, 0, 59) if token.count(":") == 2 else 0
        if half is not None:
            if hours > 12:
                raise _fault(half, 0)
            hours = hours % 12 + 12 * (half.strip().lower() == "pm")
        return Wish(clock=(hours, minutes, seconds))

    def iso(self, token: Token) -> Wish:
        return Wish(year=int(token[:4]), month=_pair(token, 5, 1, 12), day=_pair(token, 8, 1, 31))

    def slashed(self, token: Token) -> Wish:
        month, day, *_ = re.split(r"[/.]", token)
        at = len(month) + 1
        found = Wish(month=_part(token, 0, month, 1, 12), day=_part(token, at, day, 1, 31))
        behind = at + len(day) + 1
        return replace(found, year=2000 + _pair(token, behind, 0, 99)) if len(token) > behind else found

    def compact(self, token: Token) -> Wish:
        found = Wish(month=_pair(token, 0, 1, 12), day=_pair(token, 2, 1, 31))
        return replace(found, year=2000 + _pair(token, 4, 0, 99)) if len(token) > 4 else found


_BEGIN: Language[Start | Wish] = Language("begin", _Reader(), forms=FORMS)
