"""The table is whole: every pair of state and fact has a line, a refusal in Slurm's words, or is named here as nothing."""

from __future__ import annotations

import ast
from dataclasses import replace
from pathlib import Path
from typing import get_args

import flowbatch.core
from flowbatch.core.bids import Bid
from flowbatch.core.events import BidGone, BidLost, BidRefused, Ended, Launched, LaunchFailed, NodeLost
from flowbatch.core.facts import (
    Announced,
    Asked,
    Cancelled,
    Continued,
    Doomed,
    Downed,
    Expired,
    Held,
    Limited,
    Missed,
    Paused,
    Placed,
    Released,
    Requeued,
    Signalled,
    Told,
    Waits,
)
from flowbatch.core.jobs import Job
from flowbatch.core.moves import FACTS, KINDS, Fact, Line, Refusal, kind_of
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    ExitStatus,
    Finished,
    NodeShare,
    Pause,
    Pending,
    Requeueing,
    Running,
    Suspended,
)
from flowbatch.core.transitions import TABLE, advance
from flowbatch.slurm.codes import MESSAGES
from flowbatch.spec.cron import CronSpec

NOTHING = {
    ("pending", Launched), ("pending", LaunchFailed), ("pending", Ended), ("pending", NodeLost),
    ("pending", Announced), ("pending", BidLost), ("pending", BidGone), ("pending", Limited), ("pending", Expired),
    ("running", Asked), ("running", BidRefused), ("requeueing", Asked), ("requeueing", BidRefused),
    ("requeueing", Limited), ("requeueing", Expired), ("ending", Asked), ("ending", BidRefused), ("ending", Limited),
    ("ending", Expired), ("finished", Asked), ("finished", BidRefused), ("finished", BidLost), ("finished", BidGone),
    ("finished", Limited), ("finished", Expired),
    ("running", Waits), ("running", Placed), ("running", Doomed), ("running", Missed),
    ("requeueing", Waits), ("requeueing", Placed), ("requeueing", Launched), ("requeueing", Doomed),
    ("requeueing", Missed), ("requeueing", Announced),
    ("ending", Waits), ("ending", Placed), ("ending", Launched), ("ending", Doomed), ("ending", Missed),
    ("ending", Announced),
    ("finished", Waits), ("finished", Placed), ("finished", Launched), ("finished", LaunchFailed),
    ("finished", Ended), ("finished", NodeLost), ("finished", Doomed), ("finished", Missed), ("finished", Announced),
    ("suspended", Waits), ("suspended", Placed), ("suspended", Doomed), ("suspended", Missed), ("suspended", Announced),
    ("suspended", Asked), ("suspended", BidRefused), ("suspended", BidLost), ("suspended", BidGone),
    ("suspended", Expired),
    ("pending", Downed), ("requeueing", Downed), ("ending", Downed), ("finished", Downed),
}  # fmt: skip

AT = Allocation("debug", (NodeShare("n1", 1, (0,)),))
STATES = {
    "pending": Pending(),
    "running": Running(1, AT, None),
    "suspended": Suspended(Running(1, AT, 60), Pause(5, 4)),
    "requeueing": Completing(1, AT, 2, Requeueing()),
    "ending": Completing(1, AT, 2, Ending("CANCELLED")),
    "finished": Finished(3, Ending("COMPLETED"), 1, AT),
}
EXAMPLES = {
    Waits: Waits(9, "Resources"), Placed: Placed(9, AT, "Main", None), Cancelled: Cancelled(9, 1000),
    Signalled: Signalled(9, 10, "steps"), Held: Held(9, "JobHeldUser"), Released: Released(9, 77),
    Requeued: Requeued(9), Doomed: Doomed(9), Missed: Missed(9), Announced: Announced(9, 50),
    Launched: Launched(9, 1, 0), LaunchFailed: LaunchFailed(9, 1, 0, "JobLaunchFailure"),
    Ended: Ended(9, 1, 0, ExitStatus(), "preempted"), NodeLost: NodeLost(9, 1, 0),
    Asked: Asked(9, Bid(1, "m1", "8xa100", "r1", 1, 1, 9, 99, 60)), BidRefused: BidRefused(9, 1, 1, "no"),
    BidLost: BidLost(9, 1, 1), BidGone: BidGone(9, 1, 1), Limited: Limited(9, 10), Expired: Expired(9, "TimeLimit"),
    Paused: Paused(9), Continued: Continued(9, 78), Told: Told(9, "word"), Downed: Downed(9),
}  # fmt: skip


def job_in(kind, desk, owners):
    return Job(1, desk.spec(), 1, 1, owners["ada"], STATES[kind], 0, 4294901759, ("debug",))


def of_a_crontab(kind, desk, owners):
    """The same of a job that is due each minute, and ends by itself."""
    job = replace(job_in(kind, desk, owners), spec=desk.spec(cron=CronSpec(zone="UTC")))
    return replace(job, state=replace(job.state, then=Ending("TIMEOUT"))) if kind == "ending" else job


def test_every_pair_is_decided():
    assert set(FACTS) == set(get_args(Fact))
    assert set(TABLE) | NOTHING == {(kind, fact) for kind in KINDS for fact in FACTS}
    assert not set(TABLE) & NOTHING


def test_the_table_says_where_its_moves_lead(desk, owners):
    for (kind, fact), line in TABLE.items():
        if isinstance(line, Line):
            for requeue in (True, False):
                job = job_in(kind, desk, owners)
                cluster = desk.cluster.model_copy(update={"job_requeue": requeue})
                moved = advance(cluster, job, EXAMPLES[fact])
                assert kind_of(moved.job.state) in line.to, (kind, fact)


def test_every_place_that_the_table_names_is_reached(desk, owners):
    for (kind, fact), line in TABLE.items():
        if isinstance(line, Line):
            reached = {
                kind_of(advance(cluster, job, EXAMPLES[fact]).job.state)
                for cluster in (desk.cluster, desk.cluster.model_copy(update={"job_requeue": False}))
                for job in (job_in(kind, desk, owners), of_a_crontab(kind, desk, owners))
            }
            assert reached == set(line.to), (kind, fact)


def test_nothing_comes_of_a_pair_without_a_line(desk, owners):
    for kind, fact in NOTHING:
        assert advance(desk.cluster, job_in(kind, desk, owners), EXAMPLES[fact]) == Refusal(None)


def test_refusals_have_slurms_words():
    assert {line.code for line in TABLE.values() if isinstance(line, Refusal)} <= set(MESSAGES)


def test_facts_of_another_placement_change_nothing(desk, owners):
    for kind in ("running", "requeueing", "ending"):
        for fact in (Launched(9, 1, 1), LaunchFailed(9, 1, 1, "x"), Ended(9, 1, 1, ExitStatus()), NodeLost(9, 1, 1)):
            assert advance(desk.cluster, job_in(kind, desk, owners), fact) == Refusal(None)


def test_the_state_of_a_record_is_replaced_nowhere_else():
    room = Path(flowbatch.core.__file__).parent
    places = set()
    for path in sorted(room.parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and "state" in [keyword.arg for keyword in node.keywords]:
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                if called in ("replace", "Job"):
                    places.add((path.relative_to(room.parent).as_posix(), called))
    assert places == {("core/transitions.py", "replace"), ("core/submitting.py", "Job")}
