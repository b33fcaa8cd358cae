"""An instance's SSH server: sshd's face in the sandbox's process, its work in the instance."""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

import asyncssh

from flowbatch.errors import MachineFailed
from flowbatch.sandbox.machines.instance import Instance
from flowbatch.sandbox.machines.session import Session

HOST = "127.0.0.1"
KEY = "ssh-ed25519"


class Door(asyncssh.SSHServer):
    """One connection: who may come in is what the instance's own files say."""

    def __init__(self, instance: Instance, connections: set[asyncssh.SSHServerConnection]) -> None:
        self._instance = instance
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._connections.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self._connection)

    async def begin_auth(self, username: str) -> bool:
        keys = await self._instance.keys_of(username)
        if keys and keys.strip():
            with contextlib.suppress(ValueError):  # no line of it is a key
                self._connection.set_authorized_keys(asyncssh.import_authorized_keys(keys))
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return False

    def session_requested(self) -> asyncssh.SSHServerSession[bytes]:
        return Session(self._instance)

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> bool:
        return True  # the instance's network is the host's

    def server_requested(self, listen_host: str, listen_port: int) -> bool:
        return True


class SshServer:
    """One instance's server, with all of its connections."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._connections: set[asyncssh.SSHServerConnection] = set()

    async def listen(self, key: asyncssh.SSHKey, port: int | None) -> int:
        """Answers on `port` of the loopback, or on another where that is taken: on which one."""
        self._acceptor = await asyncssh.listen(
            sock=_listening(port),
            server_factory=lambda: Door(self._instance, self._connections),
            server_host_keys=[key],
            server_version="OpenSSH_8.9p1",
            encoding=None,
            allow_scp=False,
            agent_forwarding=False,
            gss_host=None,
            x11_forwarding=False,
            login_timeout=60,
        )
        return int(self._acceptor.get_port())

    async def close(self) -> None:
        """Nobody is connected any more, and nobody can be."""
        self._acceptor.close()
        for connection in list(self._connections):
            connection.abort()
            await connection.wait_closed()
        await self._acceptor.wait_closed()


def host_key(file: Path) -> asyncssh.SSHKey:
    """The instance's own, the same for its life: clients pin it."""
    if file.exists():
        return asyncssh.read_private_key(file)
    key = asyncssh.generate_private_key(KEY)
    fresh = file.with_name(file.name + ".new")
    fresh.touch(0o600)
    fresh.write_bytes(key.export_private_key())
    fresh.replace(file)
    return key


def _listening(port: int | None) -> socket.socket:
    for wanted in (port or 0, 0):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, wanted))
        except OSError:
            listener.close()
        else:
            return listener
    raise MachineFailed(f"no port is free on {HOST}")
