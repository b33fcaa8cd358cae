"""What travels to a rented machine, as one program: `python3 DIRECTORY WORD ...`; the packed sources begin here."""

from __future__ import annotations

import importlib
import os
import selectors
import socket
import sys
from pathlib import Path
from typing import Any

from flowbatch.node.own_process import environ
from flowbatch.protocol.launch import line
from flowbatch.protocol.sockets import NODE, connected

CHUNK = 1 << 16
WORDS = "srun DIRECTORY ...|daemon DIRECTORY STANDING|attach DIRECTORY|answer DIRECTORY NUMBER|tail|workspace ROOT BASE"


def main() -> int:
    """One word of the node program; its exit code."""
    match sys.argv[1:]:
        case ["srun", directory, *words]:
            code: int = _loaded("srun.program").main(Path(directory), words, environ(), revive=None)
            return code
        case ["daemon", directory, standing]:
            return daemon(Path(directory), Path(standing))
        case ["attach", directory]:
            return attach(Path(directory))
        case ["answer", directory, number]:
            return attach(Path(directory), line("answer", number=int(number)))
        case ["tail"]:
            with open(0, "rb", buffering=0, closefd=False) as asked:
                _loaded("outputs").tail(asked, sys.stdout.buffer)
            return 0
        case ["workspace", root, base]:
            return workspace(root, Path(base))
    sys.stderr.write(f"usage: {WORDS}\n")
    return 2


def _loaded(name: str) -> Any:
    """A room of the node, when its word is said: each word is a start of Python, and most need little of it."""
    return importlib.import_module(f"flowbatch.node.{name}")


def daemon(directory: Path, standing: Path) -> int:
    """A node daemon serves the directory once this returns, detached from the caller; it watches for the machine's notice."""
    node = _loaded("daemon")
    try:
        one = node.Daemon(
            directory, standing, (sys.executable, "-I", os.path.abspath(sys.argv[0]), "srun", str(directory))
        )
    except node.AlreadyThere:
        return 0
    _loaded("commands").install(directory)
    if one.detach():
        one.run(idle_s=node.IDLE_S)
    return 0


def workspace(root: str, base: Path) -> int:
    """Standard input and output are a conversation about the workspace (`node/brought.py`)."""
    try:
        with open(0, "rb", CHUNK, closefd=False) as asked, open(1, "wb", CHUNK, closefd=False) as out:
            _loaded("brought").serve(root, base, asked, out)
    except _loaded("mirror").Broken as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def attach(directory: Path, opening: bytes = b"") -> int:
    """Standard input and output are the conversation with the directory's daemon, until either side ends it.

    With an `opening` the daemon hears that first, and what it says of itself is not passed on.
    """
    try:
        node = connected(directory, NODE)
    except OSError as error:
        return _no_node(directory, error)
    with node:
        try:
            _open(node, opening)
        except OSError as error:
            return _no_node(directory, error)
        _bridge(node)
    return 0


def _open(node: socket.socket, opening: bytes) -> None:
    """The opening is said, behind the node's own first line. Raises OSError."""
    if opening:
        while (said := node.recv(1)) != b"\n":
            if not said:
                raise ConnectionResetError("it hung up")
        node.sendall(opening)


def _bridge(node: socket.socket) -> None:
    """What either side says the other hears, until one of them ends."""
    with selectors.DefaultSelector() as ready:
        ready.register(0, selectors.EVENT_READ)
        ready.register(node, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                data = os.read(0, CHUNK) if key.fileobj == 0 else node.recv(CHUNK)
                if not data:
                    return
                if key.fileobj == 0:
                    node.sendall(data)
                else:
                    _write(data)


def _no_node(directory: Path, error: OSError) -> int:
    sys.stderr.write(f"no node daemon in {directory}: {error}\n")
    return 1


def _write(data: bytes) -> None:
    done = 0
    while done < len(data):
        done += os.write(1, data[done:])


if __name__ == "__main__":
    sys.exit(main())
