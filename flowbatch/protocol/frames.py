"""The conversation of a client with the controller, byte for byte.

Three writers speak it: this module, the thin Python client (`shims/client.py`) and the C client; the golden frames in
`tests/data/frames/` hold them together. A change of these bytes raises `VERSION`; the frame's head, CALL's first three words, ERR and EXIT
never change: in them a controller tells an older client what to do.

A frame is: 1 byte kind, 4 bytes length (big endian), `length` bytes. The client opens with one CALL; the controller
answers with any number of frames and one EXIT. The controller pulls what it wants to read: READ opens a file *where
the client is* (path, or `-` for standard input), each MORE asks for one chunk, so nothing piles up anywhere.

    client -> controller   CALL  (below)        DATA chunk, empty at the end      FAIL errno (1 big-endian int32)
                           SIGNAL number (int32): the caller got it while it waits (srun and salloc alone say so; no controller before
                           them ran these outside a job, so this frame needed no other VERSION)
    controller -> client   OUT bytes   ERR bytes   READ path   MORE   EXIT code (int32)   OTHER text: versions differ
                           EXEC words, each ended by NUL: become this program, where you are and as you are

CALL's body is a sequence of byte strings, each ended by NUL (no argument or variable holds one):

    "flowbatch" version command cwd umask(octal) columns lines tty(3 of 0/1: stdin, stdout, stderr) sid
    limits("NAME=soft" blank separated) argc arg... envc NAME=value...
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from enum import IntEnum

VERSION = 1
MAGIC = b"flowbatch"
HEADER = struct.Struct(">BI")
MAX_FRAME = 64 * 1024 * 1024
MAX_CALL = 8 * 1024 * 1024
"""No kernel starts a program with more words than that (Linux: 6 MiB of arguments and environment, whatever the limits say)."""

MAX_WORDS = 1 << 20
"""Nor with so many: each costs ten bytes of those."""
CHUNK = 64 * 1024


class Kind(IntEnum):
    CALL = 1
    DATA = 2
    FAIL = 3
    SIGNAL = 4
    OUT = 16
    ERR = 17
    READ = 18
    MORE = 19
    EXIT = 20
    OTHER = 21
    EXEC = 22


LONGEST = {Kind.CALL: MAX_CALL, Kind.DATA: 16 * CHUNK}
"""What clients say is short; nobody sends more than CHUNK at once."""


class BadFrame(ValueError):
    """The peer does not speak this protocol; the conversation ends."""


@dataclass(frozen=True, slots=True)
class CallFrame:
    """Everything that a command may know of its caller."""

    command: bytes
    argv: tuple[bytes, ...]
    environ: tuple[bytes, ...] = field(repr=False)
    cwd: bytes
    umask: int
    columns: int
    lines: int
    tty: tuple[bool, bool, bool]
    sid: int
    limits: bytes
    version: int = VERSION


def frame(kind: Kind, body: bytes = b"") -> bytes:
    return HEADER.pack(kind, len(body)) + body


def pack_call(call: CallFrame) -> bytes:
    """One CALL frame."""
    words = [
        MAGIC, b"%d" % call.version, call.command, call.cwd, b"%o" % call.umask, b"%d" % call.columns, b"%d" % call.lines,
        b"".join(b"1" if t else b"0" for t in call.tty), b"%d" % call.sid, call.limits,
        b"%d" % len(call.argv), *call.argv, b"%d" % len(call.environ), *call.environ,
    ]  # fmt: skip
    return frame(Kind.CALL, b"".join(word + b"\0" for word in words))


def unpack_call(body: bytes) -> CallFrame:
    """The call in a CALL frame's body. Raises BadFrame; a call of another version is read as far as its version."""
    if body.count(b"\0") > MAX_WORDS:
        raise BadFrame("a flowbatch call with more words than a program can have")
    words = body.split(b"\0")
    if len(words) < 3 or words[0] != MAGIC or words.pop() != b"":
        raise BadFrame("not a flowbatch call")
    try:
        version = int(words[1])
        if version != VERSION:
            return CallFrame(words[2], (), (), b"", 0, 0, 0, (False, False, False), 0, b"", version)
        argc = int(words[10])
        argv = tuple(words[11 : 11 + argc])
        envc = int(words[11 + argc])
        environ = tuple(words[12 + argc : 12 + argc + envc])
        if argc < 0 or envc < 0 or len(argv) != argc or len(words) != 12 + argc + envc or len(words[7]) != 3:
            raise BadFrame("a flowbatch call with missing words")
        tty = words[7]
        return CallFrame(
            command=words[2], argv=argv, environ=environ, cwd=words[3], umask=int(words[4], 8), columns=int(words[5]),
            lines=int(words[6]), tty=(tty[:1] == b"1", tty[1:2] == b"1", tty[2:] == b"1"), sid=int(words[8]), limits=words[9],
        )  # fmt: skip
    except (ValueError, IndexError) as error:
        raise BadFrame(f"a flowbatch call with bad words: {error}") from None


def header(raw: bytes) -> tuple[Kind, int]:
    """Kind and length of the frame that these `HEADER.size` bytes open. Raises BadFrame."""
    kind, length = HEADER.unpack(raw)
    if kind not in set(Kind) or length > LONGEST.get(Kind(kind), MAX_FRAME):
        raise BadFrame(f"no flowbatch frame: kind {kind}, {length} bytes")
    return Kind(kind), length
