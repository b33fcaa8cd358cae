"""Environment variables of a command that are no option's value."""

from __future__ import annotations

from collections.abc import Mapping

from flowbatch.directives.options import COMMAND
from flowbatch.directives.refusal import ERROR
from flowbatch.directives.values.integers import as_int32, leading


def truth(text: str | None) -> bool:
    """Whether a variable's text turns a flag on: nothing at all, yes, or a number that is not zero."""
    if text is None:
        return False
    if text == "" or text.lower() == "yes":
        return True
    digits = text[1:] if text[:1] in "+-" else text
    return digits.isdecimal() and int(digits) != 0


def exit_error(environ: Mapping[str, str], command: str = COMMAND) -> tuple[int, tuple[str, ...]]:
    """The exit code that SLURM_EXIT_ERROR names, and what is said where it names none."""
    text = environ.get("SLURM_EXIT_ERROR")
    if text is None:
        return ERROR, ()
    code = as_int32(leading(text))  # as atoi reads it
    if code == 0:
        return ERROR, (f"{command}: error: SLURM_EXIT_ERROR has zero value",)
    return code & 0xFF, ()
