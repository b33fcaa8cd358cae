"""A market that answers badly, late or not at all, and one in which others meddle: no second bid, no lost job, no wrong bill."""

from __future__ import annotations

import pytest

from flowbatch.units import HOUR
from tests.fault.market import until

pytestmark = [pytest.mark.patient, pytest.mark.xdist_group("market weather")]


def test_answers_that_are_lost_and_storms(laptop):
    market = laptop.market
    laptop.boots()
    laptop.run("sinfo")  # returns once it has seen what there is
    for path in ("/v2/api-keys", "/v2/spot/bids"):
        market.fault(kind="cut", method="POST", path=path, count=2)
    market.fault(kind="status", status=429, seconds=1, method="GET", spare=6, count=6)
    market.fault(kind="status", status=503, spare=8, count=3)
    job = laptop.job()
    laptop.started(job)
    assert len(laptop.live()) == 1
    market.fault(kind="status", status=429, seconds=1, count=8)
    market.fault(kind="cut", method="DELETE", count=2)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, 0)]


def test_an_hour_without_an_api(laptop):
    laptop.boots()
    first = laptop.job()
    laptop.started(first)
    laptop.market.fault(kind="drop", count=None)
    second = laptop.job()
    laptop.market.advance(HOUR)
    laptop.jump(HOUR)
    laptop.witness.go.set()
    until(lambda: laptop.jobs()[str(first)] == "COMPLETED", "its files come home without the API", laptop.why)
    assert laptop.jobs()[str(second)] == "PENDING"
    assert len(laptop.live()) == 1
    laptop.market.clear_faults()
    laptop.finished(second, "COMPLETED")
    laptop.nothing_lost("COMPLETED", "COMPLETED")
    assert laptop.witness.starts == [(first, 0), (second, 0)]


def test_a_bid_that_is_cancelled_in_the_console(laptop):
    laptop.boots()
    job = laptop.job()
    laptop.started(job)
    (row,) = laptop.live()
    laptop.api("DELETE", f"/v2/spot/bids/{row['bid']}")
    laptop.started(job, 1)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, 0), (job, 1)]


def test_a_clock_that_jumps(laptop):
    """Back by hours while the job runs, then forward, with a controller that begins between: its time limit is not over."""
    laptop.boots()
    job = laptop.job()
    laptop.started(job)
    for seconds in (-2 * HOUR, HOUR // 2):
        laptop.jump(seconds)
        laptop.job("--hold")  # a fact, so that the queue looks at the clock
        assert laptop.jobs()[str(job)] == "RUNNING"
        assert len(laptop.live()) == 1
        laptop.halt()
        laptop.boots()
    assert laptop.jobs()[str(job)] == "RUNNING"
    laptop.jump(0)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.run("scancel", "2", "3")
    laptop.nothing_lost("COMPLETED", "CANCELLED", "CANCELLED")
    assert laptop.witness.starts == [(job, 0)]
