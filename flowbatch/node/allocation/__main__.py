"""`python -I -m flowbatch.node.allocation DIR PLAN WORD...`: salloc or srun with these words, on the nodes of the plan's job."""

from __future__ import annotations

import sys
from pathlib import Path

from flowbatch.node.allocation.plan import Plan
from flowbatch.node.allocation.program import main
from flowbatch.node.srun.program import environ

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Plan.of(sys.argv[2]), sys.argv[3:], environ()))
