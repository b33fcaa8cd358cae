"""Where a batch script reads and writes: patterns as written (`slurm-%j.out`), expanded by the node."""

from __future__ import annotations

from typing import Literal

from flowbatch.spec.model import Frozen


class Files(Frozen):
    """`None` for output is Slurm's default pattern; for error, the same file as output; for input, /dev/null."""

    output: str | None = None
    error: str | None = None
    input: str | None = None
    open_mode: Literal["append", "truncate"] | None = None
