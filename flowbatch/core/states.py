"""The states a job can be in; each owns the data that only it has. Slurm's words for them are in `slurm/codes.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Outcome = Literal[
    "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE", "OUT_OF_MEMORY",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeShare:
    """What a job holds on one node. `cpu_ids` are the node's CPU numbers; `memory_mib` is 0 where memory is not counted."""

    node: str
    cpus: int
    cpu_ids: tuple[int, ...] = ()
    memory_mib: int = 0
    tasks: int = 1
    gres: tuple[tuple[str, str | None, tuple[int, ...]], ...] = ()
    """(name, type, device indices) for each gres held."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """Where a job runs. `shares` in node order (the batch script runs on the first); `generation` counts placements."""

    partition: str
    shares: tuple[NodeShare, ...]
    sharing: bool = False
    """Other jobs that share may run on the same CPUs (OverSubscribe)."""
    licenses: tuple[tuple[str, int], ...] = ()

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(share.node for share in self.shares)

    @property
    def cpus(self) -> int:
        return sum(share.cpus for share in self.shares)


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a batch script ended: exit code and signal as Slurm prints them (`code:signal`, `0:9`)."""

    code: int = 0
    signal: int = 0


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ends: Slurm's outcome, exit status, Slurm's reason (`NonZeroExitCode`), and who cancelled it."""

    outcome: Outcome
    exit: ExitStatus = ExitStatus()
    reason: str = "None"
    by_uid: int | None = None


@dataclass(frozen=True, slots=True)
class Requeueing:
    """The job goes back to the queue once its processes are gone; `held` as after `scontrol requeuehold`."""

    held: bool = False
    cause: Literal["asked", "preempted", "node"] = "asked"


@dataclass(frozen=True, slots=True)
class Pending:
    """Waiting. `reason` is Slurm's (`Resources`, `Priority`, `JobHeldUser` ...). `not_before` delays a requeued job."""

    reason: str = "None"
    not_before: int | None = None
    kind: Literal["pending"] = "pending"


@dataclass(frozen=True, slots=True)
class Running:
    """Placed and ordered to start. `launched` once the node has said that its process exists."""

    started_at: int
    allocation: Allocation
    ends_by: int | None
    """When the time limit falls, or None for no limit."""
    launched: bool = False
    mailed_percent: int = 0
    """How much of the time limit was already announced by mail (50, 80, 90, 100)."""
    cut: bool = False
    """`ends_by` is earlier than what the node was told: the queue ends the run."""
    kind: Literal["running"] = "running"


@dataclass(frozen=True, slots=True)
class Completing:
    """Told to stop; its processes may still live and its allocation is still held. What comes after is decided."""

    started_at: int
    allocation: Allocation
    since: int
    then: Ending | Requeueing
    kind: Literal["completing"] = "completing"


@dataclass(frozen=True, slots=True)
class Finished:
    """Over. `started_at` is None when it never ran."""

    ended_at: int
    ending: Ending
    started_at: int | None = None
    allocation: Allocation | None = None
    kind: Literal["finished"] = "finished"


State = Pending | Running | Completing | Finished
