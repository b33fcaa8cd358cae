"""What srun asks of the node daemon: a step of a job that runs here, for as long as the connection lasts.

One JSON object a line, over the node's socket: `step` (job_id, tasks, cpus, gpus, whole, overlap) is answered by `granted`
(step, node, cpus, gpus: their indices, job: the variables of the batch script), by `refused` (why), or first by `busy` and then by one of the two.
`tasks` (pids) says what to end if this connection breaks before `done`, which is answered by `noted` once the step's end is on
record; it may come over another connection (placement, step: as they were granted).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowbatch import text
from flowbatch.protocol.launch import BadLine, line, parse
from flowbatch.protocol.sockets import connected

LONGEST = 16 * 1024 * 1024
DONE_WITHIN_S = 5.0
AGAIN_S = 0.1


class Refused(Exception):
    """The node gives no step; `why` is a word of `REFUSALS`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True, slots=True)
class Granted:
    """A step that is ours. `cpus`: how many CPUs it may use; `gpus`: which GPUs; `job`: the batch script's own variables."""

    step: int
    node: str
    cpus: int
    gpus: tuple[int, ...]
    job: Mapping[str, str]


class Grant:
    """The conversation about one step."""

    def __init__(self, directory: Path, socket_name: str) -> None:
        self._where = directory, socket_name
        self._which: dict[str, Any] = {}
        """The step, as the node names it."""
        self._connect()

    def _connect(self) -> None:
        self._socket = connected(*self._where)
        self._file = self._socket.makefile("rb")

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def ask(self, busy: Callable[[], None], **request: Any) -> Granted:
        """Waits until the step is granted; `busy` is called once if it must wait. Raises Refused, OSError."""
        self._socket.sendall(line("step", **request))
        while True:
            message = self._next()
            if message["op"] == "granted":
                self._which = {"placement": message["placement"], "step": message["step"]}
                gpus, job = tuple(message["gpus"]), _variables(message["job"])
                return Granted(message["step"], message["node"], message["cpus"], gpus, job)
            if message["op"] == "refused":
                raise Refused(message["why"])
            if message["op"] == "busy":
                busy()

    def job(self, job_id: int) -> Mapping[str, Any]:
        """What the job has here, before a step is shaped. Raises Refused, OSError."""
        self._socket.sendall(line("job", job_id=job_id))
        while True:
            message = self._next()
            if message["op"] == "job":
                return message
            if message["op"] == "refused":
                raise Refused(message["why"])

    def tasks(self, pids: Sequence[int]) -> None:
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


def _variables(said: Mapping[str, str]) -> dict[str, str]:
    """The variables as `os.environ` would have them."""
    return {name: os.fsdecode(text.encode(value)) for name, value in said.items()}
