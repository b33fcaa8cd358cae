"""Everything a command may know of its caller, and the caller's streams; nothing comes from the controller's own process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from flowbatch.core.jobs import Owner
from flowbatch.core.ports import ClustersPort, QueuePort


class CallerFile(Exception):
    """The caller could not read its file; `errno` is the caller's."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class Output(Protocol):
    """The caller's stdout or stderr. `write` takes text (`flowbatch.text`) or bytes and never blocks; `drain` waits for the caller."""

    def write(self, data: str | bytes) -> None: ...

    async def drain(self) -> None: ...


async def no_signal() -> int:
    """Never returns: the caller ends by its signals."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("a future that nobody holds came true")


async def no_input() -> bytes:
    """Nothing: the end of the standard input."""
    return b""


class NoClusters:
    """A `ClustersPort` that names none: for a call that is about one queue alone."""

    default = ""
    names: tuple[str, ...] = ()
    used: tuple[str, ...] = ()

    async def queue(self, name: str) -> QueuePort:
        raise KeyError(name)


@dataclass(frozen=True, slots=True)
class Call:
    """One command as a caller said it. Text is by `flowbatch.text`; `environ` keeps the caller's order."""

    command: str
    argv: tuple[str, ...]
    environ: Mapping[str, str] = field(repr=False)
    cwd: str
    umask: int
    columns: int
    lines: int
    tty: tuple[bool, bool, bool]
    owner: Owner
    limits: Mapping[str, int]
    out: Output
    err: Output
    read: Callable[[str, int], Awaitable[bytes]]
    """Reads a file as the caller sees it (relative to its directory; `-` is its standard input), at most so many bytes
    and one more. Raises CallerFile."""
    chunk: Callable[[], Awaitable[bytes]] = no_input
    """What the caller's standard input has next, as it comes (a terminal gives a line); empty at its end. For questions."""
    signal: Callable[[], Awaitable[int]] = no_signal
    """The next signal that the caller got and did not end by: srun's and salloc's clients say so while they wait."""
    become: Callable[[Sequence[str]], None] = lambda words: None
    """The caller becomes this program, where it is and as it is; nothing is printed to it after that."""
    clusters: ClustersPort = field(default_factory=NoClusters, repr=False)
    """All clusters; the queue that comes with a call is the current one's: its job's, where a job calls, else the default's."""

    @property
    def line(self) -> str:
        """Its words, as accounting has them: of a long one the beginning, as 22.05 keeps it."""
        return " ".join((self.command, *self.argv))[:_LONGEST_CALL]


_LONGEST_CALL = 0xFFFF
"""So many characters of its words are kept; observed on 22.05.8."""

LONGEST_LINE = 1 << 16
"""A longer line of an answer comes in pieces."""


class Lines:
    """What the caller's standard input says, line by line, as it comes."""

    def __init__(self, call: Call) -> None:
        self._chunk = call.chunk
        self._unread = b""

    async def next(self) -> bytes:
        """The next line with its end; empty at the end of the input, and where there is none to read."""
        while b"\n" not in self._unread and len(self._unread) < LONGEST_LINE and (chunk := await self._more()):
            self._unread += chunk
        line, end, self._unread = self._unread.partition(b"\n")
        return line + end

    async def _more(self) -> bytes:
        try:
            return await self._chunk()
        except CallerFile:
            return b""


Command = Callable[[Call, QueuePort], Awaitable[int]]
"""A command: prints to the call's streams and returns the exit code. Cancelled when the caller hangs up."""
