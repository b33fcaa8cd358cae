"""`python -I -m flowbatch.node.allocation.srun DIR PLAN WORD...`: srun with these words, in the job of the plan, which is its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from flowbatch.node.allocation.hold import CannotHold, Hold
from flowbatch.node.allocation.plan import Plan
from flowbatch.node.own_process import environ, say
from flowbatch.node.srun import program
from flowbatch.node.srun.ending import Ending


def main(directory: Path, plan: Plan, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs one step and gives the allocation back; srun's exit code. The job ends as the step did: a Ctrl-C that ended it cancels the job."""
    gone = f"Job allocation {plan.job_id} has been revoked"
    try:
        hold, variables = Hold.taken(directory, "srun", plan.job_id, gone, patient=True)
    except CannotHold as error:
        say(str(error))
        return 1

    steps: list[Ending] = []

    def revoked(why: str) -> None:
        for step in steps:
            step.revoked(why)

    hold.listen(revoked)
    code = program.main(directory, words, {**environ, **variables}, steps.append, alone=True)
    if any(step.interrupted for step in steps):
        hold.cancel()
    else:
        hold.release(*(steps[0].status if steps else (code, 0)))
    return code


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Plan.of(sys.argv[2]), sys.argv[3:], environ()))
