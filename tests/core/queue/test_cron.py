"""Jobs of crontabs: due again and again under one number, also after a time when nobody was there."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from flowbatch.core.due import next_due
from flowbatch.core.events import CrontabAsked, LaunchFailed
from flowbatch.core.states import Finished, Pending, Running
from flowbatch.directives.values import cron

EVERY_MINUTE = cron.parse("* * * * *", "UTC")


def tab(desk, owners, *ids, text="* * * * * true\n"):
    lines = tuple((n, n, id) for n, id in enumerate(ids, 1))
    return desk.step(CrontabAsked(desk.now, 1000, owners["ada"], text, lines))


def submitted(desk, owners) -> int:
    id = desk.submit(owners["ada"], cron=EVERY_MINUTE, begin=next_due(EVERY_MINUTE, desk.now), hold=True)
    tab(desk, owners, id)
    return id


def due(desk, id) -> int:
    """When it is due, in seconds after the first instant."""
    state = desk.queue.jobs[id].state
    assert isinstance(state, Pending) and state.reason == "BeginTime"
    return (state.not_before or desk.queue.jobs[id].spec.begin) - desk.now + desk.at


def test_it_waits_until_it_is_due_runs_and_is_due_again(desk, owners):
    id = submitted(desk, owners)
    first = due(desk, id)
    assert first <= 60
    desk.passed(first)
    assert isinstance(desk.queue.jobs[id].state, Running)
    desk.at = first + 5
    desk.end(id, code=3)
    assert due(desk, id) == first + 60
    assert desk.queue.jobs[id].restarts == 1
    desk.passed(first + 60)
    assert isinstance(desk.queue.jobs[id].state, Running)


def test_a_run_that_lasts_longer_than_the_time_between_is_followed_by_one(desk, owners):
    id = submitted(desk, owners)
    desk.passed(first := due(desk, id))
    desk.at = first + 200
    desk.end(id)
    assert due(desk, id) == first + 240


def test_what_was_missed_is_made_up_for_once(desk, owners):
    id = submitted(desk, owners)
    first = due(desk, id)
    desk.passed(first + 3600)
    assert isinstance(desk.queue.jobs[id].state, Running)
    desk.at = first + 3601
    desk.end(id)
    assert due(desk, id) == first + 3660


@pytest.mark.parametrize("cause", ["timeout", "oom", "exit"])
def test_however_it_ends_by_itself(desk, owners, cause):
    id = submitted(desk, owners)
    desk.passed(due(desk, id))
    desk.end(id, cause=cause)
    assert isinstance(desk.queue.jobs[id].state, Pending)


def test_one_that_could_not_start_is_due_again(desk, owners):
    id = submitted(desk, owners)
    desk.passed(due(desk, id))
    desk.step(LaunchFailed(desk.now, id, 0, "JobLaunchFailure"))
    assert isinstance(desk.queue.jobs[id].state, Pending)


def test_one_that_is_cancelled_is_over(desk, owners):
    waits, runs = submitted(desk, owners), None
    desk.cancel(waits)
    assert isinstance(desk.queue.jobs[waits].state, Finished)
    runs = submitted(desk, owners)
    desk.passed(due(desk, runs))
    desk.cancel(runs)
    desk.end(runs, signal=15, cause="killed")
    assert isinstance(desk.queue.jobs[runs].state, Finished)


def test_scontrol_does_not_change_it(desk, owners):
    id = submitted(desk, owners)
    for verdicts in (desk.hold(id), desk.release(id)):
        assert [one.code for one in verdicts] == ["ESLURM_CANNOT_MODIFY_CRON_JOB"]
    assert due(desk, id)


def test_another_table_cancels_the_jobs_of_the_last(desk, owners):
    old = submitted(desk, owners)
    new = submitted(desk, owners)
    assert isinstance(desk.queue.jobs[old].state, Finished)
    assert due(desk, new)
    tab(desk, owners, text=None)
    assert isinstance(desk.queue.jobs[new].state, Finished)
    assert desk.queue.rulings.crontabs == {}


def test_before_the_table_is_there_its_jobs_do_not_run(desk, owners):
    id = desk.submit(owners["ada"], cron=EVERY_MINUTE, begin=next_due(EVERY_MINUTE, desk.now), hold=True)
    desk.passed(600)
    assert desk.queue.jobs[id].state.reason == "JobHeldUser"


AT = int(datetime(2026, 11, 22, 9, 42, 30, tzinfo=timezone.utc).timestamp())
"""A Sunday."""


@pytest.mark.parametrize(("text", "start"), [
    ("* * * jan *", "2027-01-01T00:00"), ("* * * * mon", "2026-11-23T00:00"), ("* * * * sun", "2026-11-22T09:43"),
    ("1-5/2 * * * *", "2026-11-22T10:02"), ("1,2-4 * * * *", "2026-11-22T10:01"), ("*/15 * * * *", "2026-11-22T09:45"),
    ("60 * * * *", "2026-11-22T10:00"), ("0 24 * * *", "2026-11-23T00:00"), ("0 0 31 * *", "2026-12-31T00:00"),
    ("0 0 13 * 5", "2026-11-27T00:00"), ("0 0 1-7 * 1", "2026-11-23T00:00"), ("0 */6 * * *", "2026-11-22T12:00"),
    ("@yearly", "2027-01-01T00:00"), ("@monthly", "2026-12-01T00:00"), ("@weekly", "2026-11-29T00:00"),
    ("@Daily", "2026-11-23T00:00"), ("@hourly", "2026-11-22T10:00"), ("*/59 * * * *", "2026-11-22T09:59"),
    ("0 0-24/6 * * *", "2026-11-22T12:00"), ("0 0 * * 5-7", "2026-11-27T00:00"), ("0 0 29 2 *", "2028-02-29T00:00"),
])  # fmt: skip
def test_it_is_due_when_22_05_would_start_it(text, start):
    found = next_due(cron.parse(text, "UTC"), AT)
    assert datetime.fromtimestamp(found, timezone.utc).strftime("%Y-%m-%dT%H:%M") == start


def test_a_day_that_never_comes_is_never_due():
    assert next_due(cron.parse("0 0 30 2 *", "UTC"), AT) is None


def test_clocks_that_change():
    night = cron.parse("30 2 * * *", "Europe/Berlin")
    spring = int(datetime(2027, 3, 27, 12, tzinfo=timezone.utc).timestamp())
    assert datetime.fromtimestamp(next_due(night, spring), timezone.utc).isoformat() == "2027-03-29T00:30:00+00:00"


def test_a_clock_that_goes_back_runs_nothing_twice(desk, owners):
    id = submitted(desk, owners)
    desk.passed(first := due(desk, id))
    desk.at = first - 30
    desk.end(id)
    assert due(desk, id) == first + 60
