"""What every store promises; `tests/contract/test_stores.py` holds each of them to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flowbatch.core.effects import Effect
from flowbatch.core.events import Event
from flowbatch.core.jobs import Job
from flowbatch.core.market.budgets import Spending
from flowbatch.core.past import EVERYTHING, JobName, Past
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Stepped
from flowbatch.core.ruling.rulings import NOTHING_SAID, Rulings
from flowbatch.core.states import Holding
from flowbatch.core.steps import JobSteps, Step, StepKey
from flowbatch.core.tally import Tally
from flowbatch.ids import StoreId


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the journal: a fact and what it did. `seq` counts up; `payload` goes with an accepted job."""

    seq: int
    event: Event
    stepped: Stepped
    payload: Payload | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a controller starts from. `jobs`: every record that is in the queue. `seq`: the journal's last line.

    `performed`: the journal's last line whose orders, and all before, are known to be carried out; `owed`: the orders
    of those after it, oldest first, with their lines. `departed`: what jobs were billed that have left the queue.
    """

    store: StoreId
    next_job_id: int
    jobs: tuple[Job, ...]
    seq: int = 0
    performed: int = 0
    owed: tuple[tuple[int, Effect], ...] = ()
    departed: Spending = field(default_factory=dict)
    steps: Mapping[int, JobSteps] = field(default_factory=dict)
    """The steps of placements that run, by job."""
    rulings: Rulings = NOTHING_SAID
    """What administrators have said of the cluster."""
    tally: Tally | None = None
    """What was counted of jobs; None where nothing ever was."""


class Store(Protocol):
    """Remembers the queue. Every method may wait for a disk: a loop calls those that write, and `payload`, from one thread of their own,
    and those that look back (`history`, `steps`, `story`) from another one; they see what was committed."""

    def load(self) -> Loaded:
        """The queue as of the last commit. Raises StoreFailed."""

    def commit(self, entries: Sequence[Entry], next_job_id: int, performed: int) -> None:
        """All of it is on the disk when this returns, and nothing of it when it raises StoreFailed.

        `performed`: the journal's last line whose orders, and all before, were carried out.
        """

    def payload(self, payload_id: int) -> Payload | None:
        """Script and environment, kept as long as a record of the queue names them."""

    def history(self, named: Sequence[JobName] | None = None, limit: int = 1000, past: Past = EVERYTHING) -> list[Job]:
        """The newest `limit` records by name, newest first, also of jobs that left the queue, as far as `past` admits them. All that were
        not over before `past.since` are read for it, and those beyond the limit let go."""

    def steps(self, job_ids: Sequence[int] | None = None, since: int | None = None) -> list[tuple[StepKey, Step]]:
        """Steps of these jobs by id, or of all, in the order of their keys. `since`: only those that were not over before."""

    def story(self, job_id: int) -> list[tuple[int, str]]:
        """What happened to a job: (instant, words), oldest first."""

    def prune(self, journal_before: int, jobs_before: int) -> int:
        """Forgets some of what is older than these instants: journal lines whose orders were carried out, and all about jobs
        that were over and have left the queue. How many lines and jobs; 0 once there is nothing left to forget."""

    def close(self) -> None: ...


def remembered(jobs: Iterable[Job], steps: Iterable[tuple[StepKey, Step]]) -> dict[int, JobSteps]:
    """What a queue of these jobs knows of their steps, as far as they are given."""
    placements = {job.id: job.restarts for job in jobs if isinstance(job.state, Holding)}
    known: dict[int, JobSteps] = {}
    for key, step in steps:
        if placements.get(key.job_id) != key.restart:
            continue
        before = known.get(key.job_id, JobSteps({}, -1))
        running = before.running if step.ended_at is not None else {**before.running, key.number: step}
        known[key.job_id] = JobSteps(running, max(before.last, key.number))
    return known
