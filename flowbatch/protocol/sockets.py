"""Unix sockets in a directory, however long the directory's path is."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

NODE = "node.sock"
"""The node's own, in its directory; one changes there to connect, so that no path is too long."""

LONGEST_ADDRESS = 100
"""Bytes of a path that a Unix socket surely takes; a longer one is reached by its name, from inside its directory."""


def connected(directory: Path, name: str) -> socket.socket:
    """A connection to whoever listens at `name` in the directory. Raises OSError."""
    return _made(directory, name, lambda made, address: made.connect(address))


def listening(directory: Path, name: str) -> socket.socket:
    """A socket at `name` in the directory to which only this user may connect. Raises OSError, also if there is one already."""

    def listen(made: socket.socket, address: bytes) -> None:
        made.bind(address)
        os.chmod(address, 0o600)
        made.listen()

    return _made(directory, name, listen)


def _made(directory: Path, name: str, use: Callable[[socket.socket, bytes], None]) -> socket.socket:
    """A socket that was put to use with its address."""
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    address = os.fsencode(directory / name)
    try:
        if len(address) <= LONGEST_ADDRESS:
            use(made, address)
        else:
            _inside(directory, lambda: use(made, os.fsencode(name)))
    except OSError:
        made.close()
        raise
    return made


def _inside(directory: Path, use: Callable[[], None]) -> None:
    """Changes to the directory for an instant, which other threads of this process see."""
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(directory)
        use()
    finally:
        os.fchdir(here)
        os.close(here)
