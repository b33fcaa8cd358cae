"""What the market of the sandbox asks of those who run its instances."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class MachineOrder:
    """One instance as it is to be. `fid` names its disk: the same one boots again with what it had.

    `peers`: the host names of all instances of its bid, itself included, in rank order (for /etc/hosts, where the last line is
    the head, as on the real machines). `api_url`: what the start-up script may call. `volumes`: name -> directory, which is named
    by the volume's id.
    """

    fid: str
    hostname: str
    instance_type: str
    startup_script: str | None = field(repr=False)
    authorized_keys: tuple[str, ...] = field(repr=False)
    peers: tuple[str, ...] = ()
    api_url: str = ""
    volumes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Address:
    """Where its SSH server answers."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Machines(Protocol):
    """Runs instances. Every method may come twice and works once."""

    async def boot(self, order: MachineOrder) -> Address:
        """Its SSH server answers when this returns. At the first boot the start-up script then runs as root of its view,
        with its log; at later boots the units that it enabled are started instead. Raises MachineFailed."""

    async def halt(self, fid: str) -> None:
        """None of its processes lives; its disk is kept, but for /mnt/local."""

    async def destroy(self, fid: str) -> None:
        """As `halt`, and nothing of its disk is left."""

    async def notice(self, fid: str, until: str | None) -> None:
        """/opt/mithril/MITHRIL_SIGNAL.yml says that it goes away at `until` (RFC 3339); with None the file is gone."""

    async def close(self) -> None:
        """Halts all."""
