"""--multi-prog: a file that says what each task runs, as `0-2,5 program %t %o`; srun(1) "MULTIPLE PROGRAM CONFIGURATION"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowbatch.node.srun.wanted import CannotRun

_WORD = re.compile(r"""'([^']*)'|"([^"]*)"|(\S+)""")


def programs(text: str, tasks: int, path: str) -> list[list[str]]:
    """The command of each task; `%t` is its rank, `%o` its place in the line's list. Raises CannotRun."""
    found: dict[int, list[str]] = {}
    for number, line in enumerate(text.replace("\\\n", " ").splitlines(), 1):
        words = ["".join(one) for one in _WORD.findall(line.split("#")[0])]
        if not words:
            continue
        try:
            ranks = list(_ranks(words[0], tasks, found))
        except ValueError as error:
            raise CannotRun(
                f"srun: error: {error}\nsrun: error: Line {number} of configuration file {path} invalid"
            ) from None
        for offset, rank in enumerate(ranks):
            found[rank] = [word.replace("%t", str(rank)).replace("%o", str(offset)) for word in words[1:]]
    for rank in range(tasks):
        if not found.get(rank):
            raise CannotRun(f"srun: error: Configuration file {path} invalid, no record for task id {rank}")
    return [found[rank] for rank in range(tasks)]


def _ranks(text: str, tasks: int, taken: dict[int, list[str]]) -> Iterator[int]:
    """`*` is all that no line before has named. Raises ValueError with srun's words."""
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part == "*":
            yield from (rank for rank in range(tasks) if rank not in taken)
        elif first.isdecimal() and (last.isdecimal() if dash else not last):
            if int(last or first) >= tasks:
                raise ValueError(f"Invalid task id, {int(last or first)} >= ntasks")
            yield from range(int(first), int(last or first) + 1)
        else:
            raise ValueError(f"Invalid task range specification ({text})")
