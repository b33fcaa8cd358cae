"""The one moving line of a terminal, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowbatch.cli.progress import ending, line, watch
from flowbatch.commands.flow.flow_results import JobStatus, MarketStatus

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


def test_a_job_on_the_market_says_what_it_waits_for_and_what_it_cost() -> None:
    outbid = MarketStatus("outbid: cap $1.50, price $1.82 in us-a", 0, 0, False, None, ())
    assert line((replace(ONE, market=outbid),), 0) == "job 7 PENDING: outbid: cap $1.50, price $1.82 in us-a"
    paid = replace(DONE, market=replace(outbid, says="cost $0.52"))
    assert ending((paid,)) == "job 7 COMPLETED after 15 s, cost $0.52; its output is in /w/7.out"


def test_an_interrupted_wait_says_what_goes_on(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Handle:
        id, cluster = "7", "sandbox"

        def wait_all(self, timeout: float | None = None) -> None:
            raise KeyboardInterrupt

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with pytest.raises(KeyboardInterrupt):
        watch(Handle())  # type: ignore[arg-type]  # a handle as far as it goes
    assert "job 7 goes on: `flow status -M sandbox 7`, `flow cancel -M sandbox 7`" in capsys.readouterr().err
