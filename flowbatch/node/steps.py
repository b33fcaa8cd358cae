"""The steps of the jobs that run here: which step has what of its job, and that its tasks end with their srun.

A step holds what it was granted (`granting.py`) until its end is in the journal (`stepbook.py`); srun's words are in `srun/grant.py`.
"""

from __future__ import annotations

import asyncio
import json
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowbatch import text
from flowbatch.node import cgroups
from flowbatch.node.granting import CannotEver, Demand, Part, Share, grant_all
from flowbatch.node.processes import Processes, signal_all
from flowbatch.node.stepbook import Spent, Stepbook
from flowbatch.protocol.launch import Key, StepReport, key_of, line
from flowbatch.slurm import hostlist
from flowbatch.slurm.environment import GPU_VARIABLES, unfolded

SHARES = "shares"
"""The file in a placement's spool that says what each of its components has on each node, as JSON."""

STEP_WORDS = frozenset({"job", "step", "tasks", "done", "attach"})
"""The messages of an srun, and of who looks on at one."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a running job has on this machine, and the variables of its batch script."""

    key: Key
    node: str
    variables: Mapping[str, str]
    shares: tuple[Share, ...]
    spool: Path
    kill_wait_s: int = 30
    group: str | None = None
    """The memory group that an srun joins which comes from outside the job."""

    def door(self, number: int) -> str:
        """Where others may attach to that step of it (`srun/attached.py`)."""
        return str(self.spool / f"step.{number}.sock")


@dataclass(slots=True)
class _Step:
    """One srun. `number`: its step's, once that has begun; `asked` its own words about itself. `born` tells its tasks from
    later processes with their pids."""

    writer: asyncio.StreamWriter
    place: Place
    demands: tuple[Demand, ...]
    asked: Mapping[str, Any]
    number: int | None = None
    born: dict[int, str] = field(default_factory=dict)


class Steps:
    """Grants steps in the order in which they were asked for, as far as their job's CPUs, GPUs and memory go."""

    def __init__(self, place: Callable[[int], Place | None], processes: Processes, book: Stepbook) -> None:
        self._place = place
        self._processes = processes
        self._book = book
        book.freed = self._grant
        self._steps: dict[asyncio.StreamWriter, _Step] = {}

    def hear(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        """One message of an srun. Raises KeyError, TypeError or ValueError if it makes no sense."""
        match message["op"]:
            case "job":
                place = self._place(int(message["job_id"]))
                if place is None:
                    writer.write(line("refused", why="unknown job"))
                else:
                    writer.write(
                        line("job", shares=place.shares, variables=dict(place.variables), kill_wait_s=place.kill_wait_s)
                    )
            case "step":
                self._ask(writer, message)
            case "tasks":
                self._note_tasks(self._steps[writer], map(int, message["pids"]))
            case "done":
                self._done(writer, message)
            case "attach":
                writer.write(self._door(int(message["job_id"]), int(message["step"])))

    def closed(self, writer: asyncio.StreamWriter) -> None:
        """The srun is gone; its tasks, if it had not said that they ended, go too, and others may begin."""
        step = self._steps.pop(writer, None)
        if step is not None:
            alive = [pid for pid, born in step.born.items() if self._processes.born(pid) == born]
            signal_all([one for pid in alive for one in (*self._processes.family(pid), pid)], signal.SIGKILL)
            if step.number is not None:
                self._book.lost(step.place.key, step.number)

    def let_go(self) -> None:
        """An srun whose connection breaks from now on is not gone: the next daemon has its step."""
        self._steps.clear()

    def over(self, key: Key) -> None:
        """The placement ends: what waits for a step of it waits in vain."""
        for step in self._waiting(key):
            self._refuse(step, "over")

    def signal(self, key: Key, number: int, step: int | None = None) -> bool:
        """To every task of the placement's steps, or of that one, and all that is in its process group. A step that an
        earlier life has granted is known by its srun: all that this has started is signalled. False if there was nobody."""
        steps = [one for one in self._steps.values() if one.place.key == key and step in (None, one.number)]
        pairs = [pair for one in steps for pair in one.born.items()]
        for one in steps:
            if one.number is not None:
                one.writer.write(line("signalled", signal=number))
        signal_all((-pid for pid, born in pairs if self._processes.born(pid) == born), number)
        known = {one.number for one in steps}
        strays = [one.srun for one in self._book.running(key) if one.number not in known and step in (None, one.number)]
        signal_all((pid for srun in strays if srun for pid in self._processes.family(srun)), number)
        return bool(pairs or strays)

    def _done(self, writer: asyncio.StreamWriter, message: Mapping[str, Any]) -> None:
        """The step's end, said by its srun: over its own connection, or over another one that says which step it is."""
        spent = Spent(*(int(message.get(word, 0)) for word in ("code", "signal", "max_rss_kib", "cpu_ms", "system_ms")))
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
        step = _Step(writer, place, tuple(map(Demand.of, message["demands"])), message)
        self._steps[writer] = step
        if self._regrant(step):
            return
        self._grant(place.key)
        if step.number is None and writer in self._steps:
            writer.write(line("busy"))

    def _door(self, job_id: int, number: int) -> bytes:
        """Where one may attach to a running step."""
        place = self._place(job_id)
        if place is None or number not in {report.number for report in self._book.running(place.key)}:
            return line("refused", why="over")
        return line("attach", door=place.door(number))

    def _grant(self, key: Key) -> None:
        """Begins what fits now, the first first; what never will is told so."""
        for step in self._waiting(key):
            try:
                parts = grant_all(step.demands, step.place.shares, self._book.parts(key))
            except CannotEver as error:
                self._refuse(step, error.why, **error.facts)
                continue
            if parts is not None:
                self._begin(step, parts)

    def _waiting(self, key: Key) -> list[_Step]:
        return [step for step in self._steps.values() if step.place.key == key and step.number is None]

    def _refuse(self, step: _Step, why: str, **facts: object) -> None:
        del self._steps[step.writer]
        step.writer.write(line("refused", why=why, facts=facts))

    def _begin(self, step: _Step, parts: tuple[Part, ...]) -> None:
        key = step.place.key
        step.number = self._book.next_number(key)
        self._book.began(_report(step, step.number, parts, int(time.time())), parts)
        self._say_granted(step, step.number, parts)

    def _regrant(self, step: _Step) -> bool:
        """Whether an earlier life has granted this srun its step, and died before it heard so: it has it."""
        mine = self._book.granted(step.place.key, int(step.asked.get("pid", 0)))
        if mine is None:
            return False
        step.number = mine.step.number
        self._say_granted(step, step.number, mine.parts)
        return True

    @staticmethod
    def _say_granted(step: _Step, number: int, parts: tuple[Part, ...]) -> None:
        place, notes = step.place, _joined(step)
        step.writer.write(
            line("granted", placement=place.key, step=number, parts=parts, door=place.door(number), notes=notes)
        )

    def _note_tasks(self, step: _Step, pids: Iterable[int]) -> None:
        for pid in pids:
            born = self._processes.born(pid)
            if born is not None:
                step.born[pid] = born


def _joined(step: _Step) -> tuple[str, ...]:
    """Its srun is in the job's memory group, with all that it will start; else what is to be said of that."""
    group, srun = step.place.group, int(step.asked.get("pid", 0))
    if group is None or srun <= 0:
        return ()
    try:
        cgroups.join(group, srun)
    except OSError as error:
        return (f"the memory limit of the job does not hold for this step: {error}",)
    return ()


def _report(step: _Step, number: int, parts: tuple[Part, ...], at: int) -> StepReport:
    """The step's beginning, in the words of its srun."""
    said = step.asked
    return StepReport(
        step.place.key, number, "began", at, at, name=str(said.get("name", "")), nodes=tuple(part.node for part in parts),
        tasks_on=tuple(len(part.ranks) for part in parts), cpus=sum(part.cpus for part in parts),
        gpus=sum(len(part.gpus) for part in parts), memory_mib=sum(part.memory_mib for part in parts),
        command=str(said.get("command", "")), limit_min=said.get("limit_min"), layout=str(said.get("layout", "Cyclic")),
        srun=int(said.get("pid", 0)), components=_components(parts),
    )  # fmt: skip


def _components(parts: Sequence[Part]) -> tuple[tuple[int, int, int], ...]:
    """Where any but the first component of the job takes part: which, on each node, with how many CPUs and GPUs."""
    if not any(part.component for part in parts):
        return ()
    return tuple((part.component, part.cpus, len(part.gpus)) for part in parts)


def place_of(key: Key, node: str, spool: Path, kill_wait_s: int = 30) -> Place | None:
    """What the files in a placement's spool say; None if they cannot be read."""
    try:
        count, *words = (spool / "launch").read_bytes().split(b"\0")
    except OSError:
        return None
    pairs = (text.decode(word).partition("=") for word in words[int(count) :] if word)
    kept = {name: value for name, _, value in pairs if name.startswith("SLURM") or name in GPU_VARIABLES}
    return Place(key, node, kept, _shares(spool, node, kept), spool, kill_wait_s)


def _shares(spool: Path, node: str, variables: Mapping[str, str]) -> tuple[Share, ...]:
    """What the job has on each node; a placement of an earlier version tells its CPUs by its variables alone."""
    try:
        told = json.loads((spool / SHARES).read_bytes())
    except (OSError, ValueError):
        told = []
    if told:
        return tuple(Share.of({"component": number, **share}) for number, shares in enumerate(told) for share in shares)
    nodes = hostlist.expand(variables.get("SLURM_JOB_NODELIST", node)) or [node]
    cpus = unfolded(variables.get("SLURM_JOB_CPUS_PER_NODE", "1"))
    gpus = tuple(int(word) for word in variables.get("SLURM_JOB_GPUS", "").split(",") if word.isdecimal())
    counts = [*cpus, *[1] * (len(nodes) - len(cpus))]
    return tuple(Share(name, count, gpus if name == node else ()) for name, count in zip(nodes, counts, strict=False))
