"""`scontrol show step` and `scontrol listpids`: the steps of jobs that run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from flowbatch.commands.command_options import Stop
from flowbatch.commands.control import show_cluster
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.listing.processes import Processes
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.step_view import StepView, running_steps
from flowbatch.core.ports import Snapshot
from flowbatch.protocol.seen import TaskSeen
from flowbatch.slurm import codes
from flowbatch.slurm.integers import leading
from flowbatch.slurm.times import TimeStyle, minutes_clock

_STEP = re.compile(r"(?P<job>[0-9]*)(?P<under>_(?P<task>[0-9]*))?(?:\+[0-9]+)?(?P<dot>\.(?P<step>.*))?")
"""22.05 reads numbers: no job is every job, no task's number task 0, and a step's name step 0."""


async def show_steps(asked: Asked, words: Sequence[str]) -> int:
    """The steps that run: all of them, those of a job, or one."""
    snapshot = asked.queue.snapshot()
    steps = list(running_steps(snapshot, Scene.of(snapshot)))
    if words:
        chosen = _chosen(steps, words[0])
        if not chosen:
            _complain(asked, snapshot, words[0])
            return 1
        steps = chosen
    elif not steps:
        asked.out("No job steps in the system\n")
    for step in steps:
        lines = _lines(step, asked.style.times)
        asked.out(show_cluster.block(lines, one_line="oneliner" in asked.flags))
    return 0


def _chosen(steps: Sequence[StepView], word: str) -> list[StepView]:
    written = _written(word)
    job_id, task = leading(written["job"]), written["task"]
    if not job_id:
        return list(steps)
    return [
        step
        for step in steps
        if job_id in (step.view.job.id, step.view.array_id)
        and (task is None or step.view.task == leading(task))
        and (not written["step"] or step.name_in_job == str(leading(written["step"])))
    ]


def _written(word: str) -> re.Match[str]:
    found = _STEP.match(word)
    assert found is not None, "every part may be missing"
    return found


def _complain(asked: Asked, snapshot: Snapshot, word: str) -> None:
    """Nothing of that name runs. Raises Stop where the queue has no such job."""
    written = _written(word)
    if not any(leading(written["job"]) in (one.id, one.array_id) for one in snapshot.jobs):
        raise Stop(1, err=f"slurm_get_job_steps error: {codes.message('ESLURM_INVALID_JOB_ID')}\n")
    task = f"_{leading(written['task'])}" if written["under"] else ""
    step = leading(written["step"]) if written["step"] else ""
    if "quiet" not in asked.flags:
        asked.out(f"Job step {written['job']}{task}.{step} not found\n")


async def listpids(asked: Asked) -> int:
    """The processes of running jobs, of a job or of one of its steps, on this machine or on one node of it. Raises Stop."""
    word = asked.words[1] if len(asked.words) > 1 else ""
    node = asked.words[2] if len(asked.words) > 2 else None
    job, _, number = word.partition(".")
    if word and not job.isdecimal():
        raise Stop(1, err=f'"{word}" does not look like a jobid\n')
    if number and not number.isdecimal():
        raise Stop(0, out=_PIDS, err=f'"{word}" does not look like a stepid\n')
    snapshot = asked.queue.snapshot()
    steps = [step for step in running_steps(snapshot, Scene.of(snapshot)) if node in (None, *step.node_names)]
    chosen = [
        step for step in steps
        if job in ("", str(step.view.job.id)) and number in ("", step.name_in_job)
    ]  # fmt: skip
    if not chosen:
        raise Stop(1, out=_PIDS, err=f"{_nothing(word, '(null)' if node is None else node, bool(steps))}\n")
    processes = Processes(asked.queue)
    try:
        lines = [
            line
            for step in chosen
            for task in await processes.of(step)
            if node in (None, task.node)
            for line in _pids(step, task)
        ]
    except OSError as error:
        said = "scontrol: error: Requested operation not supported on this system\n"
        raise Stop(1, err=f"{said}scontrol: listpids: {error}\n") from None
    asked.out(_PIDS + "".join(lines))
    return 0


def _nothing(word: str, node: str, others: bool) -> str:
    if not word:
        return "No job steps exist on this node."
    if "." in word or not others:
        return f"{'StepId' if '.' in word else 'JobId'}={word} does not exist on node {node}."
    return f"There are no steps for job {word} on node {node}."


def _pids(step: StepView, task: TaskSeen) -> Iterator[str]:
    """The task's own process with its numbers, and those under it without."""
    for pid in task.pids:
        own = pid == task.pids[0]
        local, rank = (task.local, task.rank) if own else ("-", "-")
        yield f"{pid:<8} {step.view.job.id:<8} {step.name_in_job:<8} {local:<7} {rank:<8}\n"


_PIDS = "PID      JOBID    STEPID   LOCALID GLOBALID\n"


def _lines(step: StepView, times: TimeStyle) -> list[str]:
    ran = step.step
    lines = [
        f"StepId={step.id} UserId={step.view.job.owner.uid} StartTime={times.stamp(step.began_at)} "
        f"TimeLimit={minutes_clock(step.limit_min)}",
        f"State=RUNNING Partition={step.view.partition} NodeList={step.nodes}",
        f"Nodes={len(step.node_names)} CPUs={step.cpus} Tasks={step.tasks} Name={step.name} Network=(null)",
        f"TRES={step.tres}",
        "ResvPorts=(null)",
        "CPUFreqReq=Default" + ("" if ran is None else f" Dist={ran.layout}"),
        "SrunHost:Pid=(null):0" if ran is None else f"SrunHost:Pid={step.view.batch_host}:{ran.srun}",
    ]
    if ran is not None and ran.gpus:
        lines.append(f"TresPerNode={step.gres}")
    return lines
