"""`python -m tests.conformance.record [CASE...]`: takes the transcripts from a real Slurm anew (all of them, or those named)."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.conformance import oracle, worlds


def main(names: list[str]) -> None:
    worlds.RECORDED.mkdir(exist_ok=True)
    chosen = [case for case in worlds.CASES if not names or any(case.stem.startswith(name) for name in names)]
    for accounts in (False, True):
        cases = [case for case in chosen if (case.stem in worlds.WITH_ACCOUNTS) is accounts]
        if cases:
            _record(cases, accounts)


def _record(cases: list[Path], accounts: bool) -> None:
    with tempfile.TemporaryDirectory() as directory, oracle.real_slurm(Path(directory), accounts=accounts) as env:
        world = worlds.World("/usr/bin", env)
        for case in cases:
            text = world.transcript(case)
            (worlds.RECORDED / f"{case.stem}.txt").write_text(text)
            print(f"{case.stem}: {text.count('[rc=')} commands")


if __name__ == "__main__":
    main(sys.argv[1:])
