"""What srun asks of the node daemon: a step of a job that runs here, for as long as the connection lasts.

One JSON object a line, over the node's socket: `job` (job_id) is answered by `job` (shares: what it has on each node, variables: those of
the batch script, kill_wait_s) or `refused`. `step` (job_id, demands: one of each component, name, command, pid, limit_min, layout) is answered by `granted` (placement, step, parts:
what it has on each node, door: where others may attach to it, notes: what its user is to know), by `refused` (why, facts), or first by `busy` and then by one of the two.
`signalled` (signal) tells a running step that its tasks get that signal. `tasks` (pids) says what to end if this connection breaks before `done`, which is answered by `noted` once the step's end is on
record; it may come over another connection (placement, step: as they were granted).

A daemon that dies before it has answered is asked no more: its successor is, and gives the same srun what was granted to it already.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from flowbatch import text
from flowbatch.node.granting import Demand, Part, Share
from flowbatch.node.start import NodeUnreachable, start
from flowbatch.protocol.launch import BadLine, line, parse
from flowbatch.protocol.sockets import connected

T = TypeVar("T")

LONGEST = 16 * 1024 * 1024
DONE_WITHIN_S = 5.0
AGAIN_S = 0.1
AT_ONCE_S, DEAF = 1.0, 5
"""Daemons that hang up at once, so many in a row, do not understand the question."""
SUCCESSOR_WITHIN_S = 30.0
"""So long a daemon that died is waited for, or one started."""


class Refused(Exception):
    """The node gives no step; `why` is a word of `refusals.TEXTS`, which `facts` fill."""

    def __init__(self, why: str, facts: Mapping[str, Any]) -> None:
        super().__init__(why)
        self.why = why
        self.facts = facts


@dataclass(frozen=True, slots=True)
class Job:
    """What the job has on each node, its batch script's variables, and how long what is told to end may go on."""

    shares: tuple[Share, ...]
    variables: Mapping[str, str]
    kill_wait_s: int


@dataclass(frozen=True, slots=True)
class Granted:
    """A step that is ours, with its parts in the job's order of nodes."""

    step: int
    parts: tuple[Part, ...]
    door: str | None
    """The path at which others may attach to it (`attached.py`); None from a node that knows of none."""
    notes: tuple[str, ...] = ()


class Grant:
    """The conversation about one step. `revive` starts a daemon where none listens any more; None where whoever started it does that."""

    def __init__(self, directory: Path, socket_name: str, revive: Callable[[Path], None] | None = start) -> None:
        self._where = directory, socket_name
        self._revive = revive
        self._which: dict[str, Any] = {}
        """The step, as the node names it."""
        try:
            self._connect()
        except OSError:
            self._find_successor()

    def _connect(self) -> None:
        self._socket = connected(*self._where)
        self._file = self._socket.makefile("rb")

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def job(self, job_id: int) -> Job:
        """What the job has here, before a step is shaped. Raises Refused, OSError."""
        return self._asked(line("job", job_id=job_id), "job", _job)

    def ask(self, job_id: int, demands: Sequence[Demand], busy: Callable[[], None], **about: Any) -> Granted:
        """Waits until the step is granted; `busy` is called if it must wait. Raises Refused, OSError."""
        words = line("step", job_id=job_id, demands=list(demands), **about)
        self._which, granted = self._asked(words, "granted", _granted, busy)
        return granted

    def _asked(
        self, words: bytes, word: str, read: Callable[[dict[str, Any]], T], busy: Callable[[], None] = lambda: None
    ) -> T:
        """The answer of this daemon or, if it dies, of the next. Raises Refused, OSError."""
        deaf = 0
        while True:
            asked_at = time.monotonic()
            try:
                self._socket.sendall(words)
                return self._answer(word, read, busy)
            except OSError:
                deaf = deaf + 1 if time.monotonic() - asked_at < AT_ONCE_S else 0
                if deaf > DEAF:
                    raise Refused("version", {}) from None
                self._file.close()
                self._socket.close()
                self._find_successor()

    def _find_successor(self) -> None:
        """Another daemon listens: one that somebody has started by now, or one of our own. Raises OSError if none does in time."""
        until = time.monotonic() + SUCCESSOR_WITHIN_S
        while True:
            time.sleep(AGAIN_S)
            try:
                self._connect()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                if self._revive is not None:
                    with contextlib.suppress(NodeUnreachable):
                        self._revive(self._where[0])

    def _answer(self, word: str, read: Callable[[dict[str, Any]], T], busy: Callable[[], None]) -> T:
        while True:
            message = self._next()
            if message["op"] == word:
                try:
                    return read(message)
                except (KeyError, TypeError, ValueError):
                    raise Refused("version", {}) from None
            if message["op"] == "refused":
                raise Refused(message["why"], message.get("facts", {}))
            if message["op"] == "busy":
                busy()

    def signalled(self) -> int | None:
        """The signal that the node tells of, once the descriptor can be read. Raises OSError when the node is gone."""
        message = self._next()
        return int(message["signal"]) if message["op"] == "signalled" else None

    def tasks(self, pids: Sequence[int]) -> None:
        """The node may signal them; one that is gone has a successor who knows the step by its srun."""
        with contextlib.suppress(OSError):
            self._socket.sendall(line("tasks", pids=list(pids)))

    def done(self, **spent: int) -> None:
        """The step is over: `code` and `signal`, the worst of its tasks', `max_rss_kib` and `cpu_ms`. Returns once that is on
        record; a node that was away meanwhile is looked for, but not for ever."""
        until = time.monotonic() + DONE_WITHIN_S
        while time.monotonic() < until:
            try:
                self._socket.settimeout(DONE_WITHIN_S)
                self._socket.sendall(line("done", **self._which, **spent))
                while self._next()["op"] != "noted":
                    continue
                break
            except OSError:
                time.sleep(AGAIN_S)
                with contextlib.suppress(OSError):
                    self._connect()
        self._socket.close()

    def _next(self) -> dict[str, Any]:
        text = self._file.readline(LONGEST)
        if not text:
            raise ConnectionResetError("the node hung up")
        try:
            return parse(text)
        except BadLine as error:
            raise ConnectionResetError(str(error)) from None


def _job(said: Mapping[str, Any]) -> Job:
    return Job(tuple(map(Share.of, said["shares"])), _variables(said["variables"]), int(said["kill_wait_s"]))


def _granted(said: Mapping[str, Any]) -> tuple[dict[str, Any], Granted]:
    """The step as the node names it, and what it has."""
    which = {"placement": said["placement"], "step": said["step"]}
    return which, Granted(
        said["step"], tuple(map(Part.of, said["parts"])), said.get("door"), tuple(said.get("notes", ()))
    )


def _variables(said: Mapping[str, str]) -> dict[str, str]:
    """The variables as `os.environ` would have them."""
    return {name: os.fsdecode(text.encode(value)) for name, value in said.items()}
