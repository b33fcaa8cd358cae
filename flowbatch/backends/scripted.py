"""A machine whose outcomes are written in advance: for tests of everything above it, held to the same contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flowbatch.backends.contract import Fact, Tell
from flowbatch.clock import Clock
from flowbatch.core.events import Ended, Launched, LaunchFailed, NodeLost
from flowbatch.core.states import ExitStatus
from flowbatch.protocol.launch import Cause, Key, LaunchMessage

NOT_OPENED = ExitStatus(0, 53)
"""Slurm's exit status of a job whose output file cannot be opened."""


@dataclass(frozen=True, slots=True)
class Runs:
    """It starts, and runs until it is stopped or `ScriptedBackend.end` ends it."""


@dataclass(frozen=True, slots=True)
class Exits:
    """It starts and ends at once."""

    code: int = 0
    signal: int = 0


@dataclass(frozen=True, slots=True)
class Fails:
    """It cannot be started."""

    why: str = "JobLaunchFailure"
    exit: ExitStatus = NOT_OPENED


@dataclass(frozen=True, slots=True)
class Vanishes:
    """It starts, and its end will never be known."""


Outcome = Runs | Exits | Fails | Vanishes
Call = tuple[str | int | Key, ...]
"""An order as it came: `("stop", key, why)`, `("deliver", key, signal, scope)`, `("pause", key, paused)`, `("limit", key, ends_by)` (-1: never),
`("say", key, text)`, `("forget", key)`."""


@dataclass(slots=True)
class _Placement:
    """What has become of one launch; `over` once it ended. All of it is told again until it is forgotten."""

    launched: Launched | None = None
    over: Fact | None = None

    def facts(self) -> list[Fact]:
        return [fact for fact in (self.launched, self.over) if fact is not None]


@dataclass
class ScriptedBackend:
    """Plays `script`: the outcome of each placement that will be launched. `check` fails on anything left over."""

    clock: Clock
    script: dict[Key, Outcome] = field(default_factory=dict)
    launched: list[LaunchMessage] = field(default_factory=list)
    """Every launch that was carried out, in order; a repeated one is not."""
    _calls: list[Call] = field(default_factory=list)
    _placements: dict[Key, _Placement] = field(default_factory=dict)
    _forgotten: set[Key] = field(default_factory=set)
    _tell: Tell | None = None

    async def start(self, tell: Tell, running: Sequence[Key]) -> None:
        self._tell = tell
        for key in dict.fromkeys((*running, *self._placements)):
            lost = _Placement(over=NodeLost(self.clock.now(), key.job_id, key.restart))
            await self._say(*self._placements.get(key, lost).facts())

    async def launch(self, message: LaunchMessage) -> None:
        key = message.key
        if key in self._forgotten:
            await self._say(NodeLost(self.clock.now(), key.job_id, key.restart))
        elif key in self._placements:
            await self._say(*self._placements[key].facts())
        else:
            assert key in self.script, f"no outcome is written for {key}"
            self.launched.append(message)
            self._placements[key] = self._play(key, self.script.pop(key))
            await self._say(*self._placements[key].facts())

    async def stop(self, key: Key, why: str) -> None:
        self._calls.append(("stop", key, why))
        if key not in self._forgotten:
            await self.end(key, signal=15, cause="timeout" if why == "timeout" else "killed")

    async def deliver(self, key: Key, signal: int, scope: str) -> None:
        self._calls.append(("deliver", key, signal, scope))

    async def deliver_step(self, key: Key, number: int, signal: int, by: int) -> None:
        self._calls.append(("deliver_step", key, number, signal, by))

    async def pause(self, key: Key, paused: bool) -> None:
        self._calls.append(("pause", key, int(paused)))

    async def limit(self, key: Key, ends_by: int | None) -> None:
        self._calls.append(("limit", key, -1 if ends_by is None else ends_by))

    async def say(self, key: Key, text: str) -> None:
        self._calls.append(("say", key, text))

    async def forget(self, key: Key) -> None:
        self._calls.append(("forget", key))
        placement = self._placements.get(key)
        if placement is not None and placement.over is not None:
            del self._placements[key]
            self._forgotten.add(key)

    async def close(self) -> None:
        self._tell = None

    async def end(self, key: Key, code: int = 0, signal: int = 0, cause: Cause = "exit") -> None:
        """The placement ends so, if it has not ended yet; one that was never launched will not run."""
        placement = self._placements.setdefault(key, _Placement())
        if placement.over is None:
            placement.over = Ended(self.clock.now(), key.job_id, key.restart, ExitStatus(code, signal), cause)
        await self._say(placement.over)

    def calls(self) -> list[Call]:
        """The orders besides launches since the last look."""
        calls, self._calls = self._calls, []
        return calls

    def check(self) -> None:
        """Raises AssertionError if an outcome was not played or an order was not looked at."""
        assert not self.script, f"outcomes left over: {self.script}"
        assert not self._calls, f"calls left over: {self._calls}"

    def _play(self, key: Key, outcome: Outcome) -> _Placement:
        at, job_id, restart = self.clock.now(), key.job_id, key.restart
        began = Launched(at, job_id, restart)
        match outcome:
            case Runs():
                return _Placement(began)
            case Exits(code, signal):
                return _Placement(began, Ended(at, job_id, restart, ExitStatus(code, signal)))
            case Fails(why, exit_status):
                return _Placement(over=LaunchFailed(at, job_id, restart, why, exit_status))
            case Vanishes():
                return _Placement(began, NodeLost(at, job_id, restart))

    async def _say(self, *facts: Fact) -> None:
        for fact in facts:
            if self._tell is not None:
                await self._tell(fact)
