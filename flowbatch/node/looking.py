"""What runs of a placement now: the processes of its batch script and of each task of its steps, and what they use.

Nothing is remembered: a task is a child of its step's srun that leads a session, and its environment says which it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import fields, replace

from flowbatch.node.book import Entry, Started, Stepped
from flowbatch.node.processes import Processes, Used
from flowbatch.protocol.seen import TaskSeen

RANK = "SLURM_PROCID"
USED = tuple(field.name for field in fields(Used))


def tasks(entry: Entry, processes: Processes) -> list[TaskSeen]:
    """All tasks that run of the placement: the batch script's first, then the steps' by their numbers."""
    steps = [step for _, step in sorted(entry.steps.items()) if step.step.what == "began"]
    found = [task for step in steps for task in _of_step(step, processes)]
    if entry.started is None or entry.started.holds or entry.report is not None:
        return found
    theirs = {pid for task in found for pid in task.pids}
    return [*_of_script(entry.started, theirs, processes), *found]


def _of_script(started: Started, others: Collection[int], processes: Processes) -> Iterator[TaskSeen]:
    if processes.born(started.script) == started.script_born:
        pids = [pid for pid in processes.family(started.script) if pid not in others]
        yield _with(TaskSeen(None, 0, 0, started.node), (started.script, *pids), processes)


def _of_step(step: Stepped, processes: Processes) -> Iterator[TaskSeen]:
    leaders = _leaders(step, processes)
    for part in step.parts:
        for local, rank in enumerate(part.ranks):
            if rank in leaders:
                pid = leaders[rank]
                task = TaskSeen(step.step.number, rank, local, part.node, part.component)
                yield _with(task, (pid, *processes.family(pid)), processes)


def _leaders(step: Stepped, processes: Processes) -> dict[int, int]:
    """The first process of each task that runs, by rank."""
    srun = step.step.srun
    if not srun or processes.born(srun) != step.srun_born:
        return {}
    ranks = {
        pid: processes.variable(pid, RANK) or "" for pid in processes.family(srun) if processes.leads_session(pid, srun)
    }
    return {int(rank): pid for pid, rank in ranks.items() if rank.isdecimal()}


def _with(task: TaskSeen, pids: Sequence[int], processes: Processes) -> TaskSeen:
    """The task of these processes, with what they use; one that has ended meanwhile counts for nothing."""
    used = [one for one in map(processes.used, pids) if one is not None]
    return replace(task, pids=tuple(pids), **{name: sum(getattr(one, name) for one in used) for name in USED})
