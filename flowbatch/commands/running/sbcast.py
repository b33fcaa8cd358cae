"""sbcast: a file for the nodes of a job. They are this machine: the caller itself becomes the program that copies it there."""

from __future__ import annotations

import errno
import os
import sys

from flowbatch.commands import one_job, plain_options
from flowbatch.commands.call import Call, CallerFile
from flowbatch.commands.command_options import CommandOption, Stop, hint
from flowbatch.core.ports import QueuePort
from flowbatch.slurm import hostlist
from flowbatch.slurm.codes import MESSAGES

_ONE = "it is one copy on one machine"
OPTIONS = (
    CommandOption("compress", "C", "optional", "compress on the way", verdict="recorded", reason=_ONE),
    CommandOption(
        "exclude", None, "required", "no libraries of these", verdict="refused", reason="no libraries are sent"
    ),
    CommandOption("fanout", "F", "required", "messages at once", verdict="recorded", reason=_ONE),
    CommandOption("force", "f", help="replace a file that is there"),
    CommandOption("jobid", "j", "required", "the job (else the one that it runs in)"),
    CommandOption(
        "send-libs", None, "optional", "shared libraries too", verdict="refused", reason="they are where they are"
    ),
    CommandOption("size", "s", "required", "bytes of a block", verdict="recorded", reason=_ONE),
    CommandOption("timeout", "t", "required", "seconds of a message", verdict="recorded", reason=_ONE),
    CommandOption("preserve", "p", help="the source's times too"),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason=_ONE),
    *plain_options.ASKED,
)
NO_JOB = "Need a job id to run this command.  Run from within a Slurm job or use the --jobid option."
ELSEWHERE = "the jobs of cluster {} run elsewhere: what lies in the submit directory is taken along"
COPY = (sys.executable, "-I", "-m", "flowbatch.node.broadcast")
"""The program that copies, as the caller and where it is: NODES, SOURCE, TARGET behind its options."""


async def main(call: Call, queue: QueuePort) -> int:
    """The caller copies the file; only refusals come back here."""
    try:
        said = plain_options.read("sbcast", "SOURCE DEST", OPTIONS, call.argv)
        if len(said.operands) != 2:
            raise Stop(1, err=f"Need two file names, have {len(said.operands)} names\n{hint('sbcast')}")
        if {"send-libs", "exclude"} & (said.flags | set(said.words)):
            raise _refused(1, "shared libraries are not sent: the job's node is this machine, and they are there")
        source, target = said.operands
        written = said.words.get("jobid") or call.environ.get("SLURM_JOB_ID") or call.environ.get("SLURM_JOBID")
        if written is None:
            raise _refused(1, NO_JOB)
        if target.endswith("/"):
            raise _refused(1, "Target filename cannot be a directory.")
        await _see(call, source)
        nodes = _nodes(queue, written)
        if not queue.steps:
            raise _refused(1, ELSEWHERE.format(queue.cluster.name))
        flags = [f"--{name}" for name in ("force", "preserve") if name in said.flags]
        call.become((*COPY, *flags, "--", nodes, source, target))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _refused(code: int, why: str) -> Stop:
    return Stop(code, err=f"sbcast: error: {why}\n")


async def _see(call: Call, source: str) -> None:
    """The caller can read the source. Raises Stop."""
    try:
        await call.read(source, 0)
    except CallerFile as error:
        if error.errno == errno.EISDIR:
            raise _refused(255, f"Can't mmap file `{source}`, {os.strerror(errno.ENODEV)}.") from None
        raise _refused(255, f"Can't open `{source}`: {os.strerror(error.errno)}") from None


def _nodes(queue: QueuePort, written: str) -> str:
    """The nodes of the job, by comma. Raises Stop if it does not run."""
    id, _, step = written.partition(".")
    number = int(id) if id.isascii() and id.isdigit() and len(id) <= 10 else 0
    shown = f"{number}.{step}" if step else str(number)
    view = one_job.find(queue, number)
    if view is None or step not in ("", "batch"):
        raise _refused(255, f"Slurm job {shown} lookup error: {MESSAGES['ESLURM_INVALID_JOB_ID']}")
    if view.pending or view.finished:
        code = "ESLURM_JOB_PENDING" if view.pending else "ESLURM_ALREADY_DONE"
        raise _refused(255, f"Slurm job {shown} lookup error: {MESSAGES[code]}")
    return ",".join(hostlist.expand(view.nodes))
