"""What is true of every queue after every step. For tests and for a controller that doubts itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from flowbatch.core import waiting
from flowbatch.core.arrays import root, tasks, throttle
from flowbatch.core.components import startable
from flowbatch.core.indexes import Indexes
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.market.laws import broken
from flowbatch.core.records import Queue
from flowbatch.core.states import Allocation, Completing, Finished, Holding, Pending, held
from flowbatch.spec.array import ArraySpec
from flowbatch.spec.cluster import NodeSpec


class Broken(AssertionError):
    """Something that is always true is not: what, and the records that show it."""


def check(queue: Queue) -> None:
    """Raises Broken with the whole story, or returns."""
    faults = [fault for rule in RULES for fault in rule(queue)]
    if faults:
        records = "\n".join(f"  {job!r}" for job in queue.jobs.values())
        raise Broken("\n".join([*faults, "records:", records, f"next job id {queue.next_job_id}"]))


def check_step(before: dict[int, Job], queue: Queue) -> None:
    """Raises Broken if a record became what it can never become."""
    for job in before.values():
        after = queue.jobs.get(job.id)
        if after is None and not isinstance(job.state, Finished):
            raise Broken(f"job {job.id} left the queue before it was over: {job!r}")
        if after is None:
            continue
        same_placement = isinstance(job.state, Finished) and after.restarts == job.restarts
        if same_placement and after.state != job.state:
            raise Broken(f"job {job.id} was over and is something else now: {job.state!r} -> {after.state!r}")
        if after.restarts < job.restarts:
            raise Broken(f"job {job.id} has fewer restarts than before: {job.restarts} -> {after.restarts}")


def _numbers(queue: Queue) -> Iterator[str]:
    """Ids are unique and were given out."""
    for id, job in queue.jobs.items():
        if job.id != id:
            yield f"record {job.id} stands under {id}"
        if not 0 < id < queue.next_job_id or root(job) >= queue.next_job_id:
            yield f"job {id} has a number that was not given out yet ({queue.next_job_id} is next)"
        if root(job) not in queue.jobs:
            yield f"job {id} belongs to array {root(job)}, which has no record"


def _array_indices(queue: Queue) -> Iterator[str]:
    """Each task of an array stands in one record at most, and was asked for."""
    seen: dict[tuple[int, int], int] = {}
    for job in queue.jobs.values():
        if job.array is None:
            continue
        asked = job.spec.array.indices() if isinstance(job.spec.array, ArraySpec) else None
        for index in job.array.pending if isinstance(job.array, ArrayRest) else [job.array.index]:
            if asked is None or index not in asked:
                yield f"task {root(job)}_{index} was never asked for"
            if (other := seen.setdefault((root(job), index), job.id)) != job.id:
                yield f"task {root(job)}_{index} stands in records {other} and {job.id}"
        if isinstance(job.array, ArrayRest) and isinstance(job.state, Holding):
            yield f"the untouched tasks of array {job.id} hold an allocation"


def _holds(queue: Queue) -> Iterator[str]:
    """A held job has priority 0 and says so while it waits."""
    for job in queue.jobs.values():
        if (job.held is not None) != (job.priority == 0):
            yield f"job {job.id} has priority {job.priority} and hold {job.held}"
        if isinstance(job.state, Pending) and job.held is not None and job.state.reason != job.held:
            yield f"job {job.id} is held by {job.held} and says {job.state.reason}"


def _reasons(queue: Queue) -> Iterator[str]:
    """Who waits for a dependency says so; who says so waits for one."""
    for job in queue.jobs.values():
        if not isinstance(job.state, Pending) or job.held is not None:
            continue
        says = job.state.reason in (waiting.DEPENDENCY, waiting.NEVER_SATISFIED)
        if says != bool(job.waiting):
            yield f"job {job.id} waits for {job.waiting} and says {job.state.reason}"


def _throttles(queue: Queue) -> Iterator[str]:
    """None waits in vain for its array's throttle. (More may run than it allows, where it was lowered.)"""
    for id, entry in queue.indexes.arrays.items():
        limit = throttle(queue.jobs[id]) if id in queue.jobs else None
        if entry.limited and not entry.ready and (limit is None or entry.started < limit):
            yield f"tasks {sorted(entry.limited)} of array {id} wait for a throttle that is not used up"


def _nodes(queue: Queue) -> Iterator[str]:
    """No CPU, device, memory or licence is given out twice, unless by jobs that share; one that was resumed has its CPUs
    again, whoever has them meanwhile (as on 22.05)."""
    nodes = {node.name: node for node in queue.cluster.nodes}
    cpus: dict[tuple[str, int], int] = {}
    devices: dict[tuple[str, str, int], int] = {}
    memory: dict[str, int] = {}
    for job in queue.running():
        allocation, resumed = held(job.state), isinstance(job.state, Holding) and job.state.pause is not None
        for share in allocation.shares if allocation is not None and not allocation.sharing else ():
            memory[share.node] = memory.get(share.node, 0) + share.memory_mib
            taken = [] if resumed else [cpus.setdefault((share.node, cpu), job.id) for cpu in share.cpu_ids]
            taken += [devices.setdefault((share.node, n, i), job.id) for n, _, ids in share.gres for i in ids]
            if others := {id for id in taken if id != job.id}:
                yield f"job {job.id} holds on {share.node} what {sorted(others)} hold"
        yield from _outside(job, allocation, nodes)
    for name, mib in memory.items():
        if name in nodes and queue.cluster.select_memory and mib > nodes[name].real_memory:
            yield f"node {name} has given out {mib} MiB of {nodes[name].real_memory}"


def _outside(job: Job, allocation: Allocation | None, nodes: dict[str, NodeSpec]) -> Iterator[str]:
    for share in allocation.shares if allocation is not None else ():
        if share.node in nodes and any(cpu >= nodes[share.node].cpus for cpu in share.cpu_ids):
            yield f"job {job.id} holds CPUs that {share.node} does not have: {share.cpu_ids}"


def _counts(queue: Queue) -> Iterator[str]:
    counted = sum(tasks(job) for job in queue.jobs.values())
    if counted != queue.job_count():
        yield f"the queue counts {queue.job_count()} tasks and holds {counted}"


def _indexes(queue: Queue) -> Iterator[str]:
    """Every index is what it would be if it were made anew."""
    anew = Indexes(queue.cluster)
    for job in queue.jobs.values():
        anew.add(job)
    for name in vars(anew):
        if getattr(anew, name) != getattr(queue.indexes, name):
            yield f"index {name} is {getattr(queue.indexes, name)!r}, should be {getattr(anew, name)!r}"


def _wakes(queue: Queue) -> Iterator[str]:
    """Whoever may start is looked at: a job that no pass has judged yet has one coming."""
    fresh = [
        id for id in queue.indexes.ready
        if isinstance(state := queue.jobs[id].state, Pending) and state.reason == "None" and _waits_alone(queue, queue.jobs[id])
    ]  # fmt: skip
    if fresh and queue.pass_due is None and len(queue.indexes.ready) <= queue.cluster.default_queue_depth:
        yield f"jobs {fresh} may start and no pass is due"


def _steps(queue: Queue) -> Iterator[str]:
    """Steps run beside a job that holds its nodes, and none that is over does."""
    for id, steps in queue.steps.items():
        if id not in queue.jobs or not isinstance(queue.jobs[id].state, Holding):
            yield f"steps {sorted(steps.running)} of job {id} run without it"
        for number, step in steps.running.items():
            if step.ended_at is not None or step.number != number or number > steps.last:
                yield f"step {id}.{number} runs as {step!r}, the last is {steps.last}"


def _waits_alone(queue: Queue, job: Job) -> bool:
    """Whether nothing but a place keeps it, and the components beside it."""
    return job.het is None or startable(queue.jobs, queue.jobs[job.het.leader])


def _components(queue: Queue) -> Iterator[str]:
    """The components of a job start together, and none outlives its leader's run."""
    for job in queue.jobs.values():
        if job.het is None:
            continue
        missing = [id for id in job.het.ids if id not in queue.jobs]
        if missing or job.id != job.het.leader + job.het.offset:
            yield f"component {job.id} of job {job.het.leader} misses {missing}"
            continue
        leader = queue.jobs[job.het.leader].state
        holds, leads = isinstance(job.state, Holding), isinstance(leader, Holding)
        if holds and not leads:
            yield f"component {job.id} runs and its leader {job.het.leader} does not"
        if isinstance(job.state, Pending) and leads and not isinstance(leader, Completing):
            yield f"component {job.id} waits while its leader {job.het.leader} runs"
        if isinstance(leader, Finished) != isinstance(job.state, Finished) and not leads:
            yield f"component {job.id} and its leader {job.het.leader} are not over together"


def _alone(queue: Queue) -> Iterator[str]:
    """The last task of an array has the array's id."""
    for job in queue.jobs.values():
        if isinstance(job.array, ArrayTask) and job.id != job.array.array_id and job.id < job.array.array_id:
            yield f"task {job.array.array_id}_{job.array.index} has an id from before its array: {job.id}"


RULES: tuple[Callable[[Queue], Iterator[str]], ...] = (
    _components, _numbers, _array_indices, _holds, _reasons, _throttles, _nodes, _counts, _indexes, _wakes, _alone, _steps,
    broken,
)  # fmt: skip
