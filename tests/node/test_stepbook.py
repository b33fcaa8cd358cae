"""Steps in the node's journal: begun, ended, told until heard; numbers are never given out twice."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from flowbatch.node.book import Book, Opened, Started
from flowbatch.node.dealing import Distribution
from flowbatch.node.granting import Demand, Part, Share
from flowbatch.node.processes import here
from flowbatch.node.stepbook import Spent, Stepbook
from flowbatch.node.steps import Place, Steps
from flowbatch.protocol.launch import StepReport, line, parse, step_report_of
from tests.node.jobs import key, until

NOW = 1000


@pytest.fixture
def life(tmp_path):
    """Opens the journal again, as a further life of the node would; what it tells is in `told`."""
    lives = []

    def open_again():
        for book, _ in lives:
            book.close()
        told = []
        book = Book(tmp_path / "journal")
        lives.append((book, told))
        return Stepbook(book, told.append, here(), lambda: NOW), book, told

    yield open_again
    lives[-1][0].close()


def placement(book: Book, script: int | None = None) -> None:
    """A placement whose script is this process, or that one."""
    born = here().born(os.getpid()) or ""
    pid = os.getpid() if script is None else script
    book.write(Started(key(), "n1", "/spool", "/err", NOW, pid, born, pid, born, 30))
    book.write(Opened(key()))


def begun(number: int = 0, srun: int = 0) -> StepReport:
    return StepReport(
        key(), number, "began", NOW - 5, NOW - 5, "name", ("n1", "n2"), (2, 1), 3, 1, 7, "name -x", srun=srun
    )


def over(report: StepReport, **how: int) -> StepReport:
    return replace(report, what="ended", at=NOW, **how)


def test_what_happens_is_told_and_told_again_until_it_is_heard(life):
    steps, book, told = life()
    placement(book)
    assert steps.next_number(key()) == 0
    steps.began(begun(0))
    steps.began(begun(1))
    assert steps.next_number(key()) == 2 and told == [begun(0), begun(1)]
    steps.ended(key(), 0, Spent(3, 0, 9, 8, 7))
    steps.ended(key(), 0, Spent())
    ended = over(begun(0), code=3, max_rss_kib=9, cpu_ms=8, system_ms=7)
    assert told[2:] == [ended]
    steps, _, _ = life()
    assert [*steps.reports(key())] == [ended, begun(1)] and steps.running(key()) == [begun(1)]
    steps.heard(key(), 1)  # it has not ended: there was nothing to hear
    steps.heard(key(), 0)
    steps, _, _ = life()
    assert [*steps.reports(key())] == [begun(1)] and steps.next_number(key()) == 2


def test_a_journal_written_anew_gives_no_number_out_twice(life):
    steps, book, _ = life()
    placement(book)
    for number in range(3):
        steps.began(begun(number))
        steps.ended(key(), number, Spent())
        steps.heard(key(), number)
    records = list(book.records())
    assert sum(record["record"] == "Stepped" for record in records) == 0
    steps, _, _ = life()
    assert steps.next_number(key()) == 3


def test_who_has_cancelled_a_step_is_told_with_its_end(life):
    steps, book, told = life()
    placement(book)
    steps.began(begun())
    steps.cancelled(key(), 0, 1000)
    steps.ended(key(), 0, Spent(signal=9))
    assert told[-1] == over(begun(), signal=9, cancelled_by=1000)


def test_a_lost_srun_was_killed_and_the_steps_of_a_placement_that_is_over_ended_with_it(life):
    steps, book, told = life()
    placement(book)
    for number in range(3):
        steps.began(begun(number))
    steps.lost(key(), 0)
    steps.close(key())
    assert [(step.number, step.signal) for step in told[3:]] == [(0, 9), (1, 15), (2, 15)]
    steps.close(key())
    assert len(told) == 6


def test_a_srun_that_is_lost_because_its_script_ended_was_not_killed(life):
    steps, book, told = life()
    placement(book, script=2**22 + 1)
    steps.began(begun())
    steps.lost(key(), 0)
    assert told[-1] == over(begun(), signal=15)


def test_the_next_life_tells_of_steps_whose_srun_is_gone(life):
    steps, book, _ = life()
    placement(book)
    srun = subprocess.Popen(["sleep", "100"])
    until(lambda: here().born(srun.pid) is not None)
    steps.began(begun(0, srun.pid))
    steps.began(begun(1))

    async def next_life():
        steps, _, told = life()
        steps.adopt()
        while not told:
            await asyncio.sleep(0.01)
        assert told == [over(begun(1), signal=9)]
        srun.kill()
        srun.wait()
        while len(told) < 2:
            await asyncio.sleep(0.01)
        assert told[1] == over(begun(0, srun.pid), signal=9)
        steps.let_go()

    asyncio.run(asyncio.wait_for(next_life(), 20))


def test_a_report_of_a_later_version_is_read_as_far_as_it_is_known():
    said = parse(line("step", step=begun()))["step"]
    assert step_report_of({**said, "colour": "green"}) == begun()


NOBODY = 1 << 30
"""A process number that no process has."""


class Asked:
    """An srun's connection, as far as the node writes to it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.notes: list[str] = []

    def write(self, data: bytes) -> None:
        message = parse(data)
        self.said.append(message["op"])
        self.notes += message.get("notes", ())


def asks(steps: Stepbook, group: Path | None = None) -> tuple[Steps, Asked]:
    """A whole step of a job with four CPUs is asked for, by a process that is not there."""
    place = Place(key(), "n1", {}, (Share("n1", 4),), Path("spool"), group=str(group) if group else None)
    grants, srun = Steps(lambda job_id: place, here(), steps), Asked()
    demand = Demand(1, 1, Distribution("cyclic", "cyclic"), among=("n1",))
    grants.hear(srun, parse(line("step", job_id=1, demands=[demand], pid=NOBODY)))
    return grants, srun


def test_a_step_of_an_earlier_life_has_its_cpus_until_it_ends(life):
    steps, book, _ = life()
    placement(book)
    _, first = asks(steps)
    assert first.said == ["granted"] and [part.cpus for part in steps.parts(key())] == [4]
    steps, _, _ = life()
    _, second = asks(steps)
    assert second.said == ["busy"]
    steps.ended(key(), 0, Spent())
    assert second.said == ["busy", "granted"]


def test_a_step_outlives_the_daemon_that_granted_it(life):
    steps, book, _ = life()
    placement(book)
    grants, srun = asks(steps)
    grants.let_go()
    grants.closed(srun)
    assert [report.what for report in steps.reports(key())] == ["began"]


def test_who_waits_for_a_step_of_a_placement_that_ends_waits_in_vain(life):
    steps, book, _ = life()
    placement(book)
    steps.began(begun(0), (Part("n1", (0,), 4, 4),))
    grants, srun = asks(steps)
    grants.over(key())
    steps.close(key())
    assert srun.said == ["busy", "refused"]


def test_a_srun_from_outside_joins_the_memory_group_of_its_job_or_is_told_so(life, tmp_path):
    group = tmp_path / "group"
    group.mkdir()
    steps, book, _ = life()
    placement(book)
    _, srun = asks(steps, group)
    assert (group / "cgroup.procs").read_text() == str(NOBODY) and srun.notes == []
    steps.ended(key(), 0, Spent())
    _, srun = asks(steps, tmp_path / "nowhere")
    assert srun.said == ["granted"] and "the memory limit of the job does not hold for this step" in srun.notes[0]
