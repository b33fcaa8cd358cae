"""`python -m tests.conformance.compare [CASE...]`: runs ours and prints where it differs from what real Slurm said."""

from __future__ import annotations

import difflib
import sys
import tempfile
from pathlib import Path

from tests.conformance import worlds
from tests.conformance.differences import applied


def difference(case: str, said: str, recorded: str) -> str:
    """The lines that differ and are not accepted, as a unified diff; empty where there are none."""
    sides = (applied(case, recorded).splitlines(), applied(case, said).splitlines())
    return "\n".join(difflib.unified_diff(*sides, "real Slurm", "ours", lineterm="", n=2))


def main(names: list[str]) -> int:
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        world = worlds.our_world(Path(place))
        try:
            found = 0
            for case in worlds.CASES:
                if not names or any(case.stem.startswith(name) for name in names):
                    text = difference(case.stem, world.transcript(case), worlds.recorded(case))
                    print(
                        f"== {case.stem}: {text.count(chr(10) + '+') + text.count(chr(10) + '-')} lines differ\n{text}",
                        flush=True,
                    )
                    found += bool(text)
            return found
        finally:
            worlds.stop(Path(place))


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
