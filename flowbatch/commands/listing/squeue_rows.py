"""Which records squeue lists, and as which rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from flowbatch import text
from flowbatch.commands.command_options import Stop
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.squeue_options import ACTIVE_STATES, JobId, Wanted
from flowbatch.commands.listing.squeue_order import by_start, load_order
from flowbatch.core.arrays import index_set, root
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.slurm import hostlist
from flowbatch.spec.array import IndexSet
from flowbatch.spec.cluster import ClusterSpec

Test = Callable[[JobView], bool]


def is_known(jobs: Iterable[Job], wanted: JobId) -> bool:
    """Whether the queue has a record of that number, or of a task of that array."""
    return any(job.id == wanted.job_id or job.array_id == wanted.job_id for job in jobs)


def rows(jobs: Iterable[Job], scene: Scene, wanted: Wanted) -> list[JobView]:
    """The rows, in the order in which squeue has them before it sorts."""
    chosen = load_order(jobs)
    if wanted.jobs is not None:
        chosen = list(_asked_for(chosen, wanted.jobs))
    views = [JobView(job, scene) for job in chosen]
    if "priority" in wanted.flags:
        views = [one for view in views for one in _by_partition(view)]
    for test in _tests(scene.cluster, wanted):
        views = [view for view in views if test(view)]
    return by_start(views)


def _asked_for(jobs: Iterable[Job], ids: Sequence[JobId]) -> Iterator[Job]:
    """The records as far as `--jobs` asks for them."""
    for job in jobs:
        chosen = _as_named(job, ids)
        if chosen is not None:
            yield chosen


def _as_named(job: Job, ids: Sequence[JobId]) -> Job | None:
    """The record, if one of these names it; a pending array may lose some of its tasks."""
    naming = [one for one in ids if one.job_id in (job.id, root(job))]
    whole = any(one.task is None for one in naming)
    if whole and (naming[0].task is None or not isinstance(job.array, ArrayRest)):
        return job  # of what is left of an array, tasks that are named first are all that is listed
    tasks = {one.task for one in naming if one.task is not None and one.job_id == job.array_id}
    if isinstance(job.array, ArrayTask):
        return job if job.array.index in tasks else None
    if isinstance(job.array, ArrayRest):
        chosen = index_set(index for index in tasks if index in job.array.pending)
        if len(chosen) == 1:
            return replace(job, array=ArrayTask(job.id, chosen.first, job.array.throttle))
        if chosen:
            return replace(job, array=ArrayRest(chosen, None))
    return None


def _by_partition(view: JobView) -> Iterator[JobView]:
    """One row for each partition of a pending job (`--priority`)."""
    if view.pending and len(view.job.partitions) > 1:
        for partition in view.job.partitions:
            yield JobView(view.job, view.scene, partition=partition)
    else:
        yield view


def expanded(views: Iterable[JobView]) -> Iterator[JobView]:
    """The rows with what is left of an array task by task (`--array`), which squeue does as it prints."""
    for view in views:
        if view.rest is None or not view.rest.pending:
            yield view
            continue
        for index in view.rest.pending:
            task = replace(view.job, array=ArrayTask(view.job.id, index, view.rest.throttle))
            yield JobView(task, view.scene, partition=view.partition)


def joined(views: Iterable[JobView]) -> list[JobView]:
    """The rows where an array's tasks that wait again, after a requeue, stand in its one line of waiting tasks: without
    the throttle, and with all their reasons."""
    views = list(views)
    lines = {view.job.id for view in views if view.rest is not None and view.pending}
    if not lines:
        return views
    again: dict[int, list[JobView]] = {}
    kept = []
    for view in views:
        if view.pending and view.task is not None and view.array_id in lines:
            again.setdefault(view.array_id, []).append(view)
        else:
            kept.append(view)
    return [_with_tasks(view, again[view.job.id]) if view.job.id in again else view for view in kept]


def _with_tasks(view: JobView, tasks: Sequence[JobView]) -> JobView:
    waiting = index_set(task.task for task in tasks if task.task is not None)
    rest = view.rest.pending.bits if view.rest is not None else 0
    job = replace(view.job, array=ArrayRest(IndexSet(rest | waiting.bits), None))
    reasons = dict.fromkeys([view.reason, *(task.reason for task in tasks)])
    return JobView(job, view.scene, partition=view.partition, reason=",".join(reasons))


def _tests(cluster: ClusterSpec, wanted: Wanted) -> list[Test]:
    """One test for each filter that was given."""
    states = wanted.states
    if states is None:
        states = frozenset({"PENDING"}) if "start" in wanted.flags else ACTIVE_STATES
    tests: list[Test] = [lambda view: view.state in states or (view.pending and "PENDING" in states)]
    if not wanted.sees_hidden:
        hidden = {partition.name for partition in cluster.partitions if partition.hidden}
        if hidden:
            tests.append(lambda view: not hidden.issuperset(view.partition.split(",")))
    if wanted.users is not None:
        users = wanted.users
        tests.append(lambda view: view.job.owner.uid in users)
    for key, value in _BY_WORD.items():
        if (names := wanted.names(key)) is not None:
            tests.append(_one_of(value, names))
    if (names := wanted.names("name")) is not None:
        lowered = frozenset(map(text.small, names))
        tests.append(lambda view: text.small(view.spec.name) in lowered)
    if "reservation" in wanted.words:
        reservation = wanted.words["reservation"]
        tests.append(lambda view: view.spec.reservation == reservation)
    if (partitions := wanted.names("partitions")) is not None:
        tests.append(lambda view: not partitions.isdisjoint(view.partition.split(",")))
    if (licenses := wanted.names("licenses")) is not None:
        tests.append(lambda view: any(name in licenses for name, _ in view.need.licenses))
    if "nodelist" in wanted.words:
        nodes = chosen_nodes(cluster, wanted.words["nodelist"])
        tests.append(lambda view: view.allocation is not None and not nodes.isdisjoint(view.allocation.nodes))
    return tests


_BY_WORD: dict[str, Callable[[JobView], str | None]] = {
    "accounts": lambda view: view.spec.account,
    "qos": lambda view: view.qos,
}


def _one_of(value: Callable[[JobView], str | None], names: frozenset[str]) -> Test:
    return lambda view: value(view) in names


def chosen_nodes(cluster: ClusterSpec, words: str) -> frozenset[str]:
    """The nodes of `--nodelist`; `localhost` is the first of them. Raises Stop for a name that no node has."""
    try:
        names = hostlist.expand(words)
    except hostlist.InvalidHostlist as error:
        if words.count("[") != words.count("]"):
            head = (words.rpartition("[")[0] or words).rpartition(",")[2]
            # the brackets' content is lost there, and the closing one is what is left
            raise Stop(1, err=f"squeue: error: Invalid node name {head.rstrip(']')}]\n") from None
        raise Stop(1, err=f"{error.fault('squeue')}squeue: error: '{words}' invalid entry for --nodelist\n") from None
    first = cluster.nodes[0].name if cluster.nodes else ""
    found = [first if name == "localhost" and cluster.node(name) is None else name for name in names]
    for name in sorted(found, key=hostlist.sort_key):
        if cluster.node(name) is None:
            raise Stop(1, err=f"squeue: error: Invalid node name {name}\n")
    return frozenset(found)
