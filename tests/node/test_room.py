"""A machine without room for another process, descriptor or thread: what is to start waits for it, and starts once."""

from __future__ import annotations

import errno
import os
import resource
import socket
import subprocess
import tempfile
import threading
from pathlib import Path

import pytest

from flowbatch.node import launch, threads, wrappers
from flowbatch.sdk.compiling import compiled_wrapper, compiler
from tests.node.jobs import key

NOBODY = 65534
PYTHON = "/usr/bin/python3"


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(launch, "LOOK_S", 0.05)


@pytest.fixture
def full(monkeypatch):
    """So many processes cannot be had, by what the system says of each; how many were asked for."""
    asked: list[int] = []
    starts = subprocess.Popen

    def refuse(errors: list[int]):
        def one(*words, **more):
            asked.append(len(asked))
            if len(asked) <= len(errors):
                raise OSError(errors[len(asked) - 1], "there is no room")
            return starts(*words, **more)

        monkeypatch.setattr(launch.subprocess, "Popen", one)
        return asked

    return refuse


def test_a_launch_waits_for_a_process_and_runs_once(play, full, work):
    asked = full([errno.EAGAIN, errno.ENOMEM, errno.EMFILE])

    async def scene(node):
        report = await node.over(node.job("echo up >> runs; exit 3"))
        assert (report.what, report.code) == ("ended", 3)
        assert (work / "runs").read_text() == "up\n" and len(asked) == 4

    play(scene)


def test_one_that_is_cancelled_while_it_waits_never_runs(play, full, work):
    asked = full([errno.EAGAIN] * 1000)

    async def scene(node):
        node.node.launch(node.job("echo up >> runs"))
        await node.until(lambda: len(asked) > 2)
        node.node.stop(key(), "cancelled")
        report = await node.said("ended")
        assert (report.cause, report.why) == ("killed", "stopped before it ran")
        assert not (work / "runs").exists()

    play(scene)


def test_a_job_fails_that_finds_no_room_for_long(play, full, monkeypatch):
    monkeypatch.setattr(launch, "ROOM_WITHIN_S", 0.2)
    full([errno.EAGAIN] * 1000)

    async def scene(node):
        node.node.launch(node.job("true"))
        assert "no room" in (await node.said("failed")).why

    play(scene)


def test_an_output_file_waits_for_a_descriptor(play, monkeypatch, work):
    opens, starved = os.open, []

    def none_left(path, *words, **more):
        if os.fsdecode(path).endswith("/out") and len(starved) < 2:
            starved.append(path)
            raise OSError(errno.EMFILE, "Too many open files")
        return opens(path, *words, **more)

    monkeypatch.setattr(os, "open", none_left)

    async def scene(node):
        report = await node.over(node.job("echo said", stdout="out"))
        assert (report.what, report.code, len(starved)) == ("ended", 0, 2)
        assert (work / "out").read_text() == "said\n"

    play(scene)


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone becomes a user who may have no process")
@pytest.mark.parametrize("kind", ["c", "perl", "python"])
def test_a_wrapper_says_that_it_cannot_have_a_process(kind):
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        root = Path(place)
        command = wrapper(kind, root)
        (root / "launch").write_bytes(b"1\0/bin/true\0")
        for path in (root, *root.iterdir()):
            path.chmod(0o755)
        here, theirs = socket.socketpair()
        with here, theirs:
            done = subprocess.run(
                [*command, place, str(theirs.fileno()), "0", "0"], user=NOBODY, pass_fds=(theirs.fileno(),), timeout=30,
                preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (0, 0)), capture_output=True, check=False,
            )  # fmt: skip
        assert done.returncode == launch.NO_PROCESS, done


def wrapper(kind: str, root: Path) -> list[str]:
    """Its command, for somebody else than root."""
    if kind == "c":
        cc = compiler()
        if cc is None or not compiled_wrapper(cc, root):
            pytest.skip("no C compiler here")
        return [str(wrappers.compiled_in(root))]
    perl = wrappers.find_perl()
    program, name = (perl, "wrapper.pl") if kind == "perl" else (PYTHON, "wrapper.py")
    if program is None or not os.access(program, os.X_OK):
        pytest.skip(f"no {kind} here that everybody may run")
    (root / name).write_bytes(wrappers.source(name))
    return [program, str(root / name)]


def test_threads_are_there_from_the_start(monkeypatch):
    pool = threads.pool(3, "early")
    assert sum(thread.name.startswith("early") for thread in threading.enumerate()) == 3
    monkeypatch.setattr(threading.Thread, "start", refused)
    assert pool.submit(int, "7").result(5) == 7
    with pytest.raises(RuntimeError):
        threads.pool(1, "late")
    pool.shutdown()


def refused(self) -> None:
    raise RuntimeError("can't start new thread")
