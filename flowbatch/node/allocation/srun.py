"""`python -I -m flowbatch.node.allocation.srun DIR PLAN WORD...`: srun with these words, in the job of the plan, which is its own."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from flowbatch.node.allocation.caller import environ, say
from flowbatch.node.allocation.hold import Hold, NotHeld
from flowbatch.node.allocation.plan import Plan
from flowbatch.node.srun import program
from flowbatch.protocol.sockets import NODE

SIGNALLED = 128
"""From here on an exit code of srun's tells of a signal."""
KILL_WAIT_S = 30

NOT_THE_STEPS = ("SLURM_NODE_ALIASES", "SLURM_MEM_PER_CPU", "SLURM_MEM_PER_GPU", "SLURM_MEM_PER_NODE")
"""What salloc's command has of its job, and the tasks of an srun have not."""


def main(directory: Path, plan: Plan, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one step and gives the allocation back; srun's exit code, which is the job's."""
    hold = Hold(directory, NODE, plan.job_id, patient=True)
    try:
        node, variables = hold.open()
    except NotHeld:
        say(f"srun: Job allocation {plan.job_id} has been revoked")
        return 1
    except OSError as error:
        say(f"srun: error: the node of job {plan.job_id} does not answer: {error}")
        return 1

    def revoked(why: str) -> None:
        due = " DUE TO TIME LIMIT" if why == "timeout" else ""
        at = time.strftime("%Y-%m-%dT%H:%M:%S")
        say(f"srun: Job step aborted: Waiting up to {KILL_WAIT_S + 2} seconds for job step to finish.")
        say(f"slurmstepd: error: *** STEP {plan.job_id}.0 ON {node} CANCELLED AT {at}{due} ***")

    hold.listen(revoked)
    job = {name: value for name, value in variables.items() if name not in NOT_THE_STEPS}
    code = program.main(directory, words, {**environ, **job})
    hold.release(*((0, code - SIGNALLED) if code > SIGNALLED else (code, 0)))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Plan.of(sys.argv[2]), sys.argv[3:], environ()))
