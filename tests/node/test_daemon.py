"""The daemon as a process: alone in its directory, detached, clean, and gone when nothing is to be done."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from flowbatch import __version__
from flowbatch.node.processes import here
from flowbatch.node.server import SOCKET
from flowbatch.node.start import NodeUnreachable, start
from flowbatch.protocol.launch import line
from flowbatch.protocol.sockets import connected
from tests.node.jobs import message, until


def pid_of(directory):
    return int((directory / "node.pid").read_text())


def ended(pid):
    return here().born(pid) is None


@pytest.fixture
def directory(tmp_path):
    """A node's directory whose path is too long for a socket; its daemon is ended afterwards."""
    directory = tmp_path / ("long" * 25) / "node"
    directory.parent.mkdir()
    yield directory
    try:
        os.kill(pid_of(directory), signal.SIGTERM)
    except (FileNotFoundError, ProcessLookupError):
        return
    until(lambda: ended(pid_of(directory)))


@pytest.fixture
def served(directory):
    start(directory, {"TZ": "UTC", "SECRET": "x"})
    until((directory / "node.pid").exists)
    return directory


@contextmanager
def conversation(directory):
    with connected(directory, SOCKET) as socket:
        socket.setblocking(True)
        with socket.makefile("rwb") as stream:
            yield stream


def test_it_answers_as_soon_as_it_was_started(served):
    with conversation(served) as stream:
        hello = json.loads(stream.readline())
    assert abs(hello.pop("now") - time.time()) < 20
    assert hello == {
        "op": "node",
        "version": __version__,
        "wrapper": hello["wrapper"],
        "memory_enforced": hello["memory_enforced"],
    }


def test_a_full_disk_does_not_end_it_at_its_birth(directory):
    """What it has to tell of its limits is told to nobody."""
    directory.mkdir()
    (directory / "node.log").symlink_to("/dev/full")
    limited = f"import resource, runpy, sys; resource.setrlimit(resource.RLIMIT_CPU, (999, 999)); sys.argv[1:] = [{str(directory)!r}]"
    command = [sys.executable, "-c", f"{limited}; runpy.run_module('flowbatch.node', run_name='__main__')"]
    subprocess.run(command, check=True, timeout=30)
    with conversation(directory) as stream:
        assert json.loads(stream.readline())["op"] == "node"


def test_it_is_detached_and_clean(served):
    pid = pid_of(served)
    until(lambda: os.getsid(pid) == pid)
    with open(f"/proc/{pid}/environ", "rb") as file:
        names = {word.partition(b"=")[0] for word in file.read().split(b"\0") if word}
    assert names <= {b"PATH", b"TZ", b"LC_CTYPE", b"FLOWBATCH_APART"}
    assert os.readlink(f"/proc/{pid}/cwd") == str(served)


def test_a_directory_that_was_open_is_closed(tmp_path):
    (tmp_path / "node").mkdir(mode=0o755)
    start(tmp_path / "node")
    assert (tmp_path / "node").stat().st_mode & 0o777 == 0o700
    os.kill(pid_of(tmp_path / "node"), signal.SIGTERM)


def test_nobody_else_may_look(served):
    assert served.stat().st_mode & 0o777 == 0o700
    for name in ("node.sock", "journal", "node.lock", "node.log", "node.pid"):
        until((served / name).exists)
        assert (served / name).stat().st_mode & 0o077 == 0, name


def test_there_is_one_daemon_however_often_it_is_started(served):
    pid = pid_of(served)
    start(served)
    assert pid_of(served) == pid


def test_a_directory_that_cannot_be_used_is_an_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NodeUnreachable, match=r"File exists|Not a directory"):
        start(tmp_path / "file")


def test_it_ends_itself_when_there_is_nothing_to_do(tmp_path):
    command = [sys.executable, "-I", "-m", "flowbatch.node", str(tmp_path / "node"), "--foreground", "--idle", "0.1"]
    done = subprocess.run(command, timeout=20, check=False)
    assert done.returncode == 0
    assert not (tmp_path / "node/node.sock").exists()


def test_it_stays_for_a_job_and_for_a_controller(tmp_path):
    directory = tmp_path / "node"
    command = [sys.executable, "-I", "-m", "flowbatch.node", str(directory), "--foreground", "--idle", "0.1"]
    with subprocess.Popen(command) as daemon:
        until((directory / "journal").exists)
        with conversation(directory) as stream:
            stream.write(line("resume", keys=[]) + line("launch", message=message(tmp_path, "sleep 0.5")))
            stream.flush()
            told = []
            while not told or told[-1] != "ended":
                said = json.loads(stream.readline())
                told += [said["report"]["what"]] if said["op"] == "report" else []
            assert told == ["launched", "ended"]
            assert daemon.poll() is None
            stream.write(line("forget", key=message(tmp_path, "").key))
            stream.flush()
        daemon.wait(20)


@pytest.mark.parametrize(
    "junk", [b"no json\n", b"[]\n", b'{"op":1}\n', b'{"op":"launch"}\n', b'{"op":"stop","key":{}}\n']
)
def test_a_peer_that_speaks_something_else_is_hung_up_on(served, junk):
    with conversation(served) as stream:
        stream.readline()
        stream.write(junk)
        stream.flush()
        assert stream.readline() == b""
    with conversation(served) as stream:
        assert json.loads(stream.readline())["op"] == "node"


def test_an_order_of_a_later_version_is_left_alone(served):
    with conversation(served) as stream:
        stream.readline()
        stream.write(line("invented") + line("resume", keys=[]))
        stream.flush()
        assert [json.loads(stream.readline())["op"] for _ in range(2)] == ["leaves", "resumed"]
