"""One controller for a state directory, whoever starts it and however often; clear words where none can be."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock

from flowbatch.controller import claim, lifecycle
from flowbatch.errors import ControllerUnreachable
from flowbatch.ids import StoreId
from flowbatch.paths import Paths

PLAYED = """
    import asyncio, os, signal, sys
    from flowbatch import paths
    from flowbatch.controller import being
    from flowbatch.controller.server import Server

    here = paths.find(os.environ)
    (here.state / "tried").open("a").write(f"{os.getpid()}\\n")

    async def serve(ready):
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        server = Server(None, {})
        await server.start("controller.sock")
        (here.state / "born").open("a").write(f"{os.getpid()}\\n")
        (here.state / "environ").write_text(repr(dict(os.environ)))
        ready()
        await stop.wait()
        await server.stop("controller.sock", 0)

    sys.exit(being.live(here, serve))
"""


@pytest.fixture
def played(tmp_path, monkeypatch):
    """A state directory whose controller is the smallest that there can be; it is ended with the test."""
    program = tmp_path / "played.py"
    program.write_text(textwrap.dedent(PLAYED))
    monkeypatch.setattr(lifecycle, "PROGRAM", (sys.executable, "-I", str(program)))
    paths = Paths(tmp_path / "state", tmp_path / "config")
    yield paths
    lifecycle.stop(paths)


def born(paths: Paths, file: str = "born") -> list[int]:
    return [int(line) for line in (paths.state / file).read_text().split()]


def test_start_returns_when_it_answers_and_stop_when_it_is_gone(played):
    assert lifecycle.status(played).pid is None
    pid = lifecycle.start(played, os.environ)
    assert lifecycle.status(played).pid == pid == int(played.pid.read_text())
    assert lifecycle.start(played, os.environ) == pid
    assert lifecycle.stop(played) == pid
    assert lifecycle.status(played).pid is None and not played.pid.exists()
    assert lifecycle.stop(played) is None


def test_many_starts_at_once_make_one_controller(played):
    with ThreadPoolExecutor(6) as pool:
        environs = [dict(os.environ) for _ in range(6)]
        program = [sys.executable, "-c", textwrap.dedent(f"""
            import os
            from pathlib import Path
            from flowbatch.controller import lifecycle
            from flowbatch.paths import Paths
            lifecycle.PROGRAM = {lifecycle.PROGRAM!r}
            print(lifecycle.start(Paths(Path({str(played.state)!r}), Path("/nowhere")), os.environ))
        """)]  # fmt: skip
        started = list(pool.map(lambda env: subprocess.check_output(program, env=env, timeout=60), environs))
    assert len({int(pid) for pid in started}) == 1
    assert len(born(played)) == len(born(played, "tried")) == 1


def test_it_is_detached_and_clean(played):
    os.environ["A_SECRET"] = "x"
    try:
        environ = {**os.environ, "FLOW_IDLE_EXIT": "7", "XDG_STATE_HOME": "/elsewhere", "SLURM_CONF": "/x"}
        readable, writable = os.pipe()
        os.set_inheritable(writable, True)
        pid = lifecycle.start(played, environ)
    finally:
        del os.environ["A_SECRET"]
    os.close(writable)
    assert os.read(readable, 1) == b""  # nobody else holds the other end
    os.close(readable)
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/cwd") == str(played.state)
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
    kept = eval((played.state / "environ").read_text())
    assert kept["FLOW_IDLE_EXIT"] == "7" and kept["FLOW_STATE_DIR"] == str(played.state)
    assert not {"A_SECRET", "XDG_STATE_HOME", "SLURM_CONF"} & kept.keys()


def test_what_a_dead_controller_left_is_no_hindrance(played):
    pid = lifecycle.start(played, os.environ)
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while lifecycle.status(played).pid is not None:
        assert time.monotonic() < deadline
    assert played.socket.exists() and played.pid.exists() and played.lock.exists()
    assert lifecycle.start(played, os.environ) != pid


def test_a_starter_waits_for_one_that_is_stopping(played):
    pid = lifecycle.start(played, os.environ)
    os.kill(pid, signal.SIGTERM)
    assert lifecycle.start(played, os.environ) is not None
    assert len(born(played)) in (1, 2)


def test_a_lock_that_is_held_by_nobody_who_answers(played, monkeypatch):
    monkeypatch.setattr(lifecycle, "START_WITHIN_S", 0.2)
    lifecycle.make_state(played)
    with lifecycle.lock(played), pytest.raises(ControllerUnreachable, match="does not answer"):
        lifecycle.start(played, os.environ)


def test_a_starter_that_stopped_keeps_nobody_waiting_once_one_answers(played):
    lifecycle.start(played, os.environ)
    with FileLock(played.starting):
        assert lifecycle.start(played, os.environ) == lifecycle.status(played).pid


def test_a_program_that_never_gets_ready_is_not_waited_for_forever(played, monkeypatch):
    monkeypatch.setattr(lifecycle, "READY_WITHIN_S", 0.2)
    monkeypatch.setattr(lifecycle, "PROGRAM", (sys.executable, "-c", "import time; time.sleep(3)"))
    with pytest.raises(ControllerUnreachable, match="does not get ready"):
        lifecycle.start(played, os.environ)


def test_a_program_that_ends_says_why(played, monkeypatch):
    monkeypatch.setattr(lifecycle, "PROGRAM", (sys.executable, "-c", "import sys; sys.exit('no such disk')"))
    with pytest.raises(ControllerUnreachable, match="no such disk"):
        lifecycle.start(played, os.environ)


def test_a_state_directory_that_is_a_file(tmp_path):
    (tmp_path / "state").touch()
    with pytest.raises(ControllerUnreachable, match=r"cannot use the state directory .*: File exists"):
        lifecycle.start(Paths(tmp_path / "state", tmp_path), os.environ)


def test_a_file_system_whose_locks_keep_nobody_out(tmp_path):
    def none(fd: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    file = tmp_path / "lock"
    assert lifecycle.locks_hold(file)
    assert not lifecycle.locks_hold(file, lambda fd, how: None)
    assert not lifecycle.locks_hold(file, none)
    with FileLock(file):
        assert lifecycle.locks_hold(file)


def test_a_process_that_cannot_be_made_says_nothing_of_locks(tmp_path, monkeypatch):
    def none() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", none)
    with pytest.raises(BlockingIOError):
        lifecycle.locks_hold(tmp_path / "lock")


def test_no_controller_serves_where_locks_keep_nobody_out(played, tmp_path):
    program = tmp_path / "played.py"
    unlocked = "sys.exit(being.live(here, serve))"
    program.write_text(
        program.read_text().replace(unlocked, f"being.lifecycle.locks_hold = lambda file: False\n{unlocked}")
    )
    with pytest.raises(ControllerUnreachable, match="does not lock files: two controllers could serve one queue"):
        lifecycle.start(played, os.environ)
    assert not played.store.exists()


@pytest.mark.skipif(os.getuid() == 0, reason="root may write anywhere")
def test_a_state_directory_that_cannot_be_written(tmp_path):
    (tmp_path / "state").mkdir(mode=0o500)
    with pytest.raises(ControllerUnreachable, match="cannot write to the state directory"):
        lifecycle.start(Paths(tmp_path / "state", tmp_path), os.environ)


def test_the_state_directory_is_the_users_own(played):
    played.state.mkdir(mode=0o755)
    lifecycle.start(played, os.environ)
    assert played.state.stat().st_mode & 0o777 == 0o700
    files = [file for file in played.state.iterdir() if file.name not in ("born", "tried")]
    modes = {file.name: file.stat().st_mode & 0o077 for file in files}
    assert set(modes.values()) == {0}, modes


def test_nobody_else_can_hold_a_lock_of_ours(tmp_path, monkeypatch):
    """Whatever the umask: who may open a file can lock it, and one of them lies where everybody looks."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = os.umask(0)
    try:
        assert lifecycle.locks_hold(tmp_path / "tried.lock")
        with lifecycle.lock(Paths(tmp_path, tmp_path)), claim.claim(StoreId("0123456789ab")):
            modes = {file.name: file.stat().st_mode & 0o777 for file in tmp_path.glob("*.lock")}
    finally:
        os.umask(before)
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}, modes


@pytest.mark.parametrize("argv", [[], ["sing"], ["start", "now"]])
def test_other_words_are_refused(argv, tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", "-m", "flowbatch.controller", *argv], capture_output=True, check=False, text=True,
        env={"FLOW_STATE_DIR": str(tmp_path / "state")},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "") and done.stderr.startswith("usage: ")


def test_status_of_none(tmp_path):
    done = subprocess.run(
        [sys.executable, "-I", "-m", "flowbatch.controller", "status"], capture_output=True, check=False, text=True,
        env={"FLOW_STATE_DIR": str(tmp_path / "state")},
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (3, f"controller of {tmp_path}/state: not running\n")
    assert not Path(tmp_path / "state").exists()
