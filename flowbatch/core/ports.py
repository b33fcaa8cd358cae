"""Doors that commands need, opened by the controller; commands know neither the store nor a backend."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flowbatch.core.events import Event, Reply
from flowbatch.core.jobs import Job
from flowbatch.core.market.budgets import Spending
from flowbatch.core.past import EVERYTHING, JobName, Past
from flowbatch.core.quotes import Quotes
from flowbatch.core.ruling.rulings import NOTHING_SAID, Rulings
from flowbatch.core.steps import JobSteps, Step, StepKey
from flowbatch.core.tally import Tally
from flowbatch.protocol.seen import TaskSeen
from flowbatch.spec.cluster import ClusterSpec


@dataclass(frozen=True, slots=True)
class Payload:
    """What a batch job carries besides its record; large, so it lives in the store alone.

    `environment` is what the job starts from (the caller's, after --export), as raw `NAME=value` words;
    `limits` are the caller's soft resource limits by name (`NOFILE`), -1 for none; `umask` is the caller's.
    """

    script: bytes = field(repr=False)
    environment: tuple[bytes, ...] = field(repr=False)
    limits: Mapping[str, int]
    umask: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The queue at one instant: records never change, so a listing may take its time with it."""

    at: int
    cluster: ClusterSpec
    jobs: tuple[Job, ...]
    planned: Mapping[int, tuple[int, tuple[str, ...]]]
    """Expected (start, nodes) of pending jobs that the scheduler has looked ahead for."""
    blocked_partitions: frozenset[str] = frozenset()
    quotes: Quotes | None = None
    """The market as last seen; None where there is none, or before it was seen."""
    departed: Spending = field(default_factory=dict)
    """What jobs were billed that have left the queue."""
    steps: Mapping[int, JobSteps] = field(default_factory=dict)
    """The steps of placements that run, by job."""
    rulings: Rulings = NOTHING_SAID
    """What administrators have said of the cluster; `cluster` is as they have it."""


@dataclass(frozen=True, slots=True)
class Door:
    """How a user's own ssh gets to a rented machine. `identity` and `known_hosts` are files; the host key stands there under
    the name `alias`. `user`: whose job runs there, where that is another one than `login`."""

    host: str
    port: int
    login: str
    alias: str
    identity: str = field(repr=False)
    known_hosts: str = field(repr=False)
    user: str | None = None


class ClustersPort(Protocol):
    """All clusters, for commands that name them (`-M`). Each has a queue and job ids of its own."""

    @property
    def default(self) -> str:
        """The cluster of a command that names none."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every cluster that can be named, the default first."""

    @property
    def used(self) -> tuple[str, ...]:
        """Those of `names` that ever had a job."""

    async def queue(self, name: str) -> QueuePort:
        """The queue of the cluster, opened if it was not yet. Raises KeyError if there is none of that name, FlowError if
        it cannot be served now (no account, no sandbox running)."""


Condition = Callable[[Job], bool]


class QueuePort(Protocol):
    """One cluster's queue, for commands."""

    def now(self) -> int: ...

    @property
    def cluster(self) -> ClusterSpec: ...

    @property
    def steps(self) -> tuple[str, ...]:
        """The program, and its first words, that is srun in a job of this cluster; empty where its jobs have one of their own."""

    @property
    def programs(self) -> Mapping[str, tuple[str, ...]]:
        """The programs, with their first words, that clients become where they are: `salloc` and `srun`, which use an allocation of
        this cluster, and `sattach`; empty where there are none."""

    async def look(self, job: Job) -> Sequence[TaskSeen]:
        """What runs of the job's placement now, as its machine sees it. Raises OSError where none says so."""

    async def configuration(self) -> ClusterSpec:
        """The cluster as its configuration describes it now, whatever was read at the start. Raises ConfigError."""

    async def apply(self, event: Event, payload: Payload | None = None) -> Reply:
        """Applies one fact; its reply, after the commit. `payload` goes with `Submitted`. Raises StoreFailed."""

    def snapshot(self, job_ids: Collection[int] | None = None) -> Snapshot:
        """The queue as it is now. `job_ids`: only the records that these numbers name, and all others of their arrays."""

    def placed(self) -> Snapshot:
        """The queue as it is now, of its records those alone that nodes are about: they hold an allocation, or have bids."""

    async def finished(self, job_id: int) -> Sequence[Job]:
        """Waits until the job (all tasks of an array) is over; its records, by array index. Raises KeyError if unknown."""

    async def until(self, job_id: int, condition: Condition) -> Job:
        """Waits until the condition holds of the job's committed record, or the job is over; that record. Raises KeyError if unknown."""

    async def history(
        self, named: Sequence[JobName] | None = None, limit: int = 1000, past: Past = EVERYTHING
    ) -> Sequence[Job]:
        """Records of jobs, newest first, from the store: also those that left the queue, as far as `past` admits them."""

    async def step_history(
        self, job_ids: Sequence[int] | None = None, since: int | None = None
    ) -> Sequence[tuple[StepKey, Step]]:
        """Steps of these jobs, or of all, from the store, by job, restart and number. `since`: only those that were not over
        before that instant."""

    def tally(self) -> Tally:
        """What happened to jobs since midnight, as far as it was counted."""

    def count(self, kind: str) -> int:
        """How many records of the queue are in that state."""

    async def story(self, job_id: int) -> Sequence[tuple[int, str]]:
        """What happened to a job: (instant, fact in words), oldest first."""

    async def payload(self, job_id: int) -> Payload | None:
        """Script and environment of a job; None if unknown."""

    async def door(self, job_id: int) -> Door | None:
        """The way to the rented machine of a job; None while it has none, or nobody has been there."""

    async def strangers(self) -> Sequence[str]:
        """Names of live bids in this account that a flowbatch with another store has made. Raises MarketAway, MarketFailed."""
