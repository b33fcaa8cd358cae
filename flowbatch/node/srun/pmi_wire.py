"""The two wire languages of PMI, as MPICH speaks them over PMI_FD: words and values to bytes and back. Pure.

PMI-1: one line a message, `cmd=get kvsname=x key=y`. PMI-2: six digits of length, then `cmd=kvs-get;key=y;`, a semicolon in a
value doubled. Every connection begins with a PMI-1 line, `cmd=init pmi_version=2 ...`, which says what follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

LENGTH = 6
LONGEST_LINE = 64 * 1024


class BadMessage(ValueError):
    """The peer does not speak PMI."""


@dataclass(slots=True)
class Wire:
    """What has come over one connection and is no whole message yet. `version` is 1 until the peer has asked for 2."""

    version: int = 1
    _unread: bytearray = field(default_factory=bytearray)

    def take(self, data: bytes) -> None:
        self._unread += data

    def next(self) -> dict[str, str] | None:
        """The next whole message; None if there is none yet. Raises BadMessage."""
        return self._line() if self.version == 1 else self._counted()

    def words(self, command: str, values: Mapping[str, object]) -> bytes:
        """One message to the peer."""
        if self.version == 1:
            return " ".join([f"cmd={command}", *(f"{name}={value}" for name, value in values.items())]).encode() + b"\n"
        said = {"cmd": command, **{name: str(value).replace(";", ";;") for name, value in values.items()}}
        body = "".join(f"{name}={value};" for name, value in said.items()).encode()
        return b"%*d" % (LENGTH, len(body)) + body

    def _line(self) -> dict[str, str] | None:
        end = self._unread.find(b"\n")
        if end < 0:
            if len(self._unread) > LONGEST_LINE:
                raise BadMessage("a line without end")
            return None
        line = self._unread[:end].decode("utf-8", "surrogateescape")
        del self._unread[: end + 1]
        return _line_values(line)

    def _counted(self) -> dict[str, str] | None:
        if len(self._unread) < LENGTH:
            return None
        head = bytes(self._unread[:LENGTH]).strip()
        if not head.isdigit():
            raise BadMessage(f"no length: {head!r}")
        end = LENGTH + int(head)
        if len(self._unread) < end:
            return None
        body = self._unread[LENGTH:end].decode("utf-8", "surrogateescape")
        del self._unread[:end]
        return _pairs(part.replace("\0", ";") for part in body.replace(";;", "\0").split(";"))


def _line_values(line: str) -> dict[str, str]:
    """`cmd=put kvsname=a key=b value=c d`: a value goes on to the end of the line, as it may hold blanks."""
    before, value, last = line.partition(" value=")
    found = _pairs(before.split())
    if value:
        found["value"] = last
    return found


def _pairs(words: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            found[name] = value
    return found
