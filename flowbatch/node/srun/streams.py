"""Where tasks read and write: srun's own streams with labels, one file for all, one for each, or nothing; srun(1) "IO Redirection"."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

from flowbatch.slurm import patterns
from flowbatch.slurm.patterns import Names

Kind = Literal["srun", "one", "file", "files", "null"]
PER_TASK = ("%t", "%n", "%N")


@dataclass(frozen=True, slots=True)
class Place:
    """`srun`: srun's own stream. `one`: the same, of task `only` alone. `file`: one file for all tasks, written by srun.
    `files`: each task's own. `null`: nowhere."""

    kind: Kind
    path: str = ""
    only: int | None = None


def place(said: str | None, directory: str) -> Place:
    """What --output, --error or --input means."""
    if said is None or said.lower() == "all":
        return Place("srun")
    if said.lower() == "none" or said == os.devnull:
        return Place("null")
    if said.isdecimal():
        return Place("one", only=int(said))
    path = os.path.join(directory, said)
    return Place("files" if any(word in path for word in PER_TASK) else "file", path)


def file_of(where: Place, names: Names, rank: int) -> str:
    return patterns.expand(where.path, replace(names, task=rank))


WORDS = ("stdin", "stdout", "stderr")


def could_not(where: Place, path: str, fd: int, error: OSError) -> str:
    """srun's words for a file that cannot be opened; one that each task has is named."""
    what = f"{WORDS[fd]} file" if where.kind == "file" else path
    return f"srun: error: Could not open {what}: {error.strerror}"


def opened(path: str, mode: str | None) -> int:
    """An output file's descriptor. Raises OSError."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_APPEND if mode == "append" else os.O_TRUNC), 0o666)


@dataclass(slots=True)
class Sink:
    """One task's stream on its way to a descriptor; with a label, whole lines alone. `tap` is given it as it comes."""

    fd: int
    label: bytes = b""
    tap: Callable[[bytes], None] = lambda data: None
    _rest: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        self.tap(data)
        if not self.label:
            _write(self.fd, data)
            return
        self._rest += data
        whole, newline, rest = bytes(self._rest).rpartition(b"\n")
        if newline:
            self._say(whole + newline)
            self._rest = bytearray(rest)

    def end(self) -> None:
        """The stream's end; a last line without its newline gets one where lines have labels."""
        if self._rest:
            self._say(bytes(self._rest) + b"\n")
            self._rest = bytearray()

    def _say(self, lines: bytes) -> None:
        _write(self.fd, b"".join(self.label + line for line in lines.splitlines(keepends=True)))


def label(rank: int, tasks: int) -> bytes:
    """`0: `, as wide as the highest rank needs."""
    return b"%*d: " % (len(str(tasks - 1)), rank)


def _write(fd: int, data: bytes) -> None:
    """All of it; a reader that is gone ends nothing but this stream."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except OSError:
            return
