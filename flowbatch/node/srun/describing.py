"""What -v tells: the options that were given, what the step got, where its tasks began."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from flowbatch.node.granting import Part
from flowbatch.node.srun.environment import Step
from flowbatch.node.srun.wanted import Wanted
from flowbatch.slurm import hostlist, indices
from flowbatch.slurm.environment import folded

RULE = "srun: -------------------- --------------------"


def options(wanted: Wanted) -> Iterator[str]:
    """The numbers that shape the step, with the long names of the other options that were given."""
    told = {
        "jobid": wanted.job_id, "job-name": wanted.job_name, "nodes": wanted.nodes.least if wanted.nodes else None,
        "ntasks": wanted.tasks, "cpus-per-task": wanted.cpus_per_task, "verbose": wanted.verbose,
    }  # fmt: skip
    others = {name: "set" for name in wanted.given if name not in told}
    yield "srun: defined options"
    yield RULE
    yield from (f"srun: {name:<20}: {value}" for name, value in sorted({**told, **others}.items()) if value)
    yield RULE
    yield "srun: end of defined options"


def granted(step: Step) -> Iterator[str]:
    """What the job has, and which tasks begin where."""
    nodes = hostlist.fold(share.node for share in step.shares)
    cpus = folded(share.cpus for share in step.shares)
    bind = step.wanted.cpu_bind.kind if step.wanted.cpu_bind else ""
    yield f"srun: jobid {step.job_id}: nodes({len(step.shares)}):`{nodes}', cpu counts: {cpus}"
    yield f"srun: launch/slurm: launch_p_step_launch: CpuBindType={bind or '(null type)'}"
    for part in step.parts:
        ranks = indices.ranges(part.ranks)
        listed = ranks if ranks.isdecimal() else f"[{ranks}]"
        yield f"srun: launching StepId={step.job_id}.{step.number} on host {part.node}, {len(part.ranks)} tasks: {listed}"


def would_be(job_id: int, parts: Sequence[Part], partition: str) -> str:
    """--test-only: what would run now."""
    nodes = hostlist.fold(part.node for part in parts)
    at, cpus = time.strftime("%Y-%m-%dT%H:%M:%S"), sum(part.cpus for part in parts)
    return f"srun: Job {job_id} to start at {at} using {cpus} processors on nodes {nodes} in partition {partition}"


def started(step: Step) -> Iterator[str]:
    for part in step.parts:
        yield f"srun: launch/slurm: _task_start: Node {part.node}, {len(part.ranks)} tasks started"
