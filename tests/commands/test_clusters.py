"""`-M`: what each command does with several clusters. The words and the order of things are recorded from 22.05 with two
clusters in one database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from flowbatch.commands.control import scancel, scontrol
from flowbatch.commands.listing import squeue
from flowbatch.commands.submitting import sbatch
from flowbatch.core.events import CancelAsked, Passed, Submitted
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec

NOW = 1_000_000_000
SCRIPT = b"#!/bin/sh\ntrue\n"
HEADER = "JOBID STATE\n"
COLUMNS = ("-o", "%i %T")


def unreachable(command: str, names: str, where: str = "--cluster") -> str:
    return (
        f"{command}: error: '{names}' can't be reached now, or it is an invalid entry for {where}.  "
        "Use 'sacctmgr list clusters' to see available clusters.\n"
    )


def unknown(command: str, name: str) -> str:
    return f"{command}: error: No cluster '{name}' known by database.\n"


def cluster(name: str, **more: Any) -> ClusterSpec:
    partition = PartitionSpec(name=more.pop("partition", "debug"), nodes=("n1",), default=True)
    return ClusterSpec(
        name=name, nodes=(NodeSpec(name="n1", cpus=2, cores_per_socket=2),), partitions=(partition,), **more
    )


@pytest.fixture
def one(live_queue: Any) -> Any:
    return live_queue(cluster("one"), NOW)


@pytest.fixture
def two(live_queue: Any) -> Any:
    return live_queue(cluster("two", first_job_id=1), NOW)


@pytest.fixture
def run(caller: Any, one: Any, two: Any) -> Callable[..., Any]:
    """Runs a command whose current cluster is `one`."""
    caller.cwd, caller.files, caller.others = "/w", {"/w/job.sh": SCRIPT}, (two,)
    return lambda command, *argv, **environ: caller.run(command, one, *argv, **environ)


def busy(run: Any, queue: Any, name: str) -> None:
    """Both CPUs of the cluster are held by a job."""
    assert run(sbatch.main, "-M", name, "-c2", "-t", "60", "job.sh").code == 0
    apply(queue, Passed(NOW))


def apply(queue: Any, event: Any) -> None:
    try:
        queue.apply(event).send(None)
    except StopIteration:
        return
    raise AssertionError("a live queue does not wait")


@pytest.mark.parametrize(
    ("argv", "environ", "out", "err"),
    [
        ((), {}, "Submitted batch job 1\n", ""),
        (("-M", "two"), {}, "Submitted batch job 1 on cluster two\n", ""),
        (("-M", "TWO"), {}, "Submitted batch job 1 on cluster two\n", ""),
        (("-M", "two,two"), {}, "Submitted batch job 1 on cluster two\n", ""),
        (("--cluster=two", "--parsable"), {}, "1;two\n", ""),
        (("-M", "two", "-Q"), {}, "", ""),
        (("-M", "two,one"), {}, "Submitted batch job 1 on cluster one\n", ""),
        (("-M", "all"), {}, "Submitted batch job 1 on cluster one\n", ""),
        (("-M", "two,nosuch"), {}, "Submitted batch job 1 on cluster two\n", unknown("sbatch", "nosuch")),
        (("-M", "all,two"), {}, "Submitted batch job 1 on cluster two\n", unknown("sbatch", "all")),
        ((), {"SLURM_CLUSTERS": "two"}, "Submitted batch job 1 on cluster two\n", ""),
        ((), {"SBATCH_CLUSTERS": "two"}, "Submitted batch job 1 on cluster two\n", ""),
        (("-M", "one"), {"SLURM_CLUSTERS": "two"}, "Submitted batch job 1 on cluster one\n", ""),
    ],
)
def test_where_a_job_goes(
    run: Any, one: Any, two: Any, argv: tuple[str, ...], environ: dict[str, str], out: str, err: str
) -> None:
    said = run(sbatch.main, *argv, "job.sh", **environ)
    assert (said.code, said.out, said.err) == (0, out, err)
    holds = [queue.cluster.name for queue in (one, two) if queue.queue.jobs]
    assert len(holds) == 1
    assert holds[0] in out or argv in ((), ("-M", "two", "-Q"))


def test_the_earliest_start_wins(run: Any, one: Any, two: Any) -> None:
    busy(run, one, "one")
    assert run(sbatch.main, "-M", "one,two", "--parsable", "job.sh").out == "1;two\n"


def test_each_cluster_has_numbers_of_its_own_and_the_question_takes_none(run: Any, one: Any, two: Any) -> None:
    for _ in range(3):
        run(sbatch.main, "-M", "all", "-c2", "job.sh")
    assert run(sbatch.main, "-M", "two", "--parsable", "job.sh").out == "1;two\n"
    asked = [event.test_only for event in two.events if isinstance(event, Submitted)]
    assert asked == [True, True, True, False]


@pytest.mark.parametrize(("names", "first"), [("nosuch", "nosuch"), ("", "")])
@pytest.mark.parametrize(
    ("command", "main", "argv"),
    [
        ("sbatch", sbatch.main, ("job.sh",)),
        ("squeue", squeue.main, ()),
        ("scancel", scancel.main, ("1",)),
        ("scontrol", scontrol.main, ("show", "job", "1")),
        ("scontrol", scontrol.main, ("version",)),
    ],
)
def test_a_cluster_that_nobody_knows(
    run: Any, command: str, main: Any, argv: tuple[str, ...], names: str, first: str
) -> None:
    said = run(main, "-M", names, *argv)
    assert (said.code, said.out) == (1, "")
    assert said.err == unknown(command, first) + unreachable(command, names)
    where = "SLURM_CLUSTERS" if command in ("squeue", "scontrol") else "--cluster"
    assert run(main, *argv, SLURM_CLUSTERS="nosuch").err.endswith(unreachable(command, "nosuch", where))


def test_a_cluster_that_cannot_be_served_now_is_said_and_the_others_go_on(run: Any, caller: Any) -> None:
    caller.away = {"two": "no sandbox is running"}
    said = run(squeue.main, "-M", "all", *COLUMNS)
    assert (said.code, said.out) == (0, "CLUSTER: one\n" + HEADER)
    assert said.err == "squeue: error: cluster two: no sandbox is running\n"
    said = run(sbatch.main, "-M", "two", "job.sh")
    assert (said.code, said.out, said.err) == (1, "", "sbatch: error: cluster two: no sandbox is running\n")


def test_no_cluster_would_take_it(run: Any) -> None:
    said = run(sbatch.main, "-M", "all", "-p", "nope", "job.sh")
    assert (said.code, said.out) == (1, "")
    what = "Invalid partition name specified"
    assert said.err == (
        "sbatch: error: invalid partition specified: nope\n"
        f"sbatch: error: Problem with submit to cluster one: {what}\n"
        "sbatch: error: invalid partition specified: nope\n"
        f"sbatch: error: Problem with submit to cluster two: {what}\n"
        "sbatch: error: Can't run on any of the specified clusters\n"
        f"sbatch: error: There is a problem talking to the database: {what}.  Only local cluster communication is available, "
        "remove --cluster from your command line or contact your admin to resolve the problem.\n"
    )


def test_one_of_several_would_take_it(run: Any, caller: Any, live_queue: Any) -> None:
    caller.others = (live_queue(cluster("two", partition="gpu"), NOW),)
    said = run(sbatch.main, "-M", "all", "-p", "gpu", "--parsable", "job.sh")
    assert (said.code, said.out) == (0, "1;two\n")
    assert said.err.endswith("Problem with submit to cluster one: Invalid partition name specified\n")


@pytest.mark.parametrize(
    ("argv", "out"),
    [
        (("-M", "two"), "CLUSTER: two\n" + HEADER + "1 RUNNING\n"),
        (("-M", "two,one"), "CLUSTER: one\n" + HEADER + "1 RUNNING\n2 PENDING\n\nCLUSTER: two\n" + HEADER + "1 RUNNING\n"),
        (("-M", "all", "-h"), "1 RUNNING\n2 PENDING\n1 RUNNING\n"),
        (("-M", "all", "-j", "1", "-h"), "1 RUNNING\n1 RUNNING\n"),
    ],
)  # fmt: skip
def test_each_cluster_is_listed_under_its_name(run: Any, one: Any, two: Any, argv: tuple[str, ...], out: str) -> None:
    busy(run, one, "one")
    busy(run, two, "two")
    run(sbatch.main, "-c2", "job.sh")
    said = run(squeue.main, *argv, *COLUMNS, "-S", "i")
    assert (said.code, said.out, said.err) == (0, out, "")


def test_a_job_that_one_cluster_does_not_know(run: Any, one: Any, two: Any) -> None:
    busy(run, one, "one")
    said = run(squeue.main, "-M", "all", "-j", "1", *COLUMNS)
    assert (said.code, said.err) == (1, "slurm_load_jobs error: Invalid job id specified\n")
    assert said.out == "CLUSTER: one\n" + HEADER + "1 RUNNING\n\nCLUSTER: two\n"


def test_scancel_asks_each_cluster(run: Any, one: Any, two: Any) -> None:
    busy(run, one, "one")
    busy(run, two, "two")
    assert run(scancel.main, "-M", "two", "1").code == 0
    assert [type(queue.queue.jobs[1].state).__name__ for queue in (one, two)] == ["Running", "Completing"]
    said = run(scancel.main, "-M", "one,two", "-v", "1", "20")
    assert (said.code, said.out) == (0, "")
    assert said.err.count("Terminating job 20") == 2
    assert [sum(isinstance(event, CancelAsked) for event in queue.events) for queue in (one, two)] == [1, 2]


def test_scontrol_takes_one_cluster(run: Any, two: Any) -> None:
    run(sbatch.main, "-M", "two", "-J", "there", "job.sh")
    assert run(scontrol.main, "-M", "two", "show", "job", "1").out.startswith("JobId=1 JobName=there\n")
    assert run(scontrol.main, "show", "job", "1", SLURM_CLUSTERS="two").out.startswith("JobId=1 JobName=there\n")
    for names in ("all", "one,two"):
        said = run(scontrol.main, "-M", names, "show", "job", "1")
        assert (said.code, said.err) == (1, "scontrol: fatal: Only one cluster can be used at a time with scontrol\n")


@pytest.mark.parametrize(
    ("names", "err"),
    [
        ("one,two", "scontrol: fatal: Only one cluster can be used at a time with scontrol\n"),
        ("all", "scontrol: fatal: Only one cluster can be used at a time with scontrol\n"),
        ("nosuch", unknown("scontrol", "nosuch") + unreachable("scontrol", "nosuch")),
    ],
)
def test_the_prompt_ends_where_it_has_not_one_cluster(run: Any, caller: Any, names: str, err: str) -> None:
    caller.files = {"-": f"version\ncluster {names}\nversion\n".encode()}
    said = run(scontrol.main)
    assert (said.code, said.err) == (1, err)
    assert said.out == f"scontrol: version\nslurm 22.05.8\nscontrol: cluster {names}\n"


def test_the_prompt_goes_on_with_another_cluster(run: Any, caller: Any) -> None:
    caller.files = {"-": b"cluster TWO,nosuch\nshow config\n"}
    said = run(scontrol.main)
    assert "\nClusterName             = two\n" in said.out
    assert (said.code, said.err) == (0, unknown("scontrol", "nosuch"))
