"""`--dependency`: on which jobs a job waits, and how."""

from __future__ import annotations

from typing import Literal

from flowbatch.spec.model import Frozen

DependencyKind = Literal[
    "after", "afterany", "afterok", "afternotok", "aftercorr", "afterburstbuffer", "expand", "singleton"
]


class DependencyTerm(Frozen):
    """One job to wait for. `task` is the index of `7_3`; `delay_minutes` is the `+5` of `after:7+5`.

    `singleton` has no job (0).
    """

    kind: DependencyKind
    job_id: int = 0
    task: int | None = None
    delay_minutes: int = 0


class Dependency(Frozen):
    """All terms (`,`) or any of them (`?`)."""

    text: str
    any: bool
    terms: tuple[DependencyTerm, ...]
