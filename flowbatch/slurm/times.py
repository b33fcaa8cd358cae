"""Times as Slurm 22.05 prints them: durations two ways, and instants in the caller's own zone and format."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flowbatch.units import DAY, HOUR, MINUTE, Instant

UNLIMITED = "UNLIMITED"
_INVALID = "INVALID"
_LOCALTIME = "/etc/localtime"
_POSIX = re.compile(r"(?:[A-Za-z]{3,}|<[A-Za-z0-9+-]+>)([+-]?)(\d{1,3})(?::(\d{2}))?(?::(\d{2}))?")
_SECONDS = re.compile(r"(?<!%)%s")
"""What strftime would take from the process's own zone."""

_ISO_SECONDS = 19
_STAMP_ROOM = 31
"""Slurm formats a time stamp into 32 bytes."""
_EQUAL = 4096
"""So many durations are remembered as text: the rows of one listing share many."""


@lru_cache(_EQUAL)
def clock(seconds: int | None) -> str:
    """`[D-]HH:MM:SS`, as scontrol, sacct and sbatch's list of options show a duration; None is UNLIMITED."""
    if seconds is None:
        return UNLIMITED
    if seconds < 0:
        return _INVALID
    days, rest = divmod(seconds, DAY)
    text = f"{rest // HOUR:02}:{rest % HOUR // MINUTE:02}:{rest % MINUTE:02}"
    return f"{days}-{text}" if days else text


@lru_cache(_EQUAL)
def short_clock(seconds: int | None) -> str:
    """`[D-][HH:]M:SS`, as squeue and sinfo show it (0:07, 1:02:03, 1-02:03:04); None is UNLIMITED."""
    if seconds is None:
        return UNLIMITED
    if seconds < 0:
        return _INVALID
    days, rest = divmod(seconds, DAY)
    hours, minutes, second = rest // HOUR, rest % HOUR // MINUTE, rest % MINUTE
    if days:
        return f"{days}-{hours:02}:{minutes:02}:{second:02}"
    return f"{hours}:{minutes:02}:{second:02}" if hours else f"{minutes}:{second:02}"


def minutes_clock(minutes: int | None) -> str:
    """A limit in minutes as `clock` shows it; None and -1 are UNLIMITED."""
    return clock(None if minutes is None or minutes == -1 else minutes * MINUTE)


def minutes_short_clock(minutes: int | None) -> str:
    """A limit in minutes as `short_clock` shows it; None and -1 are UNLIMITED."""
    return short_clock(None if minutes is None or minutes == -1 else minutes * MINUTE)


@cache
def zone(tz: str | None) -> tzinfo:
    """The zone that a caller's `TZ` names: None (not set) is the machine's, what no one knows is UTC, as in libc."""
    if tz is None:
        return _machine_zone()
    name = tz.removeprefix(":")
    try:
        return _zone_file(name) if name.startswith("/") else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return _posix_zone(name)


def is_time_format(text: str) -> bool:
    """Whether SLURM_TIME_FORMAT may say so; else Slurm complains (`invalid SLURM_TIME_FORMAT = 'x'`) and is standard."""
    return text in ("", "standard", "relative") or "%" in text


@dataclass(frozen=True)
class TimeStyle:
    """How one caller wants instants: SLURM_TIME_FORMAT in its zone. `now` decides what relative calls tomorrow."""

    zone: tzinfo
    now: Instant
    format: str = "standard"
    _written: dict[int, str] = field(default_factory=dict, compare=False, repr=False)
    """Instants as they were written before: the records of one listing share many."""

    @classmethod
    def of(cls, environ: Mapping[str, str], now: int) -> TimeStyle:
        """How a caller's TZ and SLURM_TIME_FORMAT say it; standard where that is no format."""
        said = environ.get("SLURM_TIME_FORMAT", "standard")
        return cls(zone(environ.get("TZ")), Instant(now), said if is_time_format(said) else "standard")

    def stamp(self, instant: int | None, missing: str = "N/A") -> str:
        """The instant, or `missing` for None and 0."""
        if not instant:
            return missing
        found = self._written.get(instant)
        if found is None:
            found = self._written[instant] = self._stamp(instant)
        return found

    def _stamp(self, instant: int) -> str:
        local = datetime.fromtimestamp(instant, self.zone)
        if self.format == "relative":
            return self._relative(local)
        if "%" in self.format:
            return local.strftime(_SECONDS.sub(str(instant), self.format))[:_STAMP_ROOM]
        return standard(local)

    def _relative(self, local: datetime) -> str:
        today = datetime.fromtimestamp(self.now, self.zone)
        day = f"{local.day} {local:%b}"
        if local.year != today.year:
            return f"{day} {local.year}"
        match (local.date() - today.date()).days:
            case 0:
                return f"{local:%H:%M:%S}"
            case 1:
                return f"Tomorr {local:%H:%M}"
            case -1:
                return f"Ystday {local:%H:%M}"
            case ahead if 1 < ahead < 7:
                return f"{local:%a %H:%M}"
            case _:
                return f"{day} {local:%H:%M}"


def standard(local: datetime) -> str:
    """`2026-11-22T01:13:04`."""
    return local.isoformat()[:_ISO_SECONDS]


def date_line(environ: Mapping[str, str], at: int) -> str:
    """`Sun Nov 22 01:00:12 2026` in the caller's zone, as it stands above a long listing."""
    return f"{datetime.fromtimestamp(at, zone(environ.get('TZ'))):%a %b %d %H:%M:%S %Y}\n"


def _machine_zone() -> tzinfo:
    try:
        return _zone_file(_LOCALTIME)
    except (OSError, ValueError):
        return timezone.utc


def _zone_file(path: str) -> tzinfo:
    with open(path, "rb") as file:
        return ZoneInfo.from_file(file, key=path)


def _posix_zone(name: str) -> tzinfo:
    """`EST5` or `<+03>-3`: hours west of Greenwich. A rule for summer time behind it is not read."""
    found = _POSIX.match(name)
    if not found:
        return timezone.utc
    sign, hours, minutes, seconds = found.groups("0")
    west = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    return timezone(west if sign == "-" else -west) if west < timedelta(days=1) else timezone.utc
