"""The states a job can be in; each owns the data that only it has. Slurm's words for them are in `slurm/codes.py`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, overload

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
class Pause:
    """A job's last suspension, or the end of it: when that was, and how many seconds it had run by then."""

    at: int
    ran_s: int


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
    """Its node was not told of `ends_by`: the queue ends the run."""
    limited: bool = False
    """Its node was told of another `ends_by` since its launch."""
    pause: Pause | None = None
    """When it was resumed. Its CPUs may be other jobs' too since then, as on 22.05."""
    kind: Literal["running"] = "running"


@dataclass(frozen=True, slots=True)
class Suspended:
    """Its processes are stopped and its time limit stands still. Its CPUs are free for others; it keeps all else it holds."""

    was: Running
    """What it will be again; its limit is later then."""
    pause: Pause
    kind: Literal["suspended"] = "suspended"

    @property
    def started_at(self) -> int:
        return self.was.started_at

    @property
    def allocation(self) -> Allocation:
        return self.was.allocation

    @property
    def launched(self) -> bool:
        return self.was.launched


@dataclass(frozen=True, slots=True)
class Completing:
    """Told to stop; its processes may still live and its allocation is still held. What comes after is decided."""

    started_at: int
    allocation: Allocation
    since: int
    then: Ending | Requeueing
    pause: Pause | None = None
    idle: bool = False
    """It was suspended when it was told to stop: its CPUs are not its own any more."""
    kind: Literal["completing"] = "completing"


@dataclass(frozen=True, slots=True)
class Finished:
    """Over. `started_at` is None when it never ran."""

    ended_at: int
    ending: Ending
    started_at: int | None = None
    allocation: Allocation | None = None
    pause: Pause | None = None
    kind: Literal["finished"] = "finished"


State = Pending | Running | Suspended | Completing | Finished
Holding = Running | Suspended | Completing
"""Those that hold an allocation."""


@overload
def run_of(state: Running | Suspended) -> Running: ...
@overload
def run_of(state: State) -> Running | None: ...
def run_of(state: State) -> Running | None:
    """The run that goes on, or that a suspension has stopped."""
    match state:
        case (Running() as run) | Suspended(was=run):
            return run
    return None


def held(state: State) -> Allocation | None:
    """What the state keeps from other jobs: of a suspended job all but its CPUs."""
    match state:
        case Running(allocation=whole) | Completing(allocation=whole, idle=False):
            return whole
        case Suspended(was=Running(allocation=whole)) | Completing(allocation=whole):
            return replace(whole, shares=tuple(replace(share, cpus=0, cpu_ids=()) for share in whole.shares))
    return None


def began(state: Running) -> int:
    """When it would have begun if it had never been suspended."""
    return state.started_at if state.pause is None else state.pause.at - state.pause.ran_s


def ran_s(started_at: int, pause: Pause | None, until: int) -> int:
    """How many seconds a job ran until then, its suspensions not counted."""
    return max(0, until - started_at if pause is None else pause.ran_s + until - pause.at)


def lasted_s(state: State, at: int) -> int:
    """How many seconds the job of this state has run by `at`, or did run."""
    match state:
        case Running(started_at=start, pause=pause):
            return ran_s(start, pause, at)
        case Suspended(pause=stopped):
            return stopped.ran_s
        case Completing(started_at=start, pause=pause, since=end):
            return ran_s(start, pause, end)
        case Finished(started_at=int(start), pause=pause, ended_at=end):
            return ran_s(start, pause, end)
    return 0
