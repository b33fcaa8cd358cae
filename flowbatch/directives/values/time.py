"""Time limits: `--time`, `--time-min`, and wherever slurm.conf has one. Whole minutes, rounded up."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import as_int32, as_uint32, whole
from flowbatch.spec.job import UNLIMITED

FORMS = "a time is minutes, M:S, H:M:S, D-H, D-H:M, D-H:M:S or UNLIMITED"

_INFINITE, _NO_VAL = 2**32 - 1, 2**32 - 2


@lru_cache(maxsize=1024)
def parse(text: str) -> int:
    """Minutes, or UNLIMITED, which no time at all (0, 0:00) means as well. Raises ValueSyntax."""
    return minutes(text) or UNLIMITED


@lru_cache(maxsize=1024)
def minutes(text: str) -> int:
    """Minutes, where none is none (`MaxTime=0`), or UNLIMITED. Raises ValueSyntax.

    Past 2**31 seconds the sum wraps, as in Slurm: 49710-6:28 is a minute and not 136 years.
    """
    read = _TIME.read(text)
    if read == _NO_VAL:
        raise ValueSyntax("too large for a time", hint=FORMS)
    return UNLIMITED if read == _INFINITE else read


def show(minutes: int) -> str:
    """As in sbatch's list of options: `1-02:03:00`."""
    if minutes == UNLIMITED:
        return "UNLIMITED"
    hours, minute = divmod(minutes, 60)
    days, hour = divmod(hours, 24)
    clock = f"{hour:02}:{minute:02}:00"
    return f"{days}-{clock}" if days else clock


def _seconds(*, d: str | None = None, h: str | None = None, m: str | None = None, s: str | None = None) -> int:
    days, hours, minutes, seconds = (as_int32(whole(part or "0")) for part in (d, h, m, s))
    return as_int32(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def _rounded_up(seconds: int) -> int:
    """Whole minutes in Slurm's unsigned 32 bits; C divides towards zero."""
    return as_uint32(int(as_int32(seconds + 59) / 60))


@v_args(inline=True)
class _Reader(Transformer[Token, int]):
    def unlimited(self) -> int:
        return _INFINITE

    def minutes(self, m: str) -> int:
        return _rounded_up(_seconds(m=m))

    def minutes_seconds(self, m: str, s: str) -> int:
        return _rounded_up(_seconds(m=m, s=s))

    def hours_minutes_seconds(self, h: str, m: str, s: str) -> int:
        return _rounded_up(_seconds(h=h, m=m, s=s))

    def days(self, d: str, h: str | None, m: str | None, s: str | None) -> int:
        return _rounded_up(_seconds(d=d, h=h, m=m, s=s))

    def minus(self, d: str) -> int:
        return _INFINITE if d == "1" else _rounded_up(_seconds(d=f"-{d}"))


_TIME: Language[int] = Language("time", _Reader(), forms=FORMS)
