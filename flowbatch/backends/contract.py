"""What every backend promises; `tests/contract/` holds each of them to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from flowbatch.core.bids import Bid
from flowbatch.core.events import (
    BidFact,
    Configured,
    Ended,
    Launched,
    LaunchFailed,
    MarketSeen,
    NodeLost,
    StepBegan,
    StepEnded,
)
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Door
from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.protocol.seen import TaskSeen
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.market import MarketTerms

Fact = Launched | LaunchFailed | Ended | NodeLost | StepBegan | StepEnded
MarketFact = Fact | BidFact | MarketSeen | Configured
Tell = Callable[[MarketFact], Awaitable[None]]
"""Called for each fact; returns when it is committed. The same fact may come again until then."""


class Backend(Protocol):
    """A Slurm cluster in the sense of `-M`. Each order may come twice and works once; orders return when handed over."""

    async def start(self, tell: Tell, running: Sequence[Key]) -> None:
        """Reconciles, before any new order: tells a fact about every placement in `running`, and all facts that no
        `forget` has ended. `running` are placements whose `Launched` was committed, or that were told to stop; one that
        the machine does not know is `NodeLost`. Others that were ordered are simply ordered again."""

    async def launch(self, message: LaunchMessage) -> None: ...

    async def stop(self, key: Key, why: str) -> None: ...

    async def deliver(self, key: Key, signal: int, scope: str) -> None: ...

    async def deliver_step(self, key: Key, number: int, signal: int, by: int) -> None:
        """A signal to the tasks of one step; one that ends it was that user's scancel."""

    async def pause(self, key: Key, paused: bool) -> None:
        """Its processes stop where they are, or go on, and its time limit with them."""

    async def limit(self, key: Key, ends_by: int | None) -> None:
        """Its time limit falls then, its pauses not counted; None: never. A market is never told so: its leases do not grow."""

    async def say(self, key: Key, text: str) -> None:
        """A line in its standard error, as a word of slurmstepd."""

    async def forget(self, key: Key) -> None: ...

    async def close(self) -> None:
        """Lets go of the machine; what runs there goes on."""


@runtime_checkable
class Seeing(Protocol):
    """A backend whose machine can be looked at."""

    async def look(self, key: Key) -> Sequence[TaskSeen]:
        """What runs of the placement now. Raises OSError where the machine does not say."""


@dataclass(frozen=True, slots=True)
class BidKey:
    """One bid of one job, named the same everywhere and forever: its name on the market."""

    store: str
    job_id: int
    number: int

    def __str__(self) -> str:
        return f"flowbatch-{self.store}-{self.job_id}-{self.number}"


@dataclass(frozen=True, slots=True)
class Tender:
    """All that a market needs to know of a bid."""

    key: BidKey
    bid: Bid
    owner: Owner
    terms: MarketTerms
    work_dir: str = field(repr=False)


@runtime_checkable
class MarketBackend(Backend, Protocol):
    """A cluster whose machines are rented. Orders about bids are wishes: they return once noted, are worked at until they
    hold, and may be given again, also after a restart, when what is wished follows from the records.

    A launch whose `machine` is not up yet waits for it. `Ended` is told once the job's files are back.
    """

    @property
    def cluster(self) -> ClusterSpec:
        """The cluster as it was last seen, also before `start`; without nodes where the market was never asked."""

    async def know(self, tenders: Sequence[Tender]) -> None:
        """Called once, before `start`: every bid whose bill is not final. `start` then tells what became of each; one that
        is not on the market, was never asked for twice and is not `asked` any more is `BidGone`."""

    async def place(self, tender: Tender) -> None:
        """The bid comes to be on the market once (looked for by its name before it is sent again), or is `BidRefused`.
        Its lease is enforced from its first second on, whoever dies."""

    async def change(self, tender: Tender) -> None:
        """Limit price and pause come to be as in `tender.bid`."""

    async def withdraw(self, key: BidKey) -> None:
        """The bid comes to be gone (`BidGone`), and its bill final (`BidCharged`)."""

    async def door(self, key: BidKey) -> Door | None:
        """The way for a user's own ssh to the bid's machine; None while it has none, or nobody has been there."""

    async def strangers(self) -> Sequence[str]:
        """Names of live bids in this account that a flowbatch with another store has made. Raises MarketAway, MarketFailed."""
