"""scontrol's words, exit codes and orders, as a real 22.05 answered them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbatch.commands.control import scontrol
from flowbatch.core.arrays import index_set
from flowbatch.core.events import Event, HoldAsked, JobRef, ReleaseAsked, RequeueAsked, Verdict
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.core.ports import Payload, Snapshot
from flowbatch.core.states import Allocation, NodeShare, Pending, Running
from flowbatch.slurm import codes
from flowbatch.slurm.errnos import NUMBERS
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

RECORDED = json.loads((Path(__file__).parents[1] / "data/squeue/recorded.json").read_text())
NOW = 1_795_315_705
ROOT, NOBODY = Owner(0, 0, "root", "root", "vm"), Owner(65534, 65534, "nobody", "nogroup", "vm")
CLUSTER = ClusterSpec(
    name="oracle",
    nodes=tuple(
        NodeSpec(name=f"n{i}", cpus=8, cores_per_socket=8, real_memory=16000, gres=(GresDevice(name="gpu", type="h100", count=2),))
        for i in range(1, 5)
    ),
    partitions=(
        PartitionSpec(name="debug", nodes=("n1", "n2", "n3", "n4"), default=True),
        PartitionSpec(name="down", nodes=("n1",), state="DOWN", max_time_min=60),
        PartitionSpec(name="short", nodes=("n1", "n2"), max_time_min=10, default_time_min=5),
        PartitionSpec(name="hidden", nodes=("n1",), hidden=True),
    ),
    licenses=(("matlab", 2), ("ansys", 4)),
    max_array_size=100001,
)  # fmt: skip
HELD = Allocation("debug", (NodeShare("n1", 8),))


def job(id: int, name: str, state: Any, owner: Owner = ROOT, **more: Any) -> Job:
    return Job(id, JobSpec(name=name, work_dir="/w"), id, id, owner, state, NOW - 60, 1, partitions=("debug",), **more)


JOBS = (
    job(1, "run", Running(NOW - 10, HELD, None, True)),
    job(2, "wait", Pending(reason="Priority"), NOBODY),
    job(3, "arr", Pending(reason="JobArrayTaskLimit"), array=ArrayRest(IndexSet.of((IndexRange(first=4, last=6),)), 2)),
    job(4, "arr", Running(NOW - 5, HELD, None, True), array=ArrayTask(3, 3, 2)),
)


def answer(event: Event) -> Any:
    assert isinstance(event, HoldAsked | ReleaseAsked | RequeueAsked)
    waits = isinstance(event, RequeueAsked) and not event.incomplete
    codes_by_id = {1: None, 2: "ESLURM_JOB_PENDING" if waits else None, 3: None}
    return tuple(Verdict(ref, codes_by_id.get(ref.job_id, "ESLURM_INVALID_JOB_ID")) for ref in event.refs)


@pytest.fixture
def queue(fixed_queue: Any) -> Any:
    made = fixed_queue(Snapshot(NOW, CLUSTER, JOBS, {}), answer)
    made.payloads[1] = Payload(b"#!/bin/sh\nsleep 600\n\xff", (), {}, 0o22)
    return made


@pytest.fixture
def run(caller: Any, queue: Any) -> Callable[..., Any]:
    return lambda *argv, **environ: caller.run(scontrol.main, queue, *argv, **environ)


UNKNOWN = "Invalid job id specified"


@pytest.mark.parametrize(
    ("words", "code", "out", "err"),
    [
        ("show job abc", 1, "", f"scontrol_print_job error: {UNKNOWN}\n"),
        ("show job 99999", 1, "", f"slurm_load_jobs error: {UNKNOWN}\n"),
        ("show jobid=99999", 1, "", f"slurm_load_jobs error: {UNKNOWN}\n"),
        ("show job 3_9", 1, "Job 3_9 not found\n", ""),
        ("show job 1 2", 1, "", "too many arguments for keyword:show\n"),
        ("show", 1, "", "too few arguments for keyword:show\n"),
        ("show nosuch", 1, "", "invalid entity:nosuch for keyword:show \n"),
        ("nosuch", 1, "", "invalid keyword: nosuch\n"),
        ("sh job", 1, "", "invalid keyword: sh\n"),
        ("SHO", 1, "", "too few arguments for keyword:SHO\n"),
        ("show p", 1, "", "invalid entity:p for keyword:show \n"),
        ("show daemons x", 1, "", "too many arguments for keyword:show\n"),
        ("show assoc_mgr x", 0, "", "No value given for option x\n"),
        ("ping x", 1, "", "too many arguments for keyword:ping\n"),
        ("requeueh", 1, "", "invalid keyword: requeueh\n"),
        ("reb", 1, "", "Missing node list. Specify ALL|<NodeList>\n"),
        ("cr", 1, "", "too few arguments for cr keyword\n"),
        ("create partition nodes=n1", 1, "", "scontrol: error: Invalid input: partition  Request aborted\n"),
        ("verbose x", 1, "", "too many arguments for verbose keyword\n"),
        ("listpids x", 1, "", '"x" does not look like a jobid\n'),
        ("delete x", 1, "", "scontrol: error: Proper format is 'delete <ENTITY>=<ID>' or 'delete <ENTITY> <ID>'\n"),
        ("update jobname=nosuch nice=1", 1, "", "scontrol: error: No jobs with name 'nosuch'\n"),
        ("update jobid=2 nice-=3", 1, "", "scontrol: error: Option nice-=3 does not accept [+|-]= syntax\n"),
        ("requeue jobname=arr", 1, "", "Invalid job id specified for job jobname=arr\n"),
        ("show node nx", 1, "Node nx not found\n", ""),
        ("show partition nosuch", 1, "Partition nosuch not found\n", ""),
        ("show reservation nosuch", 1, "Reservation nosuch not found\n", ""),
        ("show reservation", 0, "No reservations in the system\n", ""),
        ("show daemons", 0, "slurmctld slurmd\n", ""),
        ("show hostnames n[1-3,5],x", 0, "n1\nn2\nn3\nn5\nx\n", ""),
        ("show hostnames", 0, "", "scontrol: error: host list is empty\n"),
        ("show hostlist n3,n1,n2,n1", 0, "n[3,1-2,1]\n", ""),
        ("show hostlistsorted n3,n2,n1", 0, "n[1-3]\n", ""),
        ("show hostlist /no/such", 1, "", "Can not open /no/such\n"),
        ("ping", 0, "Slurmctld(primary) at vm is UP\n", ""),
        ("pinG", 0, "Slurmctld(primary) at vm is UP\n", ""),
        ("version", 0, "slurm 22.05.8\n", ""),
        ("-V", 0, "slurm 22.05.8\n", ""),
        ("errnumstr 2017", 0, f"{UNKNOWN}\n", ""),
        ("hold", 1, "", "too few arguments for keyword:hold\n"),
        ("hold 99999", 1, "", f"{UNKNOWN} for job 99999\nslurm_suspend error: {UNKNOWN}\n"),
        ("hold abc", 1, "", f"{UNKNOWN} for job abc\nslurm_suspend error: {UNKNOWN}\n"),
        ("release 99999", 1, "", f"{UNKNOWN} for job 99999\nslurm_suspend error: {UNKNOWN}\n"),
        ("uhold 99999", 1, "", f"{UNKNOWN} for job 99999\nslurm_suspend error: {UNKNOWN}\n"),
        ("hold 20_400", 1, "", f"20_400: {UNKNOWN}\n"),
        ("requeue 99999", 1, "", f"{UNKNOWN} for job 99999\n"),
        ("requeue 2", 1, "", "Job is pending execution for job 2\n"),
        ("requeuehold State=SpecialExit 2", 1, "", "Job is pending execution for job 2\n"),
        ("requeue 1,99999 2", 1, "", f"{UNKNOWN} for job 99999\nJob is pending execution for job 2\n"),
        ("requeue incomplete 2", 0, "", ""),
        ("requeue incomplete", 0, "", ""),
        ("requeue 2 incomplete", 1, "", f"Job is pending execution for job 2\n{UNKNOWN} for job incomplete\n"),
        ("requeue incompletes 2", 1, "", f"{UNKNOWN} for job incompletes\nJob is pending execution for job 2\n"),
        ("-Q hold 99999", 1, "", ""),
        ("write", 1, "", "too few arguments for keyword:write\n"),
        ("write nosuch", 1, "", "invalid write argument:nosuch\n"),
        ("write batch_script", 0, "", ""),
        ("write batch_script 99999 -", 0, "", f"job script retrieval failed: {UNKNOWN}\n"),
        ("--nosuch", 1, "", "scontrol: unrecognized option '--nosuch'\nTry \"scontrol --help\" for more information\n"),
        ("-Z", 1, "", "scontrol: invalid option -- 'Z'\nTry \"scontrol --help\" for more information\n"),
        ("--json show job 1", 1, "", "scontrol: unrecognized option '--json'\nTry \"scontrol --help\" for more information\n"),
        ("oneliner", 0, "", ""),
        ("completing", 0, "", ""),
        ("update jobid=1 power=5", 1, "", "Update of this parameter is not supported: power=5\nRequest aborted\n"),
        ("show licenses", 0, "LicenseName=ansys\n    Total=4 Used=0 Free=4 Reserved=0 Remote=no\n"
                             "LicenseName=matlab\n    Total=2 Used=0 Free=2 Reserved=0 Remote=no\n", ""),
    ],
)  # fmt: skip
def test_answers(run: Any, words: str, code: int, out: str, err: str) -> None:
    heard = run(*words.split())
    assert (heard.code, heard.out, heard.err) == (code, out, err)


@pytest.mark.parametrize(
    ("words", "events"),
    [
        ("hold 1,2", [HoldAsked(NOW, 0, (JobRef(1),)), HoldAsked(NOW, 0, (JobRef(2),))]),
        ("hold 3_4", [HoldAsked(NOW, 0, (JobRef(3, index_set([4])),))]),
        ("hold jobname=arr", [HoldAsked(NOW, 0, (JobRef(3),))]),
        ("uhold 2", [HoldAsked(NOW, 0, (JobRef(2),), True)]),
        ("rele 1", [ReleaseAsked(NOW, 0, (JobRef(1),))]),
        ("requ 1", [RequeueAsked(NOW, 0, (JobRef(1),))]),
        ("REQUEUEHOLD 1", [RequeueAsked(NOW, 0, (JobRef(1),), hold=True)]),
        ("requeue incomplete 1", [RequeueAsked(NOW, 0, (JobRef(1),), incomplete=True)]),
        ("requeue State=SpecialExit Inc 3_4", [RequeueAsked(NOW, 0, (JobRef(3, index_set([4])),), incomplete=True)]),
        ("requeuehold inc 1", [RequeueAsked(NOW, 0, (JobRef(1),), True, True)]),
        ("requeue 3_[4-5]", [RequeueAsked(NOW, 0, (JobRef(3, index_set([4, 5])),))]),
    ],
)
def test_orders(run: Any, queue: Any, words: str, events: list[Event]) -> None:
    run(*words.split())
    assert queue.events == events


def shown(run: Any, *words: str) -> list[str]:
    heard = run(*words)
    assert (heard.code, heard.err) == (0, "")
    return [line for line in str(heard.out).splitlines() if line.startswith("JobId=")]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ("show job", ["1", "2", "4", "3"]),
        ("show jobs 1", ["1"]),
        ("SHOW JOB=1", ["1"]),
        ("-d show job 1", ["1"]),
        ("show job 3", ["3", "4"]),
        ("show job 3_3", ["4"]),
        ("show job 3_5", ["3"]),
        ("show job 4", ["4"]),
    ],
)
def test_which_jobs(run: Any, words: str, ids: list[str]) -> None:
    assert [line.split()[0] for line in shown(run, *words.split())] == [f"JobId={id}" for id in ids]


def test_one_line_is_what_naive_clients_split(run: Any) -> None:
    (line,) = run("show", "job", "-o", "1").out.splitlines()
    assert line.endswith(" Power= ")
    pairs = dict(word.split("=", 1) for word in line.split())
    assert pairs["JobState"] == "RUNNING"
    assert pairs["RunTime"] == "00:00:10"


def test_no_jobs(caller: Any, fixed_queue: Any) -> None:
    heard = caller.run(scontrol.main, fixed_queue(Snapshot(NOW, CLUSTER, (), {})), "show", "job")
    assert (heard.code, heard.out) == (0, "No jobs in the system\n")


def test_partitions_as_recorded(run: Any) -> None:
    """What the oracle said of the same partitions, hidden ones left out."""
    assert run("show", "partition").out == RECORDED["partitions"]


def test_node_tells_state_and_use(run: Any) -> None:
    first, second = run("show", "node", "n[1-2]").out.strip().split("\n\n")
    assert "CPUAlloc=16 CPUEfctv=8 CPUTot=8" in first
    assert "State=ALLOCATED ThreadsPerCore=1" in first
    assert "State=IDLE ThreadsPerCore=1" in second
    assert "Gres=gpu:h100:2\n" in second
    theirs = RECORDED["nodes"].split("\n\n")[0]
    assert [line.split("=")[0] for line in first.splitlines()] == [line.split("=")[0] for line in theirs.splitlines()]


def test_config_tells_what_clients_read(run: Any) -> None:
    lines = run("show", "config").out.splitlines()
    assert lines[0] == "Configuration data as of 2026-11-22T02:48:25"
    for line in ("MinJobAge               = 300 sec", "MaxArraySize            = 100001", "ClusterName             = oracle",
                 "SLURM_VERSION           = 22.05.8", "KillWait                = 30 sec"):  # fmt: skip
        assert line in lines
        assert line in RECORDED["config"].splitlines()


def test_script_comes_back_byte_for_byte(run: Any) -> None:
    assert run("write", "batch_script", "1", "-").out == "#!/bin/sh\nsleep 600\n\uefff"


def test_script_is_its_owners(caller: Any, queue: Any) -> None:
    heard = replace(caller, owner=NOBODY).run(scontrol.main, queue, "write", "batch_script", "1", "-")
    assert (heard.code, heard.err) == (0, "job script retrieval failed: Invalid user id\n")


def test_hosts_of_the_job(run: Any) -> None:
    assert run("show", "hostnames", SLURM_NODELIST="n[1-2]").out == "n1\nn2\n"


def test_prompt(caller: Any, queue: Any) -> None:
    heard = replace(caller, files={"-": b"ping\nnosuch\nexit\nping\n"}).run(scontrol.main, queue)
    assert heard.code == 1
    assert heard.out == "scontrol: ping\nSlurmctld(primary) at vm is UP\nscontrol: nosuch\nscontrol: exit\n"
    assert heard.err == "invalid keyword: nosuch\n"


def test_error_numbers_are_of_known_errors() -> None:
    assert set(NUMBERS) <= set(codes.MESSAGES)
    assert len(set(NUMBERS.values())) == len(NUMBERS)


WORDS = st.one_of(
    st.sampled_from(
        [
            "show",
            "job",
            "node",
            "partition",
            "config",
            "hostnames",
            "hostlist",
            "hold",
            "release",
            "requeue",
            "write",
            "batch_script",
            "-",
            "1",
            "3_4",
            "3_[1",
            "n[1",
            "incomplete",
            "-o",
            "-d",
            "jobname=arr",
            "steps",
            "licenses",
            "update",
            "=",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(argv=st.lists(WORDS, min_size=1, max_size=5))
def test_nothing_that_can_be_said_is_an_exception(argv: list[str], run: Any) -> None:
    assert run(*argv).code in (0, 1)


def test_a_line_at_a_time(caller: Any, queue: Any) -> None:
    said = b"\nversion\nnosuch\nquit\nversion\n"
    heard = replace(caller, files={"-": said}).run(scontrol.main, queue)
    assert (heard.code, heard.err) == (1, "invalid keyword: nosuch\n")
    assert heard.out == "scontrol: \nscontrol: version\nslurm 22.05.8\nscontrol: nosuch\nscontrol: quit\n"


@pytest.mark.parametrize(
    ("said", "code", "err"),
    [
        ("nosuch\nping\n", 0, "invalid keyword: nosuch\n"),
        ("nosuch\nversion\n", 1, "invalid keyword: nosuch\n"),
        ("\n", 1, ""),
        ("EX\nnosuch\n", 0, ""),
        ("exit x\nnosuch\n", 1, "too many arguments for keyword:exit\n"),
        ("q\n", 1, "invalid keyword: q\n"),
        ("details x\n", 1, "too many arguments for keyword:details\n"),
        ("cluster nosuch\nversion\n", 1, "scontrol: error: No cluster 'nosuch' known by database.\n"),
        ("update 'jobid=1 2' x\n", 1, "No valid entity in update command\n"),
    ],
)
def test_what_a_prompt_ends_with(caller: Any, queue: Any, said: str, code: int, err: str) -> None:
    heard = replace(caller, files={"-": said.encode()}).run(scontrol.main, queue)
    assert heard.code == code and heard.err.startswith(err) and bool(heard.err) is bool(err)
