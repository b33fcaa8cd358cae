"""The life of one script, from its open gate to its end: limits, signals, the closing line, the exit status."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace

from flowbatch.node import cgroups, files, modules
from flowbatch.node.book import Book, Entry, Leaving, Limited, Marked, Paused, Started, Staying, Stopping
from flowbatch.node.processes import Processes, signal_all
from flowbatch.protocol.launch import Cause, Report

REASONS = {
    "cancelled": "",
    "timeout": " DUE TO TIME LIMIT",
    "deadline": " DUE TO TIME LIMIT",
    "requeue": " DUE TO JOB REQUEUE",
    "node": " DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS",
    "preempted": " DUE TO PREEMPTION",
}
"""What slurmstepd's closing line adds, by why the job is stopped."""

AGAIN_S = 1.0
"""So soon what could not be done is tried again."""

CAUSES: dict[str, Cause] = {"timeout": "timeout", "preempted": "preempted"}
"""What the end of a stopped job is put down to; to our kill, where nothing else is said."""

ANSWER_S = {"requeue": 0.1, "cancelled": 0.1}
"""A job may ask for its own end: the scontrol or scancel inside it gets its answer before the signal comes."""

FREEZES_S = (0.0, 0.1, 0.5)
"""A process may be born while its parent is stopped: so the family is stopped again."""

OUT_OF_MEMORY = (
    "slurmstepd: error: Detected {count} oom-kill event(s) in StepId={job}.batch. "
    "Some of your processes may have been killed by the cgroup out-of-memory handler.\n"
)


class Run:
    """One running script. Its limits are counted by a clock that does not jump; the wall clock is asked when it begins."""

    def __init__(
        self, started: Started, book: Book, processes: Processes, now: Callable[[], float],
        to_steps: Callable[[int], bool] = lambda number: False,
    ) -> None:  # fmt: skip
        self.started = started
        self._to_steps = to_steps
        self._book = book
        self._processes = processes
        self._now = now
        self._timers: list[asyncio.TimerHandle] = []
        self._leave: asyncio.TimerHandle | None = None

    async def live(self, leaves_at: float | None = None) -> Report | None:
        """Returns when all its processes are gone, with how it ended; None if its gate never opened. `leaves_at`: as `leave`."""
        self._disarm()
        self._arm()
        if leaves_at is not None:
            self.leave(leaves_at)
        try:
            await self._processes.gone(self.started.wrapper, self.started.wrapper_born)
        finally:
            self._call_off()
            self._disarm()
        return self._end(await self._outcome())

    def stop(self, why: str) -> None:
        """It is told to end, once: the closing line, SIGCONT and SIGTERM, KillWait, SIGKILL."""
        if self._entry.stopping is None and self._entry.report is None:
            self._book.note(Stopping(self.started.key, why, self._now()))
            self._terminate()

    def leave(self, until: float) -> None:
        """The machine goes away then: `--signal` at once, and it is stopped so early that KillWait ends before the reserve.

        Of a notice too short for that, half is the job's, a quarter KillWait's and a quarter the reserve's.
        """
        entry = self._entry
        if entry.stopping is not None or entry.report is not None:
            return
        if entry.leaving is None or entry.leaving.until != until:
            self._book.note(Leaving(self.started.key, until))
        self._call_off()
        needed = self.started.leave_reserve_s + self.started.kill_wait_s
        self._leave = self._timer(until - min(needed, (until - self._now()) / 2), self._stop_to_leave)
        if entry.leaving is None and self.started.signal is not None:
            self._signal(self.started.signal)

    def stay(self) -> None:
        """The machine does not go away: what was not done yet is not done."""
        if self._entry.leaving is not None:
            self._book.note(Staying(self.started.key))
            self._call_off()

    def pause(self, paused: bool) -> None:
        """All its processes stop where they are, or go on; its time limit stands still meanwhile."""
        entry = self._entry
        if entry.stopping is not None or entry.report is not None:
            return
        known, now = entry.paused or Paused(self.started.key, None), self._now()
        if paused and known.at is None:
            self._book.note(replace(known, at=now))
        elif not paused and known.at is not None:
            self._book.note(replace(known, at=None, before_s=known.before_s + now - known.at))
        self._disarm()
        self._arm()

    def limit(self, ends_by: int | None) -> None:
        """Its time limit falls then, or never, instead of when it did."""
        entry = self._entry
        if entry.stopping is None and entry.report is None and self.started.ends_by != ends_by:
            self._book.note(Limited(self.started.key, ends_by))
            self.started = replace(self.started, ends_by=ends_by)
            self._disarm()
            self._arm()

    def say(self, words: str) -> None:
        """A line of slurmstepd's in the script's stderr."""
        files.say(self.started.stderr, f"slurmstepd: error: {words}\n")

    def deliver(self, number: int, scope: str) -> None:
        """One signal: to the batch shell alone, to the job's steps, or to both, with all of the shell's process group (`full`)."""
        if scope != "batch":
            self._to_steps(number)
        if scope == "steps":
            return
        if number in (signal.SIGTERM, signal.SIGKILL):
            self._close("cancelled")
        self._to_script(number, scope)

    @property
    def _entry(self) -> Entry:
        return self._book.entries[self.started.key]

    def _arm(self) -> None:
        """Sets the timers; after a restart of the node, those that are still to come."""
        entry = self._entry
        if entry.stopping is not None:
            self._terminate()
        elif entry.paused is not None and entry.paused.at is not None:
            for after_s in FREEZES_S:
                self._at(self._now() + after_s, self._freeze)
        else:
            if entry.paused is not None:
                self._thaw()
            self._limit(0.0 if entry.paused is None else entry.paused.before_s)
        if entry.leaving is not None:
            self.leave(entry.leaving.until)

    def _limit(self, later_s: float) -> None:
        """The time limit falls so much later than was said at its start."""
        started = self.started
        if started.ends_by is not None:
            self._at(started.ends_by + later_s + started.over_time_s, lambda: self.stop("timeout"))
            if started.signal is not None and not self._entry.warned:
                self._at(started.ends_by + later_s - started.signal_lead_s, self._warn)

    def _freeze(self) -> None:
        signal_all(self._family(), signal.SIGSTOP)

    def _thaw(self) -> None:
        signal_all(self._family(), signal.SIGCONT)

    def _disarm(self) -> None:
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def _at(self, instant: float, action: Callable[[], None]) -> None:
        self._timers.append(self._timer(instant, action))

    def _timer(self, instant: float, action: Callable[[], None]) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(max(0.0, instant - self._now()), action)

    def _call_off(self) -> None:
        if self._leave is not None:
            self._leave.cancel()
            self._leave = None

    def _stop_to_leave(self) -> None:
        self.stop("preempted")

    def _warn(self) -> None:
        """`--signal`: once, before the time limit; not if it was sent because the machine leaves."""
        if self._entry.leaving is None:
            self._book.note(Marked(self.started.key, "warning"))
            assert self.started.signal is not None
            self._signal(self.started.signal)

    def _signal(self, number: int) -> None:
        self.deliver(number, "batch" if self.started.signal_batch_only else "steps")

    def _to_script(self, number: int, scope: str) -> None:
        try:
            pids = self._script() if scope == "batch" else self._family()
        except OSError:  # as when it is asked to end; no change of limits calls this off
            self._timer(self._now() + AGAIN_S, lambda: self._to_script(number, scope))
            return
        signal_all((pid for pid in pids if scope == "batch" or _group(pid) == self.started.script), number)

    def _family(self) -> list[int]:
        """The script and all it started; nobody once the wrapper is gone, for its pid may be another's. The script is the first:
        it ends by a signal of its own, not by the word of a child that had it before."""
        started = self.started
        if self._processes.born(started.wrapper) != started.wrapper_born:
            return []
        return list(dict.fromkeys((*self._script(), *self._processes.family(started.wrapper))))

    def _script(self) -> list[int]:
        """The batch shell, while it is there."""
        alive = self._processes.born(self.started.script) == self.started.script_born
        return [self.started.script] if alive else []

    def _terminate(self) -> None:
        stopping = self._entry.stopping
        assert stopping is not None
        ends_at = stopping.at + ANSWER_S.get(stopping.why, 0)
        wait = float(self.started.kill_wait_s)
        if self._entry.leaving is not None:
            wait = min(wait, (self._entry.leaving.until - ends_at) / 2)
        self._at(ends_at, self._ask_to_end)
        self._at(ends_at + wait, self._kill)

    def _ask_to_end(self) -> None:
        assert self._entry.stopping is not None
        self._close(self._entry.stopping.why)
        try:
            family = self._family()
        except OSError:  # nobody can be found while no descriptor is left
            self._at(self._now() + AGAIN_S, self._ask_to_end)
            return
        signal_all(family, signal.SIGCONT)
        signal_all(family, signal.SIGTERM)

    def _kill(self) -> None:
        """The wrapper ends what is left once its script is gone."""
        try:
            signal_all(self._family(), signal.SIGKILL)
        except OSError:
            self._at(self._now() + AGAIN_S, self._kill)

    def _close(self, why: str) -> None:
        """The closing line is in the script's stderr, once."""
        if self._entry.closing:
            return
        self._book.note(Marked(self.started.key, "closing"))
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(self._now()))
        where = f"JOB {self.started.key.job_id} ON {self.started.node}"
        files.say(self.started.stderr, f"slurmstepd: error: *** {where} CANCELLED AT {at}{REASONS.get(why, '')} ***\n")

    async def _outcome(self) -> files.Outcome | None:
        """What the wrapper left; waited for while no descriptor is left to read it by."""
        while True:
            try:
                return files.outcome(self.started.spool)
            except OSError:
                await asyncio.sleep(AGAIN_S)

    def _end(self, outcome: files.Outcome | None) -> Report | None:
        key = self.started.key
        if outcome is None:
            self._kill_orphans()
            return Report(key, "unknown", int(self._now()), why="the wrapper of its script ended without a word")
        if not outcome.ran:
            return None
        return Report(
            key,
            "ended",
            outcome.at,
            code=outcome.wait_status >> 8,
            signal=outcome.wait_status & 0x7F,
            cause=self._cause(),
            notes=tuple(
                f"module {name}: not mapped here, nothing was loaded" for name in modules.unmapped(self.started.spool)
            ),
        )

    def _cause(self) -> Cause:
        """Why it ended, as far as the node knows."""
        stopping, group = self._entry.stopping, self.started.cgroup
        kills = cgroups.oom_kills(group) if group is not None else 0
        if kills:
            files.say(self.started.stderr, OUT_OF_MEMORY.format(count=kills, job=self.started.key.job_id))
            return "oom"
        if stopping is None:
            return "exit"
        return CAUSES.get(stopping.why, "killed")

    def _kill_orphans(self) -> None:
        """Somebody killed the wrapper: its script must not go on without one."""
        for script in self._script():
            signal_all((*self._processes.family(script), script), signal.SIGKILL)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None
