"""`squeue --steps`: the steps of running jobs. A batch script is one step, `7.batch`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from flowbatch.commands.listing.job_fields import Style
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.squeue_options import Wanted
from flowbatch.commands.listing.squeue_order import STEP_ORDER
from flowbatch.commands.listing.squeue_rows import chosen_nodes
from flowbatch.commands.listing.step_view import StepView, running_steps
from flowbatch.core.ports import Snapshot
from flowbatch.slurm import hostlist, listing
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.listing import Column
from flowbatch.slurm.times import minutes_short_clock, short_clock

Value = Callable[[StepView, Style], str]


def lines(snapshot: Snapshot, scene: Scene, wanted: Wanted, columns: Sequence[Column], style: Style) -> tuple[str, str]:
    """The listing's lines, and complaints about the order. Raises Stop."""
    steps = [step for step in running_steps(snapshot, scene) if _is_asked_for(step, wanted)]
    ordered, notes = _sorted(steps, wanted.words.get("sort", STEP_ORDER))
    values = [STEP_VALUES[column.key] if column.key else _always("") for column in columns]
    return listing.lines(columns, ([value(step, style) for value in values] for step in ordered)), notes


def _is_asked_for(step: StepView, wanted: Wanted) -> bool:
    """Steps are chosen by job, step, node, partition and user; a name chooses none of them, as with 22.05."""
    view = step.view
    if wanted.steps is not None and not any(
        one.job_id in (view.job.id, view.array_id) and one.task in (None, view.task) and step.name_in_job == str(number)
        for one, number in wanted.steps
    ):
        return False
    if wanted.jobs is not None and not any(
        one.job_id in (view.job.id, view.array_id) and one.task in (None, view.task) for one in wanted.jobs
    ):
        return False
    if wanted.users is not None and view.job.owner.uid not in wanted.users:
        return False
    partitions = wanted.names("partitions")
    if partitions is not None and view.partition not in partitions:
        return False
    if "nodelist" in wanted.words:
        return not chosen_nodes(view.scene.cluster, wanted.words["nodelist"]).isdisjoint(step.node_names)
    return True


def _sorted(steps: list[StepView], order: str) -> tuple[list[StepView], str]:
    """Letters that sort no steps are passed over, as squeue does; of one it says so."""
    notes = ""
    for at in range(len(order) - 1, -1, -1):
        if key := _KEYS.get(order[at]):
            steps = sorted(steps, key=key, reverse=at > 0 and order[at - 1] == "-")
        elif order[at] == "b":
            notes += "squeue: Invalid sort specification: b\n"
    return steps, notes


def _number_order(step: StepView) -> tuple[int | str, ...]:
    """Numbered steps first, then by name."""
    return (
        step.view.job.id,
        step.step is None,
        "" if step.step else step.unnumbered,
        step.step.number if step.step else 0,
    )


_KEYS: dict[str, Callable[[StepView], int | str | tuple[int | str, ...]]] = {
    "i": _number_order,
    "N": lambda step: hostlist.sort_key(next(iter(step.node_names), "")),
    "P": lambda step: step.view.partition,
    "S": lambda step: step.began_at or 0,
    "M": lambda step: step.ran_s,
    "u": lambda step: step.view.job.owner.name,
    "U": lambda step: step.view.job.owner.uid,
}


def _always(text: str) -> Value:
    return lambda step, style: text


STEP_VALUES: Mapping[str, Value] = {
    "gres": lambda step, style: step.gres,
    "stepid": lambda step, style: step.id,
    "stepname": lambda step, style: step.name,
    "timelimit": lambda step, style: minutes_short_clock(step.limit_min),
    "username": lambda step, style: step.view.job.owner.name,
    "numtasks": lambda step, style: str(step.tasks),
    "timeused": lambda step, style: short_clock(step.ran_s),
    "nodes": lambda step, style: step.nodes,
    "partition": lambda step, style: step.view.partition,
    "starttime": lambda step, style: style.times.stamp(step.began_at),
    "userid": lambda step, style: str(step.view.job.owner.uid),
    "arrayjobid": lambda step, style: str(step.view.array_id or 0),
    "arraytaskid": lambda step, style: "N/A" if step.view.task is None else str(step.view.task),
    "cluster": lambda step, style: step.view.scene.cluster.name,
    "container": _always(NULL),
    "cpufreq": lambda step, style: "0-0:0" if step.step is None else "Unknown-Unknown:Unknown",
    "cpus-per-tres": _always(NULL),
    "jobid": lambda step, style: str(step.view.job.id),
    "mem-per-tres": _always(NULL),
    "network": _always(NULL),
    "numcpus": lambda step, style: str(step.cpus),
    "resvports": _always(NULL),
    "stepstate": _always("RUNNING"),
    "tres-bind": _always(NULL),
    "tres-freq": _always(NULL),
    "tres-per-step": _always(NULL),
    "tres-per-socket": _always(NULL),
    "tres-per-task": _always(NULL),
}
