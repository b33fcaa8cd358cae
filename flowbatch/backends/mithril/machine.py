"""One rented machine: from its address to its job's files brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowbatch.backends.contract import Tell
from flowbatch.backends.mithril.ssh import Identity
from flowbatch.core.jobs import Owner
from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.spec.market import MarketTerms


@dataclass(frozen=True, slots=True)
class Rental:
    """Whose machine it is, and all that is known of it before it is there."""

    bid: str
    """The bid's name: the machine's own, for good."""
    store: str
    owner: Owner
    terms: MarketTerms
    identity: Identity
    directory: Path
    """On this computer, for this machine alone: its host key, what it was brought. Made when it is not there."""
    return_allowance_s: int
    login: str = "ubuntu"


class Machine:
    """Runs the placements of one bid. It may be made before the machine is there: `at` says where it is.

    Orders are wishes, as a backend's: they return at once, wait for the machine, and are worked at until they hold. Facts are
    `Launched`, `LaunchFailed`, `Ended` (its files are back by then) and `NodeLost`.
    """

    def __init__(self, rental: Rental) -> None:
        raise NotImplementedError(rental)

    async def start(self, tell: Tell, running: Sequence[Key]) -> None:
        """Begins; returns at once. The truth about `running` is told as soon as the machine has said it."""

    def at(self, destination: str | None) -> None:
        """The market's word where its SSH server answers (`host` or `host:port`); None while it has none."""

    async def launch(self, message: LaunchMessage) -> None: ...

    async def stop(self, key: Key, why: str) -> None: ...

    async def deliver(self, key: Key, signal: int, scope: str) -> None: ...

    async def forget(self, key: Key) -> None: ...

    async def leave(self, until: int) -> None:
        """It goes away at `until`: its jobs get their signals, are stopped in time, and their files come back."""

    async def stay(self) -> None:
        """It does not go away after all."""

    async def rotate(self, key: str, key_fid: str | None) -> None:
        """The guard uses this API key from now on; returns when it does. Raises SshAway."""

    async def lost(self, at: int) -> None:
        """The machine is gone for good: `NodeLost` for all that had not ended."""

    async def close(self) -> None:
        """Lets go of the machine; what runs there goes on."""
