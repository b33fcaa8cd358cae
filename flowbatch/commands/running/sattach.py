"""sattach: the output of a running step. What a batch script prints is in its file, and a step's where its srun runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flowbatch.commands import one_job, plain_options
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.commands.listing.job_view import JobView
from flowbatch.core.ports import QueuePort
from flowbatch.core.steps import Step
from flowbatch.node import dealing
from flowbatch.slurm import hostlist
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
_KINDS: dict[str, dealing.Kind] = {"Block": "block", "Cyclic": "cyclic"}
"""Distributions that follow from how many tasks each node has."""

_NO_INFO = "sattach: error: Could not get job step info: "


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the layout of a step, or says where its output is."""
    try:
        said = plain_options.read("sattach", "<jobid.stepid>", OPTIONS, call.argv)
        view, step = _step(queue, said.operands)
        if step == "batch":
            laid_out: dict[str, tuple[int, ...]] = {view.batch_host or "": (0,)}
            hint = f"what the batch script prints is in its output file (flow logs -f {view.job.id})"
        else:
            laid_out = _ranks(_running(queue, view, step))
            hint = "what a step of srun prints is where its srun runs"
        if "layout" in said.flags:
            raise Stop(0, out=_layout(laid_out))
        raise Stop(1, err=f"{_NO_INFO}{MESSAGES['ESLURM_NOT_SUPPORTED']}\nsattach: hint: {hint}\n")
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


def _running(queue: QueuePort, view: JobView, number: str) -> Step:
    """The step that runs under this number. Raises Stop."""
    steps = queue.snapshot((view.job.id,)).steps.get(view.job.id)
    found = steps.running.get(int(number)) if steps is not None and number.isdecimal() else None
    if found is None:
        raise Stop(1, err=f"{_NO_INFO}{MESSAGES['ESLURM_INVALID_JOB_ID']}\n")
    return found


def _ranks(step: Step) -> dict[str, tuple[int, ...]]:
    """Which tasks run on which node. Raises Stop where the record does not tell."""
    kind = _KINDS.get(step.layout)
    if kind is None:
        hint = f"sattach: hint: how a {step.layout.lower()} distribution deals its tasks is not remembered\n"
        raise Stop(1, err=f"{_NO_INFO}{MESSAGES['ESLURM_NOT_SUPPORTED']}\n{hint}")
    return dict(zip(step.nodes, dealing.ranks(step.tasks_on, dealing.Distribution(kind, kind)), strict=True))


def _layout(ranks: Mapping[str, Sequence[int]]) -> str:
    """As 22.05 prints it."""
    lines = [
        f"\tNode {number} ({node}), {len(tasks)} task(s): {''.join(f'{rank} ' for rank in tasks)}\n"
        for number, (node, tasks) in enumerate(ranks.items())
    ]
    count = sum(map(len, ranks.values()))
    return f"Job step layout:\n\t{count} tasks, {len(ranks)} nodes ({hostlist.fold_sorted(ranks)})\n\n{''.join(lines)}"
