"""The node daemon: one for a directory, in a session of its own, until it has had nothing to do for a while."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import os
import signal
from collections.abc import Sequence
from pathlib import Path

from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.node import apart, callers, rented
from flowbatch.node.files import write_private
from flowbatch.node.node import Node
from flowbatch.node.own_process import say
from flowbatch.node.server import SOCKET, Server
from flowbatch.protocol.accepting import bound

IDLE_S = 300.0
"""A daemon without placements and without a controller ends itself after so long."""

LOCK, PID, LOG = "node.lock", "node.pid", "node.log"

log = logging.getLogger(__name__)


class AlreadyThere(Exception):
    """Another daemon serves this directory."""


class Daemon:
    """Holds the directory's lock and its listening socket from the moment it is made.

    `standing`: the machine is rented, and this file tells its guard what the node does. `steps`: the program that is srun
    here, with its first words; where it is given, Slurm's commands can be called on this machine.
    """

    def __init__(self, directory: Path, standing: Path | None = None, steps: Sequence[str] = ()) -> None:
        self.directory = directory.absolute()
        self._steps = steps
        self._standing = standing
        self.directory.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o700)
        os.chdir(self.directory)
        os.umask(0)
        self._lock = os.open(LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise AlreadyThere(str(self.directory)) from None
        self._socket = bound(SOCKET)
        self._callers = bound(callers.SOCKET) if steps else None

    def detach(self) -> bool:
        """Goes on in a child, in a session of its own without a terminal and with nothing of whoever has started it; false in the parent,
        which may end now."""
        if os.fork():
            return False
        os.setsid()
        null = os.open(os.devnull, os.O_RDWR)
        errors = os.open(LOG, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for stream, file in ((0, null), (1, null), (2, errors)):
            os.dup2(file, stream)
        os.close(null)
        os.close(errors)
        for note in apart.stand():
            say(note)
        return True

    def run(self, *, idle_s: float = IDLE_S, failpoint: Failpoint = nowhere) -> None:
        """Serves until it is idle or told to end by SIGTERM; what runs then goes on."""
        logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
        write_private(Path(PID), b"%d\n" % os.getpid())
        asyncio.run(self._run(idle_s, failpoint))

    async def _run(self, idle_s: float, failpoint: Failpoint) -> None:
        ended = asyncio.Event()
        server = Server(self._steps, retire=ended.set)
        node = Node(
            self.directory, server.tell, tell_step=server.tell_step, tell_leaving=server.tell_leaving, failpoint=failpoint
        )  # fmt: skip
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, ended.set)
        watching = None if self._standing is None else asyncio.ensure_future(rented.watch(node, self._standing))
        try:
            await node.adopt()
            with (
                contextlib.ExitStack() as doors
            ):  # nobody is waited for: whoever is still connected finds the next daemon
                doors.callback((await server.serve(node, self._socket)).close)
                if self._callers is not None:
                    doors.callback((await server.callers.serve(self._callers)).close)
                await _until_idle(node, server, ended, idle_s)
        finally:
            if watching is not None:
                watching.cancel()
            os.unlink(SOCKET)
            if self._callers is not None:
                os.unlink(callers.SOCKET)
            node.close()


async def _until_idle(node: Node, server: Server, ended: asyncio.Event, idle_s: float) -> None:
    """Returns once `ended` is set, or nothing was to be done twice in a row, `idle_s` apart."""
    was_idle = False
    while not ended.is_set():
        idle = not node.busy and not server.connections
        if idle and was_idle:
            return
        was_idle = idle
        try:
            await asyncio.wait_for(ended.wait(), idle_s)
        except asyncio.TimeoutError:
            continue
