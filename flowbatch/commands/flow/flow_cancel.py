"""`flow-cancel [--clusters=NAMES] JOB...`: ends jobs, and says of each what became of it, where scancel is silent."""

from __future__ import annotations

from flowbatch.commands.call import Call
from flowbatch.commands.control.scancel_options import read_target
from flowbatch.commands.flow.flow_argv import Argv
from flowbatch.commands.flow.flow_clusters import holder
from flowbatch.core.events import CancelAsked, JobRef
from flowbatch.core.ports import QueuePort
from flowbatch.errors import FlowError
from flowbatch.slurm import codes

OVER = "ESLURM_ALREADY_DONE"


async def cancel(call: Call, queue: QueuePort) -> int:
    """Tells the jobs to end; 1 if any of them could not be told."""
    said = Argv.of(call.argv)
    done = [await _cancel(call, queue, said.clusters, word) for word in said.operands]
    await call.out.drain()
    return 0 if all(done) else 1


async def _cancel(call: Call, queue: QueuePort, names: str | None, word: str) -> bool:
    target = read_target(word, queue.cluster.max_array_size)
    if target is None:
        call.err.write(f"flow cancel: {word} is no job\nhint: a job is 7, a task 7_3, several tasks 7_[1-4]\n")
        return False
    try:
        one, _ = await holder(call, queue, names, str(target.job_id))
    except FlowError as error:
        call.err.write(error.screen("flow cancel") + "\n")
        return False
    reply = await one.apply(CancelAsked(one.now(), call.owner.uid, (JobRef(target.job_id, target.tasks),)))
    code = reply[0].code if isinstance(reply, tuple) else "SLURM_UNEXPECTED_MSG_ERROR"
    where = "" if one is queue else f" on cluster {one.cluster.name}"
    if code is None:
        call.out.write(f"job {word}{where} is told to end\n")
    elif code == OVER:
        call.out.write(f"job {word}{where} is over\n")
    else:
        call.err.write(f"flow cancel: job {word}{where}: {codes.message(code)}\n")
    return code in (None, OVER)
