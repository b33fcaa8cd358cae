"""The socket: each connection is one command on behalf of one caller.

A caller that is slow, silent or gone costs one task and one buffer (what a command wrote and it has not read); nobody
waits for it. A command ends with
its caller: when the connection closes, its task is cancelled.
"""

from __future__ import annotations

import asyncio
import grp
import logging
import os
import pwd
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import Protocol

from flowbatch import text
from flowbatch.commands.call import Call, CallerFile, Command
from flowbatch.controller import peer
from flowbatch.controller.peer import Peer
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import ClustersPort, QueuePort
from flowbatch.errors import FlowError
from flowbatch.protocol.accepting import bound, served
from flowbatch.protocol.frames import HEADER, VERSION, BadFrame, CallFrame, Kind, frame, header, unpack_call

CALL_WITHIN_S = 30
"""A client that has not said its call by then is dropped."""

BACKLOG_S = 0.05
"""Callers who connected before the socket's name was gone are taken within this time."""

LAST_WORDS_S = 1
"""How long callers of cancelled commands have to hear of it."""

UNREAD_MAX = 64 * 1024 * 1024
"""A client that lets so many bytes pile up is hopeless and dropped."""

PIECE = 1024 * 1024
"""No frame to a client is longer."""

OLDER_CLIENT = (
    b"%s: error: this command was installed by an earlier flowbatch than the one that answers; run `flow shims install`, "
    b"then try again\n"
)

log = logging.getLogger("flowbatch.server")


class Gone(Exception):
    """The caller hung up."""


class Hosted(ClustersPort, Protocol):
    """All clusters, and the one that a caller means who names none."""

    async def current(self, environ: Mapping[str, str]) -> QueuePort: ...


class Server:
    """Listens on the socket `name` in the current directory and runs `commands` for this user and for root."""

    def __init__(self, clusters: Hosted, commands: Mapping[str, Command]) -> None:
        self._clusters = clusters
        self._commands = commands
        self._callers: set[asyncio.Task[None]] = set()
        self._commands_running: set[asyncio.Future[int]] = set()
        self._listening: asyncio.Server | None = None

    @property
    def busy(self) -> bool:
        """Whether a caller is being served."""
        return bool(self._callers)

    async def start(self, name: str) -> None:
        """Listens; a socket left behind by a controller that died is replaced (the lock says that it is dead)."""
        self._listening = await served(self._serve, bound(name))

    async def stop(self, name: str, grace_s: float) -> None:
        """Takes no more callers. Commands have `grace_s` seconds, then they are cancelled and their callers told."""
        os.unlink(name)
        await asyncio.sleep(BACKLOG_S)
        if self._listening is not None:
            self._listening.close()
        await _ended(self._callers, grace_s)
        for command in self._commands_running:
            command.cancel()
        await _ended(self._callers, LAST_WORDS_S)
        for caller in self._callers:
            caller.cancel()
        await _ended(self._callers, None)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._callers.add(task)
        try:
            await self._converse(Line(reader, writer))
        except (Gone, BadFrame, ConnectionError, asyncio.TimeoutError) as error:
            log.debug("caller dropped", extra={"fields": {"why": repr(error)}})
        except asyncio.CancelledError:
            pass  # by `stop` alone: nobody waits for this task's result
        finally:
            self._callers.discard(task)
            writer.close()

    async def _converse(self, line: Line) -> None:
        who = peer.of(line.socket)
        if who.uid not in (os.getuid(), 0):
            log.warning("caller refused", extra={"fields": {"uid": who.uid}})
            return
        kind, body = await asyncio.wait_for(line.receive(), CALL_WITHIN_S)
        if kind is not Kind.CALL:
            raise BadFrame(f"a conversation opened with {kind.name}")
        said = unpack_call(body)
        if said.version != VERSION:
            await _differ(line, said)
            return
        call = _call(said, who, line, self._clusters)
        command = self._commands.get(call.command)
        if command is None:
            await _end(line, call, 1, f"{call.command}: error: the controller knows no command {call.command!r}\n")
            return
        await self._run(line, call, command)

    async def _run(self, line: Line, call: Call, command: Command) -> None:
        """Runs a command until it ends or its caller hangs up."""
        work = asyncio.ensure_future(self._answer(call, command))
        listening = asyncio.ensure_future(line.listen())
        self._commands_running.add(work)
        try:
            await asyncio.wait({work, listening}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise Gone
            code, words = _outcome(call, work)
            await _end(line, call, code, words)
        finally:
            self._commands_running.discard(work)
            work.cancel()
            listening.cancel()
            await asyncio.gather(work, listening, return_exceptions=True)

    async def _answer(self, call: Call, command: Command) -> int:
        return await command(call, await self._clusters.current(call.environ))


async def _differ(line: Line, said: CallFrame) -> None:
    """A client that is newer knows what to do; an older one is told, in frames that every version has."""
    if said.version > VERSION:
        await line.send(Kind.OTHER, b"this controller speaks version %d, its client %d" % (VERSION, said.version))
        return
    line.write(Kind.ERR, OLDER_CLIENT % said.command)
    await line.send(Kind.EXIT, (1).to_bytes(4, "big"))


async def _ended(tasks: set[asyncio.Task[None]], within_s: float | None) -> None:
    if tasks:
        await asyncio.wait(set(tasks), timeout=within_s)


class Line:
    """One client's connection: frames both ways, and its files."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._answers: asyncio.Queue[tuple[Kind, bytes]] = asyncio.Queue()
        self._signals: asyncio.Queue[int] = asyncio.Queue()
        self._one_file = asyncio.Lock()
        self.socket: socket.socket = writer.get_extra_info("socket")

    async def receive(self) -> tuple[Kind, bytes]:
        """The next frame. Raises Gone at its end, BadFrame."""
        try:
            kind, length = header(await self._reader.readexactly(HEADER.size))
            return kind, await self._reader.readexactly(length)
        except asyncio.IncompleteReadError:
            raise Gone from None

    async def listen(self) -> None:
        """Hands on what the client answers, until it hangs up or speaks out of turn."""
        while True:
            kind, body = await self.receive()
            if kind is Kind.SIGNAL:
                self._signals.put_nowait(int.from_bytes(body, "big", signed=True))
                continue
            if kind not in (Kind.DATA, Kind.FAIL) or not self._one_file.locked() or not self._answers.empty():
                raise BadFrame(f"{kind.name} out of turn")
            self._answers.put_nowait((kind, body))

    async def signal(self) -> int:
        """The next signal that the caller got."""
        return await self._signals.get()

    def write(self, kind: Kind, body: bytes = b"") -> None:
        """Never waits. A client with too much unread is dropped; what is long goes in several frames."""
        if self._writer.transport.get_write_buffer_size() > UNREAD_MAX:
            self._writer.transport.abort()
        elif not self._writer.is_closing():
            self._writer.writelines(frame(kind, body[at : at + PIECE]) for at in range(0, max(1, len(body)), PIECE))

    async def drain(self) -> None:
        """Waits until the client has read most of what was written. Raises ConnectionError if it is gone."""
        await self._writer.drain()

    async def send(self, kind: Kind, body: bytes) -> None:
        self.write(kind, body)
        await self.drain()

    def become(self, words: Sequence[str]) -> None:
        """The caller is that program from here on."""
        self.write(Kind.EXEC, b"".join(text.encode(word) + b"\0" for word in words))

    async def chunk(self) -> bytes:
        """What the caller's standard input has next; empty at its end. Raises CallerFile."""
        async with self._one_file:
            self.write(Kind.READ, b"-")
            return await self._more()

    async def read(self, path: str, limit: int) -> bytes:
        """A file as the caller sees it: at most `limit` bytes and one more. Raises CallerFile."""
        chunks: list[bytes] = []
        size = 0
        async with self._one_file:
            self.write(Kind.READ, text.encode(path))
            while size <= limit:
                body = await self._more()
                if not body:
                    break
                chunks.append(body)
                size += len(body)
        return b"".join(chunks)[: limit + 1]

    async def _more(self) -> bytes:
        self.write(Kind.MORE)
        kind, body = await self._answers.get()
        if kind is Kind.FAIL:
            raise CallerFile(int.from_bytes(body, "big", signed=True))
        return body


class Stream:
    """The caller's stdout or stderr."""

    def __init__(self, line: Line, kind: Kind) -> None:
        self._line = line
        self._kind = kind

    def write(self, data: str | bytes) -> None:
        raw = text.encode(data) if isinstance(data, str) else data
        if raw:
            self._line.write(self._kind, raw)

    async def drain(self) -> None:
        await self._line.drain()


def _call(said: CallFrame, who: Peer, line: Line, clusters: ClustersPort) -> Call:
    words = (word.partition(b"=") for word in said.environ)
    return Call(
        command=text.decode(said.command), argv=tuple(map(text.decode, said.argv)),
        environ={text.decode(name): text.decode(value) for name, _, value in words}, cwd=text.decode(said.cwd),
        umask=said.umask, columns=said.columns, lines=said.lines, tty=said.tty, owner=_owner(who, said.sid),
        limits=_limits(said.limits), out=Stream(line, Kind.OUT), err=Stream(line, Kind.ERR), read=line.read,
        chunk=line.chunk, signal=line.signal, become=line.become, clusters=clusters,
    )  # fmt: skip


def _owner(who: Peer, sid: int) -> Owner:
    """The caller, named by the password file where it has a name."""
    try:
        name = pwd.getpwuid(who.uid).pw_name
    except KeyError:
        name = str(who.uid)
    try:
        group = grp.getgrgid(who.gid).gr_name
    except KeyError:
        group = str(who.gid)
    return Owner(who.uid, who.gid, name, group, socket.gethostname(), sid)


def _limits(words: bytes) -> dict[str, int]:
    """`NOFILE=1024 CORE=-1` as numbers. Raises BadFrame."""
    try:
        return {name.decode(): int(value) for name, _, value in (word.partition(b"=") for word in words.split())}
    except ValueError as error:
        raise BadFrame(f"a call with bad limits: {error}") from None


def _outcome(call: Call, work: asyncio.Future[int]) -> tuple[int, str]:
    """A command's exit code and last words; its own faults become one line that names the log's."""
    if work.cancelled():
        return 1, f"{call.command}: error: the controller is stopping\n"
    error = work.exception()
    if error is None:
        return work.result(), ""
    if isinstance(error, FlowError):
        hint = f"{call.command}: {error.hint}\n" if error.hint else ""
        return error.exit_code, f"{call.command}: error: {error.message}\n{hint}"
    incident = secrets.token_hex(4)
    log.error("command failed", exc_info=error, extra={"fields": {"incident": incident, "command": call.command}})
    return 1, f"{call.command}: error: internal error, incident {incident} in controller.log of the state directory\n"


async def _end(line: Line, call: Call, code: int, words: str) -> None:
    call.err.write(words)
    await line.drain()  # a long listing is read before more is said
    await line.send(Kind.EXIT, code.to_bytes(4, "big", signed=True))
