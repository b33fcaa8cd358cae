"""From the queue's records to what `flow` shows of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from flowbatch.commands.flow.flow_bids import Market
from flowbatch.commands.flow.flow_results import JobStatus
from flowbatch.commands.listing.job_view import YEAR_MIN, JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Finished
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
    jobs = in_order(await queue.history([job_id]))
    if index is not None:
        jobs = [job for job in jobs if isinstance(job.array, ArrayTask) and job.array.index == int(index)]
    if not jobs:
        raise NoSuchJob(f"there is no job {name}", hint="`flow status --all` lists every job of this queue")
    return jobs


def status(job: Job, scene: Scene, market: Market | None = None, story: Iterable[tuple[int, str]] = ()) -> JobStatus:
    """The record as `flow` shows it; `market` where its cluster rents its machines."""
    seen, spec = JobView(job, scene), job.spec
    ended, held, names = job.state if isinstance(job.state, Finished) else None, seen.allocation, _names(job)
    stdout = output_path(spec.files.output, spec.work_dir, names) if names else None
    stderr = output_path(spec.files.error, spec.work_dir, names) if names and spec.files.error is not None else stdout
    return JobStatus(
        id=job_name(job),
        job_id=job.id,
        name=spec.name,
        state=seen.state,
        reason=None if seen.reason == "None" else seen.reason,
        user=job.owner.name,
        partition=seen.partition,
        submitted_at=job.submitted_at,
        started_at=seen.started_at,
        ended_at=ended.ended_at if ended else None,
        time_limit_min=None if seen.time_limit_min == YEAR_MIN else seen.time_limit_min,
        nodes=held.nodes if held else (),
        cpus=held.cpus if held else None,
        exit_code=ended.ending.exit.code if ended else None,
        signal=ended.ending.exit.signal if ended else None,
        restarts=job.restarts,
        work_dir=spec.work_dir,
        command=seen.command,
        stdout=stdout,
        stderr=stderr,
        notes=job.notes,
        story=tuple(story),
        cluster=scene.cluster.name,
        market=None if market is None else market.status(job),
    )


def job_name(job: Job) -> str:
    """As squeue names it: `7`, `7_3`, `7_[4-9]`."""
    match job.array:
        case ArrayRest(pending):
            return f"{job.id}_[{pending.text()}]"
        case ArrayTask(array_id, index):
            return f"{array_id}_{index}"
        case None:
            return str(job.id)


def in_order(jobs: Iterable[Job]) -> list[Job]:
    """By number; the tasks of an array by their index, and what is still pending of it behind them."""
    return sorted(jobs, key=lambda job: (job.array_id or job.id, _index(job), job.id))


def _index(job: Job) -> int:
    return job.array.index if isinstance(job.array, ArrayTask) else 1 << 32


def _names(job: Job) -> Names | None:
    """What the job's file names are made from; None for tasks that have no files yet."""
    task = job.array
    if isinstance(task, ArrayRest):
        return None
    array_id, index = (task.array_id, task.index) if task else (None, None)
    return Names(job.id, job.spec.name, job.owner.name, job.owner.host, array_id, index)
