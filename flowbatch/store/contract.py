"""What every store promises; `tests/contract/test_stores.py` holds each of them to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flowbatch.core.effects import Effect
from flowbatch.core.events import Event
from flowbatch.core.jobs import Job
from flowbatch.core.market.budgets import Spending
from flowbatch.core.ports import Payload
from flowbatch.core.queue import Stepped
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


class Store(Protocol):
    """Remembers the queue. Every method may wait for a disk: a loop calls them from one thread of their own."""

    def load(self) -> Loaded:
        """The queue as of the last commit. Raises StoreFailed."""

    def commit(self, entries: Sequence[Entry], next_job_id: int, performed: int) -> None:
        """All of it is on the disk when this returns, and nothing of it when it raises StoreFailed.

        `performed`: the journal's last line whose orders, and all before, were carried out.
        """

    def payload(self, payload_id: int) -> Payload | None:
        """Script and environment, kept as long as a record of the queue names them."""

    def history(self, job_ids: Sequence[int] | None = None, limit: int = 1000, since: int | None = None) -> list[Job]:
        """Records by id, newest first, also of jobs that left the queue; an array's id names all its tasks.

        `since`: only of jobs that were not over before that instant.
        """

    def story(self, job_id: int) -> list[tuple[int, str]]:
        """What happened to a job: (instant, words), oldest first."""

    def close(self) -> None: ...
