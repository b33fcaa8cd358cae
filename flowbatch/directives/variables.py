"""Environment variables of a command that are no option's value."""

from __future__ import annotations

from collections.abc import Mapping

from flowbatch.directives.options import COMMAND, Command
from flowbatch.directives.refusal import ERROR


def truth(text: str | None) -> bool:
    """Whether a variable's text turns a flag on: nothing at all, yes, or a number that is not zero."""
    if text is None:
        return False
    if text == "" or text.lower() == "yes":
        return True
    digits = text[1:] if text[:1] in "+-" else text
    return digits.isdecimal() and int(digits) != 0


def exit_error(environ: Mapping[str, str], command: Command = COMMAND) -> tuple[int, tuple[str, ...]]:
    """The exit code that SLURM_EXIT_ERROR names, and what is said where it names none."""
    text = environ.get("SLURM_EXIT_ERROR")
    if text is None:
        return ERROR, ()
    digits = text.strip()
    code = int(digits) if digits.lstrip("+-").isdecimal() else 0
    if code == 0:
        return ERROR, (f"{command}: error: SLURM_EXIT_ERROR has zero value",)
    return code & 0xFF, ()
