"""sacct's listings, windows and refusals, as a real 22.05 with slurmdbd gave them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowbatch.commands.accounting import sacct
from flowbatch.commands.listing import squeue
from flowbatch.core.bids import Bid
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.core.ports import Payload, Snapshot
from flowbatch.core.states import (
    Allocation,
    Completing,
    Ending,
    ExitStatus,
    Finished,
    NodeShare,
    Pending,
    Requeueing,
    Running,
)
from flowbatch.slurm import accounting
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.policy import MarketPolicy
from flowbatch.spec.resources import Memory, Resources

NOW = 1_795_327_400
"""2026-11-22T06:03:20 UTC"""
DAY = 24 * 3600
ROOT, ANN = Owner(0, 0, "root", "root"), Owner(65534, 65534, "nobody", "nogroup")
CLUSTER = ClusterSpec(
    name="toy", nodes=tuple(NodeSpec(name=f"n{i}", cpus=8, real_memory=16000) for i in (1, 2)),
    partitions=(PartitionSpec(name="debug", nodes=("n1", "n2"), default=True),), gres_types=("gpu",),
)  # fmt: skip
ONE = Allocation("debug", (NodeShare("n1", 1),))


def job(id: int, name: str, state: Any, *, at: int = NOW - 60, owner: Owner = ROOT, **more: Any) -> Job:
    spec = JobSpec(
        name=name, work_dir="/w", account=more.pop("account", None), comment=more.pop("comment", None),
        time_limit_min=more.pop("limit", None), resources=more.pop("resources", Resources()),
    )  # fmt: skip
    more.setdefault("eligible_at", at)
    more.setdefault("scheduled_by", "Main")
    return Job(id, spec, id, id, owner, state, at, 100, partitions=("debug",), **more)


def over(outcome: str, code: int = 0, signal: int = 0, *, at: int = NOW - 30, by: int | None = None) -> Finished:
    ending = Ending(outcome, ExitStatus(code, signal), by_uid=by)  # type: ignore[arg-type]  # one of Outcome
    return Finished(at, ending, at - 10, ONE)


GPUS = Allocation("debug", (NodeShare("n2", 4, gres=(("gpu", "h100", (0, 1)),)),))
JOBS = (
    job(1, "gold", over("COMPLETED"), account="research", comment="cc"),
    job(2, "three", over("FAILED", 3)),
    job(3, "averyveryverylongname", Running(NOW - 50, GPUS, None, True), limit=5,
        resources=Resources(memory=Memory(per="node", mib=500), ntasks=2, cpus_per_task=2)),
    job(4, "kill9", over("FAILED", 0, 9)),
    job(6, "can", over("CANCELLED", 0, 15, by=1000), owner=ANN),
    job(7, "held", Pending("JobHeldUser"), eligible_at=None, scheduled_by=None),
    job(8, "old", over("COMPLETED", at=NOW - 3 * DAY), at=NOW - 3 * DAY - 20),
    job(5, "arr", over("COMPLETED"), array=ArrayTask(5, 2)),
    job(9, "arr", over("TIMEOUT", 0, 15), array=ArrayTask(5, 1)),
    job(10, "harr", Pending("Priority"), array=ArrayRest(IndexSet.of((IndexRange(first=1, last=3),)), None), scheduled_by=None),
    job(11, "rq", Running(NOW - 5, ONE, None, True), at=NOW - 20, restarts=1),
)  # fmt: skip
STORY = {
    11: [
        (NOW - 60, "submitted by root -> PENDING (None)"), (NOW - 58, "scheduled -> RUNNING on n2"),
        (NOW - 57, "launched -> RUNNING on n2"), (NOW - 25, "requeue asked by uid 0 -> COMPLETING"),
        (NOW - 20, "ended 0:15 (killed) -> PENDING (BeginTime)"), (NOW - 5, "scheduled -> RUNNING on n1"),
    ],
}  # fmt: skip


@pytest.fixture
def queue(fixed_queue: Any) -> Any:
    return of(fixed_queue, JOBS)


def of(fixed_queue: Any, jobs: Sequence[Job], cluster: ClusterSpec = CLUSTER, story: Mapping[int, Any] = STORY) -> Any:
    """A queue whose history has all the jobs, finished ones too, newest first."""
    found = fixed_queue(Snapshot(NOW, cluster, tuple(jobs), {}))

    async def told(job_id: int) -> Any:
        return story.get(job_id, ())

    found.story = told
    return found


Listing = Callable[..., str]


@pytest.fixture
def listing(caller: Any, queue: Any) -> Listing:
    """sacct's stdout, which must be all that it said."""

    def run(*argv: str, owner: Owner = ROOT, **environ: str) -> str:
        heard = replace(caller, owner=owner).run(sacct.main, queue, *argv, **environ)
        assert (heard.code, heard.err) == (0, "")
        return str(heard.out)

    return run


def block(text: str) -> str:
    return dedent(text).lstrip("\n")


def test_jobs_of_today_and_their_steps(listing: Listing) -> None:
    assert listing() == block("""
        JobID           JobName  Partition    Account  AllocCPUS      State ExitCode 
        ------------ ---------- ---------- ---------- ---------- ---------- -------- 
        1                  gold      debug   research          1  COMPLETED      0:0 
        1.batch           batch              research          1  COMPLETED      0:0 
        2                 three      debug                     1     FAILED      3:0 
        2.batch           batch                                1     FAILED      3:0 
        3            averyvery+      debug                     4    RUNNING      0:0 
        3.batch           batch                                4    RUNNING      0:0 
        4                 kill9      debug                     1     FAILED      0:9 
        4.batch           batch                                1  CANCELLED      0:9 
        6                   can      debug                     1 CANCELLED+      0:0 
        6.batch           batch                                1  CANCELLED     0:15 
        5_1                 arr      debug                     1    TIMEOUT      0:0 
        5_1.batch         batch                                1  CANCELLED     0:15 
        5_2                 arr      debug                     1  COMPLETED      0:0 
        5_2.batch         batch                                1  COMPLETED      0:0 
        10_[1-3]           harr      debug                     1    PENDING      0:0 
        11                   rq      debug                     1    RUNNING      0:0 
        11.batch          batch                                1    RUNNING      0:0 
        """)  # noqa: W291  every field is followed by a blank


@pytest.mark.parametrize(
    ("argv", "ids"),
    [
        (("-j", "1,7"), "1 1.batch 7"),
        (("-j", "8", "-X"), "8"),
        (("-j", "8", "-j", "1,7", "-X"), "8 1 7"),
        (("-j", "5", "-X"), "5_1 5_2"),
        (("-j", "5_2", "-X"), "5_2"),
        (("-j", "9", "-X"), "5_1"),
        (("-j", "10_2"), ""),
        (("-j", "1.batch,2"), "1.batch 2 2.batch"),
        (("-j", "1.0"), ""),
        (("-j", "1+0"), ""),
        (("-j", "999"), ""),
        (("-s", "R", "-X"), "3 11"),
        (("-s", "CD", "-S", "00:00", "-X"), ""),
        (("-s", "cd,to", "-S", "00:00", "-E", "now", "-X"), "1 5_1 5_2"),
        (("-s", "PD", "-X"), "10_[1-3]"),
        (("-s", "RQ", "-S", "00:00", "-E", "now", "-X"), "11"),
        (("-S", "now-4days", "-X", "--name", "old,gold"), "8 1"),
        (("-E", "00:00"), ""),
        (("-u", "nobody", "-X"), "6"),
        (("-g", "nogroup", "-X"), "6"),
        (("-A", "research", "-X"), "1"),
        (("-r", "nosuch"), ""),
        (("-N", "n2", "-X"), "3"),
        (("-I", "2-8", "-X"), "3"),
        (("-i", "2"), ""),
        (("-k", "5", "-X"), "3"),
        (("-F", "SchedBackfill"), ""),
        (("-x", "5"), ""),
    ],
)  # fmt: skip
def test_which_jobs(listing: Listing, argv: tuple[str, ...], ids: str) -> None:
    assert listing("-n", "-P", "-o", "jobid", *argv).split() == ids.split()


def test_users_see_their_own_jobs_unless_they_ask(listing: Listing) -> None:
    assert listing("-nXPo", "jobid", owner=ANN) == "6\n"
    assert listing("-nXPo", "jobid", "-a", owner=ANN).split()[:2] == ["1", "2"]
    assert listing("-nXPo", "jobid", "-j", "1", owner=ANN) == "1\n"


def test_every_placement_of_a_requeued_job(listing: Listing) -> None:
    assert listing("-D", "-j", "11", "-P", "-o", "jobid,state,exitcode,start,end,nodelist") == block("""
        JobID|State|ExitCode|Start|End|NodeList
        11|REQUEUED|0:0|2026-11-22T06:02:22|2026-11-22T06:03:00|n2
        11.batch|CANCELLED|0:15|2026-11-22T06:02:22|2026-11-22T06:03:00|n2
        11|RUNNING|0:0|2026-11-22T06:03:15|Unknown|n1
        11.batch|RUNNING|0:0|2026-11-22T06:03:15|Unknown|n1
        """)


def test_a_job_that_leaves_for_the_queue_is_requeued_already(fixed_queue: Any, caller: Any) -> None:
    leaving = job(1, "j", Completing(NOW - 9, ONE, NOW - 2, Requeueing()))
    heard = caller.run(sacct.main, of(fixed_queue, [leaving]), "-nPo", "jobid,state,end,elapsed")
    assert heard.out == "1|REQUEUED|2026-11-22T06:03:18|00:00:07\n1.batch|CANCELLED|2026-11-22T06:03:18|00:00:07\n"


@pytest.mark.parametrize(
    ("fields", "job", "step"),
    [
        ("alloctres", "billing=4,cpu=4,gres/gpu=2,node=1", "cpu=4,gres/gpu=2,mem=0,node=1"),
        ("reqtres", "billing=4,cpu=4,mem=500M,node=1", ""),
        ("timelimit,timelimitraw", "00:05:00|5", "|"),
        ("cputime,cputimeraw,elapsedraw", "00:03:20|200|50", "00:03:20|200|50"),
        ("reserved,resvcpuraw", "00:00:10|40", "|"),
        ("jobidraw,nnodes,allocnodes,ntasks", "3|1|1|", "3.batch|1|1|1"),
        ("user,uid,group,workdir", "root|0|root|/w", "|||"),
        ("flags,reason,layout", "SchedMain,StartRecieved|None|", "||Unknown"),
        ("reqmem,maxrss,qos,qosraw,associd", "500M||normal|1|0", "||||0"),
        ("end,eligible", "Unknown|2026-11-22T06:02:20", "Unknown|2026-11-22T06:02:30"),
    ],
)
def test_fields(listing: Listing, fields: str, job: str, step: str) -> None:
    assert listing("-n", "-P", "-j", "3", "-o", fields) == f"{job}\n{step}\n"


def test_a_job_that_never_started_has_the_limit_of_its_partition(listing: Listing) -> None:
    said = listing("-nPj", "7", "-o", "state,start,end,timelimit,nodelist,allocnodes,flags,reserved")
    assert said == "PENDING|Unknown|Unknown|Partition_Limit|None assigned|0|StartRecieved|00:00:00\n"


def test_widths_sides_and_marks(listing: Listing) -> None:
    assert listing("-n", "-j", "3", "-X", "-o", "jobname%30,state%-20,jobid%5") == (
        "         averyveryverylongname RUNNING                  3 \n"
    )
    assert listing("-j", "1", "-X", "-o", "state%5,exitcode%3,start%10,elapsed%4,elapsed%9") == block("""
        State Exi      Start   Elapsed   Elapsed 
        ----- --- ---------- --------- --------- 
        COMP+ 0:0 2026-11-22  00:00:10  00:00:10 
        """)  # noqa: W291  every field is followed by a blank


def test_formats_for_programs(listing: Listing) -> None:
    assert listing("-j", "1", "-X", "-p") == (
        "JobID|JobName|Partition|Account|AllocCPUS|State|ExitCode|\n1|gold|debug|research|1|COMPLETED|0:0|\n"
    )
    assert listing("-j", "1", "-X", "-P", "--delimiter=,", "-b") == "JobID,State,ExitCode\n1,COMPLETED,0:0\n"
    assert listing("-j", "1", "-X", "-n", "-P", SACCT_FORMAT="jobid,state") == "1|COMPLETED\n"
    assert listing("-j", "1", "-nXP", "--units=G", "-o", "reqmem") == "15.62G\n"
    assert listing("-j", "1", "-nXP", "--units=K", "-o", "reqmem") == "16384000K\n"
    assert listing("-j", "1", "-nXP", "-o", "start,end", SLURM_TIME_FORMAT="%s") == f"{NOW - 40}|{NOW - 30}\n"


def test_names_of_fields_are_slurms(listing: Listing) -> None:
    listed = listing("-e")
    assert listed.splitlines()[0] == "Account             AdminComment        AllocCPUS           AllocNodes         "
    assert listed.split() == [field.name for field in accounting.FIELDS if not field.ours]
    assert len(listing("-P", "-j", "1", "-X", "-o", "all").splitlines()[1].split("|")) == len(listed.split())


def test_truncated_times(listing: Listing) -> None:
    argv = ("-T", "-S", "06:02:45", "-E", "06:03:00", "-X", "-n", "-P", "-j", "1,3", "-o", "jobid,start,end,elapsed")
    assert listing(*argv) == (
        "1|2026-11-22T06:02:45|2026-11-22T06:02:50|00:00:05\n3|2026-11-22T06:02:45|2026-11-22T06:03:00|00:00:15\n"
    )


@pytest.mark.parametrize(
    ("argv", "err"),
    [
        (("-j", "abc"), "sacct: fatal: Bad job/step specified: abc\n"),
        (("-j", "5_[1-2]"), "sacct: fatal: Bad job array element specified: 5\n"),
        (("-j", "1.x"), "sacct: fatal: Bad step specified: 1\n"),
        (("-o", "jobid,nosuch"), 'sacct: error: Invalid field requested: "nosuch"\n'),
        (("-s", "nosuch"), "sacct: fatal: unrecognized job state value 'nosuch'\n"),
        (("-u", "nosuch"), "sacct: error: Invalid user id: nosuch\n"),
        (("-S", "nonsense"), "Invalid time specification (pos=0): nonsense\n"),
        (("-S", "now", "-E", "now-1hour"),
         "sacct: error: Start time (2026-11-22T06:03:20) requested is after end time (2026-11-22T05:03:20).\n"),
        (("-Z",), "sacct: invalid option -- 'Z'\n"),
        (("foo",), "sacct: error: Unknown arguments:\nsacct: error:  foo\n"),
        (("-c",), "Slurm job completion is disabled\n"),
        (("-i", "x"), 'sacct: error: Invalid numeric value "x" for requested node range.\n'),
        (("--units=X",), "sacct: error: Invalid unit type 'X'. Possible options are 'KMGTP'\nsacct: fatal: Invalid unit type\n"),
        (("-B",), "sacct: fatal: When requesting job scripts you must also request specific jobs with the '-j' option.\n"),
    ],
)  # fmt: skip
def test_what_is_refused(caller: Any, queue: Any, argv: tuple[str, ...], err: str) -> None:
    heard = caller.run(sacct.main, queue, *argv)
    assert (heard.code, heard.out, heard.err) == (1, "", err)


def test_scripts_are_shown_to_their_owners(caller: Any, queue: Any) -> None:
    queue.payloads[1] = Payload(b"#!/bin/sh\ntrue\n", (b"A=b",), {}, 0o22)
    head = f"Batch Script for 1\n{'-' * 80}\n"
    assert caller.run(sacct.main, queue, "-B", "-j", "1").out == head + "#!/bin/sh\ntrue\n\n"
    assert replace(caller, owner=ANN).run(sacct.main, queue, "-B", "-j", "1").out == head + "NONE\n\n"


def test_json(listing: Listing) -> None:
    jobs = {one["job_id"]: one for one in json.loads(listing("--json"))["jobs"]}
    assert jobs[1]["state"] == {"current": "COMPLETED", "reason": "None"}
    assert jobs[2]["exit_code"] == {"status": "ERROR", "return_code": 3}
    assert (jobs[9]["array"]["job_id"], jobs[9]["array"]["task_id"]) == (5, 1)
    assert jobs[6]["kill_request_user"] == 1000 and len(jobs[1]["steps"]) == 1 and not jobs[10]["steps"]


def bid(number: int, spent: int, *, settled: bool = True) -> Bid:
    return Bid(number, "c1", "t", "r", 2_000_000, 0, NOW, NOW, 60, phase="gone", spent_micro_usd=spent, settled=settled)


MARKET = CLUSTER.model_copy(update={"market": MarketPolicy()})


def test_a_job_on_the_market_has_its_cost(caller: Any, fixed_queue: Any) -> None:
    done = job(1, "j", over("COMPLETED"), bids=(bid(1, 250_000), bid(2, 1_000_000)), restarts=1)
    running = job(2, "k", Running(NOW, ONE, None, True), bids=(bid(1, 10_000, settled=False),))
    queue = of(fixed_queue, [done, running], MARKET)
    said = caller.run(sacct.main, queue, "-nXP", "-o", "admincomment,cost,price,placements,alloctres").out
    assert said.splitlines() == [
        "cost=$1.25|$1.25|$2.00/h|2|billing=125,cpu=1,node=1",
        "cost=$0.01,unsettled|$0.01|$2.00/h|1|billing=1,cpu=1,node=1",
    ]


def test_a_machine_that_boots_is_configuring_in_the_queue_and_running_in_the_books(
    caller: Any, fixed_queue: Any
) -> None:
    queue = of(fixed_queue, [job(1, "j", Running(NOW - 9, ONE, None, False))], MARKET)
    assert caller.run(squeue.main, queue, "-h", "-o", "%t %T %M %R").out == "CF CONFIGURING 0:09 n1\n"
    assert caller.run(squeue.main, queue, "-h", "-t", "R").out == ""
    assert caller.run(sacct.main, queue, "-nXPo", "state").out == "RUNNING\n"
    local = of(fixed_queue, queue.snapshot().jobs)
    assert caller.run(squeue.main, local, "-h", "-o", "%t").out == "R\n"


WORDS = st.one_of(
    st.sampled_from([
        "-j", "1", "5_2", "7.batch", "1,2", "-s", "R,CD", "pd", "-S", "-E", "now", "now-1day", "00:00", "12/31", "-o", "jobid%5",
        "all", "state%-3,", "-X", "-D", "-T", "-l", "-b", "-p", "-P", "--units=K", "--delimiter", "", "-N", "n[1-2]", "-u", "root",
        "-k", "5", "--json", "--yaml", "-M", "x",
    ]),
    st.text(max_size=8),
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(argv=st.lists(WORDS, max_size=6))
def test_nothing_that_can_be_said_is_an_exception(argv: list[str], caller: Any, queue: Any) -> None:
    assert caller.run(sacct.main, queue, *argv).code in (0, 1)
