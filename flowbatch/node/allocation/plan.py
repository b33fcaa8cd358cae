"""What the controller tells the program that uses an allocation."""

from __future__ import annotations

from dataclasses import dataclass

from flowbatch.node.plans import PlanWord


@dataclass(frozen=True, slots=True)
class Plan(PlanWord):
    """`kill`: the signal for salloc's command when the allocation is revoked; without one only a terminal's programs get one, SIGHUP. `chdir`: where it runs, if not here."""

    job_id: int
    quiet: bool = False
    bell: bool = False
    kill: int | None = None
    chdir: str | None = None
    step: str | None = None
    """The options of the step that salloc runs without a command; None for the user's shell."""
