"""A machine that goes away: who says so, and who waits until it stays."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from flowbatch.protocol.launch import Key


class Leaving:
    """When the machine goes away: by its own word (`at`) for all that runs or will run here, by the controller's for single placements.
    `tell` is called with the machine's own word whenever it changes."""

    def __init__(self, tell: Callable[[float | None], None]) -> None:
        self._tell = tell
        self._of: dict[Key, float] = {}
        self.at: float | None = None
        self._stirred = asyncio.Event()
        """What a launch that is held back waits for may have changed."""

    def machine(self, until: float | None) -> None:
        """The machine's own word; None: it stays."""
        self.at = until
        self._tell(until)
        self.stir()

    def note(self, key: Key, until: float) -> None:
        """The controller's word for a placement that does not run yet."""
        self._of[key] = until

    def drop(self, key: Key) -> None:
        """That word is taken back, or has no meaning any more."""
        if self._of.pop(key, None) is not None:
            self.stir()

    def stir(self) -> None:
        """Whoever waits looks again."""
        self._stirred.set()

    def until(self, key: Key) -> float | None:
        """When the machine goes away under the placement; None: it stays."""
        return self._of.get(key, self.at)

    async def stays(self, key: Key, stopped: Callable[[], bool]) -> None:
        """Nothing begins on a machine that goes away: it would be signalled before it is ready for that. Returns when the machine
        stays after all, or the placement is `stopped`."""
        while self.until(key) is not None and not stopped():
            self._stirred.clear()
            await self._stirred.wait()
