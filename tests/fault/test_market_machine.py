"""Machines that go away, lines that are cut, disks that are full: what a job wrote comes home whole, and it never runs twice at once."""

from __future__ import annotations

import os

import pytest

from tests.disks import fill, small
from tests.fault.market import Cuts, until

pytestmark = [pytest.mark.patient, pytest.mark.xdist_group("market machine")]

DEAR = "$90.00"


def where(laptop):
    """The auction of the one live bid: its instance type and region."""
    (row,) = laptop.live()
    bid = next(bid for bid in laptop.api("GET", "/v2/spot/bids?limit=100")["data"] if bid["fid"] == row["bid"])
    return bid["instance_type"], bid["region"]


def test_lines_that_are_cut(laptop):
    cuts = Cuts([("sent", 100_000), ("sent", 1_500_000), ("received", 2_000), ("received", 900_000), ("received", 1_200_000)])  # fmt: skip
    (laptop.work / "data").write_bytes(bytes(range(256)) * 8000)
    laptop.boots(cuts=cuts)
    job = laptop.job()
    laptop.started(job)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, 0)]
    assert cuts.after  # in this process nothing was cut


def test_a_preemption_and_a_notice_that_is_withdrawn(laptop):
    laptop.boots()
    job = laptop.job()
    laptop.started(job)
    auction = where(laptop)
    laptop.market.price(*auction, DEAR)
    until(lambda: laptop.live()[0]["status"] == "Preempting", "it has its notice", laptop.why)
    laptop.market.price(*auction, None)
    until(lambda: laptop.live()[0]["status"] == "Allocated", "the notice is withdrawn", laptop.why)
    laptop.market.preempt(laptop.live()[0]["bid"])
    laptop.started(job, 1)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, 0), (job, 1)]
    assert (laptop.work / f"starts.{job}").read_text() == "0\n1\n"


def test_a_machine_that_is_lost_and_won_again_between_two_looks(laptop):
    """The market shows the same bid with the same instance as before; only the machine knows that nothing runs on it."""
    laptop.boots()
    job = laptop.job()
    laptop.started(job)
    (bid,) = laptop.live()
    laptop.market.preempt(bid["bid"])
    laptop.market.advance(20)  # the whole notice, and the next round, at once
    assert laptop.live()[0]["status"] == "Allocated"
    laptop.started(job, 1)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, 0), (job, 1)]


def test_a_job_that_may_not_be_requeued(laptop):
    laptop.boots()
    job = laptop.job("--no-requeue")
    laptop.started(job)
    laptop.market.preempt(laptop.live()[0]["bid"])
    laptop.finished(job, "PREEMPTED")
    laptop.nothing_lost("PREEMPTED")
    assert laptop.witness.starts == [(job, 0)]
    assert (laptop.work / f"starts.{job}").read_text() == "0\n"


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_ten_preemptions(laptop):
    laptop.boots()
    job = laptop.job()
    for restart in range(10):
        laptop.started(job, restart)
        laptop.market.preempt(laptop.live()[0]["bid"])
    laptop.started(job, 10)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.nothing_lost("COMPLETED")
    assert laptop.witness.starts == [(job, restart) for restart in range(11)]
    assert (laptop.work / f"starts.{job}").read_text() == "".join(f"{restart}\n" for restart in range(11))


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted by root alone")
def test_a_disk_here_that_is_full(laptop):
    """The results do not fit, and come home once there is room again."""
    with small(laptop.work, 3_000_000):
        laptop.boots()
        job = laptop.job()
        laptop.started(job)
        fill(laptop.work / ".ballast")
        laptop.witness.go.set()
        laptop.says("No space left on device")
        assert laptop.jobs()[str(job)] in ("RUNNING", "COMPLETING")
        (laptop.work / ".ballast").unlink()
        laptop.finished(job, "COMPLETED")
        laptop.nothing_lost("COMPLETED")
        assert laptop.witness.starts == [(job, 0)]


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted by root alone")
def test_a_disk_of_the_store_that_is_full(laptop):
    """No fact is lost while nothing can be committed."""
    with small(laptop.paths.clusters, 6_000_000):
        laptop.boots()
        job = laptop.job()
        laptop.started(job)
        fill(laptop.paths.clusters / "ballast")
        laptop.witness.go.set()
        laptop.says("a turn failed")
        (laptop.paths.clusters / "ballast").unlink()
        laptop.finished(job, "COMPLETED")
        laptop.nothing_lost("COMPLETED")
        assert laptop.witness.starts == [(job, 0)]
