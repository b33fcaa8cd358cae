"""Steps: what srun started inside a job, as far as the queue and the store know of it.

A step is no job: nothing waits for it and nothing follows from it. Running ones stand in the queue beside their job, ended ones
in the store alone, by (job, restart, number). The batch script itself (`7.batch`) is told from the job's own record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from flowbatch.core.states import ExitStatus


@dataclass(frozen=True, slots=True)
class Step:
    """One step. `tasks_on`: how many tasks on each of `nodes`. `ended_at` and `exit` are None while it runs."""

    number: int
    name: str
    nodes: tuple[str, ...]
    tasks_on: tuple[int, ...]
    cpus: int
    began_at: int
    gpus: int = 0
    memory_mib: int = 0
    command: str = field(default="", repr=False)
    """The words of its srun."""
    ended_at: int | None = None
    exit: ExitStatus | None = None
    cancelled_by: int | None = None
    max_rss_kib: int = 0
    cpu_ms: int = 0
    system_ms: int = 0
    """The system's part of `cpu_ms`."""
    limit_min: int | None = None
    layout: str = "Cyclic"
    """How its tasks were dealt out, in Slurm's word."""
    srun: int = 0
    """The process that runs it, on the job's first node."""
    components: tuple[tuple[int, int, int], ...] = ()
    """Of a step over components of a heterogeneous job, for each of `nodes`: whose it is, and the CPUs and GPUs there."""

    def on(self, component: int) -> Step | None:
        """What of it runs on one component of its job; None if nothing does."""
        if not self.components:
            return self if component == 0 else None
        mine = [n for n, (number, _, _) in enumerate(self.components) if number == component]
        if not mine:
            return None
        return replace(
            self, nodes=tuple(self.nodes[n] for n in mine), tasks_on=tuple(self.tasks_on[n] for n in mine),
            cpus=sum(self.components[n][1] for n in mine), gpus=sum(self.components[n][2] for n in mine), components=(),
        )  # fmt: skip

    @property
    def tasks(self) -> int:
        return sum(self.tasks_on)


def worst(steps: Iterable[Step]) -> ExitStatus:
    """The greatest exit status of those that have ended; a code is greater than any signal."""
    ends = (step.exit for step in steps if step.exit is not None)
    return max(ends, key=lambda exit: (exit.code, exit.signal), default=ExitStatus())


class StepKey(NamedTuple):
    """One step's name: its placement, and its number there."""

    job_id: int
    restart: int
    number: int


@dataclass(frozen=True, slots=True)
class JobSteps:
    """The steps of one placement: those that run, by number, and the highest number that was heard of."""

    running: Mapping[int, Step]
    last: int
