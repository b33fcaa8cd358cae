"""What `scontrol update` changes of what a job asked for; its time limit and its price are in `terms`.

As on 22.05: a waiting job is judged as if it were submitted so; of a running one only words change, of one that is over
nothing. The owner and root may; priorities are root's to say.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from flowbatch.core import priority
from flowbatch.core.accounting.usage import Claim
from flowbatch.core.admitting.admission import admit
from flowbatch.core.asked import each, every
from flowbatch.core.events import Refused, Submitted, UpdateAsked, Verdict
from flowbatch.core.facts import Held, Waits
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.market.upkeep import last_first
from flowbatch.core.states import Finished, Pending
from flowbatch.core.terms import revised
from flowbatch.core.turn import Turn
from flowbatch.core.waiting import HELD_BY_ADMIN, HELD_BY_USER
from flowbatch.spec.dependency import Dependency
from flowbatch.spec.job import JobSpec

WHILE_RUNNING = frozenset(
    {"name", "comment", "requeue", "mail.types", "mail.user", "qos", "nice", "priority", "admin_comment"}
)
"""What may change of a job that has started."""


class _Room:
    """The job is in the queue already: however full that is, it stays."""

    def job_count(self) -> int:
        return 0

    def unfinished(self) -> dict[Claim, int]:
        return {}


def update(turn: Turn, event: UpdateAsked) -> tuple[Verdict, ...]:
    """Changes what the refs name; all that is asked of a job, or nothing."""

    def act(job: Job) -> str | None:
        if isinstance(job.state, Finished):
            return "ESLURM_JOB_FINISHED"
        waits = isinstance(job.state, Pending)
        if not waits and not WHILE_RUNNING.issuperset(event.fields):
            return "ESLURM_JOB_NOT_PENDING"
        if "admin_comment" in event.fields and not turn.queue.cluster.operated_by(event.by):
            return "ESLURM_ACCESS_DENIED"
        if "priority" in event.fields and (fault := _priority_fault(event, job)) is not None:
            return fault
        changed = replace(job, spec=merged(job.spec, event.spec, event.fields))
        judged = _judged(turn, event, changed) if waits else changed
        if isinstance(judged, str):
            return judged
        _carry_out(turn, event, job, judged)
        return None

    return tuple(
        every(ref, each(turn, event.by, ref, act, "ESLURM_USER_ID_MISSING", split=Pending)) for ref in event.refs
    )


def merged(own: JobSpec, other: JobSpec, fields: Iterable[str]) -> JobSpec:
    """The spec with these fields from the other one; `a.b` is field b of its part a."""
    for name in fields:
        part, _, inner = name.partition(".")
        value = getattr(other, part)
        if inner:
            value = getattr(own, part).model_copy(update={inner: getattr(value, inner)})
        own = own.model_copy(update={part: value})
    return own


def _priority_fault(event: UpdateAsked, job: Job) -> str | None:
    if event.spec.priority == 0:
        return None
    if event.by != 0 or job.owner.uid != 0:
        return "ESLURM_ACCESS_DENIED"
    return "ESLURM_JOB_HELD" if job.held is not None else None


def _judged(turn: Turn, event: UpdateAsked, job: Job) -> Job | str:
    """The waiting job as it may be in the queue, or Slurm's error."""
    queue = turn.queue
    if "deadline" in event.fields and (job.spec.deadline or 0) <= event.at:
        return "ESLURM_INVALID_TIME_VALUE"
    wish = job.spec.model_copy(update={"hold": job.held is not None})
    asked = Submitted(event.at, replace(job.owner, uid=event.by), wish)
    verdict = admit(queue.cluster, asked, _Room(), queue.rulings.reservations, queue.rulings.accounts)
    if isinstance(verdict, Refused):
        return verdict.code
    job = replace(job, spec=verdict.spec.model_copy(update={"hold": job.spec.hold}), partitions=verdict.partitions)
    if "begin" in event.fields:
        job = replace(job, eligible_at=None)
    if "dependency" in event.fields:
        wanted = job.spec.dependency
        waiting = queue.dependencies.terms(wanted) if isinstance(wanted, Dependency) else ()
        if _reaches(turn, {one.term.job_id for one in waiting}, job):
            return "ESLURM_CIRCULAR_DEPENDENCY"
        job = replace(job, waiting=waiting)
    return job


def _reaches(turn: Turn, ids: set[int], job: Job) -> bool:
    """Whether one of these waits, over however many others, for the job."""
    seen: set[int] = set()
    while ids:
        id = ids.pop()
        if id in (job.id, job.array_id):
            return True
        seen.add(id)
        found = turn.queue.jobs.get(id)
        if found is not None and isinstance(found.state, Pending):
            ids |= {one.term.job_id for one in found.waiting} - seen
    return False


def _carry_out(turn: Turn, event: UpdateAsked, old: Job, job: Job) -> None:
    if event.throttle is not None and job.array is not None:
        _throttle(turn, job, event.throttle)
        old = turn.queue.jobs[job.id]
        job = replace(job, array=old.array, bids=old.bids)
    if job.held is None and event.spec.priority and "priority" in event.fields:
        job = replace(job, priority=min(event.spec.priority, priority.HIGHEST))
    elif job.held is None and old.priority != old.spec.priority:
        job = replace(job, priority=max(1, min(priority.HIGHEST, job.priority + old.spec.nice - job.spec.nice)))
    turn.keep(job if job.spec == old.spec else revised(job, job.spec))
    if (
        isinstance(job.state, Pending)
        and job.bids_on
        and any(name.startswith(("resources", "part")) for name in event.fields)
    ):
        turn.withdraw(turn.queue.jobs[job.id])
    if event.spec.priority == 0 and "priority" in event.fields:
        turn.advance(turn.queue.jobs[job.id], Held(event.at, HELD_BY_ADMIN if event.by == 0 else HELD_BY_USER))
    if "begin" in event.fields:
        turn.advance(turn.queue.jobs[job.id], Waits(event.at, "None", rested=True))
    turn.rejudge(turn.queue.jobs[job.id])
    turn.reconsider(turn.queue.jobs[job.id])
    turn.queue.pass_by(event.at)


def _throttle(turn: Turn, job: Job, limit: int) -> None:
    """All records of the array say the same. Tasks that run already are not taken back: until enough of them have ended, none
    starts, and bids beyond that go off the market, the last in line first."""
    assert job.array_id is not None
    entry = turn.queue.indexes.arrays[job.array_id]
    for id in entry.records:
        one = turn.queue.jobs[id]
        array = one.array
        if isinstance(array, ArrayTask | ArrayRest):
            turn.put(replace(one, array=replace(array, throttle=limit)))
    beyond = max(0, entry.started - limit) if limit else 0
    for one in last_first(turn.queue.jobs[id] for id in entry.bidding)[:beyond]:
        turn.withdraw(one)
