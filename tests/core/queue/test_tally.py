"""What is counted of jobs, as sdiag of 22.05.8 counted it."""

from __future__ import annotations

import pytest

from flowbatch.core.events import Accepted, HetSubmitted, LaunchFailed, Refused
from flowbatch.core.ruling.wishes import Recount
from flowbatch.core.states import ExitStatus
from flowbatch.core.tally import Tally
from flowbatch.units import DAY


def counts(desk) -> tuple[int, ...]:
    """Submitted, started, completed, cancelled, failed."""
    tally = desk.queue.tally
    return tally.submitted, tally.started, tally.completed, tally.cancelled, tally.failed


@pytest.mark.parametrize(
    ("code", "cause", "expected"),
    [(0, "exit", (1, 1, 1, 0, 0)), (1, "exit", (1, 1, 1, 0, 0)), (0, "timeout", (1, 1, 0, 0, 0))],
)
def test_a_job_counts_when_it_comes_begins_and_ends(desk, code, cause, expected):
    id = desk.run()
    assert counts(desk) == (1, 1, 0, 0, 0)
    desk.end(id, code, cause=cause)
    desk.end(id, code, cause=cause)
    assert counts(desk) == expected


def test_tasks_are_submitted_each_and_cancelled_together(desk):
    id = desk.submit(array="0-4", hold=True)
    assert counts(desk) == (5, 0, 0, 0, 0)
    desk.cancel(f"{id}_2")
    assert counts(desk) == (5, 0, 0, 1, 0)
    desk.cancel(id)
    assert counts(desk) == (5, 0, 0, 2, 0)
    desk.submit(array="0-1")
    desk.passed()
    assert counts(desk) == (7, 2, 0, 2, 0)


def test_a_heterogeneous_job_ends_once(desk):
    asked = desk.submission(hold=True)
    reply = desk.step(HetSubmitted(desk.now, asked.owner, (asked.spec, asked.spec))).reply
    assert isinstance(reply, Accepted)
    desk.cancel(reply.job_id)
    assert counts(desk) == (2, 0, 0, 1, 0)


def test_what_changes_nothing_counts_nothing(desk):
    id = desk.run()
    assert desk.passed().tally is None
    desk.step(LaunchFailed(desk.now, id, 7, "JobLaunchFailure", ExitStatus()))
    assert counts(desk) == (1, 1, 0, 0, 0)


def test_a_new_day_begins_at_nothing(desk):
    desk.submit(hold=True)
    desk.at += DAY
    desk.submit(hold=True)
    assert desk.queue.tally == Tally(desk.now - desk.now % DAY, submitted=1)


def test_operators_have_it_counted_anew(desk):
    desk.submit(hold=True)
    assert desk.step(Recount(desk.now, 1000)).reply == Refused("ESLURM_ACCESS_DENIED")
    assert desk.queue.tally.submitted == 1
    stepped = desk.step(Recount(desk.now, 0))
    assert (stepped.reply, stepped.tally, desk.queue.tally) == (None, Tally(desk.now), Tally(desk.now))
