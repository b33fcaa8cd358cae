"""Option tables of the commands that look and act (squeue, scancel, scontrol, sinfo, sacct): the row for getopt, and what becomes of it here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flowbatch.directives.options import Verdict
from flowbatch.slurm.getopt import Arity, OptionRow, Table

VERSION = "slurm 22.05.8"
"""What `--version` of every command prints."""


class Stop(Exception):
    """Nothing more to do: what is left to print, and the exit code."""

    def __init__(self, code: int, *, out: str = "", err: str = "") -> None:
        super().__init__(code)
        self.code, self.out, self.err = code, out, err


@dataclass(frozen=True, slots=True)
class CommandOption:
    """One long option. `verdict` and `reason` say what becomes of it, `help` what it does, in our words."""

    long: str
    short: str | None = None
    arity: Arity = "none"
    help: str = ""
    key: str = ""
    verdict: Verdict = "honoured"
    reason: str = ""

    @property
    def row(self) -> OptionRow:
        return OptionRow(self.key or self.long, self.long, self.short, self.arity)


def table(options: Sequence[CommandOption]) -> Table:
    """The options in their order, which is getopt's when it names candidates."""
    return Table([option.row for option in options])


def help_text(command: str, operands: str, options: Sequence[CommandOption]) -> str:
    """`--help`: one line an option."""
    lines = [f"Usage: {command} [OPTIONS]{operands and ' ' + operands}"]
    for option in options:
        if option.help:
            short = f"-{option.short}," if option.short else "   "
            value = {"none": "", "required": "=VALUE", "optional": "[=VALUE]"}[option.arity]
            lines.append(f"  {short} --{option.long + value:<24} {option.help}".rstrip())
    return "\n".join(lines) + "\n"


def usage_text(command: str, operands: str, options: Sequence[CommandOption]) -> str:
    """`--usage`: the options' names alone."""
    words = [f"[--{option.long}]" for option in options if option.help]
    return f"Usage: {command} {' '.join(words)}{operands and ' ' + operands}\n"


def answer(command: str, operands: str, options: Sequence[CommandOption], key: str) -> None:
    """Raises Stop with what --help, --usage and --version print; nothing for any other option."""
    match key:
        case "help":
            raise Stop(0, out=help_text(command, operands, options))
        case "usage":
            raise Stop(0, out=usage_text(command, operands, options))
        case "version":
            raise Stop(0, out=VERSION + "\n")


def hint(command: str) -> str:
    """What follows getopt's own line."""
    return f'Try "{command} --help" for more information\n'
