"""A job's output files as they grow: what was added, read out to whoever keeps a copy elsewhere."""

from __future__ import annotations

import io
import json
import os
import select
from typing import BinaryIO

from flowbatch.text import encode

CHUNK = 1 << 18
LOOK_S = 0.2


def tail(asked: io.RawIOBase, out: BinaryIO, look_s: float = LOOK_S) -> None:
    """The first line of `asked` is a list of (path, offset). What these files hold beyond their offset is written to `out`: for each
    piece a line of JSON (file: its index, at: its offset, bytes: how many follow), then the bytes. Goes on until `asked` ends
    and all is read. A file that became shorter is said from its start again."""
    files = [(encode(path), offset) for path, offset in json.loads(asked.readline())]
    offsets = [offset for _, offset in files]
    ended = False
    while True:
        ended = ended or _ended(asked, 0)
        said = False
        for index, (path, _) in enumerate(files):
            offsets[index], more = _say_more(path, index, offsets[index], out)
            said = said or more
        out.flush()
        if not said:
            if ended:
                return
            ended = _ended(asked, look_s)


def _say_more(path: bytes, index: int, offset: int, out: BinaryIO) -> tuple[int, bool]:
    """Says one piece; the offset after it, and whether there was one."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return offset, False
    with open(fd, "rb", buffering=0):
        offset = 0 if os.fstat(fd).st_size < offset else offset
        try:
            data = os.pread(fd, CHUNK, offset)
        except OSError:
            return offset, False
    if data:
        out.write(json.dumps({"file": index, "at": offset, "bytes": len(data)}).encode() + b"\n" + data)
    return offset + len(data), bool(data)


def _ended(asked: io.RawIOBase, within_s: float) -> bool:
    """Whether nothing will be asked any more; waits so long for it."""
    ready, _, _ = select.select([asked], [], [], within_s)
    return bool(ready) and not asked.read(1)
