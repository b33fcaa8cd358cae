"""What every backend promises (`backends/contract.py`): each test runs against this machine and against the script."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import deque
from pathlib import Path

import pytest

from flowbatch.backends.local import LocalBackend
from flowbatch.backends.scripted import Exits, Fails, Runs, ScriptedBackend
from flowbatch.clock import SystemClock
from flowbatch.core.events import Ended, Launched, LaunchFailed, NodeLost
from flowbatch.core.states import ExitStatus
from flowbatch.node.processes import here
from flowbatch.node.start import start
from tests.node.jobs import STORE, key, message, until


class Local:
    """This machine: outcomes are real scripts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.work = directory / "work"
        self.work.mkdir()

    def backend(self) -> LocalBackend:
        async def ensure() -> None:
            await asyncio.to_thread(start, self.directory / "node")

        return LocalBackend(self.directory / "node", STORE, ensure)

    def exits(self, job_id: int, code: int):
        return message(self.work, f"echo {job_id} >> runs; exit {code}", job_id)

    def runs(self, job_id: int):
        return message(self.work, f"echo {job_id} >> runs; exec sleep 1000", job_id)

    def fails(self, job_id: int):
        return message(self.work, f"echo {job_id} >> runs", job_id, stdout="/no/such/file")

    def ran(self) -> list[int]:
        runs = self.work / "runs"
        return [int(word) for word in runs.read_text().split()] if runs.exists() else []

    def close(self) -> None:
        pid = int((self.directory / "node/node.pid").read_text())
        os.kill(pid, signal.SIGTERM)
        until(lambda: here().born(pid) is None)


class Scripted:
    """Outcomes written in advance; the machine is the backend itself."""

    def __init__(self, directory: Path) -> None:
        self.work = directory
        self.machine = ScriptedBackend(SystemClock())

    def backend(self) -> ScriptedBackend:
        return self.machine

    def exits(self, job_id: int, code: int):
        return self._written(job_id, Exits(code))

    def runs(self, job_id: int):
        return self._written(job_id, Runs())

    def fails(self, job_id: int):
        return self._written(job_id, Fails())

    def _written(self, job_id: int, outcome):
        self.machine.script[key(job_id)] = outcome
        return message(self.work, "", job_id)

    def ran(self) -> list[int]:
        return [m.key.job_id for m in self.machine.launched]

    def close(self) -> None:
        self.machine.script.clear()
        self.machine.calls()


class Told:
    """The facts that a backend told, in order; `next` waits for one more."""

    def __init__(self) -> None:
        self.facts: deque = deque()
        self._news = asyncio.Event()

    async def tell(self, fact) -> None:
        self.facts.append(fact)
        self._news.set()

    async def next(self, kind):
        while not self.facts:
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), 20)
        fact = self.facts.popleft()
        assert isinstance(fact, kind)
        return fact


@pytest.fixture(params=[Local, Scripted], ids=["local", "scripted"])
def play(request, tmp_path):
    """Runs a scene with a started backend; called again, it is the next controller at the same machine."""
    world = request.param(tmp_path)

    def played(scene, running=()):
        async def whole():
            backend, told = world.backend(), Told()
            await backend.start(told.tell, running)
            try:
                await asyncio.wait_for(scene(world, backend, told), 30)
            finally:
                await backend.close()

        asyncio.run(whole())

    yield played
    world.close()


def test_a_job_is_launched_and_ends_with_its_exit_code(play):
    async def scene(world, backend, told):
        await backend.launch(world.exits(7, 3))
        launched = await told.next(Launched)
        ended = await told.next(Ended)
        assert (launched.job_id, launched.restart) == (ended.job_id, ended.restart) == (7, 0)
        assert (ended.exit, ended.cause) == (ExitStatus(3), "exit")
        assert ended.at >= launched.at

    play(scene)


def test_a_launch_that_comes_twice_runs_once_and_is_told_again(play):
    async def scene(world, backend, told):
        job = world.exits(7, 0)
        await backend.launch(job)
        await told.next(Launched)
        await told.next(Ended)
        await backend.launch(job)
        await told.next(Launched)
        await told.next(Ended)
        assert world.ran() == [7]

    play(scene)


def test_a_job_that_cannot_start_fails_as_slurm_s_do(play):
    async def scene(world, backend, told):
        await backend.launch(world.fails(7))
        failed = await told.next(LaunchFailed)
        assert (failed.exit, failed.why) == (ExitStatus(0, 53), "JobLaunchFailure")
        assert not told.facts

    play(scene)


@pytest.mark.parametrize(("why", "cause"), [("cancelled", "killed"), ("requeue", "killed"), ("timeout", "timeout")])
def test_a_stopped_job_ends_and_says_why(play, why, cause):
    async def scene(world, backend, told):
        await backend.launch(world.runs(7))
        await told.next(Launched)
        await backend.stop(key(7), why)
        await backend.stop(key(7), why)
        ended = await told.next(Ended)
        assert (ended.exit, ended.cause) == (ExitStatus(0, 15), cause)

    play(scene)


def test_a_stop_before_the_launch_ends_the_job_unrun(play):
    async def scene(world, backend, told):
        await backend.stop(key(7), "cancelled")
        assert (await told.next(Ended)).cause == "killed"
        await backend.launch(world.exits(7, 0))
        await told.next(Ended)
        assert world.ran() == []

    play(scene)


def test_an_end_is_told_to_every_controller_until_it_is_forgotten(play):
    async def first(world, backend, told):
        await backend.launch(world.exits(7, 3))
        await told.next(Launched)
        await told.next(Ended)

    async def second(world, backend, told):
        await told.next(Launched)
        assert (await told.next(Ended)).exit == ExitStatus(3)
        await backend.forget(key(7))

    async def third(world, backend, told):
        assert not told.facts
        assert world.ran() == [7]

    play(first)
    play(second, [key(7)])
    play(third)


def test_a_job_goes_on_while_there_is_no_controller(play):
    async def first(world, backend, told):
        await backend.launch(world.runs(7))
        await told.next(Launched)

    async def second(world, backend, told):
        await told.next(Launched)
        assert not told.facts
        await backend.stop(key(7), "cancelled")
        await told.next(Ended)
        assert world.ran() == [7]

    play(first)
    play(second, [key(7)])


def test_a_placement_that_the_machine_does_not_know_is_lost(play):
    async def scene(world, backend, told):
        lost = await told.next(NodeLost)
        assert (lost.job_id, lost.restart) == (8, 2)

    play(scene, [key(8, 2)])


def test_what_is_forgotten_is_never_run_again(play):
    async def scene(world, backend, told):
        job = world.exits(7, 0)
        await backend.launch(job)
        await told.next(Launched)
        await told.next(Ended)
        await backend.forget(key(7))
        await backend.forget(key(7))
        await backend.launch(job)
        await asyncio.sleep(0)
        assert world.ran() == [7]

    play(scene)


def test_the_next_placement_of_a_job_is_another_one(play):
    async def scene(world, backend, told):
        await backend.launch(world.exits(7, 1))
        await told.next(Launched)
        await told.next(Ended)
        await backend.launch(world.exits(8, 2))
        assert (await told.next(Launched)).job_id == 8
        assert (await told.next(Ended)).exit == ExitStatus(2)

    play(scene)


def test_orders_about_unknown_placements_do_no_harm(play):
    async def scene(world, backend, told):
        await backend.forget(key(99))
        await backend.deliver(key(99), signal.SIGUSR1, "batch")
        await backend.launch(world.exits(7, 0))
        await told.next(Launched)
        await told.next(Ended)

    play(scene)
