"""Where an option was said, and what a refusal of ours or Slurm's points at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from flowbatch.errors import FlowError

Place = Literal["command line", "environment", "script"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a word stands. `source` is the script's name, the variable's or the argument as written; `line` counts from
    1 (0 where there are none), `column` too, `width` in characters; `shown` is the whole line for a reader's eyes."""

    place: Place
    source: str
    line: int = 0
    column: int = 1
    width: int = 1
    shown: str = ""

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.place == "script" else self.source


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One fault for a reader: where, what, what to do. `lines` are what sbatch itself prints, `exit_code` its code."""

    message: str
    lines: tuple[str, ...]
    exit_code: int
    origin: Origin | None = None
    hint: str | None = None

    def screen(self, command: str = "flow submit") -> str:
        """The fault as `flow submit` prints it: a sentence, the source line with a caret below, the hint."""
        where = f"{self.origin}: " if self.origin else ""
        rows = [f"{command}: {where}{self.message}"]
        if self.origin and self.origin.shown:
            before = self.origin.shown[: self.origin.column - 1]
            indent = "".join("\t" if character == "\t" else " " for character in before)
            rows += [f"    {self.origin.shown}", f"    {indent}{'^' * max(1, self.origin.width)}"]
        if self.hint:
            rows.append(f"hint: {self.hint}")
        return "\n".join(rows)


class DirectiveError(FlowError):
    """sbatch would stop here. `said` is everything it would have printed on stderr until then, the fault's own lines
    included; `tables` are the lists of defined options of the components that were whole."""

    def __init__(
        self, diagnosis: Diagnosis, said: Sequence[str] = (), tables: Sequence[Sequence[tuple[str, str]]] = ()
    ) -> None:
        super().__init__(diagnosis.message, hint=diagnosis.hint)
        self.diagnosis = diagnosis
        self.exit_code = diagnosis.exit_code
        self.said = (*said, *diagnosis.lines)
        self.tables = tuple(tuple(table) for table in tables)
