"""The connections themselves: so that one can be cut without an answer."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

Peer = tuple[str, int]


class Lines:
    """Every open connection, by its other end."""

    def __init__(self) -> None:
        self._open: dict[Peer, asyncio.Transport] = {}

    def cut(self, peer: Peer) -> None:
        """The connection is reset, whatever was about to be said."""
        line = self._open.get(peer)
        if line is not None:
            line.abort()

    def protocol(self) -> type[H11Protocol]:
        """What a server speaks whose connections are to be known here."""
        open_lines = self._open

        class Line(H11Protocol):
            def connection_made(self, transport: Any) -> None:
                super().connection_made(transport)
                if self.client is not None:
                    open_lines[self.client] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                if self.client is not None:
                    open_lines.pop(self.client, None)
                super().connection_lost(exc)

        return Line
