"""What travels to a rented machine, as one program: `python3 node.pyz WORD ...`; the packed archive begins here."""

from __future__ import annotations

import argparse
import os
import selectors
import socket
import sys
from pathlib import Path

from flowbatch.node import brought, commands, outputs
from flowbatch.node.daemon import IDLE_S, AlreadyThere, Daemon
from flowbatch.node.mirror import Broken
from flowbatch.node.own_process import environ
from flowbatch.node.server import SOCKET
from flowbatch.node.srun import program as srun
from flowbatch.protocol.launch import line
from flowbatch.protocol.sockets import connected

CHUNK = 1 << 16


def main() -> int:
    if sys.argv[1:2] == ["srun"]:
        return srun.main(Path(sys.argv[2]), sys.argv[3:], environ())
    words = _words().parse_args()
    if words.word == "daemon":
        return daemon(words.directory, words.standing)
    if words.word == "attach":
        return attach(words.directory)
    if words.word == "answer":
        return attach(words.directory, line("answer", number=words.number))
    if words.word == "tail":
        with open(0, "rb", buffering=0, closefd=False) as asked:
            outputs.tail(asked, sys.stdout.buffer)
        return 0
    try:
        return brought.serve(words.word, words.root, words.base, sys.stdin.buffer, sys.stdout.buffer)
    except Broken as error:
        sys.stderr.write(f"{error}\n")
        return 1


def daemon(directory: Path, standing: Path) -> int:
    """A node daemon serves the directory once this returns, detached from the caller; it watches for the machine's notice."""
    try:
        one = Daemon(directory, standing, (sys.executable, "-I", os.path.abspath(sys.argv[0]), "srun", str(directory)))
    except AlreadyThere:
        return 0
    commands.install(directory)
    if one.detach():
        one.run(idle_s=IDLE_S)
    return 0


def attach(directory: Path, opening: bytes = b"") -> int:
    """Standard input and output are the conversation with the directory's daemon, until either side ends it.

    With an `opening` the daemon hears that first, and what it says of itself is not passed on.
    """
    try:
        node = connected(directory, SOCKET)
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


def _words() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="node.pyz", description="The node program of a rented machine.")
    kinds = parser.add_subparsers(dest="word", required=True)
    for word in ("daemon", "attach", "answer"):
        kind = kinds.add_parser(word)
        kind.add_argument("directory", type=Path, help="journal, spool and socket")
        if word == "answer":
            kind.add_argument("number", type=int, help="of the caller")
        if word == "daemon":
            kind.add_argument("--standing", type=Path, help="where the guard reads what the node does")
    for word in ("stamps", "take", "changes", "give", "settle"):
        kind = kinds.add_parser(word)
        kind.add_argument("root", help="the workspace")
        kind.add_argument("base", type=Path, help="what was brought")
    kinds.add_parser("tail")
    return parser


if __name__ == "__main__":
    sys.exit(main())
