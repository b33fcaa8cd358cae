"""Which lines of a batch script are directives, by sbatch's rules; and which only look like it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from flowbatch import text
from flowbatch.directives.diagnosis import Origin
from flowbatch.directives.words import Split, Word, split

STDIN = "stdin"
"""What sbatch calls a script that came without a name."""

FOREIGN_LINES = 100
"""So many lines that are no comments may stand before a #PBS or #BSUB line."""

_BLANKS = b" \t\n\v\f\r"
_LOOKALIKE = re.compile(r"\s*#[#\s]*(SBATCH\b|(SLURM|FLOW)\s+-)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Fault:
    """A script that sbatch refuses unread: its lines, and our sentence."""

    lines: tuple[str, ...]
    message: str
    hint: str | None = None


NO_SHEBANG = Fault(
    (
        "This does not look like a batch script.  The first",
        "line must start with #! followed by the path to an interpreter.",
        "For instance: #!/bin/sh",
    ),
    "the first line is no #! line",
    "begin the script with #!/bin/bash",
)


def fault(raw: bytes) -> Fault | None:
    """Why sbatch would refuse this script before it reads a single directive, or None."""
    if not raw:
        return Fault(("Batch script is empty!",), "the script is empty")
    if not raw.partition(b"\0")[0].strip(_BLANKS):
        return Fault(("Batch script contains only whitespace!",), "the script holds nothing but blanks")
    if not raw.startswith(b"#!"):
        return NO_SHEBANG
    if b"\0" in raw:
        return Fault(
            ("The Slurm controller does not allow scripts that", "contain a NULL character '\\0'."),
            "the script holds a NUL byte",
            "submit the script's text, not a binary or UTF-16 file",
        )
    if b"\r\n" in raw:
        return Fault(
            ("Batch script contains DOS line breaks (\\r\\n)", "instead of expected UNIX line breaks (\\n)."),
            "the script has DOS line ends",
            "convert it: sed -i 's/\\r$//' SCRIPT",
        )
    return None


@dataclass(frozen=True, slots=True)
class Line:
    """One line that is for us: `kind` is its prefix (`#SBATCH`), `rest` what follows from column `at` (0-based) on."""

    kind: str
    number: int
    whole: str
    at: int

    @property
    def rest(self) -> str:
        return self.whole[self.at :]

    @property
    def separator(self) -> str | None:
        """`hetjob` or `packjob` where the line divides components."""
        return None if self.split.words else self.split.ended_by

    @property
    def split(self) -> Split:
        return split(self.rest)

    def origin(self, source: str, word: Word, first: int = 0) -> Origin:
        """Where `word` stands, from its character `first` on."""
        column = word.columns[first] if first < len(word.columns) else word.end
        return self.origin_at(source, column, max(1, word.end - column))

    def origin_at(self, source: str, column: int, width: int = 1) -> Origin:
        return Origin("script", source, self.number, self.at + column + 1, width, self.whole)


@dataclass(frozen=True, slots=True)
class Unread:
    """A line that looks like a directive and was not read, and why."""

    number: int
    whole: str
    why: str


class Script:
    """A batch script that passed `fault`. `name` is what sbatch's messages call it: the file's last part."""

    def __init__(self, raw: bytes, name: str = STDIN) -> None:
        self.raw = raw
        self.name = name

    @cached_property
    def header(self) -> tuple[Line, ...]:
        """All #SBATCH and #SLURM lines that are read."""
        return tuple(self._header("#SBATCH", "#SLURM"))

    @cached_property
    def components(self) -> tuple[tuple[Line, ...], ...]:
        """The #SBATCH and #SLURM lines of each component of a heterogeneous job, or of the one job."""
        components: list[list[Line]] = [[]]
        for line in self.header:
            if line.separator:
                components.append([])
            else:
                components[-1].append(line)
        return tuple(map(tuple, components))

    def of_component(self, number: int) -> bytes:
        """What Slurm keeps as the script of a later component, which nobody runs: its directives between the first line and an end."""
        first, _, _ = self.raw.partition(b"\n")
        lines = self.components[number] if number < len(self.components) else ()
        return b"\n".join([first, *(text.encode(line.whole) for line in lines), b"exit 0", b""])

    @cached_property
    def flow(self) -> tuple[Line, ...]:
        """The #FLOW lines, which stand where #SBATCH lines may stand."""
        return tuple(self._header("#FLOW"))

    @cached_property
    def foreign(self) -> tuple[Line, ...]:
        """The #BSUB lines, or the #PBS lines where there is no #BSUB."""
        return tuple(self._foreign("#BSUB")) or tuple(self._foreign("#PBS"))

    @cached_property
    def unread(self) -> tuple[Unread, ...]:
        """Lines that look like directives and are not: for a reader who wonders."""
        read = {line.number for line in (*self.header, *self.flow, *self.foreign)}
        found: list[Unread] = []
        command: int | None = None
        for number, whole in enumerate(text.decode(self.raw).split("\n"), 1):
            if command is None and _is_command(whole):
                command = number
            if number not in read and _LOOKALIKE.match(whole):
                found.append(Unread(number, whole, _why_unread(whole, command)))
        return tuple(found)

    def _header(self, *kinds: str) -> Iterator[Line]:
        """The lines of these kinds before the first line that is neither blank nor a comment."""
        for number, whole in self._lines():
            if _is_command(whole):
                return
            for kind in kinds:
                if whole.startswith(kind):
                    rest = whole[len(kind) :]
                    yield Line(kind, number, whole, len(kind) + len(rest) - len(rest.lstrip(" \t\v\f\r")))

    def _foreign(self, kind: str) -> Iterator[Line]:
        others = 0
        for number, whole in self._lines():
            if whole.startswith(kind):
                yield Line(kind, number, whole, len(kind))
            elif not whole.startswith("#"):
                others += 1
            if others > FOREIGN_LINES:
                return

    def _lines(self) -> Iterator[tuple[int, str]]:
        """The lines of the script, decoded one by one: most scripts are read no further than their header."""
        start, number = 0, 0
        while start < len(self.raw):
            end = self.raw.find(b"\n", start)
            end = len(self.raw) if end < 0 else end
            number += 1
            yield number, text.decode(self.raw[start:end])
            start = end + 1


def _is_command(line: str) -> bool:
    """Whether directives end here: anything that is neither blank nor a comment."""
    return bool(start := line.lstrip(" \t\v\f\r")) and not start.startswith("#")


def _why_unread(line: str, command: int | None) -> str:
    if command is not None:
        return f"stands after the first command (line {command})"
    if line.startswith(("##", "# ", "#\t")):
        return "is a comment: SBATCH must follow the # at once"
    if line[:1].isspace():
        return "is indented"
    return "is not written in capital letters"
