"""Connections to a Unix socket in a directory, however long the directory's path is."""

from __future__ import annotations

import os
import socket
from pathlib import Path

NODE = "node.sock"
"""The node's own, in its directory; one changes there to connect, so that no path is too long."""

LONGEST_ADDRESS = 100
"""Bytes of a path that a Unix socket surely takes; a longer one is reached by its name, from inside its directory."""


def connected(directory: Path, name: str) -> socket.socket:
    """A connection to whoever listens at `name` in the directory. Raises OSError."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    address = os.fsencode(directory / name)
    try:
        if len(address) <= LONGEST_ADDRESS:
            line.connect(address)
        else:
            _connect_inside(line, directory, name)
    except OSError:
        line.close()
        raise
    return line


def _connect_inside(line: socket.socket, directory: Path, name: str) -> None:
    """Changes to the directory for an instant, which other threads of this process see."""
    here = os.open(".", getattr(os, "O_PATH", os.O_RDONLY))
    try:
        os.chdir(directory)
        line.connect(name)
    finally:
        os.fchdir(here)
        os.close(here)
