"""A crontab as scrontab reads it: variables, `#SCRON` lines of options, and the jobs they belong to."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from flowbatch.directives.values import cron
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.spec.cron import CronSpec

PREFIX = "#SCRON"
BROKEN = "something is broken"
SCRIPT = (
    "#!/bin/sh\n# This job was submitted through scrontab\n{options}# crontab time request was: '{asked}'\n{command}\n"
)
_VARIABLE = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*")
_ENTRY = re.compile(r"\s*(@\S*|(?:\S+[ \t]+){4}\S+)[ \t]+(\S.*)")


class CrontabFault(Exception):
    """What scrontab complains of, line by line."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


@dataclass(frozen=True, slots=True)
class Entry:
    """One job: lines `first` to `last` (from 1), its options' words, when it is due, and what it runs with which variables."""

    first: int
    last: int
    options: tuple[str, ...]
    words: tuple[str, ...]
    cron: CronSpec
    asked: str
    command: str
    variables: tuple[tuple[str, str], ...]

    @property
    def script(self) -> str:
        return SCRIPT.format(
            options="".join(f"{line}\n" for line in self.options), asked=self.asked, command=self.command
        )

    @property
    def name(self) -> str:
        """The first word of the command."""
        return self.command.split()[0]


def parse(text: str, zone: str | None) -> tuple[Entry, ...]:
    """The jobs. Raises CrontabFault for the first line that is none of a crontab's."""
    return tuple(_entries(text, zone))


def _entries(text: str, zone: str | None) -> Iterator[Entry]:
    variables: dict[str, str] = {}
    options: list[str] = []
    first: int | None = None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(PREFIX):
            options.append(line)
            first = first or number
        elif not line.strip() or line.lstrip().startswith("#"):
            continue
        elif (found := _VARIABLE.fullmatch(line)) is not None:
            variables[found[1]] = found[2]
        else:
            asked, command, due = _due(line, zone)
            words = tuple(word for option in options for word in _words(option.removeprefix(PREFIX)))
            yield Entry(first or number, number, tuple(options), words, due, asked, command, tuple(variables.items()))
            options, first = [], None


def _due(line: str, zone: str | None) -> tuple[str, str, CronSpec]:
    found = _ENTRY.fullmatch(line)
    if found is None:
        raise CrontabFault(BROKEN)
    try:
        return found[1], found[2], cron.parse(found[1], zone)
    except ValueSyntax as error:
        own = [error.message] if error.message in (cron.BAD_STEP, cron.BAD_NICKNAME) else []
        raise CrontabFault(*own, BROKEN) from None


def _words(text: str) -> list[str]:
    try:
        return shlex.split(text, comments=True)
    except ValueError:
        raise CrontabFault(BROKEN) from None


def disabled(text: str, lines: set[int]) -> str:
    """The text with these lines (from 1) put out of use, as Slurm does for a job that was cancelled."""
    return "\n".join(
        f"#DISABLED: {line}" if number in lines else line for number, line in enumerate(text.split("\n"), 1)
    )
