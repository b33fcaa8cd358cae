"""`python -I -m flowbatch.node.allocation.salloc DIR PLAN WORD...`: the command of these words, or a shell, with the plan's job."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from flowbatch.node.allocation.hold import CannotHold, Hold
from flowbatch.node.allocation.plan import Plan
from flowbatch.node.allocation.shell import Shell
from flowbatch.node.own_process import environ, say, take_name


def main(directory: Path, plan: Plan, words: Sequence[str], environ: Mapping[str, str]) -> int:
    """Runs the command with the job's variables and gives the allocation back; the command's exit code."""
    take_name("salloc")
    revoked = f"Job allocation {plan.job_id} has been revoked."
    try:
        hold, variables = Hold.taken(directory, "salloc", plan.job_id, revoked, patient=False)
    except CannotHold as error:
        say(str(error))
        return 1
    return Shell(plan, hold, directory, {**environ, **variables}).run(words)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Plan.of(sys.argv[2]), sys.argv[3:], environ()))
