"""Sets of task indices as Slurm 22.05 writes them: `1-3,5`, `0-98:7`, cut to SLURM_BITSTR_LEN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_DEFAULT_LENGTH = 64
_MOST_LENGTH = 4096
_FEWEST_STEPS = 7
"""So many indices at one distance are written with a step; fewer one by one."""


def length_limit(environ: Mapping[str, str]) -> int:
    """The room for a set, its terminating byte included; 0 is as much as it takes."""
    said = environ.get("SLURM_BITSTR_LEN")
    if said is None:
        return _DEFAULT_LENGTH
    digits = said.lstrip(" \t+")
    number = int(digits) if digits.isascii() and digits.isdigit() else 0
    return _DEFAULT_LENGTH if digits.startswith("-") else min(number, _MOST_LENGTH)


def text(runs: Iterable[tuple[int, int]], limit: int = 0) -> str:
    """The runs (first, last), ascending, as one text; what has no room ends in three dots."""
    all_runs = list(runs)
    whole = _stepped(all_runs) or _listed(all_runs)
    if not limit or len(whole) < limit:
        return whole
    return (whole[: max(limit - 4, 0)] + "...")[: limit - 1]


def ranges(numbers: Iterable[int]) -> str:
    """`0-3,6`: numbers in any order, neighbours folded, never with a step."""
    runs: list[tuple[int, int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1] = runs[-1][0], number
        else:
            runs.append((number, number))
    return _listed(runs)


def _listed(runs: Iterable[tuple[int, int]]) -> str:
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)


def _stepped(runs: list[tuple[int, int]]) -> str | None:
    """`first-last:step`, if the indices stand alone and at one distance."""
    if len(runs) < _FEWEST_STEPS:
        return None
    first, step, last = runs[0][0], runs[1][0] - runs[0][0], runs[-1][1]
    if all(a == b == first + i * step for i, (a, b) in enumerate(runs)):
        return f"{first}-{last}:{step}"
    return None
