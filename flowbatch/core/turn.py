"""One step in progress: records change by the table, and what follows from a change is drawn until nothing follows any more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from flowbatch.core import stepping, transitions, waiting
from flowbatch.core.arrays import detach, root
from flowbatch.core.components import following
from flowbatch.core.effects import DeliverStep, Effect
from flowbatch.core.facts import Doomed, Waits
from flowbatch.core.jobs import ArrayPast, Job
from flowbatch.core.mail import letters
from flowbatch.core.market.budgets import add, spending
from flowbatch.core.market.upkeep import followed, withdrawn
from flowbatch.core.moves import Fact, Moved, Refusal, kind_of
from flowbatch.core.records import Queue, Stepped
from flowbatch.core.states import Finished, Holding, Pending, Running
from flowbatch.core.tally import Tally, counted

SIGKILL = 9


class Turn:
    """The work of one step. `settle` must be called when the fact itself was dealt with."""

    def __init__(self, queue: Queue, at: int) -> None:
        self.queue = queue
        self.at = at
        self.stepped = Stepped()
        self._touched: dict[int, Job] = {}
        self._counted: Counter[str] = Counter()

    def advance(self, job: Job, fact: Fact) -> Refusal | None:
        """The fact happens to the job, which may be a task that has no record yet; what refused it, if something did."""
        moved = transitions.advance(self.queue.cluster, job, fact)
        if isinstance(moved, Refusal):
            return moved
        self._moved(job, moved)
        for id, next_fact in following(self.queue.jobs, self.queue.jobs[job.id], fact):
            self.advance(self.queue.jobs[id], next_fact)
        return None

    def keep(self, job: Job, *orders: Effect) -> None:
        """The record has another bid, or other terms; its state is what it was."""
        self._moved(self.queue.jobs.get(job.id, job), Moved(job, orders))

    def withdraw(self, job: Job) -> None:
        """The job's live bid is to go."""
        gone, orders = withdrawn(job, self.at)
        self.keep(gone, *orders)

    def put(self, job: Job) -> None:
        """The record is as given from now on."""
        old = self.queue.jobs.get(job.id)
        self._touch(old, job)
        if old is not None and job.id in self.queue.steps and not isinstance(job.state, Holding):
            stepping.close(self.queue, self.stepped, old, self.at)
        self.queue.put(job, self.at)
        self.stepped.changed[job.id] = job

    def drop(self, job: Job) -> None:
        """A finished record leaves the queue; what must still be known of it stays with its array. A leader's components go with it."""
        for id in job.het.ids[1:] if job.het is not None and not job.follows else ():
            self.drop(self.queue.jobs[id])
        own = self.queue.jobs.get(root(job)) if job.array is not None else None
        if own is not None and own.id != job.id:
            past = _with(own.past, job)
            if past != own.past:
                self.put(replace(own, past=past))
        self.queue.drop(job.id)
        if job.bids:
            add(self.stepped.departed, spending(job))
        self.stepped.dropped.add(job.id)

    def detach(self, job: Job, indices: Sequence[int]) -> list[Job]:
        """Those tasks of an array's record, ready to be put under ids of their own; the record keeps the others."""
        own, left = detach(job, indices, self.queue.next_job_id)
        self.queue.next_job_id += sum(task.id != job.id for task in own)
        if left is not None:
            self.put(left)
        return own

    def split(self, job: Job, indices: Sequence[int]) -> list[Job]:
        """Those tasks of an array's record as records of their own."""
        own = self.detach(job, indices)
        for task in sorted(
            own, key=lambda task: task.id != job.id
        ):  # the array's id first: two records never name a task
            self.put(task)
        return own

    def reconsider(self, job: Job) -> None:
        """A pending job's reason is what it waits for now."""
        if not isinstance(job.state, Pending):
            return
        full = self.queue.room(job) == 0 and not job.bids_on
        reason = waiting.reason(job, self.at, full)
        eligible = job.eligible_at
        if eligible is None:
            eligible = waiting.eligible_at(job, self.at)
        if (reason, eligible) != (job.state.reason, job.eligible_at):
            self.advance(replace(job, eligible_at=eligible), Waits(self.at, reason))

    def rejudge(self, job: Job) -> None:
        """What a pending job waits for is judged anew, unless it is held; if it is in vain, the job ends if it was asked to."""
        if not job.waiting or job.held is not None or not isinstance(job.state, Pending):
            return
        left = self.queue.dependencies.still(job, self.at)
        if left == job.waiting:
            return
        judged = replace(job, waiting=left)
        self._moved(job, Moved(judged))
        kill = job.spec.kill_on_invalid_dep
        if waiting.doomed(judged) and (self.queue.cluster.kill_on_invalid_dep if kill is None else kill):
            self.advance(judged, Doomed(self.at))
        else:
            self.reconsider(judged)

    def count(self, *names: str, number: int = 1) -> None:
        """So many of each field of the tally have happened."""
        for name in names:
            self._counted[name] += number

    def count_anew(self) -> None:
        """Nothing has happened yet."""
        self.queue.tally = self.stepped.tally = Tally(self.at)

    def settle(self) -> None:
        """Draws what follows from every change so far, until nothing follows any more."""
        while self._touched:
            job = self._touched.pop(next(iter(self._touched)))
            self._rejudge_dependants(job)
            self._rejudge_namesakes(job)
            if job.array is not None:
                self._share_room(job)
        if self._counted:
            self.queue.tally = self.stepped.tally = self.queue.tally.on(self.at).plus(self._counted)
            self._counted.clear()

    def _moved(self, old: Job, moved: Moved) -> None:
        job, orders = followed(moved.job, self.at) if moved.job.bids else (moved.job, ())
        self.put(job)
        self.count(*counted(old, job))
        if job.follows:  # what is ordered of a node, and written to the owner, is the leader's
            if isinstance(job.state, Finished) and not isinstance(old.state, Finished):
                self._end_steps_on(job, job.state.ending.by_uid or 0)
            return
        entry = self.queue.indexes.arrays.get(root(job))
        own = self.queue.jobs.get(root(job))
        self.stepped.orders += (*moved.orders, *orders)
        self.stepped.orders += letters(old, job, entry, own.past if own else ArrayPast())

    def _end_steps_on(self, job: Job, by: int) -> None:
        """Steps of the leader that run on a component which is over end, if the leader goes on."""
        assert job.het is not None
        leader = self.queue.jobs[job.het.leader]
        steps = self.queue.steps.get(leader.id)
        if steps is not None and isinstance(leader.state, Running):
            there = [number for number, step in steps.running.items() if step.on(job.het.offset) is not None]
            self.stepped.orders += [DeliverStep(leader.id, leader.restarts, number, SIGKILL, by) for number in there]

    def _touch(self, old: Job | None, new: Job) -> None:
        """Remembers a change that others may wait for."""
        same = old is not None and kind_of(old.state) == kind_of(new.state)
        if not same or (old is not None and _differ(old, new)):
            self._touched[new.id] = new

    def _rejudge_dependants(self, job: Job) -> None:
        for target in {job.id, root(job)}:
            for id in sorted(self.queue.indexes.dependants.get(target, ())):
                self.rejudge(self.queue.jobs[id])

    def _rejudge_namesakes(self, job: Job) -> None:
        """Of an owner's jobs of one name only the oldest that are not over can have become free."""
        entry = self.queue.indexes.namesakes.get((job.owner.uid, job.spec.name))
        if entry is None:
            return
        oldest = entry.unfinished[0][0]
        for _, id in list(takewhile(lambda one: one[0] == oldest, entry.waiting)):
            self.rejudge(self.queue.jobs[id])

    def _share_room(self, job: Job) -> None:
        """An array's tasks wait for the throttle only while it is used up."""
        entry = self.queue.indexes.arrays.get(root(job))
        if entry is None or (room := self.queue.room(job)) is None:
            return
        if room == 0:
            for id in sorted(entry.ready):
                self.reconsider(self.queue.jobs[id])
            return
        for id in sorted(entry.limited, key=lambda id: (id == entry.rest, id)):
            if len(entry.ready) >= room or entry.rest in entry.ready:
                break
            self.reconsider(self.queue.jobs[id])


def _differ(old: Job, new: Job) -> bool:
    """Whether others may wait for what is another now, besides the state."""
    bids = old.bids is not new.bids and old.bids_on != new.bids_on
    alone = waiting.is_alone(old) != waiting.is_alone(new)
    return bids or alone or old.array != new.array or old.held != new.held


def _with(past: ArrayPast, job: Job) -> ArrayPast:
    """What is known of an array when the record of `job`, one of its tasks, leaves."""
    assert isinstance(job.state, Finished)
    outcome = job.state.ending.outcome
    return ArrayPast(
        began=past.began or job.state.started_at is not None,
        failed=past.failed or outcome not in ("COMPLETED", "CANCELLED"),
        cancelled=past.cancelled or outcome == "CANCELLED",
        requeued=past.requeued or job.restarts > 0,
    )
