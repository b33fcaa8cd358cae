"""`flow status` and what waits for jobs: `flow-jobs [--json] [--all]`, `flow-job [--json] JOB`, `flow-wait JOB`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tabulate import tabulate

from flowbatch.commands.call import Call
from flowbatch.commands.flow_records import NoSuchJob, in_order, records, status
from flowbatch.commands.flow_results import JobStatus, as_json
from flowbatch.commands.job_view import Scene
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Finished
from flowbatch.errors import FlowError
from flowbatch.slurm.hostlist import fold
from flowbatch.slurm.times import TimeStyle, minutes_short_clock, short_clock, zone
from flowbatch.units import Instant

TASK_LOOK_S = 0.5
"""How often one task of an array is looked at; only whole jobs tell when they are over."""

NARROWEST = 60
"""Columns below which no table is squeezed."""


async def jobs(call: Call, queue: QueuePort) -> int:
    """Prints the queue, oldest job first."""
    found = await queue.history() if "--all" in call.argv else queue.snapshot().jobs
    scene = Scene.of(queue.snapshot())
    shown = [status(job, scene) for job in in_order(found)]
    if "--json" in call.argv:
        call.out.write(as_json(shown))
    else:
        call.out.write(table(shown, queue.now(), call.columns) if shown else "no jobs\n")
    await call.out.drain()
    return 0


async def job(call: Call, queue: QueuePort) -> int:
    """Prints one job with its story, or the table of an array's tasks."""
    *options, name = call.argv
    try:
        found = await records(queue, name)
    except NoSuchJob as error:
        return refused(call, error)
    scene = Scene.of(queue.snapshot())
    shown = [status(job, scene, await queue.story(job.id)) for job in found]
    if "--json" in options:
        call.out.write(as_json(shown))
    elif len(shown) == 1:
        call.out.write(detail(shown[0], _style(call, queue)))
    else:
        call.out.write(table(shown, queue.now(), call.columns))
    await call.out.drain()
    return 0


async def wait(call: Call, queue: QueuePort) -> int:
    """Prints the job's records, as JSON, once all are over."""
    name = call.argv[0]
    try:
        found = await records(queue, name)
        if found[0].array_id is None or "_" not in name:
            await queue.finished(found[0].id)
            found = await records(queue, name)
        while not all(isinstance(job.state, Finished) for job in found):
            await asyncio.sleep(TASK_LOOK_S)
            found = await records(queue, name)
    except NoSuchJob as error:
        return refused(call, error)
    scene = Scene.of(queue.snapshot())
    call.out.write(as_json([status(job, scene) for job in found]))
    await call.out.drain()
    return 0


def refused(call: Call, error: FlowError) -> int:
    """Says why not, and what to do, as `flow` does; the exit code."""
    call.err.write(error.screen("flow") + "\n")
    return error.exit_code


def table(shown: Sequence[JobStatus], now: int, columns: int) -> str:
    """One line a job; on a terminal, names give way so that lines fit."""
    rows = [_row(one, now) for one in shown]
    widest = max(len(row[1]) for row in rows)
    text = _lines(rows)
    excess = max(map(len, text.splitlines())) - columns
    if columns >= NARROWEST and excess > 0:
        room = max(8, widest - excess)
        text = _lines([[row[0], _short(row[1], room), *row[2:]] for row in rows])
    return text


def _lines(rows: Sequence[Sequence[str]]) -> str:
    headers = ["JOB", "NAME", "STATE", "TIME", "LIMIT", "CPUS", "WHERE (WHY)"]
    return (
        tabulate(
            rows, headers, tablefmt="plain", disable_numparse=True, colalign=["left"] * 3 + ["right"] * 3 + ["left"]
        )
        + "\n"
    )


def _row(job: JobStatus, now: int) -> list[str]:
    where = fold(job.nodes) + (f" ({job.reason})" if job.reason else "")
    limit = minutes_short_clock(job.time_limit_min)
    return [job.id, job.name, job.state, short_clock(_ran(job, now)), limit, str(job.cpus or ""), where.strip()]


def _ran(job: JobStatus, now: int) -> int:
    return 0 if job.started_at is None else max(0, (now if job.ended_at is None else job.ended_at) - job.started_at)


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def detail(job: JobStatus, style: TimeStyle) -> str:
    """One job: what it is, where it writes, and what happened to it."""
    exit_code = "" if job.exit_code is None else f"{job.exit_code}:{job.signal}"
    facts = {
        "job": f"{job.id}  {job.name}",
        "state": job.state + (f" ({job.reason})" if job.reason else ""),
        "exit code": exit_code,
        "user": job.user,
        "where": fold(job.nodes)
        and f"{fold(job.nodes)}, {job.cpus} CPU{'' if job.cpus == 1 else 's'}, partition {job.partition}",
        "submitted": style.stamp(job.submitted_at, ""),
        "started": style.stamp(job.started_at, ""),
        "ended": style.stamp(job.ended_at, ""),
        "ran": "" if job.started_at is None else short_clock(_ran(job, style.now)),
        "limit": minutes_short_clock(job.time_limit_min),
        "restarts": str(job.restarts or ""),
        "command": job.command or "",
        "directory": job.work_dir,
        "output": job.stdout or "",
        "errors": job.stderr if job.stderr and job.stderr != job.stdout else "",
    }
    lines = [f"{name:10} {value}" for name, value in facts.items() if value]
    lines += [f"{'note':10} {note}" for note in job.notes]
    lines += ["", *(f"{style.stamp(at)}  {what}" for at, what in job.story)] if job.story else []
    return "\n".join(lines) + "\n"


def _style(call: Call, queue: QueuePort) -> TimeStyle:
    return TimeStyle(zone(call.environ.get("TZ")), Instant(queue.now()))
