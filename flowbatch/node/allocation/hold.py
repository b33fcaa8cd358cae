"""The conversation of a command with the node that holds its nodes, from its own side; the words are in `holders.py`.

It goes on over a daemon's death: the next one is looked for, for as long as the command lives.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from flowbatch import text
from flowbatch.node.start import NodeUnreachable, start
from flowbatch.protocol.launch import BadLine, line, parse
from flowbatch.protocol.sockets import NODE, connected

LONGEST = 16 * 1024 * 1024
AGAIN_S = 0.3
ANSWER_WITHIN_S = 30.0
RELEASED_WITHIN_S = 10.0
"""A node that does not answer by then hears it from the broken connection, or from a minute without one."""


class NotHeld(Exception):
    """There is no such placement any more."""


class CannotHold(Exception):
    """What a command says that does not get its allocation."""


class Hold:
    """One allocation. `open` first, `listen` then; `release` last."""

    def __init__(self, directory: Path, socket_name: str, job_id: int, *, patient: bool) -> None:
        self._where = directory, socket_name
        self._hold = line("hold", job_id=job_id, patient=patient)
        self._line: socket.socket | None = None
        self._last: bytes | None = None
        """The word that ends it, once it was said."""
        self._over = threading.Event()
        self._lock = threading.Lock()

    @classmethod
    def taken(
        cls, directory: Path, command: str, job_id: int, revoked: str, *, patient: bool
    ) -> tuple[Hold, Mapping[str, str]]:
        """The open hold of a job, and the job's variables. `revoked`: what the command says where it is gone already. Raises CannotHold."""
        hold = cls(directory, NODE, job_id, patient=patient)
        try:
            return hold, hold.open()
        except NotHeld:
            raise CannotHold(f"{command}: {revoked}") from None
        except OSError as error:
            raise CannotHold(f"{command}: error: the node of job {job_id} does not answer: {error}") from None

    def open(self) -> Mapping[str, str]:
        """The variables of the job. Raises NotHeld, OSError."""
        self._file = self._connect()
        assert self._line is not None
        self._line.settimeout(ANSWER_WITHIN_S)
        try:
            return self._held()
        finally:
            self._line.settimeout(None)

    def _held(self) -> Mapping[str, str]:
        while True:
            message = self._next()
            if message["op"] == "held":
                return {name: os.fsdecode(text.encode(value)) for name, value in message["job"].items()}
            if message["op"] == "refused":
                raise NotHeld

    def listen(self, revoked: Callable[[str], None]) -> None:
        """Calls `revoked` with the reason, from a thread of its own and once, when the job ends otherwise than by `release`."""
        threading.Thread(target=self._listen, args=(revoked,), name="hold", daemon=True).start()

    def release(self, code: int, number: int) -> None:
        """The allocation ends, with this status."""
        self._end(line("release", code=code, signal=number))

    def cancel(self) -> None:
        """It ends as by scancel; what was asked for goes on here."""
        self._end(line("release", cancel=True))

    def _end(self, word: bytes) -> None:
        with self._lock:
            self._last = word
            self._say(word)
        self._over.wait(RELEASED_WITHIN_S)

    def _listen(self, revoked: Callable[[str], None]) -> None:
        told = False
        while not self._over.is_set():
            try:
                message = self._next()
            except OSError:
                self._again()
                continue
            if message["op"] in ("released", "refused"):
                self._over.set()
            if message["op"] in ("revoked", "refused") and not told:
                told = True
                revoked(str(message.get("why", "ended")))

    def _again(self) -> None:
        """Another connection, to the next daemon perhaps; what was said last is said again, if need be to a daemon of our own."""
        time.sleep(AGAIN_S)
        try:
            file = self._connect()
        except OSError:
            if self._last is not None:
                with suppress(NodeUnreachable):
                    start(self._where[0])
            return
        with self._lock:
            self._file = file
            if self._last is not None:
                self._say(self._last)

    def _connect(self) -> Any:
        self._line = connected(*self._where)
        self._line.sendall(self._hold)
        return self._line.makefile("rb")

    def _say(self, word: bytes) -> None:
        try:
            if self._line is not None:
                self._line.sendall(word)
        except OSError:
            return  # the next connection says it

    def _next(self) -> dict[str, Any]:
        said = self._file.readline(LONGEST)
        if not said:
            raise ConnectionResetError("the node hung up")
        try:
            return parse(said)
        except BadLine as error:
            raise ConnectionResetError(str(error)) from None
