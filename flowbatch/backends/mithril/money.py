"""The one place where the API's money is read and written; inside it is whole micro-dollars.

The API says dollars as `"$1,234.50"`, cents in fields named so, and a bare number of dollars in one place. What is to be
paid is rounded up, what we offer is rounded down: neither error is to our cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import ROUND_CEILING, Decimal, InvalidOperation

MICRO_PER_USD = 1_000_000
MICRO_PER_CENT = 10_000
MOST_USD = 1_000_000_000
"""Nothing that is said here costs more, nor less than nothing."""
_HOUR = timedelta(hours=1)
_TICK = timedelta(microseconds=1)


def usd(said: object) -> int:
    """Micro-dollars of `"$1,234.50"`, of `"1234.5"` or of a bare number of dollars, rounded up. Raises ValueError."""
    if isinstance(said, bool) or not isinstance(said, str | int | float | Decimal):
        raise ValueError(f"not an amount of dollars: {said!r}")
    text = str(said).strip().removeprefix("$").replace(",", "")
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"not an amount of dollars: {said!r}") from None
    if not amount.is_finite() or not 0 <= amount <= MOST_USD:
        raise ValueError(f"not an amount of dollars: {said!r}")
    return int((amount * MICRO_PER_USD).to_integral_value(ROUND_CEILING))


def cents(said: int) -> int:
    """Micro-dollars. Raises ValueError."""
    return whole_cents(said) * MICRO_PER_CENT


def whole_cents(said: int) -> int:
    """A sane number of cents. Raises ValueError."""
    if not 0 <= said <= MOST_USD * 100:
        raise ValueError("not an amount of cents")
    return said


def limit(micro_usd: int) -> str:
    """A limit price as it is sent, `"$12.29"`: whole cents, never above what may be paid."""
    whole = micro_usd // MICRO_PER_CENT
    return f"${whole // 100}.{whole % 100:02d}"


def charge(segments: Iterable[tuple[int, timedelta]]) -> int:
    """What was paid for times at prices (cents an hour): summed exactly, rounded up once."""
    cent_ticks = sum(price * (length // _TICK) for price, length in segments)
    return -(-cent_ticks * MICRO_PER_CENT // (_HOUR // _TICK))
