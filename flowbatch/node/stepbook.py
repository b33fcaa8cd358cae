"""Steps on the record: each one's beginning and end are in the journal, and told until the end was heard.

Who runs steps calls `began` once it is granted and `ended` when its srun says how. A step whose srun is gone without
that word was killed with it; one whose placement ends first, ended with it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from flowbatch.node.book import Book, StepHeard, Stepped
from flowbatch.node.granting import Part
from flowbatch.node.processes import Processes
from flowbatch.protocol.launch import Key, StepReport

SIGKILL, SIGTERM = 9, 15


@dataclass(frozen=True, slots=True)
class Spent:
    """How a step ended, as its srun says: the worst code and signal of its tasks, and what they used."""

    code: int = 0
    signal: int = 0
    max_rss_kib: int = 0
    cpu_ms: int = 0
    system_ms: int = 0


class Stepbook:
    """The steps of all placements here. `tell` is called with each report as it becomes true."""

    def __init__(
        self, book: Book, tell: Callable[[StepReport], None], processes: Processes, now: Callable[[], float]
    ) -> None:
        self._book = book
        self._tell = tell
        self._processes = processes
        self._now = now
        self.freed: Callable[[Key], None] = lambda key: None
        """Called when a step of the placement has ended: others may have what it had."""
        self._cancelled: dict[tuple[Key, int], int] = {}
        """Who has told a step to end."""
        self._watches: set[asyncio.Task[None]] = set()

    def next_number(self, key: Key) -> int:
        """The number of the placement's next step; no step of it ever had it."""
        entry = self._book.entries.get(key)
        return entry.step_count if entry is not None else 0

    def began(self, report: StepReport, parts: tuple[Part, ...] = ()) -> None:
        """The step runs: on the record before its srun hears of its grant."""
        born = self._processes.born(report.srun) if report.srun else None
        self._book.note(Stepped(report.key, report, born or "", parts))
        self._tell(report)

    def cancelled(self, key: Key, number: int, by: int) -> None:
        """From now on its end is the work of that user."""
        self._cancelled[key, number] = by

    def ended(self, key: Key, number: int, spent: Spent) -> None:
        """The step is over, unless it was before."""
        step = self._running(key, number)
        if step is None:
            return
        by = self._cancelled.pop((key, number), None)
        over = replace(
            step.step, what="ended", at=max(int(self._now()), step.step.began_at), code=spent.code, signal=spent.signal,
            max_rss_kib=spent.max_rss_kib, cpu_ms=spent.cpu_ms, system_ms=spent.system_ms, cancelled_by=by,
        )  # fmt: skip
        self._book.note(replace(step, step=over))
        self._tell(over)
        self.freed(key)

    def lost(self, key: Key, number: int) -> None:
        """Its srun is gone and said nothing: what it started is killed. Where the whole placement is ending, that is why."""
        entry = self._book.entries.get(key)
        started = entry.started if entry is not None and entry.stopping is None else None
        lives = started is not None and self._processes.born(started.script) == started.script_born
        self.ended(key, number, Spent(signal=SIGKILL if lives else SIGTERM))

    def close(self, key: Key) -> None:
        """The placement is over, and its steps with it."""
        for report in list(self._of(key)):
            if report.what == "began":
                self.ended(key, report.number, Spent(signal=SIGTERM))

    def heard(self, key: Key, number: int) -> None:
        """That end is in the store: it is told no more."""
        entry = self._book.entries.get(key)
        if entry is not None and number in entry.steps and entry.steps[number].step.what == "ended":
            self._book.note(StepHeard(key, number))

    def reports(self, key: Key) -> Iterator[StepReport]:
        """The truth about the placement's steps that nobody has heard the end of, the first first."""
        return iter(sorted(self._of(key), key=lambda report: report.number))

    def running(self, key: Key) -> list[StepReport]:
        return [report for report in self.reports(key) if report.what == "began"]

    def granted(self, key: Key, srun: int) -> Stepped | None:
        """The running step of the process `srun`, if it has one; a later process with its pid has none."""
        born = self._processes.born(srun) if srun else None
        steps = [self._book.entries[key].steps[report.number] for report in self.running(key) if report.srun == srun]
        return next((step for step in steps if born is not None and step.srun_born == born), None)

    def parts(self, key: Key) -> list[Part]:
        """What the running steps of the placement have of it."""
        return [part for report in self.running(key) for part in self._book.entries[key].steps[report.number].parts]

    def adopt(self) -> None:
        """Watches over the steps that an earlier life saw begin: each ends with its srun."""
        for key in list(self._book.entries):
            for report in self.running(key):
                self._watch(self._book.entries[key].steps[report.number])

    def let_go(self) -> None:
        """Watches no more; what runs goes on."""
        for watch in self._watches:
            watch.cancel()

    def _watch(self, step: Stepped) -> None:
        task = asyncio.get_running_loop().create_task(self._until_gone(step))
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    async def _until_gone(self, step: Stepped) -> None:
        if step.srun_born:
            await self._processes.gone(step.step.srun, step.srun_born)
        self.lost(step.key, step.step.number)

    def _of(self, key: Key) -> Iterator[StepReport]:
        entry = self._book.entries.get(key)
        return (step.step for step in entry.steps.values()) if entry is not None else iter(())

    def _running(self, key: Key, number: int) -> Stepped | None:
        entry = self._book.entries.get(key)
        step = entry.steps.get(number) if entry is not None else None
        return step if step is not None and step.step.what == "began" else None
