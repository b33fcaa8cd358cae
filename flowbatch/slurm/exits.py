"""Exit codes that the environment names in place of a command's own. Commands of 22.05 read them first of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flowbatch.slurm.integers import as_int32, leading

ERROR = 1
"""The exit code that SLURM_EXIT_ERROR replaces."""

_IMMEDIATE = ("salloc", "srun")


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
    code = as_int32(leading(text))  # as atoi reads it
    return (code & 0xFF, ()) if code else (otherwise, (f"{variable} has zero value",))
