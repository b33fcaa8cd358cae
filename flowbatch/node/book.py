"""What the node knows of its placements: the journal's records, and what they add up to."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.node.granting import Part
from flowbatch.node.journal import Journal, Record
from flowbatch.protocol.launch import Key, Report, StepReport, key_of, report_of, step_report_of
from flowbatch.protocol.plain import known, parts

log = logging.getLogger(__name__)

TOMBSTONES = 10_000
"""So many forgotten placements are remembered by their key, so that a late order does not start one again."""


@dataclass(frozen=True, slots=True)
class Started:
    """A script waits at its gate, or has passed it: from here on the placement is never started a second time.

    `..._born` tells these processes from later ones with their pids. Paths are text by `flowbatch.text`.
    """

    key: Key
    node: str
    spool: str
    stderr: str
    at: int
    wrapper: int
    wrapper_born: str
    script: int
    script_born: str
    kill_wait_s: int
    ends_by: int | None = None
    signal: int | None = None
    signal_lead_s: int = 0
    signal_batch_only: bool = False
    over_time_s: int = 0
    cgroup: str | None = None
    leave_reserve_s: int = 0
    holds: str = ""
    """As in the launch message: it has no script, and who held it says how it ended."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The gate was opened."""

    key: Key


@dataclass(frozen=True, slots=True)
class Stopping:
    """The placement is told to end; written before the first signal, so that its end has the right cause."""

    key: Key
    why: str
    at: float


@dataclass(frozen=True, slots=True)
class Marked:
    """Something was done that is done once: the `closing` line is in the output, or the `warning` signal was sent."""

    key: Key
    what: Literal["closing", "warning"]


@dataclass(frozen=True, slots=True)
class Leaving:
    """The machine goes away at `until`; written before the script gets its signal, so that it gets it once."""

    key: Key
    until: float


@dataclass(frozen=True, slots=True)
class Staying:
    """The machine does not go away after all."""

    key: Key


@dataclass(frozen=True, slots=True)
class Paused:
    """Its processes are stopped since `at` (None: they go on), and had been for so long before."""

    key: Key
    at: float | None
    before_s: float = 0


@dataclass(frozen=True, slots=True)
class Limited:
    """Its time limit falls then instead; None: never."""

    key: Key
    ends_by: int | None


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step of the placement has begun, or is over. `srun_born` tells its srun from later processes with that pid;
    `parts` are what it has of its job."""

    key: Key
    step: StepReport
    srun_born: str = ""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class StepHeard:
    """The controller has the step's end in its store. `number` was given out, and is not given out again."""

    key: Key
    number: int


@dataclass(frozen=True, slots=True)
class Released:
    """Whoever held the placement is done, with this status; written before its holder is ended."""

    key: Key
    code: int
    signal: int
    at: float


@dataclass(frozen=True, slots=True)
class Unrun:
    """The gate never opened, the script never ran: as if the placement had never come."""

    key: Key


@dataclass(frozen=True, slots=True)
class Over:
    """How the placement ended, told until it is forgotten."""

    key: Key
    report: Report


@dataclass(frozen=True, slots=True)
class Forgotten:
    """The controller has the end in its store."""

    key: Key


Fact = (
    Started
    | Opened
    | Stopping
    | Marked
    | Leaving
    | Staying
    | Paused
    | Limited
    | Released
    | Stepped
    | StepHeard
    | Unrun
    | Over
    | Forgotten
)
_ALL = (
    Started,
    Opened,
    Stopping,
    Marked,
    Leaving,
    Staying,
    Paused,
    Limited,
    Released,
    Stepped,
    StepHeard,
    Unrun,
    Over,
    Forgotten,
)
_KINDS: dict[str, type[Any]] = {kind.__name__: kind for kind in _ALL}


def record_of(fact: Fact) -> Record:
    return {"record": type(fact).__name__, **parts(fact)}


def fact_of(record: Record) -> Fact | None:
    """The fact in a record; None for a kind that only a later version knows."""
    kind = _KINDS.get(record["record"])
    if kind is None:
        return None
    values = known(kind, record)
    values["key"] = key_of(record["key"])
    if "report" in values:
        values["report"] = report_of(values["report"])
    if "step" in values:
        values["step"] = step_report_of(values["step"])
        values["parts"] = tuple(map(Part.of, values.get("parts", ())))
    fact: Fact = kind(**values)
    return fact


@dataclass(frozen=True, slots=True)
class Entry:
    """One placement: how it was started (None if it never was), what was done to it, how it ended."""

    started: Started | None = None
    opened: bool = False
    stopping: Stopping | None = None
    leaving: Leaving | None = None
    paused: Paused | None = None
    released: Released | None = None
    closing: bool = False
    warned: bool = False
    report: Report | None = None
    steps: Mapping[int, Stepped] = field(default_factory=dict)
    """Its steps that run, or whose end nobody has heard yet, by number."""
    step_count: int = 0
    """How many steps it ever had: the number of the next."""

    def facts(self) -> Iterator[Fact]:
        """The facts that make this entry again."""
        if self.started is not None:
            yield self.started
            if self.opened:
                yield Opened(self.started.key)
            if self.stopping is not None:
                yield self.stopping
            if self.leaving is not None:
                yield self.leaving
            if self.paused is not None:
                yield self.paused
            if self.released is not None:
                yield self.released
            yield from (Marked(self.started.key, what) for what, done in self._marks() if done)
            if self.step_count:
                yield StepHeard(self.started.key, self.step_count - 1)
            yield from self.steps.values()
        if self.report is not None:
            yield Over(self.report.key, self.report)

    def _marks(self) -> tuple[tuple[Literal["closing", "warning"], bool], ...]:
        return ("closing", self.closing), ("warning", self.warned)


class Book:
    """Every placement that is not forgotten, by key; each change is in the journal before it is here."""

    def __init__(self, path: Path, failpoint: Failpoint = nowhere) -> None:
        self.entries: dict[Key, Entry] = {}
        self.forgotten: dict[Key, None] = {}
        self._journal = Journal(path, self.records, failpoint)
        for record in self._journal.open():
            fact = fact_of(record)
            if fact is not None:
                self._apply(fact)

    def write(self, fact: Fact) -> None:
        """The fact is in the journal, and survives this process. Raises OSError, and nothing has changed."""
        self._journal.append(record_of(fact))
        self._apply(fact)

    def note(self, fact: Fact) -> None:
        """As `write`, but a full disk does not stop it: for facts whose loss with this process could be borne."""
        try:
            self.write(fact)
        except OSError as error:
            log.error("%s: %s is not in the journal: %s", fact.key, type(fact).__name__, error)
            self._apply(fact)

    async def sync(self) -> None:
        """Every fact survives the machine. Raises OSError."""
        await self._journal.sync()

    def records(self) -> Iterator[Record]:
        """A journal that says all this and no more."""
        yield from (record_of(Forgotten(key)) for key in self.forgotten)
        for entry in self.entries.values():
            yield from map(record_of, entry.facts())

    def close(self) -> None:
        self._journal.close()

    def _apply(self, fact: Fact) -> None:
        entry = self.entries.get(fact.key, Entry())
        match fact:
            case Started():
                self.entries[fact.key] = replace(entry, started=fact)
            case Opened():
                self.entries[fact.key] = replace(entry, opened=True)
            case Stopping():
                self.entries[fact.key] = replace(entry, stopping=fact)
            case Leaving():
                self.entries[fact.key] = replace(entry, leaving=fact)
            case Staying():
                self.entries[fact.key] = replace(entry, leaving=None)
            case Paused():
                self.entries[fact.key] = replace(entry, paused=fact)
            case Limited() if entry.started is not None:
                started = replace(entry.started, ends_by=fact.ends_by)
                self.entries[fact.key] = replace(entry, started=started)
            case Released():
                self.entries[fact.key] = replace(entry, released=fact)
            case Marked(what="closing"):
                self.entries[fact.key] = replace(entry, closing=True)
            case Marked():
                self.entries[fact.key] = replace(entry, warned=True)
            case Over():
                self.entries[fact.key] = replace(entry, report=fact.report)
            case Stepped(step=step):
                steps = {**entry.steps, step.number: fact}
                count = max(entry.step_count, step.number + 1)
                self.entries[fact.key] = replace(entry, steps=steps, step_count=count)
            case StepHeard(number=number):
                steps = {other: one for other, one in entry.steps.items() if other != number}
                self.entries[fact.key] = replace(entry, steps=steps, step_count=max(entry.step_count, number + 1))
            case Unrun():
                self.entries.pop(fact.key, None)
            case Forgotten():
                self.entries.pop(fact.key, None)
                self.forgotten[fact.key] = None
                if len(self.forgotten) > TOMBSTONES:
                    del self.forgotten[next(iter(self.forgotten))]
