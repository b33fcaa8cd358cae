"""What `flow doctor` finds of this machine: each broken thing by itself, with what helps."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flowbatch.controller import lifecycle
from flowbatch.paths import Paths
from flowbatch.sdk import doctor, doctor_machine
from flowbatch.sdk.controller import Controller
from flowbatch.store.sqlite import SqliteStore


@pytest.fixture
def here(tmp_path: Path) -> Paths:
    (tmp_path / "state").mkdir(mode=0o700)
    return Paths(tmp_path / "state", tmp_path / "config")


def found(here: Paths, now: float | None = None) -> list[tuple[str, str]]:
    """Level and words of all that is not well; each says what to do."""
    bad = [one for one in doctor_machine.state(here, time.time() if now is None else now) if one.level != "ok"]
    assert all(one.todo for one in bad if one.level == "problem")
    return [(one.level, f"{one.subject}: {one.says}".replace(str(here.state), "STATE")) for one in bad]


def test_a_state_directory_that_is_well(here: Paths) -> None:
    SqliteStore(here.store).close()
    assert found(here) == []


def test_a_key_that_others_can_read(here: Paths) -> None:
    here.config.mkdir()
    for name, words in (("flow.toml", '[clusters.mithril]\napi_key_file = "k"\n'), ("k", "fkey_1\n")):
        (here.config / name).write_text(words)
    for mode, says in ((0o600, []), (0o640, [f"{here.config / 'k'} holds a key, and can be read by others"])):
        (here.config / "k").chmod(mode)
        assert [one.says for one in doctor_machine.keys(here.config) if one.level == "problem" and one.todo] == says
    (here.config / "flow.toml").write_text('[clusters.mithril]\napi_key = "fkey_1"\n')
    (here.config / "flow.toml").chmod(0o644)
    assert len(list(doctor_machine.keys(here.config))) == 1


def test_a_clock_that_went_back(here: Paths) -> None:
    SqliteStore(here.store).close()
    now = here.store.stat().st_mtime - 3600
    ((level, says),) = found(here, now)
    assert (level, says[:48]) == ("problem", "clock: it is 3600 s behind the last write of the")


def test_locks_that_keep_nobody_out(here: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "locks_hold", lambda file: False)
    assert found(here) == [
        ("problem", "state: the file system of STATE does not lock files: two controllers could serve one queue")
    ]


def test_a_lock_that_cannot_be_tried(here: Paths) -> None:
    here.lock.mkdir()
    assert found(here) == [("problem", "state: STATE/controller.lock cannot be tried: Is a directory")]


def test_a_file_of_the_store_that_goes_away_meanwhile(here: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    SqliteStore(here.store).close()
    monkeypatch.setattr(Path, "exists", lambda path: True)
    monkeypatch.setattr(lifecycle, "status", lambda paths: lifecycle.Status(1, paths))
    assert found(here) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"f_bavail": 10}, "state: STATE: 0 MiB free"),
        ({"f_favail": 3, "f_files": 100}, "state: STATE: room for 3 more files"),
    ],
)
def test_a_disk_that_is_almost_full(
    here: Paths, monkeypatch: pytest.MonkeyPatch, change: dict[str, int], says: str
) -> None:
    real = os.statvfs(here.state)
    names = [name for name in dir(real) if name.startswith("f_")]
    disk = type("Disk", (), {**{name: getattr(real, name) for name in names}, **change})()
    monkeypatch.setattr(os, "statvfs", lambda path: disk)
    assert found(here) == [("problem", says)]


def test_a_socket_that_a_dead_controller_left(here: Paths) -> None:
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(here.socket))
    ((level, says),) = found(here)
    assert level == "note" and "was left by one that died: the next command starts another one" in says


def test_few_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        resource.prlimit(child.pid, resource.RLIMIT_NOFILE, (100, 100))
        (one,) = doctor_machine.descriptors(child.pid)
        assert (one.level, one.says[:17], one.todo is not None) == ("problem", "100 open files ar", True)
        child.communicate(b"\n")
    assert list(doctor_machine.descriptors(child.pid)) == []


def test_a_node_daemon_that_is_dead(here: Paths) -> None:
    assert list(doctor_machine.node(here, 0)) == []
    (one,) = doctor_machine.node(here, 2)
    assert one.level == "problem" and one.says.startswith("2 jobs run and no node daemon answers") and one.todo
    here.node.mkdir()
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(here.node / "node.sock"))
        line.listen()
        (one,) = doctor_machine.node(here, 1)
    assert (one.level, one.says) == ("ok", "the node daemon answers, 1 job here")


def test_a_controller_that_does_not_answer(here: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    """As one that was stopped: the kernel takes its calls."""
    monkeypatch.setattr(doctor, "ANSWER_WITHIN_S", 0.2)
    with socket.socket(socket.AF_UNIX) as line:
        line.bind(str(here.socket))
        line.listen()
        (one,) = doctor._controller(Controller(here))
    assert one.level == "problem" and one.todo is not None and one.todo.startswith(f"kill -9 {os.getpid()}: ")
