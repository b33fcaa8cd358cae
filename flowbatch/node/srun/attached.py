"""Those who look on at a step: each sattach is told what its tasks write, and may feed them. None of them can hold the step up.

One JSON object a line, over a socket of the step's own in the private spool of its placement. To who comes: `step` (tasks: how many), `out`
(rank, stream, data), `said` (text: the step daemon's own words), `exited` (ranks, status), and last `over`, or `dropped` (why). From him: `in` (data,
rank: of one task, else all; empty data: the end of the input). Bytes are latin-1 text.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from flowbatch.node.srun.tasks import Tasks
from flowbatch.node.talk import Talk
from flowbatch.protocol import sockets
from flowbatch.protocol.launch import line

REMEMBERED, MESSAGE = 128, 1024
"""So many messages of a node's tasks, and so long ones, are kept for who comes later, as with 22.05."""

MOST = 16
"""As many may look on at once."""

BEHIND = 4 << 20
"""Bytes that wait for one who does not read; with more he is dropped."""

Feed = Callable[[bytes, "int | None"], None]
"""Input for one task, or all; empty at its end."""


@dataclass(slots=True)
class _Backlog:
    """The last that the tasks of one node have written."""

    _kept: deque[tuple[int, int, bytes]] = field(default_factory=deque)
    _size: int = 0

    def add(self, rank: int, stream: int, data: bytes) -> None:
        self._kept.append((rank, stream, data))
        self._size += len(data)
        while len(self._kept) > REMEMBERED or self._size - len(self._kept[0][2]) >= REMEMBERED * MESSAGE:
            self._size -= len(self._kept.popleft()[2])

    def messages(self) -> list[tuple[int, int, bytes]]:
        return [(rank, stream, piece) for rank, stream, data in self._kept for piece in _pieces(data)][-REMEMBERED:]


@dataclass(slots=True)
class _Looker:
    """One sattach. `bound`: with more bytes waiting for him he is dropped; what he missed, which came at once, is not counted."""

    talk: Talk
    bound: int
    dropped: bool = False


class Attached:
    """`tasks`: those of the step. `remark`: what srun says with -v."""

    def __init__(self, tasks: Tasks, remark: Callable[[str], None]) -> None:
        self._tasks = tasks
        self.feed: Feed = tasks.feed
        self.stuffed: Callable[[], bool] = lambda: tasks.stuffed
        self._remark = remark
        self._backlogs: dict[int, _Backlog] = {}
        self._lookers: dict[int, _Looker] = {}
        """By their descriptors."""
        self._listening: socket.socket | None = None
        self._door: Path | None = None

    def open(self, door: Path) -> None:
        """From now on one may look on. Without such a door nobody does, and the step runs all the same."""
        try:
            self._listening = sockets.listening(door.parent, door.name)
        except OSError as error:
            self._remark(f"srun: nobody can attach to this step: {error}")
            return
        self._door = door
        self._listening.setblocking(False)
        self._tasks.watch(self._listening.fileno(), self._come)

    def hear(self, node: int, rank: int, stream: int, data: bytes) -> None:
        """A task of that node has written this."""
        self._backlogs.setdefault(node, _Backlog()).add(rank, stream, data)
        if self._lookers:
            self._tell(_out(rank, stream, data))

    def said(self, text: str) -> None:
        """The step's daemon has said this."""
        self._tell(line("said", text=text))

    def exited(self, ranks: Sequence[int], status: int) -> None:
        """These tasks have ended: with this code, or by minus this signal."""
        self._tell(line("exited", ranks=ranks, status=status))

    def tick(self) -> None:
        """Called often while the step runs: hears and tells as far as that goes. No input is taken while some task has too much unread."""
        for fd, looker in list(self._lookers.items()):
            unsent = bool(looker.talk.unsent)
            if looker.dropped and not unsent:
                self._gone(fd)
                continue
            reading = not looker.dropped and not self.stuffed()
            self._tasks.watch(fd, partial(self._converse, fd), reading=reading, writing=unsent)

    def over(self, within_s: float) -> None:
        """The step is over: nobody can come any more, and those who are there are told, if they listen so long."""
        self._close_door()
        self._tell(line("over"))
        until = time.monotonic() + within_s
        while (behind := [fd for fd, one in self._lookers.items() if one.talk.unsent]) and time.monotonic() < until:
            poll = select.poll()
            for fd in behind:
                poll.register(fd, select.POLLOUT)
            for fd, _ in poll.poll(1000 * max(0.0, until - time.monotonic())):
                self._flush(fd)
        for fd in list(self._lookers):
            self._gone(fd)

    def _close_door(self) -> None:
        if self._listening is not None and self._door is not None:
            self._tasks.unwatch(self._listening.fileno())
            self._listening.close()
            self._listening = None
            with suppress(OSError):
                os.unlink(self._door)

    def _come(self) -> None:
        if self._listening is None:
            return
        try:
            connection, _ = self._listening.accept()
        except OSError:
            return
        talk = Talk(connection)
        looker = self._lookers[talk.fd] = _Looker(talk, BEHIND)
        if len(self._lookers) > MOST:
            self._drop(looker, f"{MOST} others look on at this step already")
            return
        missed = [message for backlog in self._backlogs.values() for message in backlog.messages()]
        greeting = b"".join((line("step", tasks=len(self._tasks.all)), *(_out(*one) for one in missed)))
        looker.bound += len(greeting)
        self._say(talk.fd, greeting)

    def _converse(self, fd: int) -> None:
        """He reads again, has said something, or is gone."""
        looker = self._lookers[fd]
        if not self._flush(fd) or looker.dropped:
            return
        try:
            messages = looker.talk.heard()
        except OSError:
            self._gone(fd)
            return
        for message in messages:
            self._typed(message)

    def _typed(self, message: dict[str, Any]) -> None:
        data, rank = message.get("data"), message.get("rank")
        if message["op"] == "in" and isinstance(data, str) and (rank is None or isinstance(rank, int)):
            self.feed(data.encode("latin-1", "replace"), rank)

    def _tell(self, message: bytes) -> None:
        for fd in [fd for fd, looker in self._lookers.items() if not looker.dropped]:
            self._say(fd, message)

    def _say(self, fd: int, message: bytes) -> None:
        looker = self._lookers[fd]
        try:
            looker.talk.say(message)
        except OSError:
            self._gone(fd)
            return
        if looker.talk.unsent > looker.bound:
            self._drop(looker, f"it has not read {looker.talk.unsent} bytes, and the step does not wait for it")

    def _drop(self, looker: _Looker, why: str) -> None:
        looker.dropped = True
        self._remark(f"srun: a sattach was dropped: {why}")
        looker.talk.cut(line("dropped", why=why))
        self._flush(looker.talk.fd)

    def _flush(self, fd: int) -> bool:
        """False if he is gone."""
        try:
            self._lookers[fd].talk.flush()
        except OSError:
            self._gone(fd)
            return False
        return True

    def _gone(self, fd: int) -> None:
        self._tasks.unwatch(fd)
        self._lookers.pop(fd).talk.close()


def _out(rank: int, stream: int, data: bytes) -> bytes:
    return line("out", rank=rank, stream=stream, data=data.decode("latin-1"))


def _pieces(data: bytes) -> Iterator[bytes]:
    """The messages in which 22.05 passes it on: whole lines, as many as fit, or what fits of a longer one."""
    while data:
        end = data.rfind(b"\n", 0, MESSAGE) + 1 or MESSAGE
        yield data[:end]
        data = data[end:]
