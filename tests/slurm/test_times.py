"""Times as Slurm prints them."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from flowbatch.slurm import times
from flowbatch.slurm.times import TimeStyle
from flowbatch.units import Instant

NEW_YORK = ZoneInfo("America/New_York")
NOW = Instant(1795316052)  # 2026-11-21T21:54:12 in New York

CLOCKS = {
    0: ("00:00:00", "0:00"),
    7: ("00:00:07", "0:07"),
    180: ("00:03:00", "3:00"),
    3723: ("01:02:03", "1:02:03"),
    93784: ("1-02:03:04", "1-02:03:04"),
    9 * 86400: ("9-00:00:00", "9-00:00:00"),
    -1: ("INVALID", "INVALID"),
    None: ("UNLIMITED", "UNLIMITED"),
}


@pytest.mark.parametrize("seconds", CLOCKS)
def test_durations(seconds: int | None) -> None:
    assert (times.clock(seconds), times.short_clock(seconds)) == CLOCKS[seconds]


def test_limits_are_minutes() -> None:
    assert times.minutes_clock(1563) == "1-02:03:00"
    assert times.minutes_short_clock(60) == "1:00:00"
    assert times.minutes_clock(-1) == times.minutes_short_clock(None) == "UNLIMITED"


HOUR, DAY = 3600, 86400
RELATIVE = {
    HOUR: "22:54:12",
    22 * HOUR: "Tomorr 19:54",
    2 * DAY: "Mon 21:54",
    6 * DAY: "Fri 21:54",
    7 * DAY: "28 Nov 21:54",
    40 * DAY: "31 Dec 21:54",
    400 * DAY: "26 Dec 2027",
    -DAY: "Ystday 21:54",
    -3 * DAY: "18 Nov 21:54",
}


@pytest.mark.parametrize("ahead", RELATIVE)
def test_relative_stamps(ahead: int) -> None:
    assert TimeStyle(NEW_YORK, NOW, "relative").stamp(NOW + ahead) == RELATIVE[ahead]


def test_stamps_are_in_the_callers_zone_and_format() -> None:
    assert TimeStyle(NEW_YORK, NOW).stamp(NOW) == "2026-11-21T21:54:12"
    assert TimeStyle(timezone.utc, NOW).stamp(NOW) == "2026-11-22T02:54:12"
    assert TimeStyle(NEW_YORK, NOW, "%d/%m %H:%M %z").stamp(NOW) == "21/11 21:54 -0500"
    assert TimeStyle(NEW_YORK, NOW, "%s %c|%Z").stamp(NOW) == "1795316052 Sat Nov 21 21:54:12 "
    assert TimeStyle(NEW_YORK, NOW, "abc").stamp(NOW) == "2026-11-21T21:54:12"


def test_a_missing_instant_is_told() -> None:
    style = TimeStyle(timezone.utc, NOW)
    assert style.stamp(None) == style.stamp(0) == "N/A"
    assert style.stamp(None, "Unknown") == "Unknown"


def test_formats_that_slurm_knows() -> None:
    assert all(map(times.is_time_format, ["", "standard", "relative", "%Y", "x%y"]))
    assert not any(map(times.is_time_format, ["Relative", "relative ", "abc"]))


@pytest.mark.parametrize(
    ("tz", "hours"),
    [("UTC", 0), ("", 0), ("nowhere/at/all", 0), ("<+03>-3", 3), ("EST5", -5), (":America/New_York", -5), ("../x", 0)],
)
def test_zones(tz: str, hours: int) -> None:
    assert datetime.fromtimestamp(NOW, times.zone(tz)).utcoffset() == timedelta(hours=hours)
