"""Waiting for a job: silent for a program, one moving line on a terminal."""

from __future__ import annotations

import sys
import time
from itertools import cycle

import click

from flowbatch.commands.flow.flow_results import JobStatus
from flowbatch.sdk.jobs import JobHandle

EVERY_S = 0.5
CLEAR = "\r\x1b[K"


def watch(handle: JobHandle) -> tuple[JobStatus, ...]:
    """The records of a job, or of all tasks of an array, once they are over."""
    return _on_terminal(handle) if sys.stderr.isatty() else handle.wait_all()


def _on_terminal(handle: JobHandle) -> tuple[JobStatus, ...]:
    try:
        return _moving(handle)
    except KeyboardInterrupt:
        on = f" -M {handle.cluster}" if handle.cluster else ""
        click.echo(
            f"{CLEAR}job {handle.id} goes on: `flow status{on} {handle.id}`, `flow cancel{on} {handle.id}`", err=True
        )
        raise


def _moving(handle: JobHandle) -> tuple[JobStatus, ...]:
    for mark in cycle("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"):
        try:
            jobs = handle.wait_all(timeout=EVERY_S)
        except TimeoutError:
            click.echo(f"{CLEAR}{mark} {line(handle.records(), time.time())}", err=True, nl=False)
        else:
            click.echo(f"{CLEAR}{ending(jobs)}", err=True)
            return jobs
    raise AssertionError("a cycle has no end")


def line(jobs: tuple[JobStatus, ...], now: float) -> str:
    """What is going on, in one line."""
    if len(jobs) == 1 and jobs[0].market is not None and jobs[0].market.says is not None:
        return f"job {jobs[0].id} {jobs[0].state}: {jobs[0].market.says}"
    if len(jobs) == 1 and jobs[0].started_at is not None:
        return f"job {jobs[0].id} {jobs[0].state} on {','.join(jobs[0].nodes)} for {int(now) - jobs[0].started_at} s"
    if len(jobs) == 1:
        return f"job {jobs[0].id} {jobs[0].state}" + (f" ({jobs[0].reason})" if jobs[0].reason else "")
    states = [job.state for job in jobs]
    return f"job {_array(jobs)}: " + ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states))


def ending(jobs: tuple[JobStatus, ...]) -> str:
    """How it ended, in one line."""
    if len(jobs) > 1:
        return f"{line(jobs, 0)}; `flow status {_array(jobs)}` shows each"
    job = jobs[0]
    ran = f" after {job.ended_at - job.started_at} s" if job.ended_at is not None and job.started_at is not None else ""
    paid = f", {job.market.says}" if job.market is not None and job.market.says else ""
    return f"job {job.id} {job.state}{ran}{paid}" + (
        f"; its output is in {job.stdout}" if job.stdout and job.started_at else ""
    )


def _array(tasks: tuple[JobStatus, ...]) -> str:
    """The array's own number."""
    return tasks[0].id.partition("_")[0]
