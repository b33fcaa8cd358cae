"""Why sbatch stops, before it is known where the words stood that made it stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flowbatch.directives.diagnosis import Origin
from flowbatch.slurm.exits import ERROR


@dataclass(frozen=True, slots=True)
class Message:
    """One line of sbatch's on stderr.

    "verbose" is said with --verbose alone, --quiet silences "info", a "notice" changes nothing more, an "error" ends it all.
    """

    level: Literal["verbose", "info", "notice", "error"]
    text: str

    def line(self, command: str) -> str:
        return f"{command}: {self.text}" if self.level in ("verbose", "info") else f"{command}: error: {self.text}"

    def is_heard(self, *, verbose: bool, quiet: bool) -> bool:
        """Whether sbatch prints it."""
        return verbose or self.level not in (("verbose", "info") if quiet else ("verbose",))


USAGE = 255
"""The exit code of words that sbatch cannot read."""


class Refusal(Exception):
    """sbatch prints `lines` and ends. `option` names the option at fault, `column` the place in its text (from 1).

    `soft`: the exit code is the one that SLURM_EXIT_ERROR replaces.
    """

    def __init__(
        self,
        message: str,
        lines: tuple[str, ...],
        exit_code: int = ERROR,
        *,
        soft: bool = False,
        option: str | None = None,
        column: int = 1,
        hint: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.lines = lines
        self.exit_code = exit_code
        self.soft = soft
        self.option = option
        self.column = column
        self.hint = hint
        self.origin: Origin | None = None


def error(command: str, text: str, *, option: str | None = None) -> Refusal:
    """sbatch ends with an error of its own."""
    return Refusal(text, (f"{command}: error: {text}",), soft=True, option=option)


def fatal(command: str, text: str, *, option: str | None = None) -> Refusal:
    """sbatch dies."""
    return Refusal(text, (f"{command}: fatal: {text}",), option=option)


def usage(command: str, *texts: str, option: str | None = None) -> Refusal:
    """sbatch cannot read its words."""
    return Refusal(texts[0], tuple(f"{command}: error: {text}" for text in texts), USAGE, option=option)
