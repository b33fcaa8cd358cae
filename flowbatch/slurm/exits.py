"""Exit codes that the environment names in place of a command's own. Commands of 22.05 read them first of all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ERROR = 1
"""The exit code that SLURM_EXIT_ERROR replaces."""

_IMMEDIATE = ("salloc", "srun")
_NUMBER = re.compile(r"[ \t\n\v\f\r]*([+-]?)0*([0-9]*)")
_BITS = 32


@dataclass(frozen=True, slots=True)
class ExitCodes:
    """`error`: of the command's own failures; `immediate`: where --immediate of an allocation has failed; `complaints`: of what names no code."""

    error: int = ERROR
    immediate: int = ERROR
    complaints: tuple[str, ...] = ()


def exit_codes(environ: Mapping[str, str], command: str) -> ExitCodes:
    error, said = _named(environ, "SLURM_EXIT_ERROR", ERROR)
    immediate, more = _named(environ, "SLURM_EXIT_IMMEDIATE", ERROR) if command in _IMMEDIATE else (ERROR, ())
    return ExitCodes(error, immediate, tuple(f"{command}: error: {words}" for words in (*said, *more)))


def _named(environ: Mapping[str, str], variable: str, otherwise: int) -> tuple[int, tuple[str, ...]]:
    text = environ.get(variable)
    if text is None:
        return otherwise, ()
    code = _atoi(text)
    return (code & 0xFF, ()) if code else (otherwise, (f"{variable} has zero value",))


def _atoi(text: str) -> int:
    """The number that a text begins with, as much of it as a C int holds once it was a long."""
    found = _NUMBER.match(text)
    assert found is not None  # it matches nothing at all too
    number = int(f"{found[1]}{found[2][:20] or '0'}")
    whole: int = max(-(2**63), min(number, 2**63 - 1)) % (1 << _BITS)
    return whole
