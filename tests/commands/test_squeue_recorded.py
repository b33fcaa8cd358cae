"""The jobs that were given to a real Slurm 22.05 (tests/data/squeue/record.py), made by hand, must look the same."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from flowbatch.commands.control import show_job
from flowbatch.commands.listing import job_json, squeue
from flowbatch.commands.listing.job_fields import VALUES, Style
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.squeue_order import load_order
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner, Waiting
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    ExitStatus,
    Finished,
    NodeShare,
    Pending,
    Running,
    State,
)
from flowbatch.slurm.times import TimeStyle
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.dependency import Dependency, DependencyTerm
from flowbatch.spec.files import Files
from flowbatch.spec.job import JobSpec
from flowbatch.spec.resources import Gres, GresRequest, License, Memory, NodeCount, Resources
from flowbatch.units import Instant

RECORDED: dict[str, Any] = json.loads((Path(__file__).parents[1] / "data/squeue/recorded.json").read_text())
WORK = "/tmp/flowbatch-record"
DAY = 86400
YEAR = 365 * DAY


def instant(stamp: str) -> int:
    return int(datetime.fromisoformat(stamp).replace(tzinfo=timezone.utc).timestamp())


SUBMITTED = instant("2026-11-22T02:47:02")
STARTED = SUBMITTED + 1
CANCELLED = SUBMITTED + 6
NOW = SUBMITTED + 82
REQUEUED_UNTIL = instant("2026-11-22T02:49:09")

CLUSTER = ClusterSpec(
    name="oracle",
    nodes=tuple(
        NodeSpec(
            name=f"n{i}", cpus=8, cores_per_socket=8, real_memory=16000, gres=(GresDevice(name="gpu", type="h100", count=2),),
            features=("fast",) if i < 3 else ("slow", "x") if i == 3 else (),
        )
        for i in range(1, 5)
    ),
    partitions=(
        PartitionSpec(name="debug", nodes=("n1", "n2", "n3", "n4"), default=True),
        PartitionSpec(name="down", nodes=("n1",), state="DOWN", max_time_min=60),
        PartitionSpec(name="short", nodes=("n1", "n2"), max_time_min=10, default_time_min=5),
        PartitionSpec(name="hidden", nodes=("n1",), hidden=True),
    ),
    licenses=(("matlab", 2), ("ansys", 4)),
)  # fmt: skip
OWNER = Owner(0, 0, "root", "root", "vm", 3003)


def on(*nodes: str, cpus: int = 1, cpu_ids: tuple[int, ...] = (0,), gpus: int = 0) -> Allocation:
    gres = (("gpu", "h100", tuple(range(gpus))),) if gpus else ()
    return Allocation("debug", tuple(NodeShare(node, cpus, cpu_ids, gres=gres) for node in nodes))


def running(*nodes: str, at: int = STARTED, minutes: int | None = None, **more: Any) -> Running:
    return Running(at, on(*nodes, **more), None if minutes is None else at + minutes * 60, launched=True)


HELD = Pending(reason="JobHeldUser")
ANY_MACHINE = Resources()


@dataclass
class Made:
    """Makes records of the recorded queue; ids follow each other as there."""

    jobs: list[Job]
    next_id: int = 1

    def add(
        self, name: str, state: State, *, job_id: int | None = None, priority: int | None = None,
        resources: Resources = ANY_MACHINE, eligible: int | None = SUBMITTED, evaluated: int | None = SUBMITTED,
        command: str | None = "long.sh", partitions: tuple[str, ...] = ("debug",), **more: Any,
    ) -> None:  # fmt: skip
        record = {key: more.pop(key) for key in ("array", "waiting", "restarts", "submitted_at", "held") if key in more}
        self.next_id += job_id is None
        id = job_id or self.next_id - 1
        spec = JobSpec(
            name=name,
            work_dir=WORK,
            command=command and f"{WORK}/{command}",
            resources=resources,
            partitions=partitions,
            **more,
        )
        job = Job(
            id, spec, 1000 + len(self.jobs), id, OWNER, state, record.pop("submitted_at", SUBMITTED),
            PRIORITIES.get(id, 0) if priority is None else priority, partitions=partitions, eligible_at=eligible,
            last_evaluated_at=evaluated, scheduled_by="Backfill" if id in BACKFILLED else None, **record,
        )  # fmt: skip
        self.jobs.append(job)


def recorded(field: str, row: str) -> str:
    said = RECORDED["fields"][field]
    return str(said["others"].get(row, said["usual"]))


ROWS: dict[int, str] = {int(row.split(" ")[1]): row for row in RECORDED["rows"]}
BACKFILLED = {8, 9, 14, 16, 18, 23, 44}
"""These were started by the recorded cluster's backfill scheduler."""
PRIORITIES = {id: int(recorded("prioritylong", row)) for id, row in ROWS.items()}


def term(kind: Any, job: int = 0, *, array: bool = False, failed: bool = False, **more: Any) -> Waiting:
    return Waiting(DependencyTerm(kind=kind, job_id=job, **more), failed=failed, array=array)


def after(text: str, *terms: Waiting, any: bool = False) -> Dependency:
    return Dependency(text=text, any=any, terms=tuple(one.term for one in terms))


def made() -> tuple[Job, ...]:
    """The recorded queue."""
    m = Made([])
    gpu = lambda per, kind=None, count=1: GresRequest(**{per: (Gres(name="gpu", type=kind, count=count),)})  # noqa: E731  # local
    m.add("running", running("n1", at=SUBMITTED, minutes=30, cpus=4, cpu_ids=(0, 1, 2, 3)), arguments=("a", "b"), time_limit_min=30,
          comment="a note", resources=Resources(ntasks=2, cpus_per_task=2, memory=Memory(per="node", mib=500)))  # fmt: skip
    array = {"array": ArrayRest(IndexSet.of((IndexRange(first=7, last=9, step=2),)), 2)}
    spec_array = {"time_limit_min": 5}
    m.add("array", Pending(reason="JobArrayTaskLimit"), eligible=None, evaluated=CANCELLED, **array, **spec_array)
    m.add(
        "held",
        HELD,
        eligible=None,
        resources=Resources(
            nodes=NodeCount(minimum=2, maximum=2), memory=Memory(per="cpu", mib=100), gres=gpu("per_node")
        ),
    )
    first = term("afterany", 1)
    m.add("later", Pending(reason="Dependency"), eligible=SUBMITTED + 7200, begin=SUBMITTED + 7200, waiting=(first,),
          dependency=after("afterany:1", first), time_limit_min=1564, resources=Resources(ntasks=3))  # fmt: skip
    two = term("afterok", 1), term("after", 1, delay_minutes=5)
    m.add(
        "depends",
        Pending(reason="JobHeldAdmin"),
        eligible=None,
        waiting=two,
        dependency=after("x", *two),
        account="phys",
        qos="gold",
        wckey="w1",
    )
    m.add("depends_or", HELD, eligible=None, command=None)
    m.add(
        "unknown_dependency", running("n1", minutes=5, cpu_ids=(5,)), command=None, time_limit_min=5, evaluated=STARTED
    )
    m.add(
        "failed",
        Finished(STARTED, Ending("FAILED", ExitStatus(3), "NonZeroExitCode"), STARTED, on("n1", cpu_ids=(6,))),
        command="fail.sh",
        evaluated=STARTED,
    )
    m.add("completed", Finished(STARTED, Ending("COMPLETED"), STARTED, on("n2")), command="ok.sh", evaluated=STARTED,
          files=Files(output="out-%j-%x.txt", error="err.txt", input="/dev/zero"))  # fmt: skip
    m.add("too_big", Pending(reason="PartitionConfig"), resources=Resources(ntasks=999))
    m.add("partition_down", Pending(reason="PartitionDown"), partitions=("down",))
    m.add("two_partitions", HELD, eligible=None, partitions=("debug", "short"), time_limit_min=3)
    m.add("licensed", Pending(reason="Licenses"), evaluated=instant("2026-11-22T02:48:21"), resources=Resources(
        licenses=(License(name="matlab", count=2),), licenses_text="matlab:2", gres=gpu("per_job", count=2), cpus_per_task=3,
        nodes=NodeCount(minimum=1, maximum=1), nodelist=("n2",), exclude=("n3",), exclusive="node"))  # fmt: skip
    m.add("licensed_running", running("n2", cpu_ids=(1,)), evaluated=STARTED, resources=Resources(
        licenses=(License(name="matlab"), License(name="ansys", count=2)), licenses_text="matlab:1,ansys:2"))  # fmt: skip
    m.add("many_options", HELD, eligible=None, nice=100, deadline=SUBMITTED + 3 * DAY, time_min_min=1, resources=Resources(
        nodes=NodeCount(minimum=1, maximum=3), tmp_mib=5, mincpus=2, contiguous=True, ntasks_per_node=2))  # fmt: skip
    m.add(
        "stubborn",
        Completing(STARTED, on("n2", cpu_ids=(2,)), STARTED + 78, Ending("CANCELLED")),
        command="stubborn.sh",
        evaluated=STARTED,
    )
    m.add("sockets", HELD, eligible=None, switches="1@5", resources=Resources(
        sockets_per_node=1, cores_per_socket=2, threads_per_core=1, memory=Memory(per="node", mib=0)))  # fmt: skip
    m.add("single", running("n2", cpu_ids=(3,)), evaluated=STARTED)
    alone = term("singleton")
    m.add("single", Pending(reason="Dependency"), eligible=None, waiting=(alone,), dependency=after("singleton", alone))
    m.add(
        "big_array", HELD, eligible=None, array=ArrayRest(IndexSet.of((IndexRange(first=0, last=200, step=2),)), None)
    )
    m.add("oversubscribed", HELD, eligible=None, requeue=False, files=Files(output="/tmp/x%A_%a.out"),
          resources=Resources(oversubscribe=True, constraint_text="fast"))  # fmt: skip
    m.add("cancelled_pending", Finished(CANCELLED, Ending("CANCELLED", reason="JobHeldUser", by_uid=0)), eligible=None)
    m.add(
        "cancelled_running",
        Finished(CANCELLED, Ending("CANCELLED", ExitStatus(0, 15)), STARTED, on("n2", cpu_ids=(4,))),
        evaluated=STARTED,
    )
    m.add("gpus", Running(STARTED, Allocation("debug", (
        NodeShare("n2", 1, (5,), gres=(("gpu", "h100", (0, 1)),)), NodeShare("n3", 1, (0,), gres=(("gpu", "h100", (0, 1)),)))),
        STARTED + 7200, True), evaluated=STARTED, time_limit_min=120, resources=Resources(
        gres=gpu("per_node", "h100", 2), nodes=NodeCount(minimum=2, maximum=2), memory=Memory(per="cpu", mib=2048)))  # fmt: skip
    m.add("gpus_per_task", HELD, eligible=None, resources=Resources(
        ntasks=2, gres=gpu("per_task"), cpus_per_gpu=2, memory=Memory(per="gpu", mib=100)))  # fmt: skip
    m.add("gpus_per_socket", HELD, eligible=None, resources=Resources(gres=gpu("per_socket"), sockets_per_node=2))
    m.add(
        "tasks_per",
        HELD,
        eligible=None,
        time_min_min=3,
        time_limit_min=9,
        resources=Resources(ntasks=6, ntasks_per_socket=2, ntasks_per_core=1),
    )
    m.add("core_spec", HELD, eligible=None, resources=Resources(core_spec=1))
    m.add("exclusive_user", HELD, eligible=None, reboot=True, resources=Resources(
        exclusive="user", nodes=NodeCount(minimum=3, maximum=4), ntasks=7, memory=Memory(per="node", mib=3000)))  # fmt: skip
    m.add(
        "requeued",
        Pending(reason="BeginTime", not_before=REQUEUED_UNTIL),
        submitted_at=CANCELLED,
        requeue=True,
        eligible=REQUEUED_UNTIL,
        restarts=1,
        evaluated=STARTED,
    )
    m.add("requeue_held", Pending(reason="job requeued in held state", not_before=REQUEUED_UNTIL), held="JobHeldUser", submitted_at=CANCELLED, requeue=True,
          eligible=REQUEUED_UNTIL, restarts=1, evaluated=STARTED, priority=0)  # fmt: skip
    failed = term("afterok", 8, failed=True)
    m.add(
        "never",
        Pending(reason="DependencyNeverSatisfied"),
        eligible=None,
        waiting=(failed,),
        dependency=after("afterok:8", failed),
    )
    corr, broken = term("aftercorr", 2, array=True), term("aftercorr", 2, array=True, failed=True)
    on_corr = {"dependency": after("aftercorr:2", corr), "eligible": None}
    m.add("corr", Pending(reason="DependencyNeverSatisfied"), waiting=(broken,), array=ArrayTask(33, 3), **on_corr)
    many = (0, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30, 31, 35, 37, 40, 44, 48, 51, 53, 57, 61, 65, 67, 69, 72, 80, 90)
    m.add("long_list", HELD, eligible=None, array=ArrayRest(IndexSet(sum(1 << i for i in many)), None))
    m.add(
        "timeout",
        Finished(STARTED + 78, Ending("TIMEOUT", ExitStatus(0, 15), "TimeLimit"), STARTED, on("n3", cpu_ids=(1,))),
        time_limit_min=1,
        evaluated=STARTED,
    )
    m.add("a name", HELD, eligible=None, files=Files(error="e%4j"), resources=Resources(
        prefer_text="fast", constraint_text="fast&slow|x", ntasks=2, nodes=NodeCount(minimum=2, maximum=2)))  # fmt: skip
    m.add(
        "nodes_min",
        HELD,
        eligible=None,
        resources=Resources(ntasks=3, cpus_per_task=2, nodes=NodeCount(minimum=2, maximum=2)),
    )
    m.add("cpus_only", HELD, eligible=None, resources=Resources(ntasks=5, cpus_per_task=8))
    m.add(
        "per_node_only",
        HELD,
        eligible=None,
        resources=Resources(nodes=NodeCount(minimum=3, maximum=3), ntasks_per_node=4, cpus_per_task=2),
    )
    m.add("oversize_c", Pending(reason="PartitionConfig"), resources=Resources(cpus_per_task=100))
    m.add("priority", HELD, eligible=None)
    m.add("priority_pending", Pending(reason="PartitionConfig"), resources=Resources(ntasks=40))
    options = {
        "network": "x",
        "bb": "y",
        "mcs-label": "z",
        "profile": "task",
        "delay-boot": "10",
        "cluster-constraint": "q",
    }
    m.add("network", HELD, eligible=None, recorded=tuple(options.items()))
    m.add("hetero", running("n3", cpu_ids=(2,)), evaluated=STARTED, resources=Resources(ntasks=1))
    m.add("corr", Pending(reason="Dependency"), job_id=45, waiting=(corr,), array=ArrayTask(33, 1), **on_corr)
    m.add("corr", Pending(reason="Dependency"), job_id=46, waiting=(corr,), array=ArrayTask(33, 2), **on_corr)
    m.add(
        "array",
        running("n1", minutes=5, cpu_ids=(4,)),
        job_id=47,
        array=ArrayTask(2, 1, 2),
        evaluated=STARTED,
        **spec_array,
    )
    m.add("array", Finished(CANCELLED, Ending("CANCELLED", ExitStatus(0, 15)), STARTED, on("n1", cpu_ids=(7,))), job_id=48,
          array=ArrayTask(2, 3, 2), evaluated=STARTED, **spec_array)  # fmt: skip
    m.add("array", running("n3", at=CANCELLED, minutes=5, cpu_ids=(3,)), job_id=49, array=ArrayTask(2, 5, 2), eligible=CANCELLED,
          evaluated=CANCELLED, **spec_array)  # fmt: skip
    return tuple(with_recorded_cores(job) for job in m.jobs)


def with_recorded_cores(job: Job) -> Job:
    """The job on the very cores that it got there."""
    said = RECORDED["json"]["job_resources"]
    resources = said["others"].get(str(job.id), said["usual"])
    if resources is None or isinstance(job.state, Pending) or job.state.allocation is None:
        return job
    cores = {
        node["nodename"]: tuple(int(core) for core in node["sockets"]["0"]["cores"])
        for node in resources["allocated_nodes"]
    }
    held = job.state.allocation
    shares = tuple(replace(share, cpu_ids=cores[share.node]) for share in held.shares)
    return replace(job, state=replace(job.state, allocation=replace(held, shares=shares)))


JOBS = made()
SNAPSHOT = Snapshot(NOW, CLUSTER, JOBS, {})
STYLE = Style(TimeStyle(timezone.utc, Instant(NOW)))

FORGOTTEN = "            20_200 "
"""The last task of a stepped array: squeue -r of 22.05 leaves it out, which nobody can want."""


@pytest.mark.parametrize("field", sorted(VALUES))
def test_field(field: str) -> None:
    scene = Scene.of(SNAPSHOT)
    ours = {ROWS[job.id]: VALUES[field](JobView(job, scene), STYLE) for job in JOBS}
    theirs = {row: recorded(field, row) for row in ours}
    assert ours == theirs


def test_every_recorded_job_is_here() -> None:
    assert sorted(ROWS) == sorted(job.id for job in JOBS)


def test_json() -> None:
    for job in load_order(JOBS):
        ours = job_json.record(JobView(job, Scene.of(SNAPSHOT)))
        theirs = {key: said["others"].get(str(job.id), said["usual"]) for key, said in RECORDED["json"].items()}
        assert {key: ours.get(key) for key in theirs} == theirs, job.id


@pytest.mark.parametrize("said", RECORDED["listings"], ids=lambda said: " ".join(said["argv"][1:]))
def test_listing(said: dict[str, Any], caller: Any, fixed_queue: Any) -> None:
    queue = fixed_queue(replace(SNAPSHOT, at=said["at"]))
    heard = caller.run(squeue.main, queue, *said["argv"][1:])
    assert (heard.code, heard.err) == (said["rc"], said["stderr"])
    ours = [line for line in heard.out.splitlines() if not line.startswith(FORGOTTEN)]
    assert ours == said["stdout"].splitlines()


@pytest.mark.parametrize("row", [row for row in ROWS.values() if row != "2_[7,9%2] 2"])
def test_show_job(row: str) -> None:
    id = int(row.split(" ")[1])
    said = str(RECORDED["shows"][row])
    theirs = next(part for part in said.split("\n\n") if part.startswith(f"JobId={id} ")) + "\n\n"
    view = JobView(next(job for job in JOBS if job.id == id), Scene.of(replace(SNAPSHOT, at=NOW + 2)))
    ours = show_job.Sheet(STYLE.times, bits=64, details=True, one_line=False).record(view, ExitStatus())
    assert without_scheduler(ours) == without_scheduler(theirs)


def without_scheduler(text: str) -> str:
    """Which of Slurm's schedulers was quicker is chance."""
    return re.sub("Scheduler=[A-Za-z]+", "", text)
