"""What users ask of jobs that are in the queue: cancel, signal, hold, release, requeue.

Observed on 22.05.8: only the owner and root may; a user cannot release what root has held. An array's id means all its
tasks; a pending task that is named by its index gets a record of its own, but for a cancelled one, which is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Literal

from flowbatch.core import priority
from flowbatch.core.arrays import index_set, indices, without
from flowbatch.core.effects import DeliverStep
from flowbatch.core.endings import may_requeue
from flowbatch.core.events import JobRef, RequeueAsked, StepSignalAsked, Verdict
from flowbatch.core.facts import Cancelled, Continued, Held, Paused, Released, Requeued, Signalled, Told
from flowbatch.core.jobs import ArrayRest, Job
from flowbatch.core.moves import Refusal
from flowbatch.core.states import Finished, Pending, Running, Suspended
from flowbatch.core.turn import Turn
from flowbatch.core.waiting import HELD_BY_ADMIN, HELD_BY_USER
from flowbatch.spec.array import IndexSet

SIGKILL = 9

Act = Callable[[Job], "str | None"]
"""Does it to one record; Slurm's error name if it cannot be done."""


@dataclass(frozen=True, slots=True)
class _Target:
    """A record, or only these tasks of an array's record."""

    id: int
    tasks: IndexSet | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one record (0: of tasks that the array has not): `code` is Slurm's error name, None where it was done.
    `tasks` are those of its array that it stands for."""

    id: int
    code: str | None
    tasks: IndexSet | tuple[int, ...] = ()


def cancel(turn: Turn, by: int, refs: Iterable[JobRef]) -> tuple[Verdict, ...]:
    """Ends what the refs name."""
    return tuple(_any(ref, _cancel_ref(turn, by, ref)) for ref in refs)


def signal(
    turn: Turn, by: int, refs: Iterable[JobRef], number: int, scope: Literal["steps", "batch", "full"]
) -> tuple[Verdict, ...]:
    """Delivers a signal to what the refs name. SIGKILL is a cancellation, but for one to a running batch script alone."""

    def deliver(job: Job) -> str | None:
        if scope == "batch" and not job.spec.is_batch:
            return "ESLURM_JOB_SCRIPT_MISSING"
        if job.follows and isinstance(job.state, Pending):
            return "ESLURM_NOT_WHOLE_HET_JOB"
        return _code(turn.advance(job, Signalled(turn.at, number, scope)))

    def one(ref: JobRef) -> Verdict:
        if number == SIGKILL and not (scope == "batch" and _runs(turn, ref)):
            return _any(ref, _cancel_ref(turn, by, ref))
        return _any(ref, each(turn, by, ref, deliver, "ESLURM_ACCESS_DENIED"))

    return tuple(one(ref) for ref in refs)


def signal_step(turn: Turn, event: StepSignalAsked) -> tuple[Verdict, ...]:
    """Delivers a signal to the step of that number, where it runs."""

    def act(job: Job) -> str | None:
        steps = turn.queue.steps.get(job.id)
        if steps is None or event.number not in steps.running:
            return "ESLURM_INVALID_JOB_ID"
        turn.stepped.orders.append(DeliverStep(job.id, job.restarts, event.number, event.signal, event.by))
        return None

    return tuple(_any(ref, each(turn, event.by, ref, act, "ESLURM_ACCESS_DENIED")) for ref in event.refs)


def hold(turn: Turn, by: int, refs: Iterable[JobRef], *, releasable: bool) -> tuple[Verdict, ...]:
    """Keeps what the refs name from starting; what root holds only root releases, unless root says that it is `releasable`."""
    why = HELD_BY_ADMIN if by == 0 and not releasable else HELD_BY_USER

    def act(job: Job) -> str | None:
        if by == 0 and job.held == HELD_BY_ADMIN:
            job = replace(job, held=None)  # root's word takes the place of root's
        return _code(turn.advance(job, Held(turn.at, why)))

    return tuple(every(ref, each(turn, by, ref, act, "ESLURM_USER_ID_MISSING", split=Pending)) for ref in refs)


def release(turn: Turn, by: int, refs: Iterable[JobRef]) -> tuple[Verdict, ...]:
    """Lets what the refs name start again, behind those that wait already."""

    def act(job: Job) -> str | None:
        if job.held == HELD_BY_ADMIN and by != 0 and not isinstance(job.state, Finished):
            return "ESLURM_ACCESS_DENIED"
        fresh = priority.fresh(turn.queue.indexes.bases.least(), job.spec)
        code = _code(turn.advance(job, Released(turn.at, fresh)))
        turn.rejudge(turn.queue.jobs[job.id])
        turn.reconsider(turn.queue.jobs[job.id])
        return code

    return tuple(every(ref, each(turn, by, ref, act, "ESLURM_USER_ID_MISSING", split=Pending)) for ref in refs)


def requeue(turn: Turn, event: RequeueAsked) -> tuple[Verdict, ...]:
    """Runs what the refs name anew."""

    def act(job: Job) -> str | None:
        if event.incomplete and not isinstance(job.state, Running | Suspended):
            return None
        if not job.spec.is_batch:
            return "ESLURM_BATCH_ONLY"
        if job.follows:
            return "ESLURM_NOT_HET_JOB_LEADER"
        nothing_left = isinstance(job.array, ArrayRest) and not job.array.pending
        if not isinstance(job.state, Pending) and (nothing_left or not may_requeue(turn.queue.cluster, job)):
            return "ESLURM_DISABLED"
        code = _code(turn.advance(job, Requeued(turn.at, event.hold)))
        turn.reconsider(turn.queue.jobs[job.id])
        return code

    def one(ref: JobRef) -> Verdict:
        if ref.component is not None:  # this goes by numbers alone
            return Verdict(ref, "ESLURM_INVALID_JOB_ID")
        split = None if event.incomplete else Finished
        return every(ref, each(turn, event.by, ref, act, "ESLURM_ACCESS_DENIED", split))

    return tuple(map(one, event.refs))


def suspend(turn: Turn, by: int, refs: Iterable[JobRef], resume: bool) -> tuple[Verdict, ...]:
    """Stops what the refs name where it is, or lets it go on. A rented machine bills on: there nothing is suspended."""

    def act(job: Job) -> str | None:
        if turn.queue.cluster.market is not None:
            return "ESLURM_NOT_SUPPORTED"
        if job.follows:
            return "ESLURM_NOT_WHOLE_HET_JOB"
        fresh = priority.fresh(turn.queue.indexes.bases.least(), job.spec)
        return _code(turn.advance(job, Continued(turn.at, fresh) if resume else Paused(turn.at)))

    return tuple(every(ref, each(turn, by, ref, act, "ESLURM_ACCESS_DENIED")) for ref in refs)


def notify(turn: Turn, by: int, refs: Iterable[JobRef], text: str) -> tuple[Verdict, ...]:
    """Writes a line into the outputs of what the refs name."""

    def act(job: Job) -> str | None:
        return _code(turn.advance(job, Told(turn.at, text)))

    return tuple(every(ref, each(turn, by, ref, act, "ESLURM_USER_ID_MISSING")) for ref in refs)


def _cancel_ref(turn: Turn, by: int, ref: JobRef) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for target in _targets(turn, ref):
        job = turn.queue.jobs[target.id]
        code = "ESLURM_ACCESS_DENIED" if not _may(by, job) else _cancel(turn, by, job, target.tasks)
        outcomes.append(Outcome(job.id, code))
    return outcomes


def _cancel(turn: Turn, by: int, job: Job, tasks: IndexSet | None) -> str | None:
    if job.follows and isinstance(job.state, Pending):
        return "ESLURM_NOT_WHOLE_HET_JOB"
    if tasks is None or not isinstance(job.array, ArrayRest) or not isinstance(job.state, Pending):
        return _code(turn.advance(job, Cancelled(turn.at, by)))
    left = without(replace(job, past=replace(job.past, cancelled=True)), tasks)
    if isinstance(left.array, ArrayRest) and left.array.pending:
        turn.put(left)
        turn.count("cancelled")
        return None
    return _code(turn.advance(left, Cancelled(turn.at, by)))


def each(
    turn: Turn,
    by: int,
    ref: JobRef,
    act: Act,
    denied: str,
    split: type[Pending | Finished] | None = None,
    fault: Act | None = None,
) -> list[Outcome]:
    """Acts on every record that the ref names; what became of each, and last of the tasks that the array has not.

    Tasks of an array's record in the state `split` get records of their own first, where they are named; not if `fault` finds
    that it cannot be done to any of them, which it tells by their common record and changes nothing. What is done to waiting
    jobs is done to each component that a heterogeneous job's id names; anything else to its leader, whom the others follow.
    """
    outcomes: list[Outcome] = []
    for target in _targets(turn, ref, components=split is Pending):
        job = turn.queue.jobs[target.id]
        if not _may(by, job):
            outcomes.append(Outcome(job.id, denied, _tasks(ref, job)))
            continue
        if fault is not None and (code := fault(job)) is not None:
            outcomes.append(Outcome(job.id, code, target.tasks or _tasks(ref, job)))
            continue
        named = target.tasks if split is not None and isinstance(job.state, split) else None
        for one in [job] if named is None else turn.split(job, list(named)):
            outcomes.append(Outcome(one.id, act(one), _tasks(ref, one)))
    if ref.tasks is not None and (outcomes or _known(turn, ref)):
        strangers = ref.tasks.minus(index_set(chain.from_iterable(one.tasks for one in outcomes)))
        outcomes += [Outcome(0, "ESLURM_INVALID_JOB_ID", strangers)] if strangers else []
    return outcomes


def _known(turn: Turn, ref: JobRef) -> bool:
    return ref.job_id in turn.queue.jobs or ref.job_id in turn.queue.indexes.arrays


def _tasks(ref: JobRef, job: Job) -> IndexSet | tuple[int, ...]:
    """The tasks that the record stands for, whichever of them are named; none where the ref names no array."""
    return indices(job) if ref.job_id == job.array_id else ()


def _targets(turn: Turn, ref: JobRef, *, components: bool = False) -> list[_Target]:
    """What a ref names, in slurmctld's order; empty when nothing has that number. `components`: a leader's id names them all."""
    job = turn.queue.jobs.get(ref.job_id)
    if job is not None and job.het is not None and not job.follows:
        named = job.het.ids if ref.component is None else [id for id in job.het.ids if id - job.id == ref.component]
        return [_Target(id) for id in (named if components or ref.component is not None else named[:1])]
    if ref.component is not None:
        return []
    entry = turn.queue.indexes.arrays.get(ref.job_id)
    if ref.tasks is None:
        ids = entry.records if entry is not None else [ref.job_id] if ref.job_id in turn.queue.jobs else []
        return [_Target(id) for id in ids]
    if entry is None:
        return []
    own = [_Target(entry.tasks[index]) for index in ref.tasks if index in entry.tasks]
    rest = turn.queue.jobs[entry.rest].array if entry.rest is not None else None
    if entry.rest is None or not isinstance(rest, ArrayRest):
        return own
    untouched = rest.pending.both(ref.tasks)
    return [_Target(entry.rest, untouched), *own] if untouched else own


def _runs(turn: Turn, ref: JobRef) -> bool:
    return any(isinstance(turn.queue.jobs[target.id].state, Running) for target in _targets(turn, ref))


def _may(by: int, job: Job) -> bool:
    return by in (0, job.owner.uid)


def _code(refusal: Refusal | None) -> str | None:
    return None if refusal is None else refusal.code


def _any(ref: JobRef, outcomes: Sequence[Outcome]) -> Verdict:
    """Done if it was done to one of them: the others were over already."""
    done = _done(outcomes)
    return Verdict(ref, None, done) if done else Verdict(ref, outcomes[0].code if outcomes else "ESLURM_INVALID_JOB_ID")


def every(ref: JobRef, outcomes: Sequence[Outcome]) -> Verdict:
    """Done if it was done to all of them; else the first error, beside those to which it was done."""
    if not outcomes:
        return Verdict(ref, "ESLURM_INVALID_JOB_ID")
    code = next((one.code for one in outcomes if one.code is not None), None)
    return Verdict(ref, code, _done(outcomes), () if code is None else _by_code(outcomes))


def _done(outcomes: Iterable[Outcome]) -> tuple[int, ...]:
    return tuple(one.id for one in outcomes if one.code is None)


def _by_code(outcomes: Iterable[Outcome]) -> tuple[tuple[IndexSet, str | None], ...]:
    """The tasks of an array, those of one outcome together, in the order in which an outcome came first."""
    found: dict[str | None, list[int]] = {}
    for one in outcomes:
        if one.tasks:
            found.setdefault(one.code, []).extend(one.tasks)
    return tuple((index_set(tasks), code) for code, tasks in found.items())
