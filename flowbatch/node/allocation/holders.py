"""Who holds the placements that have no script: one connection each, to the command that asked for it.

`hold` (job_id, patient) is answered by `held` (node, job: the variables of the job) or `refused`; later `revoked` (why) says that the job ends.
`release` (code, signal) ends it and is answered by `released`; with `cancel` it ends as if by scancel. A connection that
breaks without that word cancels it too, and so does a minute in which nobody comes: a daemon's successor waits for the commands anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flowbatch.node.allocation.held import HeldRun
from flowbatch.protocol.launch import Key, line
from flowbatch.slurm.environment import allocation_variables

WORDS = frozenset({"hold", "release"})
"""The messages of who holds."""

HOLD_WITHIN_S = 60.0
"""So long nobody may hold it: from its start until its command has come, and after a daemon's death."""

Place = tuple[HeldRun, str, Mapping[str, str]]
"""A placement that is held, its first node and the variables of its job."""


@dataclass(frozen=True, slots=True)
class _Hold:
    """`patient`: it ends by itself soon after it was told so, as srun does with its step."""

    run: HeldRun
    patient: bool


class Holders:
    """`place` finds a held placement by its job's number, while it runs."""

    def __init__(self, place: Callable[[int], Place | None]) -> None:
        self._place = place
        self._holds: dict[asyncio.StreamWriter, _Hold] = {}
        self._waits: dict[Key, asyncio.TimerHandle] = {}

    def began(self, run: HeldRun) -> None:
        """Somebody is expected to hold it."""
        loop = asyncio.get_running_loop()
        self._waits[run.started.key] = loop.call_later(HOLD_WITHIN_S, run.stop, "cancelled")

    def hear(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        """One message of who holds. Raises KeyError, TypeError or ValueError if it makes no sense."""
        if message["op"] == "hold":
            self._take(writer, int(message["job_id"]), patient=bool(message["patient"]))
            return
        hold = self._holds.pop(writer)
        if message.get("cancel"):
            hold.run.stop("cancelled")
        else:
            hold.run.release(int(message["code"]), int(message["signal"]))
        writer.write(line("released"))

    def closed(self, writer: asyncio.StreamWriter) -> None:
        """Nobody holds nodes for a command that is gone."""
        hold = self._holds.pop(writer, None)
        if hold is not None and not self._held(hold.run.started.key):
            hold.run.stop("cancelled")

    def revoked(self, key: Key, why: str) -> None:
        for writer, hold in self._holds.items():
            if hold.run.started.key == key:
                writer.write(line("revoked", why=why))

    def busy(self, key: Key) -> bool:
        """Whether one who holds it is about to end by himself."""
        return any(hold.patient for hold in self._held(key))

    def over(self, key: Key) -> None:
        """The placement is gone: whoever held it and has not heard so does now."""
        self._come(key)
        for writer in [writer for writer, hold in self._holds.items() if hold.run.started.key == key]:
            hold = self._holds.pop(writer)
            if hold.run.stopping is None:
                writer.write(line("revoked", why="ended"))

    def let_go(self) -> None:
        """Decides nothing any more: the next daemon does."""
        self._holds.clear()
        for wait in self._waits.values():
            wait.cancel()

    def _take(self, writer: asyncio.StreamWriter, job_id: int, *, patient: bool) -> None:
        place = self._place(job_id)
        if place is None:
            writer.write(line("refused"))
            return
        run, node, variables = place
        self._holds[writer] = _Hold(run, patient)
        self._come(run.started.key)
        writer.write(line("held", node=node, job=allocation_variables(variables, for_step=patient)))
        if run.stopping is not None:
            writer.write(line("revoked", why=run.stopping))

    def _come(self, key: Key) -> None:
        wait = self._waits.pop(key, None)
        if wait is not None:
            wait.cancel()

    def _held(self, key: Key) -> list[_Hold]:
        return [hold for hold in self._holds.values() if hold.run.started.key == key]
