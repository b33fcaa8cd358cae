"""salloc, and srun outside a job, once their nodes are theirs: the allocation is held, used and given back."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from flowbatch.node.allocation.hold import Hold, NotHeld
from flowbatch.node.allocation.plan import Plan
from flowbatch.node.allocation.shell import Shell
from flowbatch.node.server import SOCKET
from flowbatch.node.srun import program as srun

SIGNALLED = 128
"""From here on an exit code of srun's tells of a signal."""
KILL_WAIT_S = 30

NOT_THE_STEPS = ("SLURM_NODE_ALIASES", "SLURM_MEM_PER_CPU", "SLURM_MEM_PER_GPU", "SLURM_MEM_PER_NODE")
"""What salloc's command has of its job, and the tasks of an srun have not."""


def main(directory: Path, plan: Plan, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs what was asked for with the job's variables; the command's exit code. The allocation ends with it."""
    name = "salloc" if plan.shell else "srun"
    hold = Hold(directory, SOCKET, plan.job_id, patient=not plan.shell)
    try:
        node, variables = hold.open()
    except NotHeld:
        say(f"{name}: Job allocation {plan.job_id} has been revoked{'.' * plan.shell}")
        return 1
    except OSError as error:
        say(f"{name}: error: the node of job {plan.job_id} does not answer: {error}")
        return 1
    if plan.shell:
        return Shell(plan, hold, directory, {**environ, **variables}).run(words)
    return _step(plan, hold, node, directory, words, {**environ, **_for_step(variables, environ)})


def _for_step(variables: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if name not in NOT_THE_STEPS}


def _step(
    plan: Plan, hold: Hold, node: str, directory: Path, words: Sequence[str], environ: Mapping[str, str]
) -> int:  # fmt: skip
    """srun's own: one step, and its code is the job's."""

    def revoked(why: str) -> None:
        due = " DUE TO TIME LIMIT" if why == "timeout" else ""
        at = time.strftime("%Y-%m-%dT%H:%M:%S")
        say(f"srun: Job step aborted: Waiting up to {KILL_WAIT_S + 2} seconds for job step to finish.")
        say(f"slurmstepd: error: *** STEP {plan.job_id}.0 ON {node} CANCELLED AT {at}{due} ***")

    hold.listen(revoked)
    code = srun.main(directory, words, environ)
    hold.release(*((0, code - SIGNALLED) if code > SIGNALLED else (code, 0)))
    return code


def say(words: str) -> None:
    """A line on standard error."""
    try:
        os.write(2, os.fsencode(words) + b"\n")
    except OSError:
        return
