"""Who is at the other end of a Unix socket, by the kernel's word."""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass

_UCRED = struct.Struct("3i")
"""Linux's struct ucred: pid, uid, gid."""

_XUCRED = struct.Struct("IIh2x16I")
"""macOS's struct xucred: version, uid, number of groups, groups."""
_SOL_LOCAL, _LOCAL_PEERCRED, _LOCAL_PEERPID = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Peer:
    pid: int
    uid: int
    gid: int


def of(connection: socket.socket) -> Peer:
    """The process that connected (or, asked by a client, that listens)."""
    if sys.platform == "darwin":
        _, uid, _, gid, *_ = _XUCRED.unpack(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERCRED, _XUCRED.size))
        return Peer(connection.getsockopt(_SOL_LOCAL, _LOCAL_PEERPID), uid, gid)
    return Peer(*_UCRED.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))
