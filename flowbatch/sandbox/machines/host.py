"""The network of this machine, which is that of all its instances."""

from __future__ import annotations

import fcntl
import socket
import struct

LOOPBACK = "127.0.1.1"
"""What Debian and Ubuntu call a machine that has no address of its own."""

SIOCGIFADDR = 0x8915
"""Asks for an interface's IPv4 (netdevice(7))."""


def own_address() -> str:
    """An address that every instance answers to, and by which start-up scripts know a peer: not of 127.0.0.0/8 where there is another."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        addresses = [_address(asker, name) for _, name in socket.if_nameindex()]
    return next((each for each in addresses if each and not each.startswith("127.")), LOOPBACK)


def _address(asker: socket.socket, interface: str) -> str | None:
    """None: it has none."""
    try:
        answer = fcntl.ioctl(asker, SIOCGIFADDR, struct.pack("256s", interface.encode()))
    except OSError:
        return None
    return socket.inet_ntoa(answer[20:24])
