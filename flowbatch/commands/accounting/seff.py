"""seff: how well a job used what it had, in the words of the script of that name that comes with Slurm. What it used is not
measured here, and said to be so."""

from __future__ import annotations

import re

from flowbatch.commands import plain_options
from flowbatch.commands.accounting.sacct_rows import Attempt, current
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.commands.listing.job_fields import job_id_text, style_of
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.ports import QueuePort
from flowbatch.slurm.times import clock

OPTIONS = (
    CommandOption("help", "h", help="print this"),
    CommandOption("version", "V", help="print the version"),
    CommandOption("debug", "d", help="say more", verdict="recorded", reason="there is no more to say"),
    CommandOption("forward", "f", help="fit for a mail", verdict="recorded", reason="the text is the same"),
)
_ID = re.compile(r"(\d{1,10})(?:_(\d{1,10}))?")
_WARNING = "WARNING: Efficiency statistics may be misleading for RUNNING jobs.\n"
_UNMEASURED = "not measured"
_GIB = 1024


async def main(call: Call, queue: QueuePort) -> int:
    """Prints what is known of one job."""
    try:
        said = plain_options.read("seff", "JOBID", OPTIONS, call.argv)
        found = _ID.fullmatch(said.operands[0]) if said.operands else None
        if found is None:
            raise Stop(2, err="Usage: seff [Options] <JobID>\n")
        view = await _view(queue, int(found[1]), int(found[2]) if found[2] else None)
        if view is None:
            raise Stop(2, out="Job not found.\n")
        call.out.write(_text(view, current(view), job_id_text(view, style_of(call.environ, queue.now()))))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


async def _view(queue: QueuePort, job_id: int, task: int | None) -> JobView | None:
    scene = Scene.of(queue.snapshot())
    views = [JobView(job, scene) for job in await queue.history([job_id])]
    return next((view for view in views if task is None or view.task == task), None)


def _text(view: JobView, attempt: Attempt, id: str) -> str:
    """Slurm's lines, in Slurm's order."""
    owner, state = view.job.owner, attempt.state
    lines = [f"Job ID: {view.job.id}"]
    if id != str(view.job.id):
        lines.append(f"Array Job ID: {id}")
    lines += [f"Cluster: {view.scene.cluster.name}", f"User/Group: {owner.name}/{owner.group}"]
    if state in ("PENDING", "RUNNING"):
        lines.append(f"State: {state}")
    else:
        lines.append(f"State: {state} (exit code {attempt.job_exit.code})")
    nodes, cpus = view.node_count, view.cpu_count
    lines += [f"Cores: {cpus}"] if nodes < 2 else [f"Nodes: {nodes}", f"Cores per node: {cpus // nodes}"]
    if attempt.started_at is None:
        return "\n".join([*lines, f"Efficiency not available for jobs in the {state} state."]) + "\n"
    seconds, memory = attempt.elapsed_s, view.requested_memory_mib
    lines += [
        f"CPU Utilized: {_UNMEASURED}",
        f"CPU Efficiency: {_UNMEASURED}, of {clock(seconds * cpus)} core-walltime",
        f"Job Wall-clock time: {clock(seconds)}",
        f"Memory Utilized: {_UNMEASURED}",
        f"Memory Efficiency: {_UNMEASURED}, of {_size(memory)}",
    ]
    return "\n".join(lines) + "\n" + (_WARNING if state == "RUNNING" else "")


def _size(mib: int) -> str:
    return f"{mib / _GIB:.2f} GB" if mib >= _GIB else f"{mib:.2f} MB"
