"""sattach: the output of a running step. What a batch script prints is in its file, and a step's where its srun runs."""

from __future__ import annotations

import re

from flowbatch.commands import one_job, plain_options
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.commands.listing.job_view import JobView
from flowbatch.core.ports import QueuePort
from flowbatch.slurm.codes import MESSAGES

_ELSEWHERE = "no step is attached to"
OPTIONS = (
    CommandOption("input-filter", None, "required", "input to one task", verdict="refused", reason=_ELSEWHERE),
    CommandOption("output-filter", None, "required", "output of one task", verdict="refused", reason=_ELSEWHERE),
    CommandOption("error-filter", None, "required", "errors of one task", verdict="refused", reason=_ELSEWHERE),
    CommandOption("label", "l", help="the task before every line", verdict="refused", reason=_ELSEWHERE),
    CommandOption("layout", None, help="print which task is on which node"),
    CommandOption("pty", None, "optional", "on a terminal", verdict="refused", reason=_ELSEWHERE),
    CommandOption("quiet", "Q", help="say less", verdict="recorded", reason=_ELSEWHERE),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason=_ELSEWHERE),
    *plain_options.ASKED,
)
USAGE = "Usage: sattach [options] <jobid.stepid>\n"
_STEP = re.compile(r"(\d{1,10})(?:_(\d{1,10}))?\.(batch|extern|interactive|\d{1,10})")
_NO_INFO = "sattach: error: Could not get job step info: "


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the layout of a batch step, or says where the step's output is."""
    try:
        said = plain_options.read("sattach", "<jobid.stepid>", OPTIONS, call.argv)
        view, step = _step(queue, said.operands)
        if step != "batch":
            hint = "sattach: hint: what a step of srun prints is where its srun runs\n"
            raise Stop(1, err=f"{_NO_INFO}{MESSAGES['ESLURM_INVALID_JOB_ID']}\n{hint if step.isdigit() else ''}")
        if "layout" in said.flags:
            raise Stop(0, out=_layout(view.batch_host or ""))
        raise Stop(
            1,
            err=f"{_NO_INFO}{MESSAGES['ESLURM_NOT_SUPPORTED']}\nsattach: hint: what the batch script prints is in its output file"
            f" (flow logs -f {view.job.id})\n",
        )
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _step(queue: QueuePort, operands: tuple[str, ...]) -> tuple[JobView, str]:
    """The running job and the step's name. Raises Stop."""
    if len(operands) != 1:
        raise Stop(1, out=USAGE, err="sattach: error: too many parameters\n")
    named = _STEP.fullmatch(operands[0])
    if named is None:
        raise Stop(1, out=USAGE, err="sattach: error: Failed to parse stepid from command line options\n")
    view = one_job.find(queue, int(named[1]), int(named[2]) if named[2] else None)
    if view is None:
        raise Stop(1, err=f"{_NO_INFO}{MESSAGES['ESLURM_INVALID_JOB_ID']}\n")
    if view.pending or view.finished:
        code = "ESLURM_JOB_PENDING" if view.pending else "ESLURM_ALREADY_DONE"
        raise Stop(1, err=f"{_NO_INFO}{MESSAGES[code]}\n")
    return view, named[3]


def _layout(host: str) -> str:
    return f"Job step layout:\n\t1 tasks, 1 nodes ({host})\n\n\tNode 0 ({host}), 1 task(s): 0 \n"
