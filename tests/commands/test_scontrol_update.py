"""`scontrol update`: what it asks of the queue, what it refuses, and what a job on the market is shown to cost."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowbatch.commands.control import scontrol
from flowbatch.commands.control.scontrol_settings import ALWAYS, SETTINGS, Setting
from flowbatch.commands.listing import squeue
from flowbatch.core.bids import Bid
from flowbatch.core.changes import WHILE_RUNNING
from flowbatch.core.events import JobRef, TermsAsked, UpdateAsked, Verdict
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import Pending
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import UNLIMITED, JobSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.spec.resources import Memory, NodeCount

NOW = 1_795_327_400
CLUSTER = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=8),), partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),)
)  # fmt: skip
SPEC = JobSpec(name="j", work_dir="/w", time_limit_min=10, comment="mine")
JOB = Job(7, SPEC, 7, 7, Owner(0, 0, "root", "root"), Pending(), NOW, 5, partitions=("debug",), eligible_at=NOW)


@pytest.fixture
def queue(fixed_queue: Any) -> Any:
    """It knows job 7."""

    def reply(event: Any) -> tuple[Verdict, ...]:
        return tuple(Verdict(ref, None if ref.job_id == 7 else "ESLURM_INVALID_JOB_ID") for ref in event.refs)

    return fixed_queue(Snapshot(NOW, CLUSTER, (JOB,), {}), reply)


@pytest.mark.parametrize(
    ("words", "limit", "price"),
    [
        ("JobId=7 TimeLimit=5", 5, None),
        ("job=7 timelimit 1:00:00", 60, None),
        ("jobid=7 timel=UNLIMITED", UNLIMITED, None),
        ("jobid=7 TimeLimit+=5", 15, None),
        ("jobid=7 TimeLimit-=5", 5, None),
        ("jobid=7 LimitPrice=$2.50", None, 2_500_000),
        ("jobid=7 LimitPrice=3 TimeLimit=4", 4, 3_000_000),
    ],
)
def test_terms_of_one_job(caller: Any, queue: Any, words: str, limit: int | None, price: int | None) -> None:
    said = caller.run(scontrol.main, queue, "update", *words.split())
    assert (said.code, said.out, said.err) == (0, "", "")
    assert queue.events == [TermsAsked(NOW, 0, (JobRef(7),), price, limit)]


def test_several_jobs_and_tasks(caller: Any, queue: Any) -> None:
    said = caller.run(scontrol.main, queue, "update", "JobId=7,999,7_2,9_[1]", "TimeLimit=5")
    two = IndexSet.of((IndexRange(first=2, last=2),))
    assert [event.refs[0] for event in queue.events][:3] == [JobRef(7), JobRef(999), JobRef(7, two)]
    assert (said.code, said.err) == (
        1, "Invalid job id specified for job 999\n9_1: Invalid job id specified\n"
    )  # fmt: skip
    assert caller.run(scontrol.main, queue, "-Q", "update", "JobId=999", "TimeLimit=5").err == ""


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=lambda one: one.name)
def test_a_setting_may_change_when_the_queue_lets_it(caller: Any, queue: Any, setting: Setting) -> None:
    for value in ("1", "yes", "gpu:1", "after:7", "now", "NONE", "h1"):
        caller.run(scontrol.main, queue, "update", "JobId=7", f"{setting.name}={value}")
    fields = {field for event in queue.events for field in event.fields}
    assert fields and WHILE_RUNNING.issuperset(fields) == (setting.when == ALWAYS)


def test_what_a_gres_may_be_is_told(caller: Any, fixed_queue: Any) -> None:
    queue = fixed_queue(Snapshot(NOW, CLUSTER.model_copy(update={"gres_types": ("gpu",)}), (JOB,), {}))
    said = caller.run(scontrol.main, queue, "update", "JobId=7", "Gres=help")
    assert (said.code, said.out) == (1, "Valid gres options are:\ngpu[[:type]:count]\n")


@pytest.mark.parametrize(("code", "err"), [
    ("ESLURM_NOT_SUPPORTED", "Requested operation not supported on this system for job 7\nscontrol: error: what runs on a rented machine "
                             "ends with its lease, which was bought with its time limit\n"),
    ("ESLURM_ACCESS_DENIED", "Access/permission denied for job 7\n"),
])  # fmt: skip
def test_why_a_time_limit_does_not_grow_on_the_market(caller: Any, fixed_queue: Any, code: str, err: str) -> None:
    market = CLUSTER.model_copy(update={"market": MarketPolicy()})
    queue = fixed_queue(
        Snapshot(NOW, market, (JOB,), {}), lambda event: tuple(Verdict(ref, code) for ref in event.refs)
    )
    assert caller.run(scontrol.main, queue, "update", "JobId=7", "TimeLimit=50").err == err
    assert caller.run(scontrol.main, queue, "-Q", "update", "JobId=7", "TimeLimit=50").err == ""


@pytest.mark.parametrize(
    ("words", "err"),
    [
        ("", "too few arguments for update keyword\n"),
        ("JobId=7", "No changes specified\n"),
        ("TimeLimit=5", "No valid entity in update command\nInput line must include"),
        ("7 TimeLimit=5", "No valid entity in update command\nInput line must include"),
        ("JobId=7 Foo=1", "Update of this parameter is not supported: Foo=1\nRequest aborted\n"),
        ("JobId=7 time=4", "Update of this parameter is not supported: time=4\nRequest aborted\n"),
        ("JobId=7 TimeLimit=x", "scontrol: error: Invalid TimeLimit value\n"),
        ("JobId=7 TimeLimit-=10", "scontrol: error: TimeLimit decrement larger than current time limit (10 > 10)\n"),
        ("JobId=7 LimitPrice=x", "scontrol: error: Invalid LimitPrice value\n"),
        ("JobId=7 LimitPrice=$1/gpu-h", "scontrol: error: Invalid LimitPrice value\n"),
        (
            "JobId=7 NumCPUs=4",
            "scontrol: error: NumCPUs follows from NumTasks and CPUsPerTask: say those\nUpdate of this",
        ),
        ("JobId=7,9 TimeLimit-=1", "scontrol: error: Invalid job ID 7,9\n"),
        ("JobId=7_[1] NumNodes=1", "scontrol: error: Invalid job ID 7_[1]\n"),
        ("JobId=9 TimeLimit=+1", "scontrol: error: Could not load state information for job 9: Invalid job id spec"),
        ("JobId=7,x TimeLimit=1", "Invalid job id specified for job 7,x\n"),
        ("NodeName=n1 State=drain", "You must specify a reason when DOWNING or DRAINING a node. Request denied\n"),
        ("JobId=abc TimeLimit=5", "Invalid job id specified for job abc\n"),
    ],
)
def test_what_is_refused(caller: Any, queue: Any, words: str, err: str) -> None:
    said = caller.run(scontrol.main, queue, "update", *words.split())
    assert (said.code, said.out) == (1, "") and said.err.startswith(err)
    assert not queue.events


def test_cost_and_bid_stand_where_an_administrator_would_comment(caller: Any, fixed_queue: Any) -> None:
    gone = Bid(
        1, "c1", "h100.8x", "us-a", 2_000_000, 0, NOW, NOW, 60, phase="gone", spent_micro_usd=1_250_000, settled=True
    )
    live = replace(gone, number=2, phase="open", region="us-b", spent_micro_usd=0, settled=False)
    queue = fixed_queue(Snapshot(NOW, CLUSTER, (replace(JOB, bids=(gone, live)),), {}))
    shown = caller.run(scontrol.main, queue, "show", "job", "7").out
    comment = "cost=$1.25,unsettled,bid=$2.00/h,instance_type=h100.8x,region=us-b"
    assert f"\n   AdminComment={comment} \n   Comment=mine \n" in shown
    assert caller.run(squeue.main, queue, "-h", "-O", "admin_comment:").out == f"{comment}\n"
    local = fixed_queue(Snapshot(NOW, CLUSTER, (JOB,), {}))
    assert "AdminComment" not in caller.run(scontrol.main, local, "show", "job", "7").out


@pytest.mark.parametrize(
    ("words", "fields", "value"),
    [
        ("JobId=7 Name=new", ("name",), "new"),
        ("JobId=7 jobname new", ("name",), "new"),
        ("JobId=7 Comment=", ("comment",), None),
        ("JobId=7 Partition=a,b", ("partitions",), ("a", "b")),
        ("JobId=7 nice=-5", ("nice",), -5),
        ("JobId=7 Requeue=2", ("requeue",), True),
        ("JobId=7 Deadline=1795330000", ("deadline",), None),
        ("JobId=7 starttime=now+1hour", ("begin",), NOW + 3600),
        ("JobId=7 MailType=END,FAIL", ("mail.types",), ("END", "FAIL")),
        ("JobId=7 MinMemoryNode=200", ("resources.memory",), Memory(per="node", mib=200)),
        ("JobId=7 NumNodes=2-3", ("resources.nodes",), NodeCount(minimum=2, maximum=3)),
        ("JobId=7 ReqNodeList=n[1-2]", ("resources.nodelist",), ("n1", "n2")),
        ("JobId=7 OverSubscribe=yes", ("resources.oversubscribe", "resources.exclusive"), True),
    ],
)
def test_fields_of_what_was_asked_for(caller: Any, queue: Any, words: str, fields: tuple[str, ...], value: Any) -> None:
    said = caller.run(scontrol.main, queue, "update", *words.split())
    if fields == ("deadline",):
        assert (said.code, said.err) == (1, "Invalid time specification (pos=0): 1795330000\nNo changes specified\n")
        return
    assert (said.code, said.out, said.err) == (0, "", "")
    (event,) = queue.events
    assert isinstance(event, UpdateAsked) and event.fields == fields
    found: Any = event.spec
    for part in fields[0].split("."):
        found = getattr(found, part)
    assert found == value


@pytest.mark.parametrize(
    ("word", "err"),
    [
        ("Priority=x", "scontrol: error: Invalid Priority value: x\n"),
        ("Requeue=x", "scontrol: error: Invalid Requeue value: x\n"),
        ("NumTasks=x", "scontrol: error: Invalid NumTasks value: x\n"),
        ("MinMemoryNode=1G", "scontrol: error: Invalid MinMemoryNode value: 1G\n"),
        ("TimeMin=x", "scontrol: error: Invalid TimeMin value\n"),
        ("MailType=bogus", "Invalid MailType: bogus\n"),
        ("StartTime=bogus", "Invalid time specification (pos=0): bogus\nNo changes specified\n"),
    ],
)
def test_values_that_no_field_takes(caller: Any, queue: Any, word: str, err: str) -> None:
    said = caller.run(scontrol.main, queue, "update", "JobId=7", word)
    assert (said.code, said.out, said.err, queue.events) == (1, "", err, [])


def test_a_throttle_is_the_whole_arrays(caller: Any, queue: Any) -> None:
    caller.run(scontrol.main, queue, "update", "JobId=7_3", "ArrayTaskThrottle=2")
    (event,) = queue.events
    assert (event.refs, event.fields, event.throttle) == ((JobRef(7),), (), 2)
