"""The steps of the jobs that run here: which step may use how many CPUs, and that its tasks end with their srun.

A step holds what it was granted for as long as its srun's connection lasts; srun's words are in `srun/grant.py`. Without
--exact a step takes all CPUs of its job, with --overlap it takes none from others: srun(1) of 22.05.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowbatch import text
from flowbatch.node.processes import Processes, signal_all
from flowbatch.node.stepbook import Spent, Stepbook
from flowbatch.protocol.launch import Key, StepReport, key_of, line
from flowbatch.slurm.environment import GPU_VARIABLES

STEP_WORDS = frozenset({"job", "step", "tasks", "done"})
"""The messages of an srun."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a running job has on this machine, by its batch script's own variables."""

    key: Key
    node: str
    variables: Mapping[str, str]

    @property
    def cpus(self) -> int:
        return int(self.variables.get("SLURM_CPUS_ON_NODE", "1"))

    @property
    def gpus(self) -> list[int]:
        words = self.variables.get("SLURM_JOB_GPUS", "").split(",")
        return [int(word) for word in words if word.isdecimal()]


@dataclass(slots=True)
class _Step:
    """One srun. `cpus` is 0 for a step that shares; `born` tells its tasks from later processes with their pids.

    `gpu_count` is None for a step that named no number: it sees all GPUs of its job. `gpus`: those that it got.
    """

    writer: asyncio.StreamWriter
    place: Place
    cpus: int
    gpu_count: int | None = None
    gpus: tuple[int, ...] = ()
    number: int | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    """What its srun said of it when it asked."""
    born: dict[int, str] = field(default_factory=dict)


class Steps:
    """Grants steps in the order in which they were asked for, as far as their job's CPUs and GPUs go."""

    def __init__(self, place: Callable[[int], Place | None], processes: Processes, book: Stepbook) -> None:
        self._place = place
        self._processes = processes
        self._book = book
        self._steps: dict[asyncio.StreamWriter, _Step] = {}

    def hear(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        """One message of an srun. Raises KeyError, TypeError or ValueError if it makes no sense."""
        match message["op"]:
            case "job":
                place = self._place(int(message["job_id"]))
                if place is None:
                    writer.write(line("refused", why="unknown job"))
                else:
                    writer.write(line("job", cpus=place.cpus, gpus=place.gpus, node=place.node))
            case "step":
                self._ask(writer, message)
            case "tasks":
                self._note_tasks(self._steps[writer], map(int, message["pids"]))
            case "done":
                self._done(writer, message)

    def closed(self, writer: asyncio.StreamWriter) -> None:
        """The srun is gone; its tasks, if it had not said that they ended, go too, and others may begin."""
        step = self._steps.pop(writer, None)
        if step is not None:
            alive = [pid for pid, born in step.born.items() if self._processes.born(pid) == born]
            signal_all([one for pid in alive for one in (*self._processes.family(pid), pid)], signal.SIGKILL)
            if step.number is not None:
                self._book.lost(step.place.key, step.number)
            self._grant(step.place.key)

    def signal(self, key: Key, number: int, step: int | None = None) -> None:
        """To every task of the placement's steps, or of that one, and all that is in its process group. A step that an
        earlier life has granted is known by its srun: all that this has started is signalled."""
        steps = [one for one in self._steps.values() if one.place.key == key and step in (None, one.number)]
        pairs = [pair for one in steps for pair in one.born.items()]
        signal_all((-pid for pid, born in pairs if self._processes.born(pid) == born), number)
        known = {one.number for one in steps}
        strays = [one.srun for one in self._book.running(key) if one.number not in known and step in (None, one.number)]
        signal_all((pid for srun in strays if srun for pid in self._processes.family(srun)), number)

    def _done(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        """The step's end, said by its srun: over its own connection, or over another one that says which step it is."""
        spent = Spent(*(int(message.get(word, 0)) for word in ("code", "signal", "max_rss_kib", "cpu_ms")))
        step = self._steps.get(writer)
        if step is not None and step.number is not None:
            step.born.clear()
            self._book.ended(step.place.key, step.number, spent)
        elif "placement" in message:
            self._book.ended(key_of(message["placement"]), int(message["step"]), spent)
        writer.write(line("noted"))

    def _ask(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        place = self._place(int(message["job_id"]))
        if place is None:
            writer.write(line("refused", why="unknown job"))
            return
        cpus = 0 if message["overlap"] else place.cpus if message["whole"] else int(message["cpus"])
        self._steps[writer] = _Step(writer, place, cpus, message.get("gpus"), asked=message)
        self._grant(place.key)
        if self._steps[writer].number is None:
            writer.write(line("busy"))

    def _grant(self, key: Key) -> None:
        """Begins what fits now, the first first."""
        steps = [step for step in self._steps.values() if step.place.key == key]
        begun = [step for step in steps if step.number is not None]
        for step in steps:
            gpus = _gpus(step, begun)
            if step.number is None and gpus is not None and _fits(step, begun):
                begun.append(step)
                step.gpus = gpus
                step.number = self._book.next_number(key)
                self._book.began(_report(step, step.number, int(time.time())))
                step.writer.write(line(
                    "granted", placement=key, step=step.number, node=step.place.node, cpus=step.cpus or step.place.cpus, gpus=gpus,
                    job=dict(step.place.variables),
                ))  # fmt: skip

    def _note_tasks(self, step: _Step, pids: Iterable[int]) -> None:
        for pid in pids:
            born = self._processes.born(pid)
            if born is not None:
                step.born[pid] = born


def _fits(step: _Step, begun: Iterable[_Step]) -> bool:
    """Whether its CPUs are free beside the steps that have begun."""
    return step.cpus == 0 or sum(one.cpus for one in begun) + step.cpus <= step.place.cpus


def _gpus(step: _Step, begun: Iterable[_Step]) -> tuple[int, ...] | None:
    """The GPUs that it may have; None while too few are free. A step that shares takes the first, whoever has them."""
    if step.gpu_count is None:
        return tuple(step.place.gpus)
    taken = {gpu for one in begun if one.cpus and one.gpu_count is not None for gpu in one.gpus}
    free = [gpu for gpu in step.place.gpus if step.cpus == 0 or gpu not in taken]
    return tuple(free[: step.gpu_count]) if len(free) >= step.gpu_count else None


def _report(step: _Step, number: int, at: int) -> StepReport:
    """The step's beginning, in the words of its srun."""
    said = step.asked
    return StepReport(
        step.place.key, number, "began", at, at, name=str(said.get("name", "")),
        nodes=tuple(said.get("nodes") or (step.place.node,)), tasks_on=tuple(said.get("tasks_on") or (int(said["tasks"]),)),
        cpus=step.cpus or min(step.place.cpus, int(said["cpus"])), gpus=len(step.gpus),
        memory_mib=int(said.get("memory_mib", 0)), command=str(said.get("command", "")),
        limit_min=said.get("limit_min"), layout=str(said.get("layout", "Cyclic")), srun=int(said.get("pid", 0)),
    )  # fmt: skip


def place_of(key: Key, node: str, spool: Path) -> Place | None:
    """What the launch file in a placement's spool says; None if it cannot be read."""
    try:
        count, *words = (spool / "launch").read_bytes().split(b"\0")
    except OSError:
        return None
    pairs = (text.decode(word).partition("=") for word in words[int(count) :] if word)
    kept = {name: value for name, _, value in pairs if name.startswith("SLURM") or name in GPU_VARIABLES}
    return Place(key, node, kept)
