"""sprio, sstat, sshare, sdiag, sacctmgr, sreport, seff, strigger, sbcast and sattach, over records of the test."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest

from flowbatch.commands.accounting import sacctmgr, sdiag, seff, sprio, sreport, sshare, sstat
from flowbatch.commands.accounting.associations import listed
from flowbatch.commands.control import strigger
from flowbatch.commands.running import sattach, sbcast
from flowbatch.core.events import Refused
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.ruling.wishes import Recount
from flowbatch.core.states import Allocation, Ending, Finished, NodeShare, Pending, Running, State
from flowbatch.core.steps import JobSteps, Step
from flowbatch.core.tally import Tally
from flowbatch.node import broadcast
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

NOW = 1_795_327_339  # 2026-11-22T06:02:19 UTC
ANN = Owner(1001, 1001, "ann", "users", "vm")
CLUSTER = ClusterSpec(
    name="toy",
    nodes=(NodeSpec(name="n1", cpus=4, real_memory=4096),),
    gres_types=("gpu",),
    partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),),
)
PLACE = Allocation("debug", (NodeShare("n1", 2, (0, 1), 4096),))


def job(id: int, state: State, account: str | None = None, **more: Any) -> Job:
    spec = JobSpec(name="x", work_dir="/w", account=account)
    return Job(id, spec, id, id, ANN, state, NOW - 90_000, 1, partitions=("debug",), eligible_at=NOW - 90_000, **more)


WAITING = job(1, Pending())
RUNNING = job(2, Running(NOW - 60, PLACE, NOW + 600), "gold")
OVER = job(3, Finished(NOW - 86_400, Ending("COMPLETED"), NOW - 86_400 - 3600, PLACE), "gold")


@pytest.fixture
def queue(fixed_queue: Any) -> Any:
    made = fixed_queue(Snapshot(NOW, CLUSTER, (WAITING, RUNNING, OVER), {}))
    made.steps = ("srun-program",)
    made.programs = {}
    return made


def test_sprio_has_no_factors(caller: Any, queue: Any) -> None:
    said = caller.run(sprio.main, queue)
    assert (said.code, said.out) == (1, "") and "(priority/basic)." in said.err
    assert caller.run(sprio.main, queue, "-j", "abc").err == "sprio: error: Invalid job id: abc\n"


def test_sstat_lists_running_batch_steps(caller: Any, queue: Any) -> None:
    queue.seen = ()
    assert caller.run(sstat.main, queue, "-nP", "-j", "2.batch", "-o", "jobid,ntasks,maxrss").out == "2.batch|0|\n"
    said = caller.run(sstat.main, queue, "-n", "-a", "-j", "1,2,3,9", "-o", "jobid")
    assert said.out == "2.batch      \n"
    assert said.err.splitlines() == [
        "sstat: error: No steps running for job 1",
        "sstat: error: couldn't get steps for job 3",
        "sstat: error: couldn't get steps for job 9",
    ]


def test_accounts_are_those_that_jobs_named() -> None:
    known = [(one.account, one.user) for one in listed("toy", "bob", (WAITING, RUNNING))]
    root = [("root", name) for name in ("", "ann", "bob", "root")]
    assert known == [*root, ("gold", ""), ("gold", "ann")]


def test_sshare_shows_the_caller_unless_all_are_asked_for(caller: Any, queue: Any) -> None:
    assert caller.run(sshare.main, queue, "-nP", "-o", "account,user").out == "root|\n root|root\n gold|\n"
    assert caller.run(sshare.main, queue, "-nPUa", "-o", "account,user").out == "root|ann\nroot|root\ngold|ann\n"


def test_sacctmgr_lists_what_jobs_named(caller: Any, queue: Any) -> None:
    asked = ("-n", "-s", "list", "user", "ann", "format=account%6")
    assert caller.run(sacctmgr.main, queue, *asked).out == "  gold \n  root \n"
    assert caller.run(sacctmgr.main, queue, "-nP", "show", "cluster", "format=cluster").out == "toy\n"


def test_sreport_reckons_whole_hours(caller: Any, queue: Any) -> None:
    asked = ("start=2026-11-21T05:00", "end=2026-11-21T08:00")
    said = caller.run(sreport.main, queue, "-nP", "cluster", "utilization", *asked)
    assert said.out == "toy|120|0|0|600|0|720\n"
    assert caller.run(sreport.main, queue, "-nP", "user", "top", *asked).out == "toy|ann|ann|gold|120|0\n"
    by_account = caller.run(sreport.main, queue, "-nP", "cluster", "accountutilizationbyuser", *asked)
    assert by_account.out == "toy|root|||120|0\ntoy|gold|||120|0\ntoy|gold|ann|ann|120|0\n"
    by_user = caller.run(sreport.main, queue, "cluster", "userutilizationbyaccount", *asked)
    assert by_user.out.splitlines()[1] == (
        "Cluster/User/Account Utilization 2026-11-21T05:00:00 - 2026-11-21T07:59:59 (10800 secs)"
    )
    sizes = caller.run(sreport.main, queue, "-nP", "job", "sizes", *asked, "grouping=2")
    assert sizes.out == "toy|root|0|120|100.00%\n"


def test_sdiag_says_what_was_counted(caller: Any, queue: Any) -> None:
    queue.counted = Tally(NOW - 60, submitted=7, started=2, completed=1, cancelled=3, failed=4, backfilled=5)
    out = caller.run(sdiag.main, queue).out
    assert "Data since      Sun Nov 22 06:01:19 2026 (1795327279)\n" in out
    numbers = "Jobs submitted: 7\nJobs started:   2\nJobs completed: 1\nJobs canceled:  3\nJobs failed:    4\n"
    assert numbers in out and out.count("jobs (since last slurm start): 5\n") == 1
    assert "Jobs pending:   1\nJobs running:   1\n" in out


def test_sdiag_has_jobs_counted_anew(caller: Any, queue: Any, fixed_queue: Any) -> None:
    assert caller.run(sdiag.main, queue, "-r").out == "Reset scheduling statistics\n"
    assert queue.events == [Recount(NOW, 0)]
    denied = fixed_queue(queue.snapshot(), lambda event: Refused("ESLURM_ACCESS_DENIED"))
    said = caller.run(sdiag.main, denied, "-r")
    assert (said.code, said.out, said.err) == (255, "", "slurm_reset_statistics: Access/permission denied\n")


def test_seff_says_what_is_not_measured(caller: Any, queue: Any) -> None:
    out = caller.run(seff.main, queue, "3").out
    assert "State: COMPLETED (exit code 0)\nCores: 2\nCPU Utilized: not measured\n" in out
    assert "Job Wall-clock time: 01:00:00\n" in out
    assert caller.run(seff.main, queue, "1").out.endswith("Efficiency not available for jobs in the PENDING state.\n")
    assert caller.run(seff.main, queue, "77").out == "Job not found.\n"


def test_strigger_sets_nothing(caller: Any, queue: Any) -> None:
    assert caller.run(strigger.main, queue, "--get").code == 0
    said = caller.run(strigger.main, queue, "--set", "--fini", "-j", "2", "-p", "/bin/true")
    assert said.code == 1 and "presently disabled" in said.err


@pytest.mark.parametrize(("layout", "ranks"), [("Block", ("0 1 2 3", "4")), ("Cyclic", ("0 2 3 4", "1"))])
def test_sattach_lays_out_a_step(caller: Any, fixed_queue: Any, layout: str, ranks: tuple[str, str]) -> None:
    step = Step(0, "sleep", ("n1", "n2"), (4, 1), 5, NOW, layout=layout)
    queue = fixed_queue(Snapshot(NOW, CLUSTER, (RUNNING,), {}, steps={2: JobSteps({0: step}, 0)}))
    assert caller.run(sattach.main, queue, "--layout", "2.0").out == (
        "Job step layout:\n\t5 tasks, 2 nodes (n[1-2])\n\n"
        f"\tNode 0 (n1), 4 task(s): {ranks[0]} \n\tNode 1 (n2), 1 task(s): {ranks[1]} \n"
    )
    queue.programs = {}
    assert "nothing carries a step's streams from there" in caller.run(sattach.main, queue, "2.0").err
    assert caller.run(sattach.main, queue, "--layout", "2.7").err == (
        "sattach: error: Could not get job step info: Invalid job id specified\n"
    )


ZERO = "sattach: error: SLURM_EXIT_ERROR has zero value\n"


@pytest.mark.parametrize(("word", "code", "complaint"), [
    ("42", 42, ""), ("300", 44, ""), ("5x", 5, ""), ("0", 1, ZERO), ("abc", 1, ZERO), ("+-5", 1, ZERO), ("9" * 5000, 255, ""),
])  # fmt: skip
def test_sattach_fails_with_the_code_that_is_asked_for(
    caller: Any, queue: Any, word: str, code: int, complaint: str
) -> None:
    said = caller.run(sattach.main, queue, "9.0", SLURM_EXIT_ERROR=word)
    assert said.code == code
    assert said.err == f"{complaint}sattach: error: Could not get job step info: Invalid job id specified\n"


@pytest.mark.parametrize(("word", "told"), [("2147483648", "2147483648"), ("9" * 5000, "9223372036854775807")])
def test_sattach_knows_how_large_a_task_can_be(caller: Any, queue: Any, word: str, told: str) -> None:
    said = caller.run(sattach.main, queue, "--input-filter", word, "2.0")
    assert (said.code, said.err) == (1, f"sattach: error: Numeric argument {told} to big for input-filter.\n")


def test_sattach_tells_where_the_output_is(caller: Any, queue: Any) -> None:
    assert "Node 0 (n1), 1 task(s): 0" in caller.run(sattach.main, queue, "--layout", "2.batch").out
    assert "flow logs -f 2" in caller.run(sattach.main, queue, "2.batch").err
    assert "Job is pending execution" in caller.run(sattach.main, queue, "1.0").err


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("a", "b"), 255, "Can't open `a`: No such file or directory"),
        (("here", "b"), 1, "Need a job id"),
        (("-j", "1", "here", "b"), 255, "Slurm job 1 lookup error: Job is pending execution"),
        (("-j", "9", "here", "b"), 255, "Slurm job 9 lookup error: Invalid job id specified"),
        (("-j", "2", "here", "b/"), 1, "Target filename cannot be a directory."),
        (("-j", "2", "--send-libs", "here", "b"), 1, "shared libraries are not sent"),
    ],
)
def test_sbcast_refuses(caller: Any, queue: Any, argv: tuple[str, ...], code: int, said: str) -> None:
    caller.files = {"here": b"x"}
    words = argv if argv[0] != "a" else ("-j", "2", *argv)
    answer = caller.run(sbcast.main, queue, *words)
    assert answer.code == code and said in answer.err


def test_a_file_is_copied_whole_or_not_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"hello")
    source.chmod(0o640)
    words = ["--", "n1,n2", str(source), str(target)]
    assert broadcast.main(words) == 0
    assert target.read_bytes() == b"hello" and stat.S_IMODE(target.stat().st_mode) == 0o640
    assert broadcast.main(words) == 17
    assert capsys.readouterr().err.splitlines() == [
        f"sbcast: error: REQUEST_FILE_BCAST({node}): File exists" for node in ("n1", "n2")
    ]
    os.utime(source, (1, 1))
    assert broadcast.main(["--force", "--preserve", *words]) == 0 and target.stat().st_mtime == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source", "target"]
