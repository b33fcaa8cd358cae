"""The node itself: orders in, reports out. Every order may come twice, every placement runs at most once."""

from __future__ import annotations

import asyncio
import logging
import shutil
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.node import cgroups, looking, threads
from flowbatch.node.allocation.held import HeldRun
from flowbatch.node.allocation.holders import Holders
from flowbatch.node.book import Book, Forgotten, Opened, Over, Started, Unrun
from flowbatch.node.launch import CannotStart, Launcher, Waiting, in_own_thread, when_there_is_room
from flowbatch.node.leaving import Leaving
from flowbatch.node.processes import Processes, here
from flowbatch.node.run import Run
from flowbatch.node.stepbook import Stepbook
from flowbatch.node.steps import Place, Steps, place_of
from flowbatch.protocol.launch import Key, LaunchMessage, Report, StepReport
from flowbatch.protocol.seen import TaskSeen
from flowbatch.slurm.environment import allocation_variables

LAUNCHERS = 64
"""Launches that may wait for a disk at the same time; those that wait for a FIFO's other end have threads of their own."""

UNRUN_WITHIN_S = 5.0
"""A script whose gate this daemon's predecessor left shut is gone well before."""

SIGKILL, SIGTERM = 9, 15

log = logging.getLogger(__name__)


class Node:
    """One machine. `tell` and `tell_step` are called with each report as it becomes true; `reports` and `step_reports` give
    them again. `tell_leaving`: when the machine goes away by its own word, which `leaving.at` gives again."""

    def __init__(
        self,
        directory: Path,
        tell: Callable[[Report], None],
        *,
        tell_step: Callable[[StepReport], None] = lambda report: None,
        tell_leaving: Callable[[float | None], None] = lambda until: None,
        processes: Processes | None = None,
        now: Callable[[], float] = time.time,
        failpoint: Failpoint = nowhere,
    ) -> None:
        self._tell = tell
        self._now = now
        self._failpoint = failpoint
        self._processes = processes or here()
        self._launcher = Launcher(directory, self._processes, cgroups.Cgroups.find())
        self._threads = threads.pool(LAUNCHERS, "launch")
        self._book = Book(directory / "journal", failpoint)
        self._runs: dict[Key, Run] = {}
        self.stepbook = Stepbook(self._book, tell_step, self._processes, now)
        self.steps = Steps(self._place, self._processes, self.stepbook)
        self.holders = Holders(self._held_place)
        self._launching: dict[Key, str | None] = {}
        """Placements on their way to the gate, and why they are to be stopped there."""
        self.leaving = Leaving(tell_leaving)
        self._pauses: dict[Key, bool] = {}
        """Whether it is to stop where it is, for placements on their way to the gate."""
        self._limits: dict[Key, int | None] = {}
        """When its time limit falls instead of when its launch says, for placements on their way to the gate."""
        self._children: dict[Key, subprocess.Popen[bytes]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def facts(self) -> dict[str, Any]:
        """What this node can do."""
        return {"wrapper": self._launcher.wrapper.kind, "memory_enforced": self._launcher.cgroups is not None}

    @property
    def busy(self) -> bool:
        return bool(self._book.entries or self._launching)

    @property
    def phase(self) -> str:
        """`free` of placements, `busy` with one, or `over`: all have ended and none is forgotten yet."""
        if not self.busy:
            return "free"
        undone = any(entry.report is None for entry in self._book.entries.values())
        return "busy" if undone or self._launching else "over"

    async def adopt(self) -> None:
        """Takes over what earlier lives started: after this, every placement's report is the truth."""
        undone = [e.started for e in self._book.entries.values() if e.started is not None and e.report is None]
        unsure = [s for s in undone if not self._book.entries[s.key].opened]
        leaving = [asyncio.ensure_future(self._processes.gone(s.wrapper, s.wrapper_born)) for s in unsure]
        if leaving:
            _, staying = await asyncio.wait(leaving, timeout=UNRUN_WITHIN_S)
            for one in staying:
                one.cancel()
        for started in undone:
            if self._processes.born(started.wrapper) == started.wrapper_born:
                self._spawn(self._follow(started))
            else:
                await self._follow(started)
        self.stepbook.adopt()
        self._sweep()

    def launch(self, message: LaunchMessage) -> None:
        """The placement is started, unless it ever was."""
        key = message.key
        if key in self._launching:
            return
        if key in self._book.entries or key in self._book.forgotten:
            for report in self._reports_of(key):
                self._tell(report)
            return
        self._launching[key] = None
        self._spawn(self._launch(message))

    def stop(self, key: Key, why: str) -> None:
        """The placement ends; one that never came will never run."""
        if key in self._runs:
            self._runs[key].stop(why)
        elif key in self._launching:
            self._launching[key] = why
            self.leaving.stir()
        elif key in self._book.entries:
            for report in self._reports_of(key):
                self._tell(report)
        elif key not in self._book.forgotten:
            self._spawn(self._finish(self._never_ran(key)))

    def deliver(self, key: Key, number: int, scope: str) -> None:
        if key in self._runs:
            self._runs[key].deliver(number, scope)

    def pause(self, key: Key, paused: bool) -> None:
        """It stops where it is, or goes on; on its way to the gate it does so once it is open."""
        if key in self._runs:
            self._runs[key].pause(paused)
        elif key in self._launching:
            self._pauses[key] = paused

    def limit(self, key: Key, ends_by: int | None) -> None:
        """Its time limit falls then, or never; what it was paused comes on top."""
        if key in self._runs:
            self._runs[key].limit(ends_by)
        elif key in self._launching:
            self._limits[key] = ends_by

    def say(self, key: Key, words: str) -> None:
        if key in self._runs:
            self._runs[key].say(words)

    def leave(self, key: Key, until: float) -> None:
        """The machine goes away under this placement, whether it runs already or is on its way to the gate."""
        if key in self._runs:
            self._runs[key].leave(until)
        elif key in self._launching:
            self.leaving.note(key, until)

    def stay(self, key: Key) -> None:
        self.leaving.drop(key)
        if key in self._runs:
            self._runs[key].stay()

    def machine_leaves(self, until: float | None) -> None:
        """This machine's own word: it goes away at `until`, or stays (None), for all that runs or will run here. The controller
        hears it before any of them is signalled, and so before what they do then."""
        self.leaving.machine(until)
        for run in self._runs.values():
            if until is None:
                run.stay()
            else:
                run.leave(until)

    def forget(self, key: Key) -> None:
        """Nothing of an ended placement is left but its key."""
        entry = self._book.entries.get(key)
        if entry is None or entry.report is None:
            return
        self._book.note(Forgotten(key))
        if entry.started is not None:
            self._threads.submit(shutil.rmtree, entry.started.spool, ignore_errors=True)
            if entry.started.cgroup is not None:
                cgroups.remove(entry.started.cgroup)

    def reports(self, keys: Iterable[Key]) -> Iterator[Report]:
        """The truth about these placements, then about all others that are not forgotten."""
        asked = dict.fromkeys(keys)
        for key in (*asked, *(key for key in self._book.entries if key not in asked)):
            yield from self._reports_of(key)

    def step_reports(self, key: Key) -> Iterator[StepReport]:
        """The truth about the placement's steps; before its end is told, so that nobody takes them for over."""
        return self.stepbook.reports(key)

    def look(self, key: Key) -> list[TaskSeen]:
        """What runs of the placement now."""
        entry = self._book.entries.get(key)
        return [] if entry is None else looking.tasks(entry, self._processes)

    def step(self, key: Key, number: int, signal: int, by: int) -> None:
        """That signal to every task of one step; one that is killed so was cancelled by that user, as with 22.05."""
        if signal == SIGKILL:
            self.stepbook.cancelled(key, number, by)
        self.steps.signal(key, signal, number)

    def _place(self, job_id: int) -> Place | None:
        """What the job has here, while it runs."""
        found = max((key for key in self._runs if key.job_id == job_id), key=lambda key: key.restart, default=None)
        started = self._book.entries[found].started if found is not None else None
        place = (
            None
            if found is None or started is None
            else place_of(found, started.node, Path(started.spool), started.kill_wait_s)
        )
        if place is not None and started is not None and started.holds:
            place = replace(place, group=started.cgroup)
        if place is None or not self.holders.busy(place.key):
            return place
        return replace(place, variables=allocation_variables(place.variables, for_step=True))

    def _held_place(self, job_id: int) -> tuple[HeldRun, str, Mapping[str, str]] | None:
        """As `_place`, of a job that a command holds."""
        place = self._place(job_id)
        run = None if place is None else self._runs.get(place.key)
        if place is None or not isinstance(run, HeldRun) or run.started.holds != "client":
            return None
        return run, place.node, place.variables

    def close(self) -> None:
        """Lets go; what runs goes on, and the next life adopts it."""
        self.holders.let_go()
        self.steps.let_go()
        for task in self._tasks:
            task.cancel()
        self.stepbook.let_go()
        for child in self._children.values():
            child.returncode = 0  # it lives on without us
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._book.close()

    def _reports_of(self, key: Key) -> Iterator[Report]:
        entry = self._book.entries.get(key)
        if entry is not None:
            if entry.started is not None and (entry.opened or entry.report is not None):
                yield Report(key, "launched", entry.started.at)
            if entry.report is not None:
                yield entry.report
        elif key in self._book.forgotten:
            yield Report(key, "unknown", int(self._now()), why="its end was reported and forgotten")
        elif key not in self._launching:
            yield Report(key, "absent", int(self._now()))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _launch(self, message: LaunchMessage) -> None:
        key = message.key
        started = None
        try:
            waiting = await when_there_is_room(lambda: self._start(message))
            if waiting is None:
                await self._finish(self._never_ran(key))
            else:
                started = await self._open(message, waiting)
        except CannotStart as error:
            log.info("%s: %s", key, error.why)
            failed = Report(key, "failed", int(self._now()), code=error.code, signal=error.signal, why=error.why)
            await self._finish(failed)
        finally:
            del self._launching[key]
        if started is not None:
            await self._follow(started)

    async def _start(self, message: LaunchMessage) -> Waiting | None:
        """The script waits at its gate; only its own launch waits for its disks and FIFOs. None if it was stopped before. Raises CannotStart."""
        key = message.key
        await self.leaving.stays(key, lambda: self._launching[key] is not None)
        if self._launching[key] is not None:
            return None
        at_once = asyncio.get_running_loop().run_in_executor(self._threads, self._launcher.start_at_once, message)
        return await at_once or await in_own_thread(lambda: self._launcher.start(message))

    async def _open(self, message: LaunchMessage, waiting: Waiting) -> Started | None:
        """The journal has it, on disk; then its gate is opened. None if it was stopped before. Raises CannotStart."""
        key = message.key
        started = waiting.started(message, int(self._now()))
        try:
            self._book.write(started)
            await self._book.sync()
        except OSError as error:
            self._drop(waiting)
            raise CannotStart(f"cannot write the journal: {error}") from None
        if self._launching[key] is not None:
            self._drop(waiting)
            self._book.note(Unrun(key))
            await self._finish(self._never_ran(key))
            return None
        if self.leaving.until(key) is not None:
            self._drop(waiting)
            self._unrun(key)
            return None
        self._failpoint("before gate")
        try:
            waiting.open()
        except OSError:  # wrapper and script were killed at the gate
            waiting.drop()
            self._unrun(key)
            return None
        self._children[key] = waiting.wrapper
        self._failpoint("after gate")
        self._book.note(Opened(key))
        self._tell(Report(key, "launched", started.at))
        return started

    def _drop(self, waiting: Waiting) -> None:
        """It never runs, and nothing of it is left."""
        waiting.drop()
        self._threads.submit(shutil.rmtree, waiting.spool, ignore_errors=True)

    async def _follow(self, started: Started) -> None:
        """Until it is over and its end is in the journal."""
        key = started.key
        run = self._runs[key] = self._run_of(started)
        if self._pauses.pop(key, False):
            run.pause(True)
        if key in self._limits:
            run.limit(self._limits.pop(key))
        report = await run.live(self.leaving.until(key))
        del self._runs[key]
        self.holders.over(key)
        if key in self._children:
            self._children.pop(key).wait()
        if report is None:
            self._unrun(key)
        else:
            await self._finish(report)

    def _unrun(self, key: Key) -> None:
        """It may be launched anew."""
        self._book.note(Unrun(key))
        self._tell(Report(key, "absent", int(self._now())))

    def _run_of(self, started: Started) -> Run:
        """Its life, watched over from here on."""
        key = started.key

        def to_steps(number: int) -> bool:
            return self.steps.signal(key, number)

        if not started.holds:
            return Run(started, self._book, self._processes, self._now, to_steps)
        held = HeldRun(
            started, self._book, self._processes, self._now, to_steps,
            lambda: bool(self.stepbook.running(key)) or self.holders.busy(key), lambda why: self.holders.revoked(key, why),
        )  # fmt: skip
        if started.holds == "client":
            self.holders.began(held)
        return held

    async def _finish(self, report: Report) -> None:
        """The end is in the journal and told, that of its steps before. On a full disk it is told all the same: the wrapper's
        file has it too."""
        self.leaving.drop(report.key)
        self._pauses.pop(report.key, None)
        self._limits.pop(report.key, None)
        self.steps.over(report.key)
        self.stepbook.close(report.key)
        self._book.note(Over(report.key, report))
        try:
            await self._book.sync()
        except OSError as error:
            log.error("%s: its end may not survive this machine: %s", report.key, error)
        self._tell(report)

    def _never_ran(self, key: Key) -> Report:
        return Report(key, "ended", int(self._now()), signal=SIGTERM, cause="killed", why="stopped before it ran")

    def _sweep(self) -> None:
        """Spool directories that no placement of the journal owns are gone."""
        owned = {entry.started.spool for entry in self._book.entries.values() if entry.started is not None}
        for spool in self._launcher.spool.glob("*/*"):
            if str(spool) not in owned:
                shutil.rmtree(spool, ignore_errors=True)
