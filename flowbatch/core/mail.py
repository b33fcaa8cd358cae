"""Which mails of `--mail-type` a change is worth.

Observed on 22.05.8. COMPLETED and CANCELLED are END, every other end is FAIL. An array without ARRAY_TASKS writes about
the whole of itself: BEGIN with its first task; when its last task is over END or FAIL, and REQUEUE if a task was
requeued. Such a mail names the array's id.
"""

from __future__ import annotations

from collections.abc import Iterator

from flowbatch.core.arrays import root
from flowbatch.core.effects import SendMail
from flowbatch.core.indexes import ArrayEntry
from flowbatch.core.jobs import ArrayPast, Job
from flowbatch.core.states import Completing, Finished, Pending, Requeueing, Running
from flowbatch.core.timers import ANNOUNCED
from flowbatch.core.waiting import doomed

_GOOD = ("COMPLETED", "CANCELLED")


def letters(old: Job, new: Job, entry: ArrayEntry | None, past: ArrayPast) -> list[SendMail]:
    """The mails after `old` became `new`; `entry` (as it is now) and `past` tell of its array."""
    wanted = new.spec.mail.types
    if not wanted:
        return []
    if entry is None or "ARRAY_TASKS" in wanted:
        kinds = _own(old, new)
        about = new.id
    else:
        kinds = _whole(old, new, entry, past)
        about = root(new)
    return [SendMail(about, kind) for kind in kinds if kind in wanted]


def _own(old: Job, new: Job) -> Iterator[str]:
    """What a job writes about itself."""
    if isinstance(old.state, Pending) and isinstance(new.state, Running):
        yield "BEGIN"
    if isinstance(new.state, Finished) and not isinstance(old.state, Finished):
        yield "END" if new.state.ending.outcome in _GOOD else "FAIL"
    if _goes_back(new) and not _goes_back(old):
        yield "REQUEUE"
    yield from _warnings(old, new)


def _whole(old: Job, new: Job, entry: ArrayEntry, past: ArrayPast) -> Iterator[str]:
    """What an array writes about itself as a whole, at a change of one of its records."""
    others_began = past.began or entry.active > 1 or entry.completed or entry.failed or entry.requeued
    if isinstance(old.state, Pending) and isinstance(new.state, Running) and not others_began:
        yield "BEGIN"
    if isinstance(new.state, Finished) and not isinstance(old.state, Finished) and entry.over:
        yield "FAIL" if entry.failed or past.failed else "END"
        if entry.requeued or past.requeued:
            yield "REQUEUE"
    yield from _warnings(old, new)


def _warnings(old: Job, new: Job) -> Iterator[str]:
    if doomed(new) and not doomed(old):
        yield "INVALID_DEPEND"
    if isinstance(old.state, Running) and isinstance(new.state, Running):
        for percent, kind in ANNOUNCED.items():
            if old.state.mailed_percent < percent <= new.state.mailed_percent:
                yield kind


def _goes_back(job: Job) -> bool:
    """Whether the job is on its way back to the queue, or there again."""
    if isinstance(job.state, Completing):
        return isinstance(job.state.then, Requeueing)
    return isinstance(job.state, Pending)
