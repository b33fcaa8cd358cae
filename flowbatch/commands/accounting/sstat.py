"""sstat: what running steps use, as their machine sees it now; where nothing is gathered, a step has its row and most of it is empty."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flowbatch.commands import one_job, plain_options
from flowbatch.commands.accounting import usage
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.commands.listing.processes import Processes
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.step_view import StepView, running_steps
from flowbatch.core.ports import QueuePort
from flowbatch.slurm import accounting, print_fields
from flowbatch.slurm.print_fields import Column

OPTIONS = (
    CommandOption("allsteps", "a", help="all steps of the jobs"),
    CommandOption("helpformat", "e", help="print the names of the fields"),
    CommandOption("help", "h", help="print this"),
    CommandOption("pidformat", "i", help="the processes of each step"),
    CommandOption("jobs", "j", "required", "these steps"),
    CommandOption("noconvert", None, help="amounts without units"),
    CommandOption("noheader", "n", help="no header line"),
    CommandOption("format", "o", "required", "these fields"),
    CommandOption("fields", None, "required", key="format"),
    CommandOption("parsable", "p", help="values between bars, one at the end"),
    CommandOption("parsable2", "P", help="values between bars"),
    CommandOption("usage", help="print the options' names"),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason="there is no more to say"),
    CommandOption("version", "V", help="print the version"),
)
FIELDS = (
    "AveCPU", "AveCPUFreq", "AveDiskRead", "AveDiskWrite", "AvePages", "AveRSS", "AveVMSize", "ConsumedEnergy",
    "ConsumedEnergyRaw", "JobID", "MaxDiskRead", "MaxDiskReadNode", "MaxDiskReadTask", "MaxDiskWrite",
    "MaxDiskWriteNode", "MaxDiskWriteTask", "MaxPages", "MaxPagesNode", "MaxPagesTask", "MaxRSS", "MaxRSSNode",
    "MaxRSSTask", "MaxVMSize", "MaxVMSizeNode", "MaxVMSizeTask", "MinCPU", "MinCPUNode", "MinCPUTask", "Nodelist",
    "NTasks", "Pids", "ReqCPUFreq", "ReqCPUFreqMin", "ReqCPUFreqMax", "ReqCPUFreqGov", "TRESUsageInAve",
    "TRESUsageInMax", "TRESUsageInMaxNode", "TRESUsageInMaxTask", "TRESUsageInMin", "TRESUsageInMinNode",
    "TRESUsageInMinTask", "TRESUsageInTot", "TRESUsageOutAve", "TRESUsageOutMax", "TRESUsageOutMaxNode",
    "TRESUsageOutMaxTask", "TRESUsageOutMin", "TRESUsageOutMinNode", "TRESUsageOutMinTask", "TRESUsageOutTot",
)  # fmt: skip
"""Every field, in the order of --helpformat."""
_WIDTHS = {"AveDiskRead": 12, "AveDiskWrite": 12, "Nodelist": 20, "Pids": 20}
"""Of columns that are not as wide as sacct's."""
STANDARD = (
    "JobID,MaxVMSize,MaxVMSizeNode,MaxVMSizeTask,AveVMSize,MaxRSS,MaxRSSNode,MaxRSSTask,AveRSS,MaxPages,MaxPagesNode,"
    "MaxPagesTask,AvePages,MinCPU,MinCPUNode,MinCPUTask,AveCPU,NTasks,AveCPUFreq,ReqCPUFreqMin,ReqCPUFreqMax,ReqCPUFreqGov,"
    "ConsumedEnergy,MaxDiskRead,MaxDiskReadNode,MaxDiskReadTask,AveDiskRead,MaxDiskWrite,MaxDiskWriteNode,MaxDiskWriteTask,"
    "AveDiskWrite,TRESUsageInAve,TRESUsageInMax,TRESUsageInMaxNode,TRESUsageInMaxTask,TRESUsageInMin,TRESUsageInMinNode,"
    "TRESUsageInMinTask,TRESUsageInTot,TRESUsageOutAve,TRESUsageOutMax,TRESUsageOutMaxNode,TRESUsageOutMaxTask,"
    "TRESUsageOutMin,TRESUsageOutMinNode,TRESUsageOutMinTask,TRESUsageOutTot"
)
PROCESSES = "JobID,Nodelist,Pids"
_STEP = re.compile(r"(\d{1,10})(?:_(\d{1,10}))?(?:\+\d+)?(?:\.(.*))?")
_NAMED = ("batch", "extern", "interactive")
_KNOWN: Mapping[str, str] = {
    "NTasks": "0", "AveCPUFreq": "0", "ReqCPUFreqMin": "0", "ReqCPUFreqMax": "0", "ReqCPUFreqGov": "0", "ConsumedEnergy": "0",
}  # fmt: skip
"""Of any step, as where Slurm gathers no accounting."""


@dataclass(frozen=True, slots=True)
class Step:
    """One that was asked for; without a name the lowest numbered one."""

    job_id: int
    task: int | None
    name: str | None


async def main(call: Call, queue: QueuePort) -> int:
    """Prints a row for each running step that is asked for."""
    try:
        said = plain_options.read("sstat", "-j JOB[.STEP]", OPTIONS, call.argv, hinted=False)
        steps = [step for key, value in said.given if key == "jobs" for step in _steps(value)]
        if "helpformat" in said.flags:
            raise Stop(0, out=print_fields.names(FIELDS, 19))
        steps += _steps(",".join(said.operands[:1]))
        columns = _columns(said)
        if not steps:
            raise Stop(1, err="sstat: error: You didn't give me any jobs to stat.\n")
        rows = [_rows(queue, step, "allsteps" in said.flags) for step in steps]
        processes = Processes(queue)
        values = await _values(queue, processes, [step for found, _ in rows for step in found], said)
        texts = [[one.get(column.header, "") for column in columns] for one in values]
        header = "noheader" not in said.flags
        if {"parsable", "parsable2"} & said.flags:
            call.out.write(print_fields.parsable(columns, texts, header=header, closed="parsable2" not in said.flags))
        else:
            call.out.write(print_fields.lines(columns, texts, header=header))
        complaints = [complaint for _, complaint in rows if complaint]
        complaints += [f"what runs of job {id} is not known: {error}" for id, error in processes.unseen.items()]
        call.err.write("".join(f"sstat: error: {complaint}\n" for complaint in complaints))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _steps(text: str) -> list[Step]:
    """Raises Stop for what names no step."""
    return [_step(word) for word in text.split(",") if word]


def _step(word: str) -> Step:
    found = _STEP.fullmatch(word)
    if found is None:
        raise Stop(1, err=f"sstat: fatal: Bad job/step specified: {word}\n")
    job, task, name = found.groups()
    if name is not None and name not in _NAMED and not (name.isascii() and name.isdigit()):
        raise Stop(1, err=f"sstat: fatal: Bad step specified: {word.partition('.')[0]}\n")
    return Step(int(job), int(task) if task else None, name)


def _columns(said: plain_options.Said) -> list[Column]:
    """Those that each option names, one behind the other. Raises Stop."""
    named = [PROCESSES if key == "pidformat" else value for key, value in said.given if key in ("format", "pidformat")]
    chosen = []
    for word in filter(None, ",".join(named or [STANDARD]).split(",")):
        name, _, width = word.partition("%")
        found = next((field for field in FIELDS if field.lower().startswith(name.lower())), None)
        if found is None:
            raise Stop(1, err=f'sstat: error: Invalid field requested: "{name}"\n')
        chosen.append(Column(found, print_fields.width(width) or _width(found)))
    return chosen


def _width(name: str) -> int:
    field = accounting.find(name)
    if name in _WIDTHS or field is None:
        return _WIDTHS[name]
    return -field.width if field.left else field.width


def _rows(queue: QueuePort, step: Step, all_steps: bool) -> tuple[list[StepView], str]:
    """The steps that are asked for, or what is to be said instead."""
    view = one_job.find(queue, step.job_id, step.task) or one_job.find(queue, step.job_id)
    if view is None or view.finished:
        return [], f"couldn't get steps for job {step.job_id}"
    if view.pending and step.name is None:
        return [], f"No steps running for job {step.job_id}"
    snapshot = queue.snapshot((view.job.id,))
    running = list(running_steps(snapshot, Scene.of(snapshot), [view.job]))
    if step.name is None:
        numbered = [one for one in running if one.step is not None]
        return (running if all_steps else numbered[:1]), ""
    named = [one for one in running if one.name_in_job == step.name]
    return named, "" if named else f"StepId={step.job_id}.{step.name} not found running."


async def _values(
    queue: QueuePort, processes: Processes, steps: Sequence[StepView], said: plain_options.Said
) -> list[dict[str, str]]:
    """The fields of each step; where its processes are asked for, one for each of its nodes."""
    found = []
    for step in steps:
        try:
            tasks = await processes.of(step)
        except OSError:
            tasks = []
        measured = _KNOWN
        if tasks and queue.cluster.gathers:
            measured = usage.fields(tasks, convert="noconvert" not in said.flags, numbered=step.step is not None)
        parts: Mapping[str, Sequence[str]] = {step.nodes: step.node_names}
        if "pidformat" in said.flags:
            parts = {node: (node,) for node in step.node_names}
        for shown, nodes in parts.items():
            pids = ",".join(str(pid) for task in tasks if task.node in nodes for pid in task.pids)
            found.append({**measured, "JobID": step.id, "Nodelist": shown, "Pids": pids})
    return found
