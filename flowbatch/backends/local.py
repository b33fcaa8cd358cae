"""This machine: the client of its node daemon's socket, which it starts if none of its own version answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from flowbatch import __version__
from flowbatch.backends.conversation import Connection, Conversation
from flowbatch.node.server import LONGEST_LINE, SOCKET
from flowbatch.protocol.launch import BadLine, Key, line, parse
from flowbatch.protocol.seen import TaskSeen, task_seen_of
from flowbatch.protocol.sockets import connected

GREETED_WITHIN_S = 5.0
"""A daemon that says nothing by then is talked to, and may answer later."""

REPLACED_WITHIN_S = 15.0
AGAIN_S = 0.05
SEEN_WITHIN_S = 10.0

log = logging.getLogger(__name__)


class LocalBackend(Conversation):
    """The cluster on this machine. `ensure` makes a node daemon serve `directory`; it may be called at any time.

    A daemon of another version is replaced before it is told anything: what it runs goes on, and is the next one's.
    """

    def __init__(self, directory: Path, store: str, ensure: Callable[[], Awaitable[None]]) -> None:
        super().__init__(store, self._reach)
        self._directory = directory
        self._ensure = ensure

    async def look(self, key: Key) -> tuple[TaskSeen, ...]:
        """What runs of the placement now. Raises OSError where the node does not say."""
        reader, writer = await self._open()
        try:
            writer.write(line("look", key=key))
            return await asyncio.wait_for(_seen(reader), SEEN_WITHIN_S)
        except (BadLine, KeyError, TypeError, ValueError, asyncio.TimeoutError) as error:
            raise OSError(f"the node does not say what runs: {error!r}") from None
        finally:
            writer.close()

    async def _reach(self) -> Connection:
        try:
            await self._retire_another_version()
            return await self._open()
        except OSError:
            return await self._started()

    async def _started(self) -> Connection:
        """A connection to a daemon that was started; one that is just ending is waited for."""
        until = time.monotonic() + REPLACED_WITHIN_S
        while True:
            await self._ensure()
            try:
                return await self._open()
            except OSError:
                if time.monotonic() > until:
                    raise
                await asyncio.sleep(AGAIN_S)

    async def _retire_another_version(self) -> None:
        """A daemon of another version is gone, or has had its time to go. Raises OSError where none answers."""
        reader, writer = await self._open()
        try:
            said = await asyncio.wait_for(reader.readline(), GREETED_WITHIN_S)
            version = parse(said).get("version")
            if version == __version__:
                return
            log.info("a node daemon of version %s makes room for one of %s", version, __version__)
            writer.write(line("retire"))
            await asyncio.wait_for(reader.read(), REPLACED_WITHIN_S)
        except (BadLine, asyncio.TimeoutError) as error:
            log.warning("the node daemon says nothing that is understood, or does not make room: %r", error)
        finally:
            writer.close()

    async def _open(self) -> Connection:
        connection = connected(self._directory, SOCKET)
        connection.setblocking(False)
        return await asyncio.open_unix_connection(sock=connection, limit=LONGEST_LINE)


async def _seen(reader: asyncio.StreamReader) -> tuple[TaskSeen, ...]:
    """The node's answer, behind its greeting."""
    while text := await reader.readline():
        answer = parse(text)
        if answer["op"] == "seen":
            return tuple(map(task_seen_of, answer["tasks"]))
    raise BadLine("it hung up")
