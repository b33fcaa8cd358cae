"""One end of a conversation in lines that never makes its owner wait: what the other end does not take yet is kept."""

from __future__ import annotations

import socket
from collections import deque
from contextlib import suppress
from typing import Any

from flowbatch.protocol.launch import BadLine, parse

CHUNK = 65536
LONGEST = 1 << 20
"""Bytes of a line; a longer one ends the conversation."""


class Talk:
    """What is said goes out at once as far as it is taken; the rest by `flush`, once the descriptor can be written."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self._connection = connection
        self._unsent: deque[bytes] = deque()
        self._begun = 0
        """So much of the first of them is sent."""
        self._unheard = bytearray()
        self.unsent = 0
        """Bytes that wait for the other end."""

    @property
    def fd(self) -> int:
        return self._connection.fileno()

    def say(self, line: bytes) -> None:
        """Raises OSError where nobody is there any more."""
        self._unsent.append(line)
        self.unsent += len(line)
        self.flush()

    def flush(self) -> None:
        """Sends what is taken now. Raises OSError where nobody is there any more."""
        with suppress(BlockingIOError):
            while self._unsent:
                sent = self._connection.send(memoryview(self._unsent[0])[self._begun :])
                self.unsent -= sent
                self._begun += sent
                if self._begun == len(self._unsent[0]):
                    self._unsent.popleft()
                    self._begun = 0

    def cut(self, last: bytes) -> None:
        """Nothing of what waits is sent any more but this, and what has begun to go out."""
        kept = [self._unsent[0]] if self._begun else []
        self._unsent = deque((*kept, last))
        self.unsent = sum(map(len, self._unsent)) - self._begun

    def heard(self) -> list[dict[str, Any]]:
        """The messages that have come whole. Raises OSError once the other end has hung up, or speaks otherwise."""
        try:
            data = self._connection.recv(CHUNK)
        except BlockingIOError:
            return []
        if not data:
            raise ConnectionResetError("the other end hung up")
        *lines, rest = (bytes(self._unheard) + data).split(b"\n")
        self._unheard = bytearray(rest)
        if len(rest) > LONGEST:
            raise ConnectionResetError("a line without an end")
        try:
            return [parse(line) for line in lines]
        except BadLine as error:
            raise ConnectionResetError(str(error)) from None

    def close(self) -> None:
        self._connection.close()
