"""scancel's words, exit codes and orders, as a real 22.05 answered them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control import scancel
from flowbatch.commands.control.scancel_options import signal_number
from flowbatch.core.arrays import index_set
from flowbatch.core.events import CancelAsked, Event, JobRef, SignalAsked, StepSignalAsked, Submitted, Verdict
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import Allocation, Ending, Finished, NodeShare, Pending, Running
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

NOW = 1_000_000_000
CLUSTER = ClusterSpec(
    name="toy",
    nodes=(NodeSpec(name="n1", cpus=8),),
    partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),),
)
HELD = Allocation("debug", (NodeShare("n1", 1),))
ROOT, ANN = Owner(0, 0, "root", "root"), Owner(65534, 65534, "nobody", "nogroup")
BY = {"at": NOW, "by": 0}
HINT = 'Try "scancel --help" for more information\n'


def job(id: int, name: str, state: Any, owner: Owner = ROOT, **more: Any) -> Job:
    spec = JobSpec(name=name, work_dir="/w", account=more.pop("account", None), wckey=more.pop("wckey", None))
    return Job(id, spec, id, id, owner, state, NOW, 1, partitions=("debug",), **more)


JOBS = (
    job(1, "run", Running(NOW - 10, HELD, None, True)),
    job(2, "wait", Pending(reason="Priority"), ANN, account="phys", wckey="w"),
    job(3, "arr", Pending(reason="JobArrayTaskLimit"), array=ArrayRest(IndexSet.of((IndexRange(first=4, last=6),)), 2)),
    job(4, "arr", Running(NOW - 5, HELD, None, True), array=ArrayTask(3, 3, 2)),
    job(5, "done", Finished(NOW - 3, Ending("COMPLETED"), NOW - 9, HELD)),
)


def answer(event: Event) -> Any:
    """As the queue would: 5 is over, what is not there is unknown, 2 belongs to another."""
    if isinstance(event, StepSignalAsked):
        denied = "ESLURM_ACCESS_DENIED" if event.by not in (0, 65534) else None
        return tuple(Verdict(ref, denied if event.number == 0 else "ESLURM_INVALID_JOB_ID") for ref in event.refs)
    assert isinstance(event, CancelAsked | SignalAsked)
    known = {
        1: None,
        2: "ESLURM_ACCESS_DENIED" if event.by not in (0, 65534) else None,
        3: None,
        5: "ESLURM_ALREADY_DONE",
    }
    known |= {job_id: "ESLURM_NOT_HET_JOB" for job_id in known if any(ref.component is not None for ref in event.refs)}
    return tuple(Verdict(ref, known.get(ref.job_id, "ESLURM_INVALID_JOB_ID")) for ref in event.refs)


@pytest.fixture
def queue(fixed_queue: Any) -> Any:
    return fixed_queue(Snapshot(NOW, CLUSTER, JOBS, {}), answer)


@pytest.fixture
def run(caller: Any, queue: Any) -> Callable[..., Any]:
    return lambda *argv, **environ: caller.run(scancel.main, queue, *argv, **environ)


def cancel(job_id: int, *tasks: int, by: int = 0) -> CancelAsked:
    return CancelAsked(NOW, by, (JobRef(job_id, index_set(tasks) if tasks else None),))


def signal(job_id: int, number: int, scope: Any = "steps", *tasks: int) -> SignalAsked:
    return SignalAsked(NOW, 0, (JobRef(job_id, index_set(tasks) if tasks else None),), number, scope)


@pytest.mark.parametrize(
    ("argv", "events"),
    [
        (("1",), [cancel(1)]),
        (("1", "2"), [cancel(1), cancel(2)]),
        (("1,2",), [cancel(1), cancel(2)]),
        (("3",), [cancel(3)]),
        (("3_4",), [cancel(3, 4)]),
        (("3_[4-5]",), [cancel(3, 4, 5)]),
        (("1,3_[4,6]",), [cancel(1), cancel(3, 4, 6)]),
        (("--ctld", "-H", "1"), [cancel(1)]),
        (("-u", "root"), [cancel(1), cancel(3, 4, 5, 6), cancel(3, 3)]),
        (("--me",), [cancel(1), cancel(3, 4, 5, 6), cancel(3, 3)]),
        (("-n", "arr", "-t", "R"), [cancel(3, 3)]),
        (("-n", "arr", "-t", "pending"), [cancel(3, 4, 5, 6)]),
        (("-A", "phys"), [cancel(2)]),
        (("--wckey=w", "1", "2"), [cancel(2)]),
        (("-w", "n[1-2]", "-n", "run"), [cancel(1)]),
        (("-p", "debug", "3_5"), [cancel(3, 5)]),
        (("-p", "nosuch"), []),
        (("-s", "USR1", "1"), [signal(1, 10)]),
        (("1", "--signal", "SIGUSR2"), [signal(1, 12)]),
        (("-b", "-s", "10", "1"), [signal(1, 10, "batch")]),
        (("-f", "--signal=term", "3_3"), [signal(3, 15, "full", 3)]),
        (("-b", "1"), [signal(1, 9, "batch")]),
        (("-s", "KILL", "1"), [signal(1, 9)]),
    ],
)
def test_orders(run: Any, queue: Any, argv: tuple[str, ...], events: list[Any]) -> None:
    """All that is named is one fact, and so one commit."""
    heard = run(*argv)
    assert (heard.code, heard.out, heard.err) == (0, "", "")
    assert queue.events == [replace(one, refs=tuple(e.refs[0] for e in events)) for one in events[:1]]


@pytest.mark.parametrize("said", ["3_[0-999999999999]", "3_[0-100000,5-999999999999,4000000]"])
def test_only_indices_that_the_cluster_can_have_are_named(run: Any, queue: Any, said: str) -> None:
    run(said)
    assert queue.events == [cancel(3, *range(CLUSTER.max_array_size))]


@pytest.mark.parametrize("said", ["3_1001", "3_[1001-999999999999]", "3_"])
def test_an_index_beyond_names_nothing(run: Any, queue: Any, said: str) -> None:
    run(said)
    assert queue.events == [CancelAsked(NOW, 0, (JobRef(3, IndexSet()),))]


@pytest.mark.parametrize(
    ("argv", "code", "err"),
    [
        (("99",), 0, ""),
        (("-v", "99"), 0, "scancel: Terminating job 99\nscancel: error: Kill job error on job id 99: Invalid job id specified\n"),
        (("5",), 0, ""),
        (("-v", "5"), 0, "scancel: Terminating job 5\nscancel: error: Kill job error on job id 5: Job/step already completing or completed\n"),
        (("-v", "-Q", "5"), 0, ""),
        (("-v", "3_99"), 0, "scancel: Terminating job 3_99\n"),
        (("-s", "USR1", "5"), 1, "scancel: error: Kill job error on job id 5: Invalid job id specified\n"),
        (("-s", "USR1", "99"), 1, "scancel: error: Kill job error on job id 99: Invalid job id specified\n"),
        (("-Q", "-s", "USR1", "99"), 1, ""),
        (("-b", "99"), 1, "scancel: error: Kill job error on job id 99: Invalid job id specified\n"),
        (("-v", "-s", "USR1", "1"), 0, "scancel: Signal 10 to job 1\n"),
        (("-v", "-b", "-s", "USR1", "1"), 0, "scancel: Signal 10 to batch job 1\n"),
        (("-v", "-n", "arr"), 0, "scancel: Terminating job 3_[4-6%2]\nscancel: Terminating job 3_3\n"),
        (("abc",), 1, "scancel: error: Invalid job id abc\n"),
        (("0",), 1, "scancel: error: Invalid job id 0\n"),
        (("1_[1-3",), 1, "scancel: error: Invalid job id 1_[1-3\n"),
        (("36.batch",), 1, "scancel: error: Invalid job id 36.batch\n"),
        (("1", "2", "abc"), 1, "scancel: error: Invalid job id abc\n"),
        (("3_[a]",), 1, "scancel: error: _parse_single_range: Invalid range: `a'\nscancel: error: Invalid job id 3_[a]\n"),
        (("3_[1-5:2]",), 1, "scancel: error: _parse_single_range: Invalid range: `1-5:2'\nscancel: error: Invalid job id 3_[1-5:2]\n"),
        ((), 1, "scancel: error: No job identification provided\n"),
        (("-u", "nosuchuser", "1"), 1, "scancel: error: Invalid user name: nosuchuser\n"),
        (("-t", "x"), 1, "Invalid job state specified: x\nValid job states are PENDING, RUNNING, and SUSPENDED\n"),
        (("-s", "NOSUCH", "1"), 1, "Unknown job signal: NOSUCH\n"),
        (("-s", "0", "1"), 1, "Unknown job signal: 0\n"),
        (("36.7",), 1, "scancel: error: Kill job error on job step id 36.7: Invalid job id specified\n"),
        (("1.7",), 225, "scancel: error: Kill job error on job step id 1: Invalid job id specified\n"),
        (("-v", "1.0"), 0, "scancel: Terminating step 1.0\n"),
        (("-v", "-s", "USR1", "1.0"), 0, "scancel: Signal 10 to step 1.0\n"),
        (("-v", "-s", "USR1", "1.7"), 0, "scancel: Signal 10 to step 1.7\n"),
        (("-n", "nosuch", "1.0"), 0, ""),
        (("1.batch",), 1, "scancel: error: Invalid job id 1.batch\n"),
        (("1+0",), 58, "scancel: error: Kill job error on job id 1+0: Job not heterogeneous job\n"),
        (("-v", "-n", "nosuch"), 0, "scancel: error: No active jobs match ALL job filters, including: job_name=nosuch \n"),
        (("-v", "-t", "S", "-n", "z", "-q", "g", "-A", "a", "-w", "n1", "-R", "r", "--wckey", "w", "--me"), 0,
         "scancel: error: No active jobs match ALL job filters, including: account=a job_name=z nodelist=n1 qos=g "
         "reservation=r state=SUSPENDED user_name=0 wckey=w \n"),
        (("-n", "nosuch"), 0, ""),
        (("--nosuch",), 1, f"scancel: unrecognized option '--nosuch'\n{HINT}"),
        (("-Z",), 1, f"scancel: invalid option -- 'Z'\n{HINT}"),
        (("-M", "x", "1"), 1, "scancel: error: No cluster 'x' known by database.\nscancel: error: 'x' can't be reached now, or it is an invalid entry for --cluster.  "
                              "Use 'sacctmgr list clusters' to see available clusters.\n"),
    ],
)  # fmt: skip
def test_answers(run: Any, argv: tuple[str, ...], code: int, err: str) -> None:
    heard = run(*argv)
    assert (heard.code, heard.out, heard.err) == (code, "", err)


@pytest.mark.parametrize("ids", [("1", "2", "abc"), ("3_[4-5],1",), ("3_[4-5].0",), ("1,,3",), ("1,",)])
def test_nothing_is_cancelled_when_one_id_is_none(run: Any, queue: Any, ids: tuple[str, ...]) -> None:
    assert run(*ids).code == 1
    assert queue.events == []


def test_a_stranger_is_told_so(caller: Any, queue: Any) -> None:
    stranger = replace(caller, owner=Owner(1000, 1000, "ann", "ann"))
    heard = stranger.run(scancel.main, queue, "2")
    assert (heard.code, heard.err) == (210, "scancel: error: Kill job error on job id 2: Access/permission denied\n")


@pytest.mark.parametrize(
    ("answers", "events"),
    [
        (b"y\nn\n", [cancel(3, 4, 5, 6)]),
        (b"maybe\nYes\nno\n", [cancel(3, 4, 5, 6)]),
        (b"n\ny\n", [cancel(3, 3)]),
        (b"", []),
    ],
)
def test_it_asks_before_each(caller: Any, queue: Any, answers: bytes, events: list[Event]) -> None:
    heard = replace(caller, files={"-": answers}).run(scancel.main, queue, "-i", "-n", "arr")
    assert heard.code == 0
    assert heard.out.startswith("Cancel job_id=3_[4-6%2] name=arr partition=debug [y/n]? ")
    assert heard.out.count("Cancel job_id=3_3 name=arr partition=debug [y/n]? ") == 1
    assert queue.events == events


@pytest.mark.parametrize(
    ("environ", "argv", "code", "err"),
    [
        ({"SCANCEL_NAME": "nosuch", "SCANCEL_VERBOSE": "true"}, (), 0,
         "scancel: error: No active jobs match ALL job filters, including: job_name=nosuch \n"),
        ({"SCANCEL_STATE": "zz"}, ("1",), 1,
         "Unrecognized SCANCEL_STATE value: zz\nValid job states are PENDING, RUNNING, and SUSPENDED\n"),
        ({"SCANCEL_VERBOSE": "2"}, ("99",), 0, "scancel: error: Unrecognized SCANCEL_VERBOSE value: 2\n"),
        ({"SCANCEL_BATCH": "x"}, ("99",), 0, "scancel: error: Unrecognized SCANCEL_BATCH value: x\n"),
        ({"SCANCEL_INTERACTIVE": "true"}, ("99",), 1, "scancel: error: Kill job error on job id 99: Invalid job id specified\n"),
        ({"SCANCEL_USER": "nosuchuser"}, ("99",), 1, "scancel: error: Invalid user name: nosuchuser\n"),
        ({"SCANCEL_HURRY": "z", "SCANCEL_CTLD": "1"}, ("99",), 0, ""),
    ],
)  # fmt: skip
def test_environment(run: Any, environ: dict[str, str], argv: tuple[str, ...], code: int, err: str) -> None:
    heard = run(*argv, **environ)
    assert (heard.code, heard.err) == (code, err)


@pytest.mark.parametrize(
    ("name", "number"), [("HUP", 1), ("sigusr1", 10), ("XCPU", 24), (" 10", 10), ("09", 9), ("64", 64), ("1000", 1000)]
)
def test_signals(name: str, number: int) -> None:
    assert signal_number(name) == number


@pytest.mark.parametrize("name", ["SEGV", "RTMIN", "10x", "", "SIG", "-5", "0", "²"])
def test_no_signals(name: str) -> None:
    with pytest.raises(Stop):
        signal_number(name)


WORDS = st.one_of(
    st.sampled_from(
        [
            "1",
            "3_4",
            "3_[4-5]",
            "5.0",
            "1+0",
            "-b",
            "-f",
            "-i",
            "-v",
            "-Q",
            "-s",
            "USR1",
            "--signal=9",
            "-t",
            "R",
            "-u",
            "root",
            "--me",
            "-n",
            "arr",
            "-p",
            "debug",
            "-w",
            "n[1",
            "--",
            "-",
            ",",
        ]
    ),
    st.text(max_size=8),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(argv=st.lists(WORDS, max_size=6))
def test_nothing_that_can_be_said_is_an_exception(argv: list[str], run: Any) -> None:
    assert 0 <= run(*argv).code < 256


def test_the_real_queue_ends_a_job(caller: Any, live_queue: Any) -> None:
    """The whole way with the real rules: submitted, cancelled, over; a second time nothing happens."""
    queue = live_queue(CLUSTER)
    asyncio.run(queue.apply(Submitted(queue.now(), ROOT, JobSpec(name="x", work_dir="/w", hold=True))))
    (job,) = queue.snapshot().jobs
    assert caller.run(scancel.main, queue, "-v", str(job.id)).err == f"scancel: Terminating job {job.id}\n"
    (job,) = queue.snapshot().jobs
    assert isinstance(job.state, Finished) and job.state.ending.outcome == "CANCELLED"
    again = caller.run(scancel.main, queue, "-v", str(job.id))
    assert again.code == 0
    assert again.err.endswith("Job/step already completing or completed\n")
