"""A job's output files, growing here while it runs there."""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowbatch.backends.mithril.reserve import spare
from flowbatch.backends.mithril.ssh import FOREIGN, Connection, Process, SshAway
from flowbatch.node.outputs import CHUNK
from flowbatch.protocol.plain import heard
from flowbatch.text import encode

LONGEST_HEAD = 1 << 12
WRITTEN_WITHIN_S = 10
"""A piece is on the disk by then."""


@dataclass(frozen=True, slots=True)
class Output:
    """One output file, at the same path on both sides. `append`: what was here before stays."""

    path: str
    append: bool
    mode: int

    @property
    def parent(self) -> str:
        return os.path.dirname(self.path)


class Followed:
    """Copies what the machine's files get, each byte once, however often the connection or this process ends.

    `memory` (a file of ours) says how much was taken of each, and what was being written: whether that arrived is seen in
    the output itself. Its methods block: they are for threads.
    """

    def __init__(self, outputs: Sequence[Output], memory: Path) -> None:
        self.outputs = tuple(outputs)
        self._memory = memory
        self._process: Process | None = None
        self._over = False
        self._closed = False
        self._writing = threading.Lock()
        self._taken: list[dict[str, Any]] = []

    def begin(self) -> None:
        """The job has started: outputs are cut as slurmstepd cuts them, unless that was done before. Raises OSError."""
        if self._memory.exists():
            self._taken = [
                self._settled(output, taken) for output, taken in zip(self.outputs, self._recalled(), strict=True)
            ]
        else:
            self._taken = [{"start": self._opened(output), "taken": 0} for output in self.outputs]
            self._remember()

    def follow(self, connection: Connection, command: str) -> None:
        """Copies until `finish` was called and all is here. Raises SshAway."""
        try:
            self._taken = [self._settled(one, taken) for one, taken in zip(self.outputs, self._taken, strict=True)]
            self._process = process = connection.start(command)
            if self._closed:
                process.kill()
            asked = [(output.path, taken["taken"]) for output, taken in zip(self.outputs, self._taken, strict=True)]
            process.stdin.write(json.dumps(asked).encode() + b"\n")
            process.stdin.flush()
            if self._over:
                process.no_more()
            while head := process.stdout.readline(LONGEST_HEAD):
                index, at, length = self._piece(head)
                data = process.stdout.read(length)
                if len(data) < length:
                    raise EOFError("cut inside a piece")
                with self._writing:
                    if self._closed:
                        raise SshAway("this output is followed no more")
                    self._add(index, at, data)
            if (done := process.done()).code:
                raise SshAway(f"the outputs cannot be read there: {done.err}")
        except (*FOREIGN, ValueError) as error:
            raise SshAway(f"following the outputs was cut: {error or type(error).__name__}") from None
        finally:
            self._process = None

    def _piece(self, head: bytes) -> tuple[int, int, int]:
        """Which file, from where on, how many bytes. Raises ValueError for what the node would not say."""
        match heard(head):
            case {"file": int(index), "at": int(at), "bytes": int(length)}:
                if 0 <= index < len(self.outputs) and at >= 0 and 0 < length <= CHUNK:
                    return index, at, length
        raise ValueError("a piece of no output")

    def finish(self) -> None:
        """Nothing more will be written there: `follow` ends when all is here."""
        self._over = True
        if self._process is not None:
            with contextlib.suppress(*FOREIGN):
                self._process.no_more()

    def close(self) -> None:
        """Nothing is written here any more, from when this returns: another run may have the file."""
        self._closed = True
        if self._writing.acquire(timeout=WRITTEN_WITHIN_S):  # not so where a disk hangs
            self._writing.release()
        if (process := self._process) is not None:
            process.kill()

    def _opened(self, output: Output) -> int:
        """The file is there and cut, or begins where it ends; its size."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOCTTY | (os.O_APPEND if output.append else os.O_TRUNC)
        fd = os.open(encode(output.path), flags, output.mode)
        try:
            return os.fstat(fd).st_size
        finally:
            os.close(fd)

    def _add(self, index: int, at: int, data: bytes) -> None:
        output, taken = self.outputs[index], self._taken[index]
        fd = os.open(encode(output.path), os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY, output.mode)
        try:
            if at < taken["taken"]:
                os.ftruncate(fd, taken["start"])  # the job cut its own output
                at = 0
            spare(fd, len(data))
            here = os.fstat(fd).st_size
            taken.update(taken=at, writing=[here, len(data)])
            self._remember()
            done = 0
            while done < len(data):
                done += os.write(fd, data[done:])
        finally:
            os.close(fd)
        taken.update(taken=at + len(data))
        del taken["writing"]
        self._remember()

    def _settled(self, output: Output, taken: dict[str, Any]) -> dict[str, Any]:
        """How much was taken, when the last life ended while it wrote."""
        if "writing" not in taken:
            return taken
        at, length = taken.pop("writing")
        try:
            size = os.stat(encode(output.path)).st_size
        except OSError:
            size = at
        return taken | {"taken": taken["taken"] + max(0, min(length, size - at))}

    def _recalled(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self._memory.read_text())
        return found

    def _remember(self) -> None:
        new = self._memory.with_suffix(".new")
        new.write_text(json.dumps(self._taken))
        new.replace(self._memory)
