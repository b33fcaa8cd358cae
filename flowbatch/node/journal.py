"""The node's memory on disk: one record a line, each with its checksum; what was synced survives everything.

A line is written at once, so it survives the daemon; `sync` makes it survive the machine, one fsync for all who ask
while one is under way. A line that the daemon did not finish is cut off when the journal is opened again.
"""

from __future__ import annotations

import asyncio
import json
import os
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.node import threads
from flowbatch.protocol.plain import written

Record = dict[str, Any]

GROWTH = 4
SMALL = 500
"""The journal is written anew when it has `GROWTH` times as many lines as it last needed, and no less than `SMALL`."""


class Journal:
    """An append-only file. `needed` gives the records that a journal written anew must hold."""

    def __init__(self, path: Path, needed: Callable[[], Iterable[Record]], failpoint: Failpoint = nowhere) -> None:
        self.path = path
        self._needed = needed
        self._failpoint = failpoint
        self._fd = -1
        self._size = 0
        self._lines = 0
        self._room = SMALL
        self._written = self._synced = 0
        self._syncing: asyncio.Task[None] | None = None
        self._thread = threads.pool(1, "journal")

    def open(self) -> list[Record]:
        """The records of earlier lives. A damaged line is left out; if it was not a torn tail, the file is kept aside."""
        raw = self.path.read_bytes() if self.path.exists() else b""
        lines = raw.split(b"\n")
        read = [(line, _read(line)) for line in lines if line]
        good = [record for _, record in read if record is not None]
        if [record for _, record in read[:-1] if record is None]:
            self.path.with_suffix(".damaged").write_bytes(raw)
        self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._lines = len(good)
        self._size = len(raw)
        if len(good) < len(read) or (raw and not raw.endswith(b"\n")):
            self._rewrite(good)
        return good

    def append(self, record: Record) -> None:
        """The record is in the file: it survives this process. Raises OSError, and nothing of it is there."""
        self._failpoint(f"before {record['record']}")
        line = _line(record)
        try:
            done = 0
            while done < len(line):
                done += os.write(self._fd, line[done:])
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)
        self._lines += 1
        self._written += 1
        self._failpoint(f"after {record['record']}")

    async def sync(self) -> None:
        """All that was appended is on disk. Raises OSError."""
        wanted = self._written
        while self._synced < wanted:
            if self._syncing is None:
                self._syncing = asyncio.get_running_loop().create_task(self._sync())
            await asyncio.shield(self._syncing)

    async def _sync(self) -> None:
        try:
            upto = self._written
            if self._lines > self._room:
                self._rewrite(self._needed())
                self._room = max(SMALL, GROWTH * self._lines)
            else:
                await asyncio.get_running_loop().run_in_executor(self._thread, os.fsync, self._fd)
            self._synced = upto
            self._failpoint("synced")
        finally:
            self._syncing = None

    def _rewrite(self, records: Iterable[Record]) -> None:
        new = self.path.with_suffix(".new")
        text = b"".join(map(_line, records))
        fd = os.open(new, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        with open(fd, "wb", closefd=False) as file:
            file.write(text)
        os.fsync(fd)
        self._failpoint("before rename")
        os.replace(new, self.path)
        directory = os.open(self.path.parent, os.O_RDONLY)
        os.fsync(directory)
        os.close(directory)
        os.close(self._fd)
        self._fd, self._size, self._lines = fd, len(text), text.count(b"\n")

    def close(self) -> None:
        self._thread.shutdown()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _line(record: Record) -> bytes:
    text = written(record).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _read(line: bytes) -> Record | None:
    """The record of one line, or None if it is damaged."""
    checksum, _, text = line.partition(b" ")
    try:
        if int(checksum, 16) != zlib.crc32(text):
            return None
        record = json.loads(text)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "record" in record else None
