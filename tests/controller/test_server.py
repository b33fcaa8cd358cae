"""Callers of every kind, and none of them can hurt another."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from flowbatch.commands.call import CallerFile
from flowbatch.controller import server as module
from flowbatch.controller.log import JsonLines
from flowbatch.controller.peer import Peer
from flowbatch.controller.server import Server
from flowbatch.errors import FlowError
from flowbatch.protocol.frames import HEADER, CallFrame, Kind, frame, header, pack_call

CALL = CallFrame(
    command=b"echo", argv=(b"a\xff", b"b"), environ=(b"A=1", b"B=x=y", b"ODD"), cwd=b"/tmp", umask=0o22, columns=80, lines=24,
    tty=(False, True, False), sid=42, limits=b"CPU=-1 NOFILE=1024",
)  # fmt: skip
MANY = 200


async def echo(call, queue):
    call.out.write(" ".join(call.argv) + "\n")
    await call.out.drain()
    return 3


async def broken(call, queue):
    raise ZeroDivisionError("a secret")


async def refused(call, queue):
    raise FlowError("no such thing", hint="do it otherwise")


async def cat(call, queue):
    try:
        call.out.write(await call.read(call.argv[0], 100_000))
    except CallerFile as error:
        return error.errno
    return 0


async def flood(call, queue):
    while True:
        call.out.write(b"x" * 1_000_000)
        await asyncio.sleep(0)


async def long(call, queue):
    call.out.write(b"x" * 12_000_000)
    return 0


class Client:
    """A client that does what its test says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def say(self, raw: bytes) -> None:
        self.writer.write(raw)

    async def hear(self) -> tuple[Kind, bytes]:
        kind, length = header(await self.reader.readexactly(HEADER.size))
        return kind, await self.reader.readexactly(length)

    async def rest(self) -> tuple[bytes, bytes, int | None]:
        """stdout, stderr and exit code; None if the connection ended before."""
        printed = {Kind.OUT: b"", Kind.ERR: b""}
        while True:
            try:
                kind, body = await self.hear()
            except (asyncio.IncompleteReadError, ConnectionError):
                return printed[Kind.OUT], printed[Kind.ERR], None
            if kind is Kind.EXIT:
                return printed[Kind.OUT], printed[Kind.ERR], int.from_bytes(body, "big", signed=True)
            printed[kind] += body


class Here:
    """A server in this process, and clients of it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clients: list[Client] = []

    async def client(self, raw: bytes = b"") -> Client:
        client = Client(*await asyncio.open_unix_connection("controller.sock"))
        self.clients.append(client)
        client.say(raw)
        return client

    async def call(self, command: bytes, *argv: bytes) -> Client:
        return await self.client(pack_call(replace(CALL, command=command, argv=argv)))


class Nowhere:
    """No cluster: these commands look at no queue."""

    async def current(self, environ):
        return None


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    @asynccontextmanager
    async def here(**commands) -> AsyncIterator[Here]:
        server = Server(
            Nowhere(), {"echo": echo, "broken": broken, "refused": refused, "cat": cat, "flood": flood, **commands}
        )
        await server.start("controller.sock")
        made = Here(server)
        yield made
        for client in made.clients:
            client.writer.close()
        await server.stop("controller.sock", 5)

    return here


def test_a_command_runs_for_its_caller(here):
    async def main():
        async with here() as world:
            client = await world.client(pack_call(CALL))
            assert await client.rest() == (b"a\xff b\n", b"", 3)

    asyncio.run(main())


def test_what_a_command_knows_of_its_caller(here):
    calls = []

    async def look(call, queue):
        calls.append(call)
        return 0

    async def main():
        async with here(look=look) as world:
            await (await world.client(pack_call(replace(CALL, command=b"look")))).rest()

    asyncio.run(main())
    (call,) = calls
    assert (call.command, call.argv, call.cwd) == ("look", ("a\uefff", "b"), "/tmp")
    assert list(call.environ.items()) == [("A", "1"), ("B", "x=y"), ("ODD", "")]
    assert (call.umask, call.columns, call.lines, call.tty) == (0o22, 80, 24, (False, True, False))
    assert call.limits == {"CPU": -1, "NOFILE": 1024}
    assert (call.owner.uid, call.owner.gid, call.owner.sid) == (os.getuid(), os.getgid(), 42)


def test_many_callers_at_once(here):
    async def main():
        async with here() as world:
            clients = [await world.call(b"echo", b"%d" % n) for n in range(MANY)]
            answers = await asyncio.gather(*(client.rest() for client in clients))
            assert answers == [(b"%d\n" % n, b"", 3) for n in range(MANY)]

    asyncio.run(main())


def test_the_silent_and_the_half_said_block_nobody(here):
    async def main():
        async with here() as world:
            for cut in range(0, len(pack_call(CALL)), 7):
                await world.client(pack_call(CALL)[:cut])
            assert await (await world.call(b"echo", b"x")).rest() == (b"x\n", b"", 3)

    asyncio.run(main())


def test_the_silent_are_dropped_in_the_end(here, monkeypatch):
    monkeypatch.setattr(module, "CALL_WITHIN_S", 0.01)

    async def main():
        async with here() as world:
            assert await (await world.client()).rest() == (b"", b"", None)

    asyncio.run(main())


def test_a_call_in_single_bytes(here):
    async def main():
        async with here() as world:
            client = await world.client()
            for byte in pack_call(CALL):
                client.say(bytes((byte,)))
                await client.writer.drain()
            assert await client.rest() == (b"a\xff b\n", b"", 3)

    asyncio.run(main())


@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n", frame(Kind.CALL, b"nonsense"), frame(Kind.DATA, b"x"), HEADER.pack(1, 2**32 - 1),
        frame(Kind.FAIL, pack_call(CALL)[HEADER.size :]), pack_call(replace(CALL, limits=b"NOFILE=many")), pack_call(CALL) * 2, pack_call(CALL) + frame(Kind.DATA, b"x"),
    ],
)  # fmt: skip
def test_whoever_speaks_otherwise_is_dropped(here, raw, caplog):
    """And fills no log: it may do so again and again."""

    async def forever(call, queue):
        await asyncio.Event().wait()

    async def main():
        async with here(echo=forever) as world:
            assert (await (await world.client(raw)).rest())[2] is None
            assert not world.server.busy

    asyncio.run(main())
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_one_frame_has_one_answer(here):
    """A second one would be taken for what is asked next."""

    async def main():
        async with here() as world:
            client = await world.call(b"cat", b"job.sh")
            while (await client.hear())[0] is not Kind.MORE:
                continue
            client.say(b"".join(frame(Kind.DATA, part) for part in (b"one", b"two", b"")))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                while (await client.hear())[0] is not Kind.EXIT:
                    continue

    asyncio.run(main())


def test_another_version_is_named(here):
    async def main():
        async with here() as world:
            client = await world.client(pack_call(replace(CALL, version=2)))
            assert await client.hear() == (Kind.OTHER, b"this controller speaks version 1, its client 2")

    asyncio.run(main())


def test_an_earlier_version_is_told_what_to_do_in_frames_that_it_has(here):
    async def main():
        async with here() as world:
            out, err, code = await (await world.client(pack_call(replace(CALL, version=0)))).rest()
            assert (out, err, code) == (b"", module.OLDER_CLIENT % b"echo", 1)

    asyncio.run(main())


def test_an_unknown_command_is_named(here):
    async def main():
        async with here() as world:
            out, err, code = await (await world.call(b"sacctmgr")).rest()
            assert (out, err, code) == (b"", b"sacctmgr: error: the controller knows no command 'sacctmgr'\n", 1)

    asyncio.run(main())


def test_others_are_refused(here, monkeypatch, caplog):
    monkeypatch.setattr(module.peer, "of", lambda connection: Peer(1, os.getuid() + 1, 1))

    async def main():
        async with here() as world:
            assert await (await world.call(b"echo", b"x")).rest() == (b"", b"", None)

    with caplog.at_level(logging.CRITICAL):
        asyncio.run(main())


def test_root_is_let_in(here, monkeypatch):
    monkeypatch.setattr(module.peer, "of", lambda connection: Peer(1, 0, 0))
    monkeypatch.setattr(module.os, "getuid", lambda: 1234)

    async def main():
        async with here() as world:
            assert await (await world.call(b"echo", b"x")).rest() == (b"x\n", b"", 3)

    asyncio.run(main())


def test_our_own_fault_is_one_line_with_an_incident(here, caplog):
    async def main():
        async with here() as world:
            return await (await world.call(b"broken")).rest()

    out, err, code = asyncio.run(main())
    assert (out, code) == (b"", 1)
    words = err.decode()
    assert words.startswith("broken: error: internal error, incident ") and words.count("\n") == 1
    assert "secret" not in words
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.fields["incident"] in words and record.exc_info


def test_a_named_error_is_its_message_and_hint(here):
    async def main():
        async with here() as world:
            expected = (b"", b"refused: error: no such thing\nrefused: do it otherwise\n", 1)
            assert await (await world.call(b"refused")).rest() == expected

    asyncio.run(main())


def test_a_command_ends_with_its_caller(here, until):
    ended = []

    async def forever(call, queue):
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async def main():
        async with here(forever=forever) as world:
            client = await world.call(b"forever")
            await until(lambda: world.server._commands_running)
            client.writer.close()
            await until(lambda: ended == [True])

    asyncio.run(main())


def test_a_listing_of_any_length_arrives_whole(here, monkeypatch):
    monkeypatch.setattr(module, "UNREAD_MAX", 5_000_000)

    async def main():
        async with here(long=long) as world:
            client = await world.call(b"long")
            sizes = []
            while (answer := await client.hear())[0] is Kind.OUT:
                sizes.append(len(answer[1]))
            assert (sum(sizes), max(sizes), answer[0]) == (12_000_000, module.PIECE, Kind.EXIT)

    asyncio.run(main())


def test_a_caller_that_reads_nothing_is_dropped(here, monkeypatch, until):
    monkeypatch.setattr(module, "UNREAD_MAX", 5_000_000)

    async def main():
        async with here() as world:
            stuck = await world.call(b"flood")
            stuck.writer.transport.pause_reading()
            await until(lambda: world.server._commands_running)
            assert await (await world.call(b"echo", b"x")).rest() == (b"x\n", b"", 3)
            await until(lambda: not world.server._commands_running)

    asyncio.run(main())


async def answer_reads(client: Client, files: dict[bytes, bytes | int]) -> list[bytes]:
    """Plays the client's side of READ and MORE; what was asked for."""
    asked, left = [], b""
    while True:
        kind, body = await client.hear()
        if kind is Kind.READ:
            asked.append(body)
            found = files[body]
            if isinstance(found, int):
                client.say(frame(Kind.FAIL, found.to_bytes(4, "big")))
                left = b""
            else:
                left = found
        elif kind is Kind.MORE and left is not None:
            if not isinstance(files[asked[-1]], int):
                client.say(frame(Kind.DATA, left[:1000]))
                left = left[1000:]
        elif kind is Kind.OUT:
            asked.append(body)
        else:
            return [*asked, body]


@pytest.mark.parametrize(
    ("content", "got"), [(b"x" * 2500, b"x" * 2500), (b"", None), (b"y" * 200_000, b"y" * 100_001)]
)
def test_a_file_is_read_through_the_caller(here, content, got):
    async def main():
        async with here() as world:
            client = await world.call(b"cat", b"job \xff.sh")
            heard = await answer_reads(client, {b"job \xff.sh": content})
            expected = [b"job \xff.sh", *([got] if got else []), b"\0\0\0\0"]
            assert heard == expected

    asyncio.run(main())


def test_a_file_that_the_caller_cannot_read(here):
    async def main():
        async with here() as world:
            client = await world.call(b"cat", b"none")
            assert await answer_reads(client, {b"none": 13}) == [b"none", b"\0\0\0\x0d"]

    asyncio.run(main())


def test_stop_tells_those_who_wait(here, until):
    async def forever(call, queue):
        await asyncio.Event().wait()

    async def main():
        server = Server(Nowhere(), {"forever": forever})
        await server.start("controller.sock")
        client = Client(*await asyncio.open_unix_connection("controller.sock"))
        client.say(pack_call(replace(CALL, command=b"forever")))
        await until(lambda: server._commands_running)
        await server.stop("controller.sock", 0.01)
        assert await client.rest() == (b"", b"forever: error: the controller is stopping\n", 1)
        assert not os.path.exists("controller.sock")
        client.writer.close()

    asyncio.run(main())


def test_the_socket_is_the_users_own(here, tmp_path):
    async def main():
        async with here():
            assert (tmp_path / "controller.sock").stat().st_mode & 0o777 == 0o600

    asyncio.run(main())


def test_a_stale_socket_is_replaced(here, tmp_path):
    async def main():
        async with here() as world:
            os.link("controller.sock", "kept")
            assert await (await world.call(b"echo", b"x")).rest() == (b"x\n", b"", 3)
        os.rename("kept", "controller.sock")
        async with here() as world:
            assert await (await world.call(b"echo", b"x")).rest() == (b"x\n", b"", 3)

    asyncio.run(main())


def test_the_log_is_json_lines():
    record = logging.LogRecord("flowbatch.x", logging.INFO, "", 0, "said %s", ("it",), None)
    record.fields = {"job": 7}
    line = json.loads(JsonLines().format(record))
    assert {**line, "at": ""} == {"at": "", "level": "info", "room": "flowbatch.x", "said": "said it", "job": 7}
