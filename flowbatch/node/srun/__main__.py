"""`python -I -m flowbatch.node.srun DIR WORD...`: srun with these words, for a job that runs on the node of DIR."""

from __future__ import annotations

import sys
from pathlib import Path

from flowbatch.node.own_process import environ
from flowbatch.node.srun.program import main

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:], environ()))
