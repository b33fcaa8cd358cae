"""What running steps use, in sstat, and their processes, in scontrol listpids; the numbers are those that 22.05 has printed."""

from __future__ import annotations

from typing import Any

import pytest

from flowbatch.commands.accounting import sstat
from flowbatch.commands.control import scontrol
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import Allocation, NodeShare, Running
from flowbatch.core.steps import JobSteps, Step
from flowbatch.protocol.seen import TaskSeen
from flowbatch.slurm import amounts
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

NOW = 1_795_327_339
NODES = tuple(NodeSpec(name=name, cpus=8, real_memory=4096) for name in ("n1", "n2"))
CLUSTER = ClusterSpec(
    name="toy", nodes=NODES, partitions=(PartitionSpec(name="debug", nodes=("n1", "n2"), default=True),), gathers=True
)
PLACE = Allocation("debug", (NodeShare("n1", 2, (0, 1), 0), NodeShare("n2", 2, (0, 1), 0)))
JOB = Job(
    36, JobSpec(name="x", work_dir="/w"), 36, 36, Owner(1001, 1001, "ann", "users", "vm"), Running(NOW - 60, PLACE, NOW + 600),
    NOW - 90, 1, partitions=("debug",), eligible_at=NOW - 90,
)  # fmt: skip
STEP = Step(0, "sh", ("n1", "n2"), (2, 1), 3, NOW - 50)
SEEN = (
    TaskSeen(None, 0, 0, "n1", pids=(14349, 14368, 14351), rss=12384 << 10, vm=287464 << 10, read=28041, written=21),
    TaskSeen(0, 0, 0, "n1", pids=(14434,), rss=32956 << 10, vm=36104 << 10, cpu_ms=690, read=1702261, written=1693),
    TaskSeen(0, 1, 1, "n1", pids=(14436,), rss=53224 << 10, vm=56396 << 10, cpu_ms=730, read=2402260, written=701692),
    TaskSeen(0, 2, 0, "n2", pids=(14432,), rss=75492 << 10, vm=78664 << 10, cpu_ms=1480, read=5202260, written=3501692),
)


@pytest.fixture
def queue(fixed_queue: Any) -> Any:
    made = fixed_queue(Snapshot(NOW, CLUSTER, (JOB,), {}, steps={36: JobSteps({0: STEP}, 0)}))
    made.seen = SEEN
    return made


OF_THREE_TASKS = (
    "36.0|78664K|n2|2|58423978|75492K|n2|2|55184042|0|n1|0|0|00:00:00|n1|0|00:00:00|3|0|Unknown|Unknown|Unknown|0|5202260|n2|2|3102260|"
    "3501692|n2|2|1401692|cpu=00:00:00,energy=0,fs/disk=3102260,mem=55184042,pages=0,vmem=58423978|cpu=00:00:01,energy=0,fs/disk=5202260,"
    "mem=75492K,pages=0,vmem=78664K|cpu=n2,energy=n1,fs/disk=n2,mem=n2,pages=n1,vmem=n2|cpu=00:00:00,fs/disk=2,mem=2,pages=0,vmem=2|"
    "cpu=00:00:00,energy=0,fs/disk=1702261,mem=32956K,pages=0,vmem=36104K|cpu=n1,energy=n1,fs/disk=n1,mem=n1,pages=n1,vmem=n1|"
    "cpu=00:00:00,fs/disk=0,mem=0,pages=0,vmem=0|cpu=00:00:02,energy=0,fs/disk=9306781,mem=161672K,pages=0,vmem=171164K|"
    "energy=0,fs/disk=1401692|energy=0,fs/disk=3501692|energy=n1,fs/disk=n2|fs/disk=2|energy=0,fs/disk=1693|energy=n1,fs/disk=n1|fs/disk=0|"
    "energy=0,fs/disk=4205077"
)
"""As 22.05 printed it, but for the CPUs' frequency."""


def test_sstat_of_three_tasks(caller: Any, queue: Any) -> None:
    said = caller.run(sstat.main, queue, "-nP", "-j", "36.0")
    assert said.out == OF_THREE_TASKS + "\n"
    assert (
        caller.run(sstat.main, queue, "-nP", "-j", "36.batch", "-o", "maxrss,maxdiskwrite,reqcpufreqmin").out
        == "12384K|21|0\n"
    )
    assert caller.run(sstat.main, queue, "-nP", "--noconvert", "-j", "36.0", "-o", "maxrss").out == "77303808\n"


def test_sstat_lists_the_processes_of_each_node(caller: Any, queue: Any) -> None:
    assert caller.run(sstat.main, queue, "-nP", "-a", "-i", "-j", "36").out == (
        "36.batch|n1|14349,14368,14351\n36.0|n1|14434,14436\n36.0|n2|14432\n"
    )


def test_sstat_where_nothing_is_gathered_or_seen(caller: Any, queue: Any, fixed_queue: Any) -> None:
    bare = fixed_queue(
        Snapshot(NOW, CLUSTER.model_copy(update={"gathers": False}), (JOB,), {}, steps={36: JobSteps({0: STEP}, 0)})
    )
    bare.seen = SEEN
    assert caller.run(sstat.main, bare, "-nP", "-j", "36.0", "-o", "maxrss,ntasks,pids").out == "|0|14434,14436,14432\n"
    queue.seen = None
    assert caller.run(sstat.main, queue, "-nP", "-j", "36.0", "-o", "maxrss,ntasks,pids").out == "|0|\n"


def test_sstat_asks_a_machine_that_does_not_answer_once_and_says_so(caller: Any, queue: Any, monkeypatch: Any) -> None:
    asked = []

    async def silent(job: Job) -> None:
        asked.append(job.id)
        raise OSError("the node does not say what runs")

    monkeypatch.setattr(queue, "look", silent)
    said = caller.run(sstat.main, queue, "-nP", "-a", "-j", "36", "-o", "jobid,maxrss")
    assert (said.code, said.out) == (0, "36.batch|\n36.0|\n")
    assert said.err == "sstat: error: what runs of job 36 is not known: the node does not say what runs\n"
    assert asked == [36]


HEADER = "PID      JOBID    STEPID   LOCALID GLOBALID\n"
STEP_ON_N2 = "14432    36       0        0       2       \n"
STEP_0 = "14434    36       0        0       0       \n14436    36       0        1       1       \n" + STEP_ON_N2
BATCH = (
    "14349    36       batch    0       0       \n14368    36       batch    -       -       \n"
    "14351    36       batch    -       -       \n"
)


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        ("36", 0, BATCH + STEP_0, ""),
        ("36.0", 0, STEP_0, ""),
        ("36.0 n2", 0, STEP_ON_N2, ""),
        ("", 0, BATCH + STEP_0, ""),
        ("36.batch", 0, "", '"36.batch" does not look like a stepid\n'),
        ("36.7", 1, "", "StepId=36.7 does not exist on node (null).\n"),
        ("99", 1, "", "There are no steps for job 99 on node (null).\n"),
        ("36 n9", 1, "", "JobId=36 does not exist on node n9.\n"),
    ],
)
def test_listpids(caller: Any, queue: Any, words: str, code: int, out: str, err: str) -> None:
    said = caller.run(scontrol.main, queue, "listpids", *words.split())
    assert (said.code, said.out, said.err) == (code, HEADER + out, err)


def test_listpids_where_nobody_sees_them_and_where_nothing_runs(caller: Any, queue: Any, fixed_queue: Any) -> None:
    queue.seen = None
    said = caller.run(scontrol.main, queue, "listpids", "36")
    assert said.code == 1 and "Requested operation not supported on this system\nscontrol: listpids: " in said.err
    idle = fixed_queue(Snapshot(NOW, CLUSTER, (), {}))
    assert caller.run(scontrol.main, idle, "listpids").err == "No job steps exist on this node.\n"


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (99, "99"), (1024, "1K"), (1536, "1.50K"), (1 << 21, "2M"), (58423978, "58423978")]
)
def test_an_amount_has_a_unit_where_at_most_a_half_of_it_is_left(number: int, text: str) -> None:
    assert amounts.plain(number) == text
