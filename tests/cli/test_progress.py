"""The one moving line of a terminal, in words."""

from __future__ import annotations

from dataclasses import replace

from flowbatch.cli.progress import ending, line
from flowbatch.commands.flow_results import JobStatus

ONE = JobStatus(
    id="7", job_id=7, name="train", state="PENDING", reason="Resources", user="ann", partition="debug", submitted_at=100,
    started_at=None, ended_at=None, time_limit_min=10, nodes=(), cpus=None, exit_code=None, signal=None, restarts=0,
    work_dir="/w", command=None, stdout="/w/7.out", stderr="/w/7.out",
)  # fmt: skip
RUNNING = replace(ONE, state="RUNNING", reason=None, started_at=110, nodes=("n1", "n2"))
DONE = replace(RUNNING, state="COMPLETED", ended_at=125)


def test_what_goes_on() -> None:
    assert line((ONE,), 120.9) == "job 7 PENDING (Resources)"
    assert line((RUNNING,), 120.9) == "job 7 RUNNING on n1,n2 for 10 s"
    tasks = tuple(replace(job, id=f"7_{n}", job_id=n) for n, job in enumerate((DONE, RUNNING, RUNNING), 8))
    assert line(tasks, 0) == "job 7: 1 COMPLETED, 2 RUNNING"


def test_how_it_ended() -> None:
    assert ending((DONE,)) == "job 7 COMPLETED after 15 s; its output is in /w/7.out"
    assert ending((replace(ONE, state="CANCELLED", ended_at=120),)) == "job 7 CANCELLED"
    assert (
        ending((replace(DONE, id="7_1"), replace(DONE, id="7_2"))) == "job 7: 2 COMPLETED; `flow status 7` shows each"
    )
