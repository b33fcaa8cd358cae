"""From the queue's records to what `flow` shows of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from flowbatch.commands.flow_views import JobView
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Allocation, Completing, Ending, ExitStatus, Finished, Pending, Running
from flowbatch.errors import FlowError
from flowbatch.slurm.patterns import Names, output_path

_ID = re.compile(r"(\d+)(?:_(\d+))?")


class NoSuchJob(FlowError):
    """The text names no job, or none that this queue has ever had."""


async def records(queue: QueuePort, name: str) -> Sequence[Job]:
    """The records of a job (`7`), of all tasks of an array, or of one task (`7_3`), by index. Raises NoSuchJob."""
    found = _ID.fullmatch(name)
    if found is None:
        raise NoSuchJob(f"{name} is no job", hint="a job is a number, 7, or a task of an array, 7_3")
    job_id, index = int(found[1]), found[2]
    jobs = sorted(await queue.history([job_id]), key=_by_index)
    if index is not None:
        jobs = [job for job in jobs if isinstance(job.array, ArrayTask) and job.array.index == int(index)]
    if not jobs:
        raise NoSuchJob(f"there is no job {name}", hint="`flow status --all` lists every job of this queue")
    return jobs


def view(job: Job, story: Iterable[tuple[int, str]] = ()) -> JobView:
    """The record as `flow` shows it."""
    state, spec, files = job.state, job.spec, job.spec.files
    allocation, status = _allocation(job), _exit(job)
    names = _names(job)
    stdout = None if names is None else output_path(files.output, spec.work_dir, names)
    stderr = stdout if files.error is None or names is None else output_path(files.error, spec.work_dir, names)
    return JobView(
        id=_name(job),
        job_id=job.id,
        name=spec.name,
        state=state.ending.outcome if isinstance(state, Finished) else state.kind.upper(),
        reason=_reason(job),
        user=job.owner.name,
        partition=allocation.partition if allocation else ",".join(job.partitions),
        submitted_at=job.submitted_at,
        started_at=None if isinstance(state, Pending) else state.started_at,
        ended_at=state.ended_at if isinstance(state, Finished) else None,
        time_limit_min=spec.time_limit_min,
        nodes=allocation.nodes if allocation else (),
        cpus=allocation.cpus if allocation else None,
        exit_code=status.code if status else None,
        signal=status.signal if status else None,
        restarts=job.restarts,
        work_dir=spec.work_dir,
        command=spec.command,
        stdout=stdout,
        stderr=stderr,
        notes=job.notes,
        story=tuple(story),
    )


def _name(job: Job) -> str:
    match job.array:
        case ArrayRest(pending):
            return f"{job.id}_[{pending.text()}]"
        case ArrayTask(array_id, index):
            return f"{array_id}_{index}"
        case None:
            return str(job.id)


def _by_index(job: Job) -> tuple[int, int]:
    """Tasks by their index; what is still pending of an array comes last."""
    return (job.array.index if isinstance(job.array, ArrayTask) else 1 << 32), job.id


def _reason(job: Job) -> str | None:
    match job.state:
        case Pending(reason=reason) | Finished(ending=Ending(reason=reason)):
            return None if reason == "None" else reason
    return None


def _allocation(job: Job) -> Allocation | None:
    match job.state:
        case Running(allocation=allocation) | Completing(allocation=allocation) | Finished(allocation=allocation):
            return allocation
    return None


def _exit(job: Job) -> ExitStatus | None:
    return job.state.ending.exit if isinstance(job.state, Finished) else None


def _names(job: Job) -> Names | None:
    """What the job's file names are made from; None for tasks that have no files yet."""
    task = job.array
    if isinstance(task, ArrayRest):
        return None
    array_id, index = (task.array_id, task.index) if task else (None, None)
    return Names(job.id, job.spec.name, job.owner.name, job.owner.host, array_id, index)
