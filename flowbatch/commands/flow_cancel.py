"""`flow-cancel JOB...`: ends jobs, and says of each what became of it, where scancel is silent."""

from __future__ import annotations

from flowbatch.commands.call import Call
from flowbatch.commands.scancel_options import read_target
from flowbatch.core.events import CancelAsked, JobRef
from flowbatch.core.ports import QueuePort
from flowbatch.slurm import codes

OVER = "ESLURM_ALREADY_DONE"


async def cancel(call: Call, queue: QueuePort) -> int:
    """Tells the jobs to end; 1 if any of them could not be told."""
    failed = False
    for word in call.argv:
        target = read_target(word, queue.cluster.max_array_size)
        if target is None:
            call.err.write(f"flow cancel: {word} is no job\nhint: a job is 7, a task 7_3, several tasks 7_[1-4]\n")
            failed = True
            continue
        reply = await queue.apply(CancelAsked(queue.now(), call.owner.uid, (JobRef(target.job_id, target.tasks),)))
        code = reply[0].code if isinstance(reply, tuple) else "SLURM_UNEXPECTED_MSG_ERROR"
        if code is None:
            call.out.write(f"job {word} is told to end\n")
        elif code == OVER:
            call.out.write(f"job {word} is over\n")
        else:
            call.err.write(f"flow cancel: job {word}: {codes.message(code)}\n")
            failed = True
    await call.out.drain()
    return 1 if failed else 0
