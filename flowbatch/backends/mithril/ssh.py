"""SSH to rented machines: the only user of paramiko. Everything that blocks runs in threads of its own."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paramiko
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from flowbatch.errors import FlowError
from flowbatch.node.server import LONGEST_LINE
from flowbatch.node.threads import in_thread, start

CONNECT_S = 20
KEEPALIVE_S = 15
SILENT_S = 60
"""A connection on which nothing is acknowledged for so long is dead."""
PORT = 22
_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:%-]{0,253}|::[0-9A-Fa-f:.]*")
CHUNK = 1 << 16
LONGEST_ANSWER = 1 << 28
"""No command of ours says more."""
LAST_WORDS = 1 << 16
"""So much of what a command says to standard error is kept."""
LISTENED_S = 5
FOREIGN = (paramiko.SSHException, EOFError, OSError)
"""What paramiko raises when the other side is gone, does not answer or does not let us in."""

log = logging.getLogger(__name__)


class SshAway(FlowError):
    """The machine could not be reached by SSH, or went away while something was done there."""


class HostChanged(SshAway):
    """Another machine answers where ours was, or nobody can tell any more: nothing is sent to it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """This user's key for rented machines: `public` is an authorized_keys line."""

    public: str
    private: Path = field(repr=False)


@dataclass(frozen=True, slots=True)
class Destination:
    host: str
    port: int = PORT

    @classmethod
    def of(cls, text: str) -> Destination:
        """`host`, `host:port` or `[v6]:port`. Raises ValueError."""
        host, colon, said = text.rpartition(":")
        if not colon or (":" in host and not host.startswith("[")):
            host, said = text, str(PORT)
        host, port = host.strip("[]"), int(said)
        if not 0 < port < 1 << 16 or not _HOST.fullmatch(host):
            raise ValueError(f"{text!r} is no place of an SSH server")
        return cls(host, port)


@dataclass(frozen=True, slots=True)
class Done:
    """What a command left: its exit code and what it said."""

    code: int
    out: bytes
    err: str


def identity(directory: Path) -> Identity:
    """The key in `directory` (0700), made when it is not there. Raises OSError. Blocking: a moment."""
    private = directory / "id_ed25519"
    if not private.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = private.with_suffix(f".{os.getpid()}")
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        with contextlib.suppress(FileExistsError):
            os.link(new, private)  # whoever comes second takes the first one's key
        new.unlink()
    key = paramiko.Ed25519Key(filename=str(private))
    return Identity(f"{key.get_name()} {key.get_base64()} flowbatch", private)


class _Streams(io.RawIOBase):
    """A channel's standard streams, as a file."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, into: Any) -> int:
        data = self._channel.recv(len(into))
        into[: len(data)] = data
        return len(data)

    def write(self, data: Any) -> int:
        self._channel.sendall(bytes(data))
        return len(data)


class Process:
    """A command on the machine. Blocking: for threads alone. `stdin` and `stdout` are its streams."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self._channel = channel
        self.stdin = io.BufferedWriter(_Streams(channel), CHUNK)
        self.stdout = io.BufferedReader(_Streams(channel), CHUNK)
        self._said = b""
        self._listening = threading.Thread(target=self._listen, name="ssh-err", daemon=True)
        self._listening.start()

    def no_more(self) -> None:
        """Its standard input ends here."""
        self.stdin.flush()
        self._channel.shutdown_write()

    def done(self) -> Done:
        """Reads to the end; how it ended. Raises SshAway if the connection ended first, or too much was said."""
        out = self.stdout.read(LONGEST_ANSWER + 1)
        if len(out) > LONGEST_ANSWER:
            self._channel.close()
            raise SshAway(f"the machine said more than {LONGEST_ANSWER} bytes")
        err = self.complaint()
        code = self._channel.recv_exit_status()
        self._channel.close()
        if code < 0:
            raise SshAway("the connection ended before the command did")
        return Done(code, out, err)

    def read(self) -> bytes:
        """What it says next, as soon as it does; nothing at its end."""
        return self._channel.recv(CHUNK)

    def complaint(self) -> str:
        """What it has said to standard error, at its end."""
        self._listening.join(LISTENED_S)
        return self._said.decode(errors="replace").strip()

    def _listen(self) -> None:
        """Takes what it says to standard error: what nobody takes would hold up the rest."""
        with contextlib.suppress(*FOREIGN):
            while data := self._channel.recv_stderr(CHUNK):
                self._said = (self._said + data)[-LAST_WORDS:]

    def kill(self) -> None:
        """Lets go of it: whoever waits for it is told."""
        with contextlib.suppress(*FOREIGN):
            self._channel.close()


class Connection:
    """One authenticated connection; any number of commands at a time."""

    def __init__(self, transport: paramiko.Transport) -> None:
        self._transport = transport

    @classmethod
    async def open(cls, to: Destination, user: str, identity: Identity, pin: Path) -> Connection:
        """Connected to the machine whose host key is in `pin`, or that will be from now on. Raises SshAway, HostChanged."""
        return cls(await in_thread(_connect, to, user, identity, pin))

    @property
    def alive(self) -> bool:
        return self._transport.is_active()

    def start(self, command: str) -> Process:
        """Starts a command; for threads. Raises SshAway."""
        with _ours():
            channel = self._transport.open_session(timeout=CONNECT_S)
            channel.exec_command(command)
            return Process(channel)

    async def run(self, command: str, stdin: bytes = b"") -> Done:
        """Runs a command to its end. Raises SshAway."""

        def run() -> Done:
            with _ours():
                process = self.start(command)
                process.stdin.write(stdin)
                process.no_more()
                return process.done()

        return await in_thread(run)

    async def converse(self, command: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A command's standard input and output as a stream of the loop's. Raises SshAway."""
        process = await in_thread(self.start, command)
        mine, theirs = socket.socketpair()
        start("ssh-in", lambda: _pump_in(process, theirs))
        start("ssh-out", lambda: _pump_out(process, theirs))
        mine.setblocking(False)
        return await asyncio.open_unix_connection(sock=mine, limit=LONGEST_LINE)

    def close(self) -> None:
        """The connection has ended, and so has everybody who waits for it."""
        self._transport.close()


def _connect(to: Destination, user: str, identity: Identity, pin: Path) -> paramiko.Transport:
    with _ours(f"{to.host}:{to.port}"):
        line = socket.create_connection((to.host, to.port), CONNECT_S)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENT_S * 1000)
        transport = paramiko.Transport(line)
        try:
            options = transport.get_security_options()
            pinned = _pinned(pin, options.key_types)
            if pinned:
                options.key_types = _signatures(pinned[0])
            transport.start_client(timeout=CONNECT_S)
            key = transport.get_remote_server_key()
            _check(to, pinned, [key.get_name(), key.get_base64()], pin)
            transport.auth_publickey(user, paramiko.Ed25519Key(filename=str(identity.private)))
            transport.set_keepalive(KEEPALIVE_S)
        except BaseException:
            transport.close()
            line.close()  # which one that has not begun leaves open
            raise
        return transport


def _check(to: Destination, pinned: list[str], shown: list[str], pin: Path) -> None:
    """The host key is the one that was shown first, or is kept as that. Raises HostChanged."""
    if not pinned:
        _keep(pin, " ".join(shown) + "\n")
    elif pinned != shown:
        raise HostChanged(
            f"{to.host}:{to.port} shows another host key than this machine had: nothing was sent to it",
            hint=f"if the machine was made anew on purpose, delete {pin}",
        )


def _pinned(pin: Path, known: Iterable[str]) -> list[str]:
    """The kind of the host key that was shown first, one of those that are known, and the key; nothing before that. Raises HostChanged
    where the file is no such key, or was cut short: then whoever answers may be anybody."""
    try:
        text = pin.read_text(errors="replace")
    except FileNotFoundError:
        return []
    words = text.split()
    if len(words) != 2 or not set(_signatures(words[0])) <= set(known) or not text.endswith("\n"):
        raise HostChanged(
            f"{pin} does not hold a machine's host key any more: nothing is sent to whoever answers there",
            hint=f"to trust the key that it shows now, delete {pin}; the bid ends by its lease otherwise",
        )
    return words


def _signatures(kind: str) -> tuple[str, ...]:
    """What keys of a kind sign with; all others but these with what they are called."""
    return ("rsa-sha2-512", "rsa-sha2-256") if kind == "ssh-rsa" else (kind,)


def _keep(file: Path, text: str) -> None:
    """The file has this text, also after a power cut, or is not there."""
    new = file.with_suffix(".new")
    with open(new, "w") as writing:
        writing.write(text)
        writing.flush()
        os.fsync(writing.fileno())
    new.replace(file)


@contextlib.contextmanager
def _ours(where: str = "the machine") -> Iterator[None]:
    try:
        yield
    except FOREIGN as error:
        raise SshAway(f"{where} does not answer by SSH: {error or type(error).__name__}") from None


def _pump_in(process: Process, theirs: socket.socket) -> None:
    """What the loop writes, to the command."""
    with contextlib.suppress(*FOREIGN):
        while data := theirs.recv(CHUNK):
            process.stdin.write(data)
            process.stdin.flush()
    process.kill()


def _pump_out(process: Process, theirs: socket.socket) -> None:
    """What the command says, to the loop."""
    with contextlib.suppress(*FOREIGN):
        while data := process.read():
            theirs.sendall(data)
    complaint = process.complaint()
    if complaint:
        log.warning("on the machine: %s", complaint)
    process.kill()
    with contextlib.suppress(OSError):
        theirs.shutdown(socket.SHUT_RDWR)
    theirs.close()
