"""kill -9 of a controller with a job on the market, at each of its commits and calls: nothing runs twice, nothing is paid twice."""

from __future__ import annotations

import signal
from contextlib import suppress
from itertools import count

import pytest

from flowbatch.controller import lifecycle
from tests.fault.market import dies_after, dies_at, until

pytestmark = [pytest.mark.patient, pytest.mark.xdist_group("market controller")]

DEATHS = (
    "asking POST /v2/api-keys", "answered POST /v2/api-keys", "asking POST /v2/spot/bids", "answered POST /v2/spot/bids",
    "ordered Launch", "performed Launch",
)  # fmt: skip
"""One after another in the life of a bid, until its job runs."""

ENDS = ("performed Forget", "asking DELETE /v2/spot/bids", "answered DELETE /v2/spot/bids")


def test_killed_where_it_hurts(laptop):
    laptop.boots()
    job = laptop.job("--hold")
    laptop.halt()
    pid = laptop.boots(dies_at(DEATHS[0]))
    laptop.run("scontrol", "release", str(job))
    for death in DEATHS[1:]:
        assert laptop.ends(pid) == -signal.SIGKILL
        pid = laptop.boots(dies_at(death))
    assert laptop.ends(pid) == -signal.SIGKILL
    laptop.boots()
    laptop.started(job)
    laptop.halt()
    laptop.witness.go.set()
    for death in ENDS:
        assert laptop.ends(laptop.boots(dies_at(death))) == -signal.SIGKILL
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, 0)]


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_at_every_instant(new_laptop):
    """Each commit, order and call of a job's whole life, one laptop each: from the submission to the last bill."""
    for number in count(1):
        laptop = new_laptop()
        pid = laptop.boots(dies_after(number), idle_exit_s=1, answers=False)
        submitted = None
        with suppress(AssertionError, OSError, ValueError):
            until(lambda one=laptop, pid=pid: one.ended(pid) or lifecycle.status(one.paths).pid == pid, "it answers")
            submitted = laptop.job()
        laptop.witness.go.set()
        if laptop.ends(pid) == 0:
            break
        laptop.settles()
        laptop.nothing_lost(*["COMPLETED"] * len(laptop.records()))
        assert submitted is None or laptop.witness.starts == [(submitted, 0)]
        laptop.shut()
    assert number > 60


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_killed_again_and_again(new_laptop):
    """The controller lives for some instants only, from two on, a few more each time: the job is done all the same."""
    laptop = new_laptop()
    laptop.boots()
    job = laptop.job()
    laptop.halt()
    laptop.witness.go.set()
    for number in range(2, 80):
        if laptop.ends(laptop.boots(dies_after(number), idle_exit_s=1, answers=False)) == 0:
            break
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, 0)]
