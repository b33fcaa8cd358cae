"""sattach: the caller becomes the program that shows what a running step writes; or it is told how the step's tasks are laid out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flowbatch.commands import one_job, plain_options
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.plain_options import Said
from flowbatch.core.ports import QueuePort
from flowbatch.core.steps import Step
from flowbatch.node import dealing
from flowbatch.node.sattach import Wish
from flowbatch.slurm import hostlist
from flowbatch.slurm.codes import MESSAGES
from flowbatch.slurm.exits import exit_codes
from flowbatch.slurm.integers import as_long, whole

OPTIONS = (
    CommandOption("input-filter", None, "required", "input for one task alone"),
    CommandOption("output-filter", None, "required", "output of one task alone, and its errors"),
    CommandOption("error-filter", None, "required", "errors of one task alone"),
    CommandOption("label", "l", help="the task before every line"),
    CommandOption("layout", None, help="print which task is on which node"),
    CommandOption("pty", help="what is typed goes to the step's terminal (srun --pty) key by key"),
    CommandOption("quiet", "Q", help="say less", verdict="recorded", reason="nothing but errors is said anyway"),
    CommandOption("verbose", "v", help="tell which tasks have ended, and how"),
    *plain_options.ASKED,
)
FILTERS = ("input-filter", "output-filter", "error-filter")
LARGEST = 2**31 - 1
USAGE = "Usage: sattach [options] <jobid.stepid>\n"
_STEP = re.compile(r"(\d{1,10})(?:_(\d{1,10}))?\.(batch|extern|interactive|\d{1,10})")
_KINDS: dict[str, dealing.Kind] = {"Block": "block", "Cyclic": "cyclic"}
"""Distributions that follow from how many tasks each node has."""

_NO_INFO = "sattach: error: Could not get job step info: "
_OF_BATCH = "sattach: hint: what the batch script prints is in its output file (flow logs -f {})\n"
_ELSEWHERE = (
    "sattach: hint: the jobs of cluster {} run on other machines, and nothing carries a step's streams from there\n"
)


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the layout of a step, or returns only where nothing is attached: else the caller is another program by then."""
    codes = exit_codes(call.environ, "sattach")
    call.err.write("".join(f"{line}\n" for line in codes.complaints))
    try:
        said = plain_options.read("sattach", "<jobid.stepid>", OPTIONS, call.argv)
        tasks = _tasks(said)
        view, step = _step(queue, said.operands)
        if "layout" in said.flags:
            raise Stop(0, out=_layout(_laid_out(queue, view, step)))
        if step == "batch":
            raise _unable(_OF_BATCH.format(view.job.id))
        number = _running(queue, view, step).number
        if "sattach" not in queue.programs:
            raise _unable(_ELSEWHERE.format(queue.cluster.name))
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return codes.error if stop.code else 0  # SLURM_EXIT_ERROR stands for sattach's own failures
    flags = said.flags
    wish = Wish(
        view.job.id, number, label="label" in flags, pty="pty" in flags, verbose="verbose" in flags,
        input=tasks.get("input"), output=tasks.get("output"), error=tasks.get("error"),
    )  # fmt: skip
    call.become((*queue.programs["sattach"], wish.word()))
    return 0


def _tasks(said: Said) -> dict[str, int]:
    """The one task that each filter leaves. Raises Stop for what is no number."""
    found = {}
    for name in FILTERS:
        value = said.words.get(name)
        if value is None:
            continue
        if not (value.isascii() and value.isdecimal()):
            raise Stop(1, err=f'sattach: error: Invalid numeric value "{value}" for {name}.\n')
        task = as_long(whole(value))
        if task > LARGEST:
            raise Stop(1, err=f"sattach: error: Numeric argument {task} to big for {name}.\n")
        found[name.removesuffix("-filter")] = task
    if found and "pty" in said.flags:
        raise Stop(1, err="sattach: error: don't specify both --pty and I/O filtering\n")
    return found


def _unable(hint: str) -> Stop:
    return Stop(1, err=f"{_NO_INFO}{MESSAGES['ESLURM_NOT_SUPPORTED']}\n{hint}")


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


def _laid_out(queue: QueuePort, view: JobView, name: str) -> dict[str, tuple[int, ...]]:
    """Which tasks of the step run on which node. Raises Stop where the record does not tell."""
    if name == "batch":
        return {view.batch_host or "": (0,)}
    step = _running(queue, view, name)
    kind = _KINDS.get(step.layout)
    if kind is None:
        raise _unable(f"sattach: hint: how a {step.layout.lower()} distribution deals its tasks is not remembered\n")
    return dict(zip(step.nodes, dealing.ranks(step.tasks_on, dealing.Distribution(kind, kind)), strict=True))


def _layout(ranks: Mapping[str, Sequence[int]]) -> str:
    """As 22.05 prints it."""
    lines = [
        f"\tNode {number} ({node}), {len(tasks)} task(s): {''.join(f'{rank} ' for rank in tasks)}\n"
        for number, (node, tasks) in enumerate(ranks.items())
    ]
    count = sum(map(len, ranks.values()))
    return f"Job step layout:\n\t{count} tasks, {len(ranks)} nodes ({hostlist.fold_sorted(ranks)})\n\n{''.join(lines)}"
