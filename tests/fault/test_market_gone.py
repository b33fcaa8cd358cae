"""Nobody of ours is left: kill -9 of everything but the market, and the laptop never comes back. The machine ends its own bid."""

from __future__ import annotations

import shutil
import signal

import pytest

from flowbatch.controller import lifecycle
from flowbatch.units import HOUR
from tests.fault.market import POLICY, dies_at, until

pytestmark = [pytest.mark.patient, pytest.mark.xdist_group("market gone")]

SHORT = f"""{POLICY}
boot_allowance = "20s"
upload_allowance = "30s"
grace = "2s"
return_allowance = "4s"
"""
MOST_S = 20 + 30 + 60 + 2 + 4
"""What is escrowed for a minute's job under this policy."""


def over(laptop):
    """All bids of this laptop ended, and no controller of it lives."""
    assert all(laptop.ended(pid) for pid in laptop.children)
    return not laptop.live()


def paid_s(row):
    return sum(span["end"] - span["start"] for spans in row["instances"].values() for span in spans)


def test_everything_of_ours_is_killed(new_laptop):
    """While a job runs that ends by its limit, while one runs that ends by itself, and right after a bid was sent: each bid
    ends by itself, within what was escrowed for it."""
    limited, done, sent = (new_laptop(SHORT) for _ in range(3))
    jobs = []
    for laptop in (limited, done):
        laptop.boots()
        jobs.append(laptop.job("--time=1"))
    pid = sent.boots(dies_at("answered POST /v2/spot/bids"))
    sent.job("--time=1")
    for laptop, job in zip((limited, done), jobs, strict=True):
        laptop.started(job)
        laptop.halt()
    assert sent.ends(pid) == -signal.SIGKILL
    assert [len(laptop.live()) for laptop in (limited, done, sent)] == [1, 1, 1]
    done.witness.go.set()
    for laptop in (done, sent, limited):
        until(lambda one=laptop: over(one), "the machine ends its own bid", laptop.why, MOST_S)
        (row,) = laptop.billed()
        assert paid_s(row) <= MOST_S
        assert row["micro_usd"] <= row["limit_micro_usd"] * MOST_S / HOUR
        assert len(laptop.witness.starts) == (laptop is not sent)


def test_two_controllers_at_once(new_laptop):
    """One state directory has one controller; another one on its copy, while a job runs, touches nothing of the first one's."""
    laptop, copy = new_laptop(), new_laptop()
    laptop.boots()
    job = laptop.job()
    laptop.started(job)
    laptop.halt()
    shutil.copytree(laptop.state / "clusters", copy.state / "clusters")
    laptop.boots()
    assert laptop.ends(laptop.boots(answers=False)) == lifecycle.ALREADY
    later = laptop.job()
    assert copy.ends(copy.boots(answers=False)) != 0
    assert "one of the two state directories is a copy of the other" in copy.why()
    laptop.started(later)
    laptop.witness.go.set()
    laptop.finished(job, "COMPLETED")
    laptop.finished(later, "COMPLETED")
    laptop.nothing_lost("COMPLETED", "COMPLETED")
    assert laptop.witness.starts == [(job, 0), (later, 0)]
