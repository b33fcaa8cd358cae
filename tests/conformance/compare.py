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
    chosen = [case for case in worlds.CASES if not names or any(case.stem.startswith(name) for name in names)]
    found = 0
    for accounts in (False, True):
        cases = [case for case in chosen if (case.stem in worlds.WITH_ACCOUNTS) is accounts]
        if cases:
            found += _compared(cases, accounts)
    return found


def _compared(cases: list[Path], accounts: bool) -> int:
    """How many of them differ, in one world of ours."""
    found = 0
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        world = worlds.our_world(Path(place), accounts=accounts)
        try:
            for case in cases:
                text = difference(case.stem, world.transcript(case), worlds.recorded(case))
                lines = text.count("\n+") + text.count("\n-")
                print(f"== {case.stem}: {lines} lines differ\n{text}", flush=True)
                found += bool(text)
        finally:
            worlds.stop(Path(place))
    return found


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
