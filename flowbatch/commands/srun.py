"""srun: inside a job the caller becomes the program that runs the job's steps on its machine."""

from __future__ import annotations

from flowbatch.commands.call import Call
from flowbatch.core.ports import QueuePort

OUTSIDE = (
    "srun: error: srun outside a job is not built yet\n"
    "srun: hint: sbatch --wait --wrap 'COMMAND' runs one command as a job and waits for it\n"
)
NOT_HERE = "srun: error: the jobs of cluster {} run elsewhere: their steps are started inside them\n"


async def main(call: Call, queue: QueuePort) -> int:
    """Returns only where there is no job: else the caller is another program by then."""
    words = [word.partition("=")[0] for word in call.argv]
    asks = {"-V", "--version", "--help", "--usage", "-h", "--jobid"} & set(words)
    if not (asks or call.environ.get("SLURM_JOB_ID") or call.environ.get("SLURM_JOBID")):
        call.err.write(OUTSIDE)
        return 1
    if not queue.steps:
        call.err.write(NOT_HERE.format(queue.cluster.name))
        return 1
    call.become((*queue.steps, *call.argv))
    return 0
