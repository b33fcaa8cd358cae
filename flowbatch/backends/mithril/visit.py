"""The way to one machine: where it is, who answers there, what it needs before it can run anything of ours."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from flowbatch.backends.mithril import prepare
from flowbatch.backends.mithril.mounts import REFUSED
from flowbatch.backends.mithril.packing import Program, program
from flowbatch.backends.mithril.prepare import Place
from flowbatch.backends.mithril.ssh import Connection, Destination, HostChanged, Identity, SshAway
from flowbatch.backends.mithril.workspace import NotBrought
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Door
from flowbatch.node.threads import in_thread

PAUSES_S = (0.5, 1.0, 2.0, 5.0, 10.0)
"""How soon what failed on a machine is tried again, the last for good."""

KNOWN_HOSTS = "known_hosts"
"""Beside the pin: the same key, as OpenSSH wants it."""

UNPACK = 'rm -rf "$1.new" && mkdir "$1.new" && tar -xzof - -C "$1.new" && mv -T "$1.new" "$1"'
"""In its place, or not there: of what a cut line left gzip says that it is not whole."""

log = logging.getLogger(__name__)


class Visit:
    """Connected when somebody asks and a connection is possible. `pin`: the file with the host key. `docker`: jobs need it."""

    def __init__(self, identity: Identity, owner: Owner, login: str, pin: Path, docker: bool = False) -> None:
        self._identity = identity
        self._owner = owner
        self._login = login
        self._pin = pin
        self._docker = docker
        self._destination: str | None = None
        self._known = asyncio.Event()
        self._reaching = asyncio.Lock()
        self._there: tuple[Connection, Place] | None = None
        self._warned = ""

    def at(self, destination: str | None) -> None:
        """Where its SSH server answers; None while that is not known."""
        if destination is not None:
            try:
                Destination.of(destination)
            except ValueError as error:
                log.warning("%s", error)
                destination = None
        if destination == self._destination:
            return
        self._destination = destination
        if destination is None:
            self._known.clear()
        else:
            self._known.set()
        self.cut()

    def door(self, alias: str) -> Door | None:
        """The way for a user's own ssh, which finds the host key under the name `alias`; None before it was seen."""
        if self._destination is None or not self._pin.exists():
            return None
        known = self._pin.with_name(KNOWN_HOSTS)
        known.write_text(f"{alias} {self._pin.read_text()}")
        to, place = Destination.of(self._destination), None if self._there is None else self._there[1]
        user = None if place is None or place.user == self._login else place.user
        return Door(to.host, to.port, self._login, alias, str(self._identity.private), str(known), user)

    async def reach(self) -> tuple[Connection, Place]:
        """A connection that lives, to a machine that is prepared; waits for its address. Raises SshAway, HostChanged."""
        async with self._reaching:
            while self._there is None or not self._there[0].alive:
                await self._known.wait()
                try:
                    self._there = await self._connected(Destination.of(self._destination or ""))
                except HostChanged as error:
                    self._warn(error)
                    raise
            return self._there

    async def patiently(self) -> tuple[Connection, Place]:
        """As `reach`, tried until it works."""
        tries = 0
        while True:
            try:
                return await self.reach()
            except SshAway as error:
                log.info("%s", error.message)
            await rest(tries)
            tries += 1

    async def as_root(self, connection: Connection, text: bytes) -> bytes:
        """What root's shell says to a script, of which it runs all or nothing: a line may be cut anywhere. Raises SshAway with
        its complaint, NotBrought if it is final."""
        done = await connection.run(prepare.as_root(self._login, "/bin/sh", "-s"), b"{\n" + text + b"\n}\n")
        if done.code == REFUSED:
            raise NotBrought(done.err)
        if done.code:
            raise SshAway(f"the machine is not ready: {done.err or done.code}")
        return done.out

    def _warn(self, error: HostChanged) -> None:
        """Nothing gets better by itself: whoever reads the log sees it, once."""
        if error.message != self._warned:
            log.warning("%s; %s", error.message, error.hint)
            self._warned = error.message

    def cut(self) -> None:
        """Whoever speaks to the machine is told that it is gone; it may be reached again."""
        if self._there is not None:
            self._there[0].close()
            self._there = None

    async def _connected(self, to: Destination) -> tuple[Connection, Place]:
        connection = await Connection.open(to, self._login, self._identity, self._pin)
        _stage("connected", to)
        try:
            said = await self.as_root(connection, prepare.prepare(self._owner, self._login, self._docker).encode())
            place = prepare.place(self._login, said)
            _stage("prepared", to)
            await _send(connection, place, await in_thread(program))
            _stage("the node program is there", to)
        except ValueError as error:
            connection.close()
            raise SshAway(f"the machine answers what we do not understand: {error}") from None
        except BaseException:
            connection.close()
            raise
        return connection, place


def _stage(said: str, to: Destination) -> None:
    log.info("%s", said, extra={"fields": {"machine": f"{to.host}:{to.port}"}})


async def _send(connection: Connection, place: Place, sent: Program) -> None:
    """The machine has this version of the node program."""
    path = place.program(sent.name)
    there = await connection.run(place.as_user("test", "-d", path))
    if there.code:
        done = await connection.run(place.as_user("/bin/sh", "-c", UNPACK, "sh", path), sent.archive)
        if done.code:
            raise SshAway(f"the node program cannot be put on the machine: {done.err}")


async def rest(tries: int) -> None:
    """A pause before the next try."""
    await asyncio.sleep(PAUSES_S[min(tries, len(PAUSES_S) - 1)])
