"""When a job of a crontab is due, again and again."""

from __future__ import annotations

from flowbatch.spec.model import Frozen


class CronSpec(Frozen):
    """The minutes of the hour, hours, days of the month, months and days of the week (0 is Sunday) at which it is due; None is
    every one. Where days of both kinds are said, either will do. `zone` is the caller's TZ; `text` is as scontrol shows it."""

    minutes: tuple[int, ...] | None = None
    hours: tuple[int, ...] | None = None
    days: tuple[int, ...] | None = None
    months: tuple[int, ...] | None = None
    weekdays: tuple[int, ...] | None = None
    zone: str | None = None
    text: str = "* * * * *"
