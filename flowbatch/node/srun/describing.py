"""What -v tells: the options that were given, what the step got, where its tasks began."""

from __future__ import annotations

from collections.abc import Iterator

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


def started(step: Step) -> Iterator[str]:
    for part in step.parts:
        many = f"{len(part.ranks)} task{'s' if len(part.ranks) > 1 else ''}"
        yield f"srun: launch/slurm: _task_start: Node {part.node}, {many} started"
