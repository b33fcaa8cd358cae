"""What every backend promises; `tests/contract/` holds each of them to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from flowbatch.core.events import Ended, Launched, LaunchFailed, NodeLost
from flowbatch.protocol.launch import Key, LaunchMessage

Fact = Launched | LaunchFailed | Ended | NodeLost
Tell = Callable[[Fact], Awaitable[None]]
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

    async def forget(self, key: Key) -> None: ...

    async def close(self) -> None:
        """Lets go of the machine; what runs there goes on."""
