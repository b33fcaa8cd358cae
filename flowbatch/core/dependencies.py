"""What a dependency term makes of the queue as it is: fulfilled, not yet, or never.

Observed on 22.05.8. A job id that the queue does not know counts as fulfilled, whatever the kind; so does a task of an
array that has no record and is not pending. A whole array is judged when all of its tasks are over (`after`: when none
is pending), and a task that was cancelled before it started counts as one that failed. A task without a counterpart
waits, with `aftercorr`, for the whole array. `singleton` waits for every namesake that holds an allocation and for every
older one that is pending; tasks of one array do not wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from flowbatch.core.arrays import root
from flowbatch.core.indexes import ArrayEntry, Indexes
from flowbatch.core.jobs import ArrayPast, ArrayRest, ArrayTask, Job, Waiting
from flowbatch.core.states import Finished, Holding, Pending
from flowbatch.spec.dependency import Dependency, DependencyKind, DependencyTerm
from flowbatch.units import MINUTE

Judgement = Literal["met", "unmet", "failed"] | int
"""An instant: it will be met then."""


class Dependencies:
    """Judges waiting jobs by the records of a queue; changes nothing."""

    def __init__(self, jobs: Mapping[int, Job], indexes: Indexes) -> None:
        self._jobs = jobs
        self._indexes = indexes

    def terms(self, dependency: Dependency) -> tuple[Waiting, ...]:
        """All that the dependency names, not judged yet."""
        arrays = self._indexes.arrays
        return tuple(Waiting(term, array=term.task is None and term.job_id in arrays) for term in dependency.terms)

    def still(self, job: Job, at: int) -> tuple[Waiting, ...]:
        """What a job that waits still waits for at `at`; a term that has failed stays so."""
        any_is_enough = isinstance(job.spec.dependency, Dependency) and job.spec.dependency.any
        left: list[Waiting] = []
        for waiting in job.waiting:
            judgement = "failed" if waiting.failed else self._judge(job, waiting.term, at)
            if judgement == "met" and any_is_enough:
                return ()
            if judgement == "failed":
                left.append(replace(waiting, failed=True, due=None))
            elif judgement != "met":
                left.append(replace(waiting, due=judgement if isinstance(judgement, int) else None))
        return tuple(left)

    def _judge(self, job: Job, term: DependencyTerm, at: int) -> Judgement:
        if term.kind == "singleton":
            return "unmet" if self._has_namesake_before(job) else "met"
        entry = self._indexes.arrays.get(term.job_id)
        if term.task is not None:
            return "met" if entry is None else self._judge_task(term, entry, term.task, at)
        if entry is None:
            found = self._jobs.get(term.job_id)
            return "met" if found is None else _judge_one(term, found, at)
        if term.kind == "aftercorr" and isinstance(job.array, ArrayRest):
            return "unmet"  # until its tasks have records of their own
        if term.kind == "aftercorr" and isinstance(job.array, ArrayTask) and self._has(entry, job.array.index):
            return self._judge_task(term, entry, job.array.index, at)
        return self._judge_array(term, entry, at)

    def _has(self, entry: ArrayEntry, index: int) -> bool:
        return index in entry.tasks or self._is_untouched(entry, index)

    def _is_untouched(self, entry: ArrayEntry, index: int) -> bool:
        rest = self._jobs[entry.rest].array if entry.rest is not None else None
        return isinstance(rest, ArrayRest) and index in rest.pending

    def _judge_task(self, term: DependencyTerm, entry: ArrayEntry, index: int, at: int) -> Judgement:
        if index in entry.tasks:
            return _judge_one(term, self._jobs[entry.tasks[index]], at)
        if entry.rest is not None and self._is_untouched(entry, index):
            return _judge_one(term, self._jobs[entry.rest], at)
        return "met"

    def _judge_array(self, term: DependencyTerm, entry: ArrayEntry, at: int) -> Judgement:
        if term.kind in ("after", "expand"):
            if entry.pending:
                return "unmet"
            starts = (_started_at(self._jobs[id]) for id in entry.records) if term.delay_minutes else ()
            return _delayed(term, max(starts, default=0), at)
        if not entry.over:
            return "unmet"
        past = self._past(term.job_id)
        bad = entry.failed or entry.cancelled or past.failed or past.cancelled
        return _by_outcome(term.kind, good=not bad)

    def _past(self, array_id: int) -> ArrayPast:
        own = self._jobs.get(array_id)
        return ArrayPast() if own is None else own.past

    def _has_namesake_before(self, job: Job) -> bool:
        entry = self._indexes.namesakes.get((job.owner.uid, job.spec.name))
        if entry is None:
            return False
        own = root(job)
        return entry.unfinished[0][0] < own or any(other != own for other, _ in entry.active)


def _judge_one(term: DependencyTerm, found: Job, at: int) -> Judgement:
    if term.kind in ("after", "expand"):
        return "unmet" if isinstance(found.state, Pending) else _delayed(term, _started_at(found), at)
    if not isinstance(found.state, Finished):
        return "unmet"
    return _by_outcome(term.kind, good=found.state.ending.outcome == "COMPLETED")


def _by_outcome(kind: DependencyKind, good: bool) -> Judgement:
    if kind in ("afterany", "afterburstbuffer"):
        return "met"
    return "met" if good == (kind != "afternotok") else "failed"


def _delayed(term: DependencyTerm, started_at: int, at: int) -> Judgement:
    due = started_at + term.delay_minutes * MINUTE if term.delay_minutes else at
    return "met" if due <= at else due


def _started_at(found: Job) -> int:
    """When it began; for a job that never ran, when it was over."""
    state = found.state
    if isinstance(state, Holding):
        return state.started_at
    if isinstance(state, Finished):
        return state.ended_at if state.started_at is None else state.started_at
    return 0
