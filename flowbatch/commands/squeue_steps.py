"""`squeue --steps`: the steps of running jobs. A batch script is one step, `7.batch`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from flowbatch.commands.job_fields import Style, Value, always
from flowbatch.commands.job_view import JobView, Scene
from flowbatch.commands.squeue_options import Wanted
from flowbatch.commands.squeue_order import STEP_ORDER, load_order
from flowbatch.commands.squeue_rows import chosen_nodes
from flowbatch.core.jobs import Job
from flowbatch.core.states import Holding
from flowbatch.slurm import hostlist, listing
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.listing import Column
from flowbatch.slurm.times import short_clock

_BATCH = "batch"


def lines(jobs: Iterable[Job], scene: Scene, wanted: Wanted, columns: Sequence[Column], style: Style) -> str:
    """The listing's lines. Raises Stop."""
    views = [JobView(job, scene) for job in load_order(jobs) if isinstance(job.state, Holding)]
    views = [view for view in views if _is_asked_for(view, wanted)]
    ordered = _sorted(views, wanted.words.get("sort", STEP_ORDER))
    values = [STEP_VALUES[column.key] if column.key else always("") for column in columns]
    return listing.lines(columns, ([value(view, style) for value in values] for view in ordered))


def _is_asked_for(view: JobView, wanted: Wanted) -> bool:
    """Steps are chosen by job, step, name, node, partition and user; a numbered step is never a batch script."""
    if wanted.steps is not None:
        return False
    if wanted.jobs is not None and not any(
        one.job_id in (view.job.id, view.array_id) and one.task in (None, view.task) for one in wanted.jobs
    ):
        return False
    if wanted.users is not None and view.job.owner.uid not in wanted.users:
        return False
    partitions, names = wanted.names("partitions"), wanted.names("name")
    if (partitions is not None and view.partition not in partitions) or (names is not None and _BATCH not in names):
        return False
    if "nodelist" in wanted.words:
        nodes = chosen_nodes(view.scene.cluster, wanted.words["nodelist"])
        return view.batch_host in nodes
    return True


def _sorted(views: list[JobView], order: str) -> list[JobView]:
    """Letters that sort no steps are passed over, as squeue does."""
    for at in range(len(order) - 1, -1, -1):
        if key := _KEYS.get(order[at]):
            views = sorted(views, key=key, reverse=at > 0 and order[at - 1] == "-")
    return views


_KEYS: dict[str, Callable[[JobView], int | str | tuple[str, int, int]]] = {
    "i": lambda view: view.job.id,
    "N": lambda view: hostlist.sort_key(view.batch_host or ""),
    "P": lambda view: view.partition,
    "S": lambda view: view.started_at or 0,
    "M": lambda view: view.time_used_s,
    "u": lambda view: view.job.owner.name,
    "U": lambda view: view.job.owner.uid,
}


def step_id(view: JobView) -> str:
    """`7.batch`, `7_3.batch`."""
    job = f"{view.array_id}_{view.task}" if view.task is not None else str(view.job.id)
    return f"{job}.{_BATCH}"


STEP_VALUES: Mapping[str, Value] = {
    "gres": always(NULL),
    "stepid": lambda view, style: step_id(view),
    "stepname": always(_BATCH),
    "timelimit": always("UNLIMITED"),
    "username": lambda view, style: view.job.owner.name,
    "numtasks": always("1"),
    "timeused": lambda view, style: short_clock(view.scene.at - (view.started_at or view.scene.at)),
    "nodes": lambda view, style: view.batch_host or "",
    "partition": lambda view, style: view.partition,
    "starttime": lambda view, style: style.times.stamp(view.started_at),
    "userid": lambda view, style: str(view.job.owner.uid),
    "arrayjobid": lambda view, style: str(view.array_id or 0),
    "arraytaskid": lambda view, style: "N/A" if view.task is None else str(view.task),
    "cluster": lambda view, style: view.scene.cluster.name,
    "container": always(NULL),
    "cpufreq": always("0-0:0"),
    "cpus-per-tres": always(NULL),
    "jobid": lambda view, style: str(view.job.id),
    "mem-per-tres": always(NULL),
    "network": always(NULL),
    "numcpus": always("0"),
    "resvports": always(NULL),
    "stepstate": always("RUNNING"),
    "tres-bind": always(NULL),
    "tres-freq": always(NULL),
    "tres-per-step": always(NULL),
    "tres-per-socket": always(NULL),
    "tres-per-task": always(NULL),
}
