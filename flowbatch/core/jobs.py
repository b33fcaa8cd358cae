"""A job as the queue holds it: what was asked, and what has become of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from flowbatch.core.bids import Bid
from flowbatch.core.states import State
from flowbatch.spec.array import IndexSet
from flowbatch.spec.dependency import DependencyTerm
from flowbatch.spec.job import JobSpec


@dataclass(frozen=True, slots=True)
class Owner:
    """Who submitted: `name` as the password file has it, and the host and session of the submitting shell."""

    uid: int
    gid: int
    name: str
    group: str
    host: str = "localhost"
    sid: int = 0


@dataclass(frozen=True, slots=True)
class ArrayRest:
    """The tasks of an array that have no record of their own yet; the record's id is the array's."""

    pending: IndexSet
    throttle: int | None


@dataclass(frozen=True, slots=True)
class ArrayTask:
    """One task with a record of its own. `job_id` of the array differs from the record's id, but for the last task."""

    array_id: int
    index: int
    throttle: int | None = None


@dataclass(frozen=True, slots=True)
class ArrayPast:
    """What is still to be known of an array's tasks that have no record any more: kept by the record with the array's id."""

    began: bool = False
    failed: bool = False
    cancelled: bool = False
    requeued: bool = False


@dataclass(frozen=True, slots=True)
class HetPart:
    """Which component of a heterogeneous job a record is: of `size`, with the ids from `leader` on, the one at `offset`."""

    leader: int
    offset: int
    size: int

    @property
    def ids(self) -> range:
        """The ids of all components, in their order."""
        return range(self.leader, self.leader + self.size)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A dependency term that is not fulfilled yet; `failed` when it never can be.

    `array`: it names a whole array (Slurm shows `7_*`). `due`: the instant at which `after:7+5` will be fulfilled, once known.
    """

    term: DependencyTerm
    failed: bool = False
    array: bool = False
    due: int | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """One record of the queue. Frozen: the queue replaces a changed record, so a listing may keep what it has.

    `spec` is shared by all tasks of an array and stored once under `spec_id`; `payload_id` names script and
    environment in the store. Only `core/transitions.py` changes `state`.
    """

    id: int
    spec: JobSpec = field(repr=False)
    spec_id: int
    payload_id: int
    owner: Owner
    state: State
    submitted_at: int
    priority: int
    """Slurm's number; 0 is held."""
    partitions: tuple[str, ...] = ()
    """Where it may run: resolved names, never empty for an accepted job."""
    eligible_at: int | None = None
    array: ArrayRest | ArrayTask | None = None
    waiting: tuple[Waiting, ...] = ()
    restarts: int = 0
    last_evaluated_at: int | None = None
    scheduled_by: str | None = None
    """`Main` or `Backfill`, once started."""
    notes: tuple[str, ...] = ()
    """What was obliged, emulated or recorded at admission, one sentence each (`unknown partition gpu: ran in debug`)."""
    held: str | None = None
    """Slurm's reason of a held job (`JobHeldUser`, `JobHeldAdmin` ...), in any state: it stays held when it is requeued."""
    past: ArrayPast = ArrayPast()
    bids: tuple[Bid, ...] = ()
    """Every bid that was ever made for it, by number from 1; at most the last is live."""

    het: HetPart | None = None

    @property
    def follows(self) -> bool:
        """Whether it is a later component of a heterogeneous job: its leader's script is its own, and it has no process."""
        return self.het is not None and self.het.offset > 0

    @property
    def array_id(self) -> int | None:
        """The array it belongs to, or None."""
        if isinstance(self.array, ArrayTask):
            return self.array.array_id
        return self.id if isinstance(self.array, ArrayRest) else None

    @property
    def bid(self) -> Bid | None:
        """Its live bid, or None."""
        return self.bids[-1] if self.bids and self.bids[-1].live else None

    @property
    def bids_on(self) -> bool:
        """Whether a bid is to win it a machine, or has."""
        return bool(self.bids) and self.bids[-1].phase not in ("withdrawn", "gone")
