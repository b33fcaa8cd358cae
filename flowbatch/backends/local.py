"""This machine: the client of its node daemon's socket, which it starts if none answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from flowbatch.backends.conversation import Connection, Conversation
from flowbatch.node.server import LONGEST_LINE, SOCKET
from flowbatch.protocol.sockets import connected


class LocalBackend(Conversation):
    """The cluster on this machine. `ensure` makes a node daemon serve `directory`; it may be called at any time."""

    def __init__(self, directory: Path, store: str, ensure: Callable[[], Awaitable[None]]) -> None:
        super().__init__(store, self._reach)
        self._directory = directory
        self._ensure = ensure

    async def _reach(self) -> Connection:
        try:
            return await self._open()
        except OSError:
            await self._ensure()
            return await self._open()

    async def _open(self) -> Connection:
        connection = connected(self._directory, SOCKET)
        connection.setblocking(False)
        return await asyncio.open_unix_connection(sock=connection, limit=LONGEST_LINE)
