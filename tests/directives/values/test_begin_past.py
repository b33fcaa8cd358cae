"""Times that lie behind us: what sacct's --starttime makes of a day without a year and an hour without a day."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from flowbatch.directives.values import begin
from flowbatch.units import Instant

NOW = Instant(int(datetime(2026, 11, 22, 6, 30, tzinfo=timezone.utc).timestamp()))


@pytest.mark.parametrize(
    ("text", "past", "next"),
    [
        ("00:00", "2026-11-22T00:00:00", "2026-11-23T00:00:00"),
        ("23:59", "2026-11-22T23:59:00", "2026-11-22T23:59:00"),
        ("noon", "2026-11-22T12:00:00", "2026-11-22T12:00:00"),
        ("0101", "2026-01-01T00:00:00", "2027-01-01T00:00:00"),
        ("12/31", "2025-12-31T00:00:00", "2026-12-31T00:00:00"),
        ("1122-06:00", "2026-11-22T06:00:00", "2027-11-22T06:00:00"),
        ("1970-01-01-00:00:01", "1970-01-01T00:00:01", "1970-01-01T00:00:01"),
    ],
)
def test_past_and_next(text: str, past: str, next: str) -> None:
    assert begin.show(begin.parse(text, NOW, timezone.utc, past=True), timezone.utc) == past
    assert begin.show(begin.parse(text, NOW, timezone.utc), timezone.utc) == next
