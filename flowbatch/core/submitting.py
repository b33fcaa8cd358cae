"""Jobs come into the queue: one, or the components of a heterogeneous one, all of them or none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from flowbatch.core import priority
from flowbatch.core.accounting.usage import Claim
from flowbatch.core.admitting.admission import Admitted, admit
from flowbatch.core.arrays import tasks
from flowbatch.core.events import Accepted, HetSubmitted, Refused, Reply, Submitted, WouldStart
from flowbatch.core.jobs import ArrayRest, HetPart, Job
from flowbatch.core.market import caps, forecast
from flowbatch.core.placing.scheduling import would_start
from flowbatch.core.records import Queue
from flowbatch.core.states import Pending
from flowbatch.core.turn import Turn
from flowbatch.core.waiting import DEPENDENCY, HELD_BY_USER
from flowbatch.spec.array import ArraySpec
from flowbatch.spec.dependency import Dependency
from flowbatch.spec.job import JobSpec

ON_MARKET = (
    "flowbatch: the components of a heterogeneous job would need machines of their own that are won and lost together, which "
    "the market does not sell: submit them as jobs with dependencies, or without -M"
)


def submit(turn: Turn, event: Submitted) -> Reply:
    queue = turn.queue
    verdict = admit(queue.cluster, event, queue, queue.rulings.reservations, queue.rulings.accounts)
    if isinstance(verdict, Refused):
        return verdict
    spec = caps.paid(queue.cluster.market, verdict.spec, verdict.partitions)
    job = _new_job(queue, event, spec, verdict.partitions, (*event.notes, *verdict.notes))
    if event.test_only and queue.cluster.market is not None:
        return forecast.would_start(queue.cluster, queue.quotes, queue.jobs.values(), job, event.at)
    if event.test_only:
        return _would_start(queue, job, event.at)
    if event.immediate and (job.held or (spec.begin or 0) > event.at or queue.dependencies.still(job, event.at)):
        return Refused("ESLURM_DEPENDENCY")
    if event.immediate and not _starts_now(queue, job, event.at):
        return Refused("ESLURM_NODES_BUSY")
    _enter(turn, job)
    return Accepted(job.id, job.notes)


def submit_het(turn: Turn, event: HetSubmitted) -> Reply:
    queue = turn.queue
    if queue.cluster.market is not None:
        return Refused("ESLURM_NOT_SUPPORTED", (ON_MARKET,))
    admitted = _all_admitted(queue, event)
    if isinstance(admitted, Refused):
        return admitted
    leader, size = queue.next_job_id, len(admitted)
    jobs: list[Job] = []
    for offset, verdict in enumerate(admitted):
        spec = verdict.spec.model_copy(update={"requeue": admitted[0].spec.requeue})
        job = _new_job(queue, event, spec, verdict.partitions, (*event.notes, *verdict.notes))
        id, number = leader + offset, max(1, job.priority - offset) if job.priority else 0
        part = HetPart(leader, offset, size)
        jobs.append(replace(job, id=id, spec_id=id, payload_id=leader, priority=number, het=part))
    if event.test_only:
        return _would_start_all(queue, jobs, event.at)
    if event.immediate:
        return Refused("ESLURM_CAN_NOT_START_IMMEDIATELY")
    _enter(turn, *jobs)
    return Accepted(leader, tuple(dict.fromkeys(note for job in jobs for note in job.notes)))


def _all_admitted(queue: Queue, event: HetSubmitted) -> list[Admitted] | Refused:
    """Each component judged as a job; a node that one requires is none that another may require."""
    named = [name for spec in event.specs for name in set(spec.resources.nodelist)]
    if any(spec.array is not None for spec in event.specs):
        return Refused("ESLURM_INVALID_ARRAY")
    if len(named) != len(set(named)):
        return Refused("ESLURM_INVALID_NODE_NAME")
    admitted: list[Admitted] = []
    beside = _Beside(queue)
    for spec in event.specs:
        asked = Submitted(event.at, event.owner, spec, event.test_only)
        verdict = admit(queue.cluster, asked, beside, queue.rulings.reservations, queue.rulings.accounts)
        if isinstance(verdict, Refused):
            return verdict
        admitted.append(verdict)
        beside.components[Claim(verdict.spec.account, event.owner.name, verdict.spec.qos)] += 1
    return admitted


@dataclass(slots=True)
class _Beside:
    """The queue as it is for the next component, with those before it."""

    queue: Queue
    components: Counter[Claim] = field(default_factory=Counter)

    def job_count(self) -> int:
        return self.queue.job_count() + self.components.total()

    def unfinished(self) -> Counter[Claim]:
        return Counter(self.queue.unfinished()) + self.components


def _enter(turn: Turn, *jobs: Job) -> None:
    """All are in the queue before the first is judged."""
    for job in jobs:
        turn.queue.next_job_id = job.id + 1
        turn.put(job)
        turn.count("submitted", number=tasks(job))
    for job in jobs:
        turn.rejudge(turn.queue.jobs[job.id])
        turn.reconsider(turn.queue.jobs[job.id])


def _would_start(queue: Queue, job: Job, at: int) -> WouldStart | Refused:
    return would_start(queue.cluster, queue.occupancy, job, queue.running(), at, queue.rulings.reservations)


def _would_start_all(queue: Queue, jobs: list[Job], at: int) -> WouldStart | Refused:
    """As 22.05 says it: each component as if it were alone, in one line."""
    starts: list[WouldStart] = []
    for job in jobs:
        start = _would_start(queue, job, at)
        if isinstance(start, Refused):
            return start
        starts.append(start)
    nodes = tuple(dict.fromkeys(node for start in starts for node in start.nodes))
    return WouldStart(jobs[0].id, max(start.at for start in starts), sum(start.cpus for start in starts), nodes, "")


def _starts_now(queue: Queue, job: Job, at: int) -> bool:
    first = _would_start(queue, job, at)
    return isinstance(first, WouldStart) and first.at <= at


def _new_job(
    queue: Queue, event: Submitted | HetSubmitted, spec: JobSpec, partitions: tuple[str, ...], notes: tuple[str, ...]
) -> Job:
    id = queue.next_job_id
    array = spec.array if isinstance(spec.array, ArraySpec) else None
    dependency = spec.dependency if isinstance(spec.dependency, Dependency) else None
    return Job(
        id=id, spec=spec, spec_id=id, payload_id=id, owner=event.owner, state=Pending(DEPENDENCY), submitted_at=event.at,
        priority=0 if spec.hold else priority.at_submission(queue.indexes.bases.least(), event.owner, spec),
        partitions=partitions, array=None if array is None else ArrayRest(array.indices(), array.throttle),
        waiting=() if dependency is None else queue.dependencies.terms(dependency), notes=notes,
        held=HELD_BY_USER if spec.hold else None, last_evaluated_at=event.at,
    )  # fmt: skip
