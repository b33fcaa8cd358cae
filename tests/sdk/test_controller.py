"""Conversations of the sdk with a real server."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from flowbatch.commands.call import Call, CallerFile
from flowbatch.errors import AnswerLost, ControllerUnreachable
from flowbatch.paths import Paths
from flowbatch.protocol.frames import HEADER, Kind, frame, header
from flowbatch.sdk.controller import Controller

Serve = Callable[..., Controller]


async def tell(call: Call, queue: object) -> int:
    call.out.write(f"{call.command} {' '.join(call.argv)} {call.cwd} {call.umask:03o} {call.environ.get('WORD')}\n")
    call.err.write("and more\n")
    return 7


async def copy(call: Call, queue: object) -> int:
    for path in call.argv:
        try:
            call.out.write(await call.read(path, 1 << 30))
        except CallerFile as error:
            call.out.write(f"<{os.strerror(error.errno)}>")
    return 0


async def sleep(call: Call, queue: object) -> int:
    await asyncio.sleep(60)
    return 0


def test_a_command_sees_its_caller(serve: Serve, tmp_path: Path) -> None:
    controller = serve({"tell": tell})
    answer = controller.ask("tell", ["a", "ü\udcff"], environ={"WORD": "x=y"}, cwd=tmp_path)
    assert answer.code == 7 and answer.err == b"and more\n"
    umask = os.umask(0o022)
    os.umask(umask)
    assert answer.out == b"tell a \xc3\xbc\xff %s %03o x=y\n" % (os.fsencode(tmp_path), umask)


def test_output_comes_as_it_is_printed(serve: Serve) -> None:
    out: list[bytes] = []
    answer = serve({"tell": tell}).ask("tell", environ={"WORD": ""}, out=out.append)
    assert answer.out == b"" and b"".join(out).startswith(b"tell  /") and answer.err == b"and more\n"


def test_files_are_read_as_the_caller_sees_them(serve: Serve, tmp_path: Path) -> None:
    big = b"0123456789" * 100_000
    (tmp_path / "script").write_bytes(big)
    (tmp_path / "folder").mkdir()
    answer = serve({"copy": copy}).ask(
        "copy", ["script", "missing", "folder", "-", "-"], cwd=tmp_path, stdin=io.BytesIO(b"[in]")
    )
    assert answer.out == big + b"<No such file or directory><Is a directory>[in]"


def test_no_standard_input_is_an_empty_one(serve: Serve) -> None:
    assert serve({"copy": copy}).ask("copy", ["-", "/dev/null"]).out == b""


def test_waiting_has_an_end(serve: Serve) -> None:
    with pytest.raises(TimeoutError):
        serve({"sleep": sleep}).ask("sleep", timeout=0.1)


def test_who_answers(serve: Serve, paths: Paths) -> None:
    assert Controller(paths).pid is None
    assert serve({}).pid == os.getpid()


class Rude:
    """A controller that reads each call and says `answers`, one a connection."""

    def __init__(self, paths: Paths, answers: list[bytes]) -> None:
        self.calls = 0
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(paths.socket))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, args=(answers,))
        self._thread.start()

    def _serve(self, answers: list[bytes]) -> None:
        for answer in answers:
            line, _ = self._socket.accept()
            with line:
                _, length = header(line.recv(HEADER.size, socket.MSG_WAITALL))
                line.recv(length, socket.MSG_WAITALL)
                self.calls += 1
                line.sendall(answer)

    def close(self) -> None:
        self._thread.join(10)
        self._socket.close()


ZERO = frame(Kind.EXIT, bytes(4))


def test_a_change_is_never_asked_twice(paths: Paths) -> None:
    rude = Rude(paths, [frame(Kind.OUT, b"half an answ")])
    with pytest.raises(AnswerLost, match="may have happened or not") as raised:
        Controller(paths).ask("flow-submit")
    assert "flow status" in str(raised.value.hint)
    rude.close()
    assert rude.calls == 1


def test_a_question_is_asked_again(paths: Paths) -> None:
    rude = Rude(paths, [frame(Kind.OUT, b"half an answ"), b"", frame(Kind.OUT, b"all of it") + ZERO])
    assert Controller(paths).ask("flow-jobs", again=True).out == b"all of it"
    rude.close()
    assert rude.calls == 3


def test_another_version_is_named(paths: Paths) -> None:
    rude = Rude(paths, [frame(Kind.OTHER, b"this controller speaks version 9, its client 1")])
    with pytest.raises(ControllerUnreachable, match="speaks version 9") as raised:
        Controller(paths).ask("flow-jobs", again=True)
    assert "flow controller stop" in str(raised.value.hint)
    rude.close()


def test_a_question_that_kills_controllers_is_given_up(paths: Paths) -> None:
    rude = Rude(paths, [b""] * 5)
    with pytest.raises(AnswerLost):
        Controller(paths).ask("flow-jobs", again=True)
    rude.close()
    assert rude.calls == 5


def test_a_reader_that_leaves_is_not_a_lost_controller(serve: Serve) -> None:
    def leave(piece: bytes) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        serve({"tell": tell}).ask("tell", environ={"WORD": ""}, out=leave, again=True)
