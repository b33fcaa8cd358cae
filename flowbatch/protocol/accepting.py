"""A Unix socket that an event loop listens at. Apart from `sockets`, which clients load, and no client loads an event loop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

BACKLOG = 1024
"""So many callers may wait to be taken."""

LONGEST = 64 * 1024
"""Bytes that are read ahead of whoever reads them."""

Converse = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def bound(name: str) -> socket.socket:
    """The user's own socket in the present directory; one that was left behind is replaced: a lock says that nobody listens there."""
    if os.path.lexists(name):
        os.unlink(name)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(name)
    os.chmod(name, 0o600)
    listening.listen(BACKLOG)
    return listening


async def served(converse: Converse, listening: socket.socket, limit: int = LONGEST) -> asyncio.Server:
    """Callers are taken one by one. asyncio takes as many in a row as may wait and, where no descriptor is left, fails as often, with a
    line in the log and a timer for each: its loop does nothing else any more."""
    server = await asyncio.start_unix_server(converse, sock=listening, limit=limit, backlog=1)
    listening.listen(BACKLOG)
    return server
