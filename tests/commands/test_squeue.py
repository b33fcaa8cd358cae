"""squeue's words, filters and refusals, as a real 22.05 answered them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbatch.commands.documents import as_yaml
from flowbatch.commands.listing import squeue
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import Allocation, Ending, Finished, NodeShare, Pending, Running
from flowbatch.slurm import codes
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

NOW = 1_795_315_705
HEADER = "             JOBID PARTITION     NAME     USER ST       TIME  NODES NODELIST(REASON)\n"
CLUSTER = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=8), NodeSpec(name="n2", cpus=8)),
    partitions=(PartitionSpec(name="debug", nodes=("n1", "n2"), default=True), PartitionSpec(name="secret", nodes=("n1",), hidden=True)),
)  # fmt: skip
ROOT, ANN = Owner(0, 0, "root", "root"), Owner(65534, 65534, "nobody", "nogroup")


def job(id: int, name: str, state: Any, owner: Owner = ROOT, **more: Any) -> Job:
    spec = JobSpec(name=name, work_dir="/w", account=more.pop("account", None), qos=more.pop("qos", None))
    more.setdefault("partitions", ("debug",))
    return Job(id, spec, id, id, owner, state, NOW - 60, 100 - id, eligible_at=NOW - 60, **more)


HELD = Allocation("debug", (NodeShare("n1", 1),))
JOBS = (
    job(1, "run", Running(NOW - 10, HELD, None, True)),
    job(2, "wait", Pending(reason="Priority"), ANN, account="phys", qos="gold"),
    job(3, "arr", Pending(reason="JobArrayTaskLimit"), array=ArrayRest(IndexSet.of((IndexRange(first=4, last=6),)), 2)),
    job(4, "arr", Running(NOW - 5, HELD, None, True), array=ArrayTask(3, 3, 2)),
    job(5, "done", Finished(NOW - 3, Ending("COMPLETED"), NOW - 9, HELD)),
    job(6, "hide", Pending(reason="Priority"), partitions=("secret",)),
)


@pytest.fixture
def queue(fixed_queue: Any) -> Any:
    return fixed_queue(Snapshot(NOW, CLUSTER, JOBS, {2: (NOW + 50, ("n1", "n2"))}))


@pytest.fixture
def run(caller: Any, queue: Any) -> Callable[..., Any]:
    """squeue as nobody says it."""
    return lambda *argv, **environ: replace(caller, owner=ANN).run(squeue.main, queue, *argv, **environ)


def ids(run: Callable[..., Any], *argv: str, **environ: str) -> list[str]:
    heard = run("-h", "-o", "%i", "-S", "i", *argv, **environ)
    assert (heard.code, heard.err) == (0, "")
    return str(heard.out).split()


@pytest.mark.parametrize(
    ("argv", "found"),
    [
        ((), ["1", "2", "3_3", "3_[4-6%2]"]),
        (("-t", "all"), ["1", "2", "3_3", "3_[4-6%2]", "5"]),
        (("-t", "cd,R"), ["1", "3_3", "5"]),
        (("-t", "running,"), ["1", "3_3"]),
        (("-t", ""), []),
        (("-u", "root"), ["1", "3_3", "3_[4-6%2]"]),
        (("-u", "65534,0"), ["1", "2", "3_3", "3_[4-6%2]"]),
        (("--me",), ["2"]),
        (("-A", "phys"), ["2"]),
        (("-q", "gold"), []),
        (("-n", "arr,run"), ["1", "3_3", "3_[4-6%2]"]),
        (("--name=",), []),
        (("-p", "nosuch"), []),
        (("-p", "secret"), ["6"]),
        (("-a",), ["1", "2", "3_3", "3_[4-6%2]", "6"]),
        (("-j", "6"), ["6"]),
        (("-w", "n1"), ["1", "3_3"]),
        (("-w", "n2"), []),
        (("-w", "localhost"), ["1", "3_3"]),
        (("-R", "x"), []),
        (("-L", "x"), []),
        (("-j", "3"), ["3_3", "3_[4-6%2]"]),
        (("-j", "4"), ["3_3"]),
        (("-j4",), ["3_3"]),
        (("--jobs=3_5",), ["3_5"]),
        (("-j", "3_4,3_6"), ["3_[4,6]"]),
        (("-j", "3_3,1"), ["1", "3_3"]),
        (("-j", "3_99"), []),
        (("-j", "1_0"), []),
        (("-j", "1.0"), ["1"]),
        (("-j", "99,98"), []),
        (("-j", "99,1"), ["1"]),
        (("-j", "5"), []),
        (("-j", "5", "-t", "all"), ["5"]),
        (("-r",), ["1", "2", "3_3", "3_4", "3_5", "3_6"]),
        (("--start",), ["2", "3_[4-6%2]"]),
        (("-S", "-i"), ["3_[4-6%2]", "3_3", "2", "1"]),
    ],
)
def test_filters(run: Any, argv: tuple[str, ...], found: list[str]) -> None:
    assert ids(run, *argv) == found


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        ({"SQUEUE_STATES": "all"}, ["1", "2", "3_3", "3_[4-6%2]", "5"]),
        ({"SQUEUE_USERS": "nobody"}, ["2"]),
        ({"SQUEUE_NAMES": "wait"}, ["2"]),
        ({"SQUEUE_ACCOUNT": "phys"}, ["2"]),
        ({"SQUEUE_ALL": "0"}, ["1", "2", "3_3", "3_[4-6%2]", "6"]),
        ({"SQUEUE_ARRAY": ""}, ["1", "2", "3_3", "3_4", "3_5", "3_6"]),
        ({"SLURM_CLUSTERS": "toy"}, ["1", "2", "3_3", "3_[4-6%2]"]),
    ],
)
def test_environment(run: Any, environ: dict[str, str], found: list[str]) -> None:
    assert ids(run, **environ) == found


def test_option_wins_over_environment(run: Any) -> None:
    assert ids(run, "-t", "cd", SQUEUE_STATES="all") == ["5"]
    assert ids(run, "--me", SQUEUE_USERS="root") == ["2"]


def test_hidden_partitions_are_hidden_but_from_root(caller: Any, queue: Any) -> None:
    heard = caller.run(squeue.main, queue, "-h", "-o", "%i", "-S", "i")
    assert heard.out.split() == ["1", "2", "3_3", "3_[4-6%2]", "6"]


VALID = (
    "squeue: error: Valid job states include: PENDING,RUNNING,SUSPENDED,COMPLETED,CANCELLED,FAILED,TIMEOUT,NODE_FAIL,PREEMPTED,"
    "BOOT_FAIL,DEADLINE,OUT_OF_MEMORY,COMPLETING,CONFIGURING,RESIZING,RESV_DEL_HOLD,REQUEUED,REQUEUE_FED,REQUEUE_HOLD,REVOKED,"
    "SIGNALING,SPECIAL_EXIT,STAGE_OUT,STOPPED\n\n"
)


@pytest.mark.parametrize(
    ("argv", "code", "out", "err"),
    [
        (("-j", "99"), 1, "", "slurm_load_jobs error: Invalid job id specified\n"),
        (("-j", "99_1"), 1, "", "slurm_load_jobs error: Invalid job id specified\n"),
        (("-j", "99,99"), 0, HEADER, ""),
        (("-j", "abc"), 1, "", "squeue: error: Invalid job id: abc\n"),
        (("-j", "1,0"), 1, "", "squeue: error: Invalid job id: 0\n"),
        (("-t", "nosuch"), 1, "", f"squeue: error: Invalid job state specified: nosuch\n{VALID}"),
        (("-t", "all,R"), 1, "", f"squeue: error: Invalid job state specified: all\n{VALID}"),
        (("-u", "nosuchuser"), 0, HEADER, "squeue: error: Invalid user: nosuchuser\n\n"),
        (("-w", "n9"), 1, "", "squeue: error: Invalid node name n9\n"),
        (("-S", "x"), 1, HEADER, "squeue: error: Invalid sort specification: x\n"),
        (("-S", "nosuch"), 1, HEADER, "squeue: error: Invalid sort specification: s\n"),
        (("-i", "x"), 1, "", "squeue: error: --iterate=x\n\n"),
        (("-i", "0"), 1, "", "squeue: error: --iterate=0\n\n"),
        (("--nosuch",), 1, "", "squeue: unrecognized option '--nosuch'\nTry \"squeue --help\" for more information\n"),
        (("-Z",), 1, "", "squeue: invalid option -- 'Z'\nTry \"squeue --help\" for more information\n"),
        (("-t",), 1, "", "squeue: option requires an argument -- 't'\nTry \"squeue --help\" for more information\n"),
        (("--st",), 1, "", "squeue: option '--st' is ambiguous; possibilities: '--start' '--steps' '--states'\n"
                           "Try \"squeue --help\" for more information\n"),
        (("-o", "%i", "-O", "jobid"), 1, "", "squeue: error: -O (--Format) is incompatible with -o (--format)\n"),
        (("-O", "jobid", "-o", "%i"), 1, "", "squeue: error: -o (--format) is incompatible with -O (--Format)\n"),
        (("-l", "-o", "%i"), 1, "", "squeue: fatal: Options -o(--format) and -l(--long) are mutually exclusive. "
                                    "Please remove one and retry.\n"),
        (("-M", "x"), 1, "", "squeue: error: No cluster 'x' known by database.\nsqueue: error: 'x' can't be reached now, or it is an invalid entry for --cluster.  "
                             "Use 'sacctmgr list clusters' to see available clusters.\n"),
        (("-M", "toy", "-j", "99,99"), 0, "CLUSTER: toy\n" + HEADER, ""),
        (("-s", "abc"), 1, "", "squeue: error: Invalid job_step id: abc.??\n"),
        (("-s1.0",), 0, "         STEPID     NAME PARTITION     USER      TIME NODELIST\n", ""),
        (("-V",), 0, "slurm 22.05.8\n", ""),
        (("--version", "--nosuch"), 0, "slurm 22.05.8\n", ""),
        (("-h", "-j1", "-O", "jobid,nosuch,name"), 0, "1                   run                 \n",
         "squeue: error: Invalid job format specification: nosuch\n"),
        (("-h", "-j1", "-o", "%i%5%9Zx"), 0, "1%5/w       x\n", "squeue: error: Invalid job format specification: \n"),
        (("-h", "-j1", "-o", "%5i%-5i|"), 0, "1    %-5i|\n", "squeue: error: Invalid job format specification: -\n"),
        (("-j1", "-o", "a%ib%%c%.j"), 0, "aJOBIDbMIN_CPUSNAME\na1b1run\n", ""),
        (("-j1", "-o", "abc"), 0, "abc\nabc\n", ""),
        (("-j1", "-o", ""), 0, "\n\n", ""),
        (("-j1", "-O", "jobid:5,name:.10,state:|"), 0, "JOBID      NAMESTATE|\n1           runRUNNING|\n", ""),
        (("-j1", "-O", "JobID,jobid:-5,NAME:"), 0, "JOBID               JOBID NAME\n1                   1 run\n", ""),
        (("-s", "-h"), 0, "        1.batch    batch     debug     root      0:10 n1\n      3_3.batch    batch     debug     root      0:05 n1\n", ""),
    ],
)  # fmt: skip
def test_answers(run: Any, argv: tuple[str, ...], code: int, out: str, err: str) -> None:
    heard = run(*argv)
    assert (heard.code, heard.out, heard.err) == (code, out, err)


def test_operand_is_refused_with_usage(run: Any) -> None:
    heard = run("-j", "1", "2")
    assert (heard.code, heard.err) == (1, "squeue: error: Unrecognized option: 2\n")
    assert heard.out.startswith("Usage: squeue ")


def test_every_state_is_named_in_the_complaint() -> None:
    assert set(VALID.rpartition(": ")[2].strip().split(",")) == set(codes.STATES)


def test_planned_start_and_nodes(run: Any) -> None:
    line = run("--start", "-h", "-j", "2").out
    assert (
        line
        == "                 2     debug     wait   nobody PD 2026-11-22T02:49:15      1 n[1-2]               (Priority)\n"
    )


@pytest.mark.parametrize(
    ("environ", "argv", "out"),
    [
        ({"SQUEUE_FORMAT": "%i"}, (), "JOBID\n1\n"),
        ({"SQUEUE_FORMAT2": "name:5"}, (), "NAME \nrun  \n"),
        ({"SQUEUE_FORMAT": "%i", "SQUEUE_FORMAT2": "name"}, (), "JOBID\n1\n"),
        ({"SQUEUE_FORMAT": "%i"}, ("-O", "name:"), "NAME\nrun\n"),
        ({"SLURM_TIME_FORMAT": "%s"}, ("-h", "-o", "%S"), f"{NOW - 10}\n"),
        ({"SLURM_TIME_FORMAT": "relative"}, ("-h", "-o", "%S"), "02:48:15\n"),
        ({"TZ": "Asia/Tokyo"}, ("-h", "-o", "%S"), "2026-11-22T11:48:15\n"),
    ],
)
def test_formats_of_the_environment(run: Any, environ: dict[str, str], argv: tuple[str, ...], out: str) -> None:
    assert run("-j", "1", *argv, **environ).out == out


def test_bad_time_format_is_named_and_passed_over(run: Any) -> None:
    heard = run("-h", "-j1", "-o", "%S", SLURM_TIME_FORMAT="bad")
    assert (heard.out, heard.err) == ("2026-11-22T02:48:15\n", "squeue: error: invalid SLURM_TIME_FORMAT = 'bad'\n")


def test_json_holds_every_job_whatever_was_asked(run: Any) -> None:
    answer = json.loads(run("--json", "-j", "1", "-t", "PD").out)
    assert [job["job_id"] for job in answer["jobs"]] == [1, 2, 4, 3, 5, 6]
    assert answer["meta"]["Slurm"]["release"] == "22.05.8"
    assert answer["jobs"][0]["job_state"] == "RUNNING"


def test_yaml_names_types(run: Any) -> None:
    lines = run("--yaml").out.splitlines()
    assert lines[:5] == [
        "%YAML 1.1",
        "--- !!map",
        "!!str meta: !!map",
        "  !!str plugin: !!map",
        "    !!str type: !!str openapi/v0.0.38",
    ]
    assert "!!str errors: !!seq []" in lines
    assert "  !!str job_id: !!int 1" in lines


def test_yaml_of_lists_and_odd_words() -> None:
    data = {"a": [{"b": 1.5, "c": None}, {"b": True, "c": "x: y"}]}
    assert as_yaml(data) == (
        "%YAML 1.1\n--- !!map\n!!str a: !!seq\n- !!map\n  !!str b: !!float 1.500000\n  !!str c: !!null null\n"
        '- !!map\n  !!str b: !!bool true\n  !!str c: !!str "x: y"\n...\n'
    )


def test_verbose_says_what_was_asked(run: Any) -> None:
    heard = run("-v", "-j1", "-u", "root")
    assert "\njob_flag    = 1\njobs        = 1\n" in heard.out
    assert (
        "\nusers       = root\nverbose     = 1\n-----------------------------\n\n\nSun Nov 22 02:48:25 2026\n"
        in heard.out
    )


def test_twenty_thousand_rows_are_quick(caller: Any, fixed_queue: Any) -> None:
    """Not a benchmark: ten times the time it takes on a slow machine."""
    many = tuple(replace(JOBS[1 if i % 3 else 0], id=i, spec_id=i) for i in range(1, 20_001))
    queue = fixed_queue(Snapshot(NOW, CLUSTER, many, {}))
    began = time.perf_counter()
    heard = caller.run(squeue.main, queue)
    assert heard.out.count("\n") == 20_001
    assert time.perf_counter() - began < 5


WORDS = st.one_of(
    st.sampled_from(
        [
            "-j",
            "-t",
            "-o",
            "-O",
            "-S",
            "-u",
            "-w",
            "-l",
            "-s",
            "-r",
            "-P",
            "-M",
            "-p",
            "-n",
            "-A",
            "-q",
            "-L",
            "-R",
            "-v",
            "-h",
            "-a",
            "--start",
            "--me",
            "--json",
            "--yaml",
            "--jobs",
            "--format=%all",
            "--long",
            "--steps",
            "--sort",
            "--iterate=x",
            "all",
            "PD,R",
            "i,-p",
            "1",
            "3_4",
            "3_[1",
            "1.0",
            "%i%.5j%20Q",
            "jobid:5,name:.3x",
            "root",
            "n[1-2]",
            "n1",
            "--",
            "-",
            "=",
            "--noconvert",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(argv=st.lists(WORDS, max_size=6))
def test_nothing_that_can_be_said_is_an_exception(argv: list[str], run: Any) -> None:
    if any(
        word.startswith(("-i", "--it")) or ("i" in word and word.startswith("-") and word[1:2] != "-") for word in argv
    ):
        return
    assert run(*argv).code in (0, 1)
