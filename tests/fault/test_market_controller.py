"""kill -9 of a controller with a job on the market, at each of its commits and calls: nothing runs twice, nothing is paid twice."""

from __future__ import annotations

import signal

import pytest

from tests.fault.market import dies_at

pytestmark = pytest.mark.xdist_group("market controller")

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
