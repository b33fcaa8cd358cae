"""The conversation with a node, over any byte stream: what is unanswered is said again, what is reported becomes facts."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Any

from flowbatch.backends.contract import Fact, Tell
from flowbatch.backends.supervised import supervised
from flowbatch.core.events import Ended, Launched, LaunchFailed, NodeLost, StepBegan, StepEnded
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import Step
from flowbatch.errors import FlowError
from flowbatch.protocol.launch import (
    BadLine,
    Key,
    LaunchMessage,
    Report,
    StepReport,
    line,
    parse,
    report_of,
    step_report_of,
)

RETRY_S = (0.05, 0.2, 1.0, 5.0)
"""How soon a node that went away is looked for again, the last for good."""

REMEMBERED = 10_000
"""So many forgotten placements are forgotten again if the node still speaks of them."""

CLOCKS_DIFFER_S = 5
"""A node's clock that differs by less is ours, and its greeting was on its way."""

log = logging.getLogger(__name__)

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Conversation:
    """What one controller and one node say to each other. `connect` makes a new connection; it may be called at any time.

    What was ordered and not answered yet is ordered again over each new connection: the node knows it by its key.
    Placements of other stores are left alone.
    """

    def __init__(
        self,
        store: str,
        connect: Callable[[], Awaitable[Connection]],
        called: Callable[[int], None] | None = None,
        leaves: Callable[[int | None], None] | None = None,
    ) -> None:
        """`called`: somebody on the node's machine calls a command, under this number. `leaves`: the machine goes away then by its
        own word, or stays (None)."""
        self._store = store
        self._called = called
        self._leaves = leaves
        self._connect = connect
        self._tell: Tell | None = None
        self._running: set[Key] = set()
        """Placements that run as far as is known: the node is asked about each of them."""
        self._launches: dict[Key, LaunchMessage] = {}
        self._stops: dict[Key, str] = {}
        self._leaving: dict[Key, int | None] = {}
        """When its machine goes away, as last said; None where that was taken back."""
        self._paused: dict[Key, bool] = {}
        """Who was told last to stop where it is, or to go on."""
        self._limits: dict[Key, int | None] = {}
        """When the time limit falls, of those whose limit was changed."""
        self._forgotten: dict[Key, None] = {}
        self._telling: dict[Key, asyncio.Task[None]] = {}
        self._ahead_s = 0
        """So far is the node's clock ahead of ours, as it said last."""
        self._greeted = False
        """Whether this connection has said anything: before, nothing is said to it that names an instant."""
        self._writer: asyncio.StreamWriter | None = None
        self._resumed = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None

    async def start(self, tell: Tell, running: Sequence[Key]) -> None:
        """The truth about `running` and about all that the node still holds has been told. A placement of `running` that
        the node does not know is lost. Raises FlowError or OSError if there is no node."""
        self.begin(tell, running, await self._connect())
        await self._resumed.wait()

    def begin(self, tell: Tell, running: Sequence[Key], connection: Connection | None = None) -> None:
        """As `start`, without waiting: the node may not be there yet, and is looked for until it is."""
        self._tell = tell
        self._running = set(running)
        self._listening = supervised(self._listen(connection), "the conversation with a node")

    async def launch(self, message: LaunchMessage) -> None:
        self._launches[message.key] = message
        await self._send(line("launch", message=message))

    async def stop(self, key: Key, why: str) -> None:
        self._stops[key] = why
        await self._send(line("stop", key=key, why=why))

    async def deliver(self, key: Key, signal: int, scope: str) -> None:
        await self._resumed.wait()
        await self._send(line("deliver", key=key, signal=signal, scope=scope))

    async def deliver_step(self, key: Key, number: int, signal: int, by: int) -> None:
        await self._resumed.wait()
        await self._send(line("step", key=key, number=number, signal=signal, by=by))

    async def pause(self, key: Key, paused: bool) -> None:
        self._paused[key] = paused
        await self._send(line("pause", key=key, paused=paused))

    async def limit(self, key: Key, ends_by: int | None) -> None:
        self._limits[key] = ends_by
        await self._send(line("limit", key=key, ends_by=ends_by))

    async def say(self, key: Key, text: str) -> None:
        await self._resumed.wait()
        await self._send(line("say", key=key, text=text))

    async def leave(self, key: Key, until: int) -> None:
        self._leaving[key] = until
        if self._greeted:
            await self._send(line("leave", key=key, until=until + self._ahead_s))

    async def stay(self, key: Key) -> None:
        self._leaving[key] = None
        if self._greeted:
            await self._send(line("stay", key=key))

    async def forget(self, key: Key) -> None:
        self._forgotten[key] = None
        self._limits.pop(key, None)
        if len(self._forgotten) > REMEMBERED:
            del self._forgotten[next(iter(self._forgotten))]
        await self._send(line("forget", key=key))

    async def close(self) -> None:
        tasks = [task for task in (self._listening, *self._telling.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, order: bytes) -> None:
        """Hands an order over; without a connection it waits for the next one with all others of its placement."""
        if self._writer is not None:
            self._writer.write(order)
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()

    async def _listen(self, connection: Connection | None) -> None:
        """Converses with the node, and with the next one when it goes away, until cancelled."""
        failures = 0
        while True:
            try:
                await self._converse(*(connection or await self._connect()))
                failures = 0
            except (OSError, FlowError, BadLine, KeyError, TypeError, ValueError) as error:
                log.warning("the node does not answer, or not in our words: %r", error)
            except Exception as fault:  # one line that we cannot bear does not end all hearing
                log.error("a fault in the conversation with a node", exc_info=fault)
            finally:
                self._writer, self._greeted, connection = None, False, None
            await asyncio.sleep(RETRY_S[min(failures, len(RETRY_S) - 1)])
            failures += 1

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Says all that is unanswered, then hears until the node hangs up."""
        resuming: asyncio.Task[None] | None = None
        try:
            writer.write(line("resume", keys=sorted(self._running, key=str)))
            for message in self._launches.values():
                writer.write(line("launch", message=message))
            for key, why in self._stops.items():
                writer.write(line("stop", key=key, why=why))
            for key, paused in self._paused.items():
                writer.write(line("pause", key=key, paused=paused))
            for key, ends_by in self._limits.items():
                writer.write(line("limit", key=key, ends_by=ends_by))
            self._writer = writer
            while text := await reader.readline():
                heard = parse(text)
                await self._hear(heard)
                if not self._greeted:
                    self._say_who_leaves(writer)
                if heard["op"] == "resumed":  # a homecoming may take long: what comes after is heard meanwhile
                    resuming = supervised(self._resume(), "resuming a conversation")
        finally:
            if resuming is not None:
                resuming.cancel()
            self._resumed.clear()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    def _say_who_leaves(self, writer: asyncio.StreamWriter) -> None:
        """By the node's clock, which is known now."""
        self._greeted = True
        for key, until in self._leaving.items():
            writer.write(
                line("stay", key=key) if until is None else line("leave", key=key, until=until + self._ahead_s)
            )

    async def _resume(self) -> None:
        """All that the node had to report so far has been told."""
        await asyncio.gather(*self._telling.values())
        self._resumed.set()

    async def _hear(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "node":
                log.info("the node says what it can do", extra={"fields": message})
                self._compare_clocks(float(message.get("now", time.time())))
            case "caller" if self._called is not None:
                self._called(int(message["number"]))
            case "leaves" if self._leaves is not None:
                until = message["until"]
                self._leaves(None if until is None else int(until) - self._ahead_s)
            case "report":
                await self._report(report_of(message["report"]))
            case "step":
                self._step(step_report_of(message["step"]))

    def _compare_clocks(self, theirs: float) -> None:
        ahead_s = round(theirs - time.time())
        self._ahead_s = ahead_s if abs(ahead_s) >= CLOCKS_DIFFER_S else 0
        if self._ahead_s:
            log.warning("the node's clock is %d s ahead of ours: its instants are translated", self._ahead_s)

    def _here(self, at: int) -> int:
        """An instant of the node's by our clock; nothing that is told lies ahead."""
        return min(at - self._ahead_s, int(time.time())) if self._ahead_s else at

    async def _report(self, report: Report) -> None:
        key = report.key
        if key.store != self._store:
            log.warning("the node holds %s of another store: left alone", key)
        elif key in self._forgotten:
            await self._send(line("forget", key=key))
        elif report.what == "absent" and key in self._launches:
            await self._send(line("launch", message=self._launches[key]))
        else:
            self._note(report)
            self._pass_on(key, fact_of(replace(report, at=self._here(report.at))))

    def _step(self, report: StepReport) -> None:
        """Told after all that came earlier of its placement; an end is heard once it is committed."""
        key = report.key
        if key.store != self._store or key in self._forgotten:
            return
        here = replace(report, at=self._here(report.at), began_at=self._here(report.began_at))
        heard = line("heard", key=key, number=report.number) if report.what == "ended" else None
        self._pass_on(key, step_fact_of(here), heard)

    def _note(self, report: Report) -> None:
        """What this report answers is not asked again."""
        self._launches.pop(report.key, None)
        if report.what == "launched":
            self._running.add(report.key)
        else:
            self._running.discard(report.key)
            self._stops.pop(report.key, None)
            self._leaving.pop(report.key, None)
            self._paused.pop(report.key, None)
            self._limits.pop(report.key, None)

    def _pass_on(self, key: Key, fact: Fact, answer: bytes | None = None) -> None:
        """Tells a fact, after the earlier ones of its placement, and answers the node; facts of different placements share a
        commit."""
        task = supervised(self._say(self._telling.get(key), fact, answer), f"telling of {key}")
        self._telling[key] = task
        task.add_done_callback(lambda done: self._telling.pop(key) if self._telling.get(key) is done else None)

    async def _say(self, earlier: asyncio.Task[None] | None, fact: Fact, answer: bytes | None) -> None:
        if earlier is not None:
            await earlier
        assert self._tell is not None
        await self._tell(fact)
        if answer is not None:
            await self._send(answer)


def fact_of(report: Report) -> Fact:
    """A node's report as the event it is to the queue."""
    at, job_id, restart = report.at, report.key.job_id, report.key.restart
    exit_status = ExitStatus(report.code, report.signal)
    match report.what:
        case "launched":
            return Launched(at, job_id, restart)
        case "failed":
            return LaunchFailed(at, job_id, restart, "JobLaunchFailure", exit_status)
        case "ended":
            return Ended(at, job_id, restart, exit_status, report.cause, report.notes)
        case _:
            return NodeLost(at, job_id, restart)


def step_fact_of(report: StepReport) -> Fact:
    """A node's report of a step as the event it is to the queue."""
    step = Step(
        number=report.number, name=report.name, nodes=report.nodes, tasks_on=report.tasks_on, cpus=report.cpus,
        began_at=report.began_at, gpus=report.gpus, memory_mib=report.memory_mib, command=report.command,
        limit_min=report.limit_min, layout=report.layout, srun=report.srun, components=report.components,
    )  # fmt: skip
    at, job_id, restart = report.at, report.key.job_id, report.key.restart
    if report.what == "began":
        return StepBegan(at, job_id, restart, step)
    over = replace(
        step, ended_at=report.at, exit=ExitStatus(report.code, report.signal), cancelled_by=report.cancelled_by,
        max_rss_kib=report.max_rss_kib, cpu_ms=report.cpu_ms, system_ms=report.system_ms,
    )  # fmt: skip
    return StepEnded(at, job_id, restart, over)
