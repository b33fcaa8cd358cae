"""`python -I -m flowbatch.node.srun DIR WORD...`: srun with these words, for a job that runs on the node of DIR."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from flowbatch.node.srun.program import main


def environ() -> dict[str, str]:
    """The environment as this process got it: the interpreter may have set LC_CTYPE since (PEP 538)."""
    try:
        words = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return dict(os.environ)
    pairs = (os.fsdecode(word).partition("=") for word in words if word)
    return {name: value for name, _, value in pairs}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:], environ()))
