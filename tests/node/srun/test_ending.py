"""How a step ends, told by a clock of the test's: --time, a Ctrl-C, and what the job of an srun of its own is told."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field

import pytest

from flowbatch.node.srun.ending import Ending
from flowbatch.node.srun.tasks import Task, Tasks
from flowbatch.node.srun.telling import Telling
from flowbatch.node.srun.voice import Voice
from flowbatch.node.srun.wanted import Wanted


@dataclass(slots=True)
class Told(Tasks):
    """Tasks that only note the signals they get."""

    signals: list[int] = field(default_factory=list)

    def signal(self, number: int) -> None:
        self.signals.append(number)


def ending(wanted: Wanted | None = None, statuses: tuple[int | None, ...] = (None,)) -> tuple[Ending, Told]:
    tasks = Told()
    tasks.all.extend(Task(rank, "n1", status=status) for rank, status in enumerate(statuses))
    voice = Voice()
    return Ending(tasks, Telling(tasks, voice, "1.0", False), voice, wanted or Wanted(), "1.0", "n1", 30), tasks


def test_a_step_s_own_time_limit_asks_its_tasks_to_end_and_then_ends_them(monkeypatch, capfd):
    monkeypatch.setattr("time.monotonic", lambda: 220.0)
    one, tasks = ending(Wanted(limit_min=2))
    one.begin(100.0)
    one.tick(219.9)
    assert tasks.signals == []
    one.tick(220.0)
    assert tasks.signals == [signal.SIGCONT, signal.SIGTERM]
    said = capfd.readouterr().err
    assert said.startswith("slurmstepd: error: *** STEP 1.0 ON n1 CANCELLED AT ")
    assert said.endswith(" DUE TO TIME LIMIT ***\n")
    one.tick(249.9)
    assert len(tasks.signals) == 2
    one.tick(250.0)
    assert tasks.signals[2:] == [signal.SIGKILL] and capfd.readouterr().err == ""


def test_without_a_limit_it_may_go_on():
    one, tasks = ending()
    one.begin(0.0)
    one.tick(1e9)
    assert tasks.signals == []


@pytest.mark.parametrize(
    ("statuses", "status"), [((0, 200), (200, 0)), ((137,), (137, 0)), ((200, -9), (0, 9)), ((0,), (0, 0))]
)
def test_a_code_is_a_code_and_a_signal_counts_more(statuses, status):
    assert ending(statuses=statuses)[0].status == status


def test_the_second_ctrl_c_is_an_end_and_the_first_is_not():
    one, tasks = ending()
    one.heed(signal.SIGINT)
    assert (one.interrupted, tasks.signals) == (False, [])
    one.heed(signal.SIGINT)
    assert (one.interrupted, tasks.signals) == (True, [signal.SIGINT])
