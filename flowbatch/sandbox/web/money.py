"""Money as the API writes it. Inside it is whole micro-dollars; prices of the market are whole cents."""

from __future__ import annotations

import re

CENT = 10_000
DOLLAR = 1_000_000
_DOLLARS = re.compile(r"\$?(\d{1,3}(?:,\d{3})+|\d{1,9})(?:\.(\d{1,2}))?\Z", re.ASCII)


def parsed(text: str) -> int:
    """`"$1,234.50"` as micro-dollars; the sign and the commas may be missing. Raises ValueError."""
    match = _DOLLARS.match(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an amount of dollars and whole cents, such as $25.60")
    whole, cents = match.groups()
    return int(whole.replace(",", "")) * DOLLAR + int((cents or "0").ljust(2, "0")) * CENT


def written(micro_usd: int) -> str:
    """Micro-dollars as `"$25.60"`, to the nearest cent."""
    cents = nearest_cents(micro_usd)
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100}.{abs(cents) % 100:02}"


def nearest_cents(micro_usd: int) -> int:
    """Micro-dollars as cents, half a cent upwards."""
    return (micro_usd + CENT // 2) // CENT
