"""The node daemon is killed with SIGKILL at every instant that matters: exit codes stay true, nothing runs twice or is lost."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from flowbatch.backends.local import LocalBackend
from flowbatch.core.events import Ended, LaunchFailed, NodeLost
from flowbatch.node.processes import here
from tests.node.jobs import STORE, key, message, until

DAEMON = """
import os, signal, sys
from pathlib import Path
from flowbatch.node.daemon import Daemon

where, count = sys.argv[2], int(sys.argv[3])

def failpoint(name):
    global count
    if name == where:
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)

Daemon(Path(sys.argv[1])).run(failpoint=failpoint)
"""
"""A daemon that kills itself when it comes to an instant for the n-th time."""


class Machine:
    """Starts node daemons one after another: the first ones die where the test says, all later ones live."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.work = directory / "work"
        self.work.mkdir()
        self.doomed: list[tuple[str, int]] = []
        self.daemons: list[subprocess.Popen[bytes]] = []

    async def ensure(self) -> None:
        if not self.daemons or self.daemons[-1].poll() is not None:
            where, count = self.doomed.pop(0) if self.doomed else ("never", 1)
            words = [sys.executable, "-I", "-c", DAEMON, str(self.directory / "node"), where, str(count)]
            with open(self.directory / "log", "ab") as log:
                self.daemons.append(subprocess.Popen(words, stderr=log))
        await asyncio.sleep(0.02)

    def kill(self) -> None:
        self.daemons[-1].kill()
        self.daemons[-1].wait()

    def runs(self) -> list[str]:
        path = self.work / "runs"
        return sorted(path.read_text().split()) if path.exists() else []

    def close(self) -> None:
        for daemon in self.daemons:
            daemon.kill()
            daemon.wait()


class Ends:
    """What was told at last of each job; `of` waits until each of them has ended."""

    def __init__(self) -> None:
        self.facts: dict[int, object] = {}
        self.told = asyncio.Event()

    async def tell(self, fact) -> None:
        if isinstance(fact, Ended | LaunchFailed | NodeLost):
            self.facts.setdefault(fact.job_id, fact)
            assert self.facts[fact.job_id] == fact, "two different ends"
            self.told.set()

    async def of(self, *jobs: int):
        while not self.facts.keys() >= set(jobs):
            self.told.clear()
            await asyncio.wait_for(self.told.wait(), 20)
        return [self.facts[job] for job in jobs]


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path)
    yield machine
    machine.close()


async def started(machine, ends, running=()):
    backend = LocalBackend(machine.directory / "node", STORE, machine.ensure)
    while True:
        try:
            await backend.start(ends.tell, running)
            return backend
        except OSError:
            await asyncio.sleep(0.02)


LAUNCHING = [
    "before Started", "after Started", "synced", "before gate", "after gate", "before Opened", "after Opened",
    "before Over", "after Over",
]  # fmt: skip


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("where", LAUNCHING)
def test_killed_while_jobs_start_and_end(machine, where, count):
    machine.doomed = [(where, count)]

    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        for number in (1, 2, 3):
            await backend.launch(message(machine.work, f"echo {number} >> runs; exit {number}", number))
        facts = await ends.of(1, 2, 3)
        assert [(type(fact), fact.exit.code) for fact in facts] == [(Ended, 1), (Ended, 2), (Ended, 3)]
        assert machine.runs() == ["1", "2", "3"]
        await backend.close()

    asyncio.run(scene())
    assert machine.daemons[0].poll() == -signal.SIGKILL


@pytest.mark.parametrize("where", ["before Stopping", "after Stopping", "before Marked", "after Marked"])
def test_killed_while_a_job_is_stopped(machine, where):
    machine.doomed = [(where, 1)]

    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        await backend.launch(message(machine.work, "echo 1 >> runs; touch ready; exec sleep 1000"))
        while not (machine.work / "ready").exists():
            await asyncio.sleep(0.01)
        await backend.stop(key(), "timeout")
        (end,) = await ends.of(1)
        assert (end.exit.signal, end.cause) == (15, "timeout")
        assert machine.runs() == ["1"]
        await backend.close()

    asyncio.run(scene())
    assert machine.daemons[0].poll() == -signal.SIGKILL


@pytest.mark.parametrize("where", ["before Forgotten", "after Forgotten"])
def test_killed_while_an_end_is_forgotten(machine, where):
    machine.doomed = [(where, 1)]

    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        await backend.launch(message(machine.work, "echo 1 >> runs"))
        await ends.of(1)
        await backend.forget(key())
        until(lambda: machine.daemons[0].poll() is not None)
        await backend.launch(message(machine.work, "echo 2 >> runs", 2))
        await ends.of(2)
        assert machine.runs() == ["1", "2"]
        await backend.close()

    asyncio.run(scene())


def test_killed_again_and_again_while_jobs_run(machine):
    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        jobs = range(1, 9)
        for number in jobs:
            script = f"echo {number} >> runs; until [ -e enough ]; do sleep 0.02; done; exit {number}"
            await backend.launch(message(machine.work, script, number))
            if number % 2:
                machine.kill()
        while len(machine.runs()) < len(jobs):
            await asyncio.sleep(0.01)
        machine.kill()
        (machine.work / "enough").touch()
        assert [fact.exit.code for fact in await ends.of(*jobs)] == list(jobs)
        assert machine.runs() == [str(number) for number in jobs]
        await backend.close()

    asyncio.run(scene())


def test_controller_and_node_both_killed_while_a_job_ends(machine):
    async def first():
        ends = Ends()
        backend = await started(machine, ends)
        await backend.launch(message(machine.work, "echo $$ >> runs; until [ -e enough ]; do sleep 0.02; done; exit 6"))
        while not machine.runs():
            await asyncio.sleep(0.01)
        await backend.close()

    async def second():
        ends = Ends()
        backend = await started(machine, ends, [key()])
        (end,) = await ends.of(1)
        assert end.exit.code == 6
        await backend.close()

    asyncio.run(first())
    machine.kill()
    (machine.work / "enough").touch()
    until(lambda: here().born(int(machine.runs()[0])) is None)
    asyncio.run(second())
    assert len(machine.runs()) == 1


@pytest.mark.parametrize("lost", [1, 10, 100])
def test_a_torn_tail_of_the_journal_runs_nothing_twice(machine, lost):
    """Power fails while the last record is written: the placements before it are still known."""

    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        await backend.launch(message(machine.work, "echo 1 >> runs; exit 3"))
        await ends.of(1)
        await backend.close()

    async def after():
        ends = Ends()
        backend = await started(machine, ends, [key()])
        (end,) = await ends.of(1)
        assert end.exit.code == 3
        await backend.launch(message(machine.work, "echo 1 >> runs; exit 3"))
        await backend.launch(message(machine.work, "echo 2 >> runs", 2))
        await ends.of(2)
        assert machine.runs() == ["1", "2"]
        await backend.close()

    asyncio.run(scene())
    machine.kill()
    journal = machine.directory / "node/journal"
    os.truncate(journal, journal.stat().st_size - lost)
    asyncio.run(after())


def test_a_lost_journal_runs_nothing_twice(machine):
    """The controller knows that the job was launched; the node knows nothing any more: the job is lost, not run again."""

    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        await backend.launch(message(machine.work, "echo 1 >> runs"))
        await ends.of(1)
        await backend.close()

    async def after():
        ends = Ends()
        backend = await started(machine, ends, [key()])
        assert isinstance((await ends.of(1))[0], NodeLost)
        await backend.close()

    asyncio.run(scene())
    machine.kill()
    (machine.directory / "node/journal").unlink()
    asyncio.run(after())
    assert machine.runs() == ["1"]


AT_THE_GATE = """
import asyncio, os, signal, sys
from pathlib import Path
from flowbatch.node.daemon import Daemon
from flowbatch.node.launch import Waiting

opens = Waiting.open
killed = []

def open_later(waiting):
    if not killed:
        killed.extend((waiting.wrapper.pid, waiting.script))
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        waiting.wrapper.wait()
        while Path(f"/proc/{waiting.script}/stat").exists() and " Z " not in Path(f"/proc/{waiting.script}/stat").read_text():
            continue
    opens(waiting)

Waiting.open = open_later
Daemon(Path(sys.argv[1])).run()
"""
"""A daemon whose first placement is killed, wrapper and script, when its gate is about to be opened."""


def test_wrapper_and_script_killed_at_the_gate(machine, monkeypatch):
    """Nothing of it ran: it is launched anew."""
    monkeypatch.setattr(sys.modules[__name__], "DAEMON", AT_THE_GATE)

    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        await backend.launch(message(machine.work, "echo 1 >> runs; exit 3"))
        (end,) = await ends.of(1)
        assert (type(end), end.exit.code) == (Ended, 3)
        assert machine.runs() == ["1"]
        await backend.close()

    asyncio.run(scene())


def test_a_placement_that_is_stopped_at_its_gate_leaves_nothing(machine):
    async def scene():
        ends = Ends()
        backend = await started(machine, ends)
        for number in range(1, 6):
            await backend.launch(message(machine.work, "sleep 1000", number))
            await backend.stop(key(number), "cancelled")
        await ends.of(*range(1, 6))
        for number in range(1, 6):
            await backend.forget(key(number))
        spool = machine.directory / "node/spool"
        deadline = asyncio.get_running_loop().time() + 20
        while list(spool.glob("*/*")):
            assert asyncio.get_running_loop().time() < deadline, list(spool.glob("*/*"))
            await asyncio.sleep(0.02)
        await backend.close()

    asyncio.run(scene())
