"""The store without a disk, for tests and rehearsals: the same contract, forgotten when the process ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from flowbatch.core.arrays import root
from flowbatch.core.effects import Effect
from flowbatch.core.events import Accepted
from flowbatch.core.jobs import ArrayTask, Job
from flowbatch.core.market.budgets import Account, add
from flowbatch.core.past import EVERYTHING, JobName, Past
from flowbatch.core.ports import Payload
from flowbatch.core.ruling.rulings import NOTHING_SAID
from flowbatch.core.states import Finished
from flowbatch.core.steps import Step, StepKey
from flowbatch.core.tally import Tally
from flowbatch.ids import StoreId, new_store_id
from flowbatch.store import story
from flowbatch.store.contract import Entry, Loaded, remembered


class MemoryStore:
    def __init__(self) -> None:
        self._id: StoreId = new_store_id()
        self._next_job_id = 1
        self._seq = 0
        self._performed = 0
        self._jobs: dict[int, Job] = {}
        self._queued: set[int] = set()
        self._payloads: dict[int, Payload] = {}
        self._orders: list[tuple[int, Effect]] = []
        self._departed: dict[Account, int] = {}
        self._steps: dict[StepKey, Step] = {}
        self._rulings = NOTHING_SAID
        self._tally: Tally | None = None
        self._story: defaultdict[int, list[tuple[int, str]]] = defaultdict(list)

    def load(self) -> Loaded:
        jobs = tuple(self._jobs[job_id] for job_id in sorted(self._queued))
        owed = tuple((seq, order) for seq, order in self._orders if seq > self._performed)
        return Loaded(
            self._id,
            self._next_job_id,
            jobs,
            self._seq,
            self._performed,
            owed,
            dict(self._departed),
            remembered(jobs, self._steps.items()),
            self._rulings,
            self._tally,
        )

    def commit(self, entries: Sequence[Entry], next_job_id: int, performed: int) -> None:
        for entry in entries:
            self._enter(entry)
        self._next_job_id = next_job_id
        self._performed = performed
        self._orders = [(seq, order) for seq, order in self._orders if seq > performed]

    def payload(self, payload_id: int) -> Payload | None:
        return self._payloads.get(payload_id)

    def history(self, named: Sequence[JobName] | None = None, limit: int = 1000, past: Past = EVERYTHING) -> list[Job]:
        wanted = None if named is None else set(named)
        newest = sorted(list(self._jobs.values()), key=lambda job: -job.id)
        return [job for job in newest if (wanted is None or _names(job) & wanted) and past.admits(job)][:limit]

    def steps(self, job_ids: Sequence[int] | None = None, since: int | None = None) -> list[tuple[StepKey, Step]]:
        named = None if job_ids is None else set(job_ids)
        return sorted(
            (key, step)
            for key, step in list(self._steps.items())
            if (named is None or key.job_id in named)
            and (since is None or step.ended_at is None or step.ended_at >= since)
        )

    def story(self, job_id: int) -> list[tuple[int, str]]:
        return list(self._story.get(job_id, ()))

    def prune(self, journal_before: int, jobs_before: int) -> int:
        over = [
            job for id, job in self._jobs.items()
            if id not in self._queued and isinstance(job.state, Finished) and job.state.ended_at < jobs_before
        ]  # fmt: skip
        for job in over:
            del self._jobs[job.id]
            self._story.pop(job.id, None)
        gone = {job.id for job in over}
        self._steps = {key: step for key, step in self._steps.items() if key.job_id not in gone}
        return len(over)

    def close(self) -> None:
        """Nothing to let go of."""

    def _enter(self, entry: Entry) -> None:
        event, stepped = entry.event, entry.stepped
        self._seq = entry.seq
        for job_id, words in story.lines(event, stepped):
            self._story[job_id].append((event.at, words))
        self._jobs.update(stepped.changed)
        self._steps.update(stepped.steps)
        self._rulings = stepped.rulings or self._rulings
        self._tally = stepped.tally or self._tally
        self._queued |= stepped.changed.keys()
        if entry.payload is not None and isinstance(stepped.reply, Accepted):
            self._payloads[stepped.changed[stepped.reply.job_id].payload_id] = entry.payload
        self._queued -= stepped.dropped
        add(self._departed, stepped.departed.items())
        needed = {self._jobs[job_id].payload_id for job_id in self._queued} if stepped.dropped else set()
        for job_id in stepped.dropped:
            if self._jobs[job_id].payload_id not in needed:
                self._payloads.pop(self._jobs[job_id].payload_id, None)
        self._orders += ((entry.seq, order) for order in stepped.orders)


def _names(job: Job) -> set[JobName]:
    """How a job can be named."""
    own: set[JobName] = {job.id, root(job)}
    return own | {(job.array.array_id, job.array.index)} if isinstance(job.array, ArrayTask) else own
