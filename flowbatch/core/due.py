"""When a job of a crontab is due next."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from flowbatch.core.states import Ending
from flowbatch.slurm.times import zone
from flowbatch.spec.cron import CronSpec

LOOKED_AHEAD_DAYS = 8 * 366 + 1
"""The 29th of February comes once in eight years at worst."""


def next_due(cron: CronSpec, at: int) -> int | None:
    """The first whole minute after `at` at which it is due; None for never. An hour that a change of clocks leaves out is
    passed over, one that comes twice counts once."""
    here = zone(cron.zone)
    now = datetime.fromtimestamp(at, here)
    for offset in range(LOOKED_AHEAD_DAYS):
        day = now.date() + timedelta(days=offset)
        if not _fits(cron, day):
            continue
        for hour in range(24) if cron.hours is None else cron.hours:
            for minute in range(60) if cron.minutes is None else cron.minutes:
                found = int(datetime(day.year, day.month, day.day, hour, minute, tzinfo=here).timestamp())
                back = datetime.fromtimestamp(found, here)
                if found > at and (back.hour, back.minute) == (hour, minute):
                    return found
    return None


def due_again(cron: CronSpec, started_at: int, at: int, ending: Ending) -> int | None:
    """When a job that has ended so is due; None for never, as for one that was cancelled. A time at which it has run is over,
    also where the clock went back meanwhile."""
    return None if ending.outcome == "CANCELLED" else next_due(cron, max(started_at, at))


def _fits(cron: CronSpec, day: date) -> bool:
    if cron.months is not None and day.month not in cron.months:
        return False
    of_month = cron.days is None or day.day in cron.days
    of_week = cron.weekdays is None or day.isoweekday() % 7 in cron.weekdays
    if cron.days is not None and cron.weekdays is not None:
        return of_month or of_week
    return of_month and of_week
