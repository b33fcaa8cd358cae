"""srun: the caller becomes the program that runs a step, in the job that he is in; outside a job one is allocated for it first."""

from __future__ import annotations

from dataclasses import replace

from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.commands.running import allocating
from flowbatch.commands.running.allocating import SRUN
from flowbatch.commands.submitting.sbatch import surroundings, with_files
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Finished
from flowbatch.directives import allocation
from flowbatch.directives.allocation import Wish
from flowbatch.directives.diagnosis import DirectiveError
from flowbatch.directives.settings import Help
from flowbatch.node.allocation.plan import Plan
from flowbatch.node.srun import options as step
from flowbatch.node.srun.wanted import CannotRun
from flowbatch.slurm.exits import exit_codes

NOT_HERE = "srun: error: the jobs of cluster {} run elsewhere: their steps are started inside them\n"


async def main(call: Call, queue: QueuePort) -> int:
    """Returns only where nothing is run: else the caller is another program by then."""
    codes = exit_codes(call.environ, "srun")
    complaints = "".join(f"{line}\n" for line in codes.complaints)
    try:
        wanted = step.read(call.argv, call.environ)
        if wanted.ask is None and wanted.mpi != "list" and wanted.job_id is None:
            return await _allocate(call, queue)
    except CannotRun as error:
        call.err.write(f"{complaints}{error.line}\n")
        return codes.error if error.code is None else error.code
    except DirectiveError as error:
        call.err.write("".join(f"{line}\n" for line in error.said))
        return error.exit_code
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code
    gone = None if wanted.job_id is None or wanted.ask is not None else _gone(queue, wanted.job_id)
    if gone is not None:
        call.err.write(complaints + gone)
        return codes.error
    if not queue.steps:
        call.err.write(complaints + NOT_HERE.format(queue.cluster.name))
        return codes.error
    call.become((*queue.steps, *call.argv))
    return 0


def _gone(queue: QueuePort, job_id: int) -> str | None:
    """What srun says of a job that is over; None of any other: its node knows."""
    job = next((job for job in queue.snapshot((job_id,)).jobs if job.id == job_id), None)
    if job is None or not isinstance(job.state, Finished):
        return None
    return SRUN.error(f"Slurm job {job_id} has expired") + SRUN.line(EXPIRED.format(job_id))


EXPIRED = "Check SLURM_JOB_ID environment variable. Expired or invalid job {}"


async def _allocate(call: Call, queue: QueuePort) -> int:
    """The caller becomes the step of a job of its own. Raises Stop, DirectiveError."""
    wish = await _wished(call, queue)
    if not wish.words and "test-only" not in wish.chosen:
        raise Stop(1, err="srun: fatal: No command given to execute.\n")
    asked = allocating.specs(call, wish, SRUN)
    queue = await allocating.home(call, queue, wish, SRUN)
    if "test-only" in wish.chosen:
        return await allocating.would_start(call, queue, wish, asked, SRUN)
    job_id = await allocating.allocate(call, queue, wish, asked, SRUN)
    plan = Plan(job_id, quiet=wish.quiet)
    call.become((*queue.programs["srun"], plan.word(), *call.argv))
    return 0


async def _wished(call: Call, queue: QueuePort) -> Wish:
    around = replace(surroundings(call, queue), command="srun")
    try:
        wish, _ = await with_files(call, around, lambda a: allocation.read(call.argv, a, call.environ))
    except Help as wanted:  # a value that asks for a text: the step's program has it
        call.become((*queue.steps, *call.argv))
        raise Stop(wanted.exit_code) from None
    call.err.write("".join(f"{line}\n" for line in wish.said))
    return wish
