"""What `flow status` and its JSON show, of records that the test writes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from flowbatch.commands.call import Call, Command
from flowbatch.commands.flow import flow_info, flow_jobs
from flowbatch.commands.flow.flow_results import ClusterStatus, read_jobs
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import Allocation, Ending, ExitStatus, Finished, NodeShare, Pending, Running
from flowbatch.spec.array import IndexRange, IndexSet
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.files import Files
from flowbatch.spec.job import JobSpec

NOW = 1_000_000_000
HELD = Allocation("debug", (NodeShare("n1", 2), NodeShare("n2", 2)))
CLUSTER = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=4), NodeSpec(name="n2", cpus=4)), obliging=True,
    partitions=(PartitionSpec(name="debug", nodes=("n1", "n2"), default=True),),
    other=(("TreeWidth", "50"), ("Prolog", "/x"), ("Prolog", "/y")),
)  # fmt: skip


def job(id: int, name: str, state: object, **more: object) -> Job:
    spec = JobSpec(name=name, work_dir="/w", command=f"/w/{name}.slurm", time_limit_min=90, files=Files())
    owner = Owner(1, 1, "ann", "users", "host")
    return Job(id, spec, id, id, owner, state, NOW - 100, 1, partitions=("debug",), **more)  # type: ignore[arg-type]  # the test's own


RUNNING = job(1, "train", Running(NOW - 65, HELD, None, True))
FAILED = job(2, "fails", Finished(NOW - 5, Ending("FAILED", ExitStatus(3, 0), "NonZeroExitCode"), NOW - 10, HELD))
WAITING = job(3, "later", Pending(reason="Priority"), notes=("unknown partition gpu: runs in debug",))
TASK = replace(FAILED, id=5, array=ArrayTask(4, 1))
REST = job(4, "sweep", Pending(), array=ArrayRest(IndexSet.of((IndexRange(first=2, last=9),)), 2))
OVER = replace(FAILED, id=6)


class Queue:
    """A port over fixed records; `gone` are in the store alone."""

    cluster = CLUSTER

    def __init__(self, *jobs: Job, gone: Sequence[Job] = ()) -> None:
        self.jobs, self.gone = jobs, gone

    def now(self) -> int:
        return NOW

    def snapshot(self) -> Snapshot:
        return Snapshot(NOW, CLUSTER, self.jobs, {})

    async def history(self, job_ids: Sequence[int] | None = None, limit: int = 1000) -> list[Job]:
        every = sorted((*self.jobs, *self.gone), key=lambda job: -job.id)
        return [job for job in every if job_ids is None or job.id in job_ids or job.array_id in job_ids]

    async def story(self, job_id: int) -> list[tuple[int, str]]:
        return [(NOW - 100, "submitted by ann -> PENDING (None)"), (NOW - 65, "scheduled -> RUNNING on n1,n2")]

    async def finished(self, job_id: int) -> list[Job]:
        return [job for job in self.jobs if job.id == job_id]


class Said:
    """A stream that keeps what is written to it."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, data: str | bytes) -> None:
        self.text += data if isinstance(data, str) else data.decode()

    async def drain(self) -> None:
        pass


def ask(command: Command, queue: Queue, *argv: str, columns: int = 0) -> tuple[int, str, str]:
    out, err = Said(), Said()
    call = Call(
        "flow", argv, {"TZ": "UTC"}, "/", 0o22, columns, 0, (False,) * 3, Owner(1, 1, "ann", "users"), {}, out, err, None,  # type: ignore[arg-type]  # reads nothing
    )  # fmt: skip
    return asyncio.run(command(call, queue)), out.text, err.text  # type: ignore[arg-type]  # a port as far as it goes


def test_the_table() -> None:
    code, out, err = ask(flow_jobs.jobs, Queue(WAITING, RUNNING, FAILED, REST))
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "JOB      NAME    STATE      TIME    LIMIT    CPUS  WHERE (WHY)",
        "1        train   RUNNING    1:05  1:30:00       4  n[1-2]",
        "2        fails   FAILED     0:05  1:30:00       4  n[1-2] (NonZeroExitCode)",
        "3        later   PENDING    0:00  1:30:00          (Priority)",
        "4_[2-9]  sweep   PENDING    0:00  1:30:00",
    ]


def test_a_narrow_terminal_shortens_names() -> None:
    long = job(7, "a-very-long-name-that-does-not-fit", Pending(reason="Priority"))
    out = ask(flow_jobs.jobs, Queue(long), columns=70)[1]
    assert max(map(len, out.splitlines())) <= 70 and "a-very-long-n" in out and "…" in out


def test_an_empty_queue_says_so() -> None:
    assert ask(flow_jobs.jobs, Queue(gone=[OVER])) == (0, "no jobs\n", "")
    assert "\n6 " in ask(flow_jobs.jobs, Queue(gone=[OVER]), "--all")[1]


def test_json_is_all_of_it() -> None:
    running, failed = read_jobs(ask(flow_jobs.jobs, Queue(RUNNING, TASK), "--json")[1].encode())
    assert running.state == "RUNNING" and running.nodes == ("n1", "n2") and running.stdout == "/w/slurm-1.out"
    assert running.exit_code is None and not running.finished
    assert failed.id == "4_1" and failed.stdout == "/w/slurm-4_1.out" and (failed.exit_code, failed.signal) == (3, 0)


def test_files_of_their_own() -> None:
    spec = RUNNING.spec.model_copy(update={"files": Files(output="%x.out", error="/e/%j")})
    (one,) = read_jobs(ask(flow_jobs.job, Queue(replace(RUNNING, spec=spec)), "--json", "1")[1].encode())
    assert (one.stdout, one.stderr) == ("/w/train.out", "/e/1")
    assert one.story[0] == (NOW - 100, "submitted by ann -> PENDING (None)")


def test_one_job_with_its_story() -> None:
    out = ask(flow_jobs.job, Queue(replace(RUNNING, notes=("a note",))), "1")[1]
    assert out == (
        "job        1  train\nstate      RUNNING\nuser       ann\nwhere      n[1-2], 4 CPUs, partition debug\n"
        "submitted  2001-09-09T01:45:00\nstarted    2001-09-09T01:45:35\nran        1:05\nlimit      1:30:00\n"
        "command    /w/train.slurm\ndirectory  /w\noutput     /w/slurm-1.out\nnote       a note\n"
        "\n2001-09-09T01:45:00  submitted by ann -> PENDING (None)\n2001-09-09T01:45:35  scheduled -> RUNNING on n1,n2\n"
    )


def test_an_array_is_a_table_and_a_task_is_a_job() -> None:
    queue = Queue(REST, TASK)
    assert [line.split()[0] for line in ask(flow_jobs.job, queue, "4")[1].splitlines()[1:]] == ["4_1", "4_[2-9]"]
    assert ask(flow_jobs.job, queue, "4_1")[1].startswith(
        "job        4_1  fails\nstate      FAILED (NonZeroExitCode)\nexit code  3:0"
    )


@pytest.mark.parametrize(
    ("name", "said"),
    [("99", "there is no job 99"), ("4_7", "there is no job 4_7"), ("x", "x is no job"), ("1.0", "1.0 is no job")],
)
@pytest.mark.parametrize("command", [flow_jobs.job, flow_jobs.wait])
def test_what_is_no_job(command: Command, name: str, said: str) -> None:
    code, out, err = ask(command, Queue(REST, TASK), name)
    assert (code, out) == (1, "") and err.startswith(f"flow: {said}\nhint: ")


def test_waiting_shows_how_it_ended() -> None:
    assert read_jobs(ask(flow_jobs.wait, Queue(FAILED), "2")[1].encode())[0].exit_code == 3
    assert read_jobs(ask(flow_jobs.wait, Queue(REST, TASK), "4_1")[1].encode())[0].id == "4_1"


def test_the_cluster_and_its_queue() -> None:
    code, out, _ = ask(flow_info.info, Queue(RUNNING, WAITING, FAILED, OVER))
    known = ClusterStatus.read(json.loads(out))
    assert code == 0 and known.name == "toy" and known.nodes == {"n1": 4, "n2": 4} and known.partitions == ("debug",)
    assert known.jobs == {"FAILED": 2, "PENDING": 1, "RUNNING": 1} and known.without_effect == ("TreeWidth", "Prolog")
