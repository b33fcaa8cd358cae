"""The terminal of --pty: before its task is there, and while much is typed and shown."""

from __future__ import annotations

import hashlib
import os
import select
import signal
import subprocess
import termios
import time
import tty
from collections.abc import Iterator

import pytest

from flowbatch.node.srun import terminal
from flowbatch.node.srun.tasks import Tasks
from flowbatch.node.srun.terminal import Terminal


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """As if srun had a terminal of 24 rows."""
    monkeypatch.setattr(terminal, "_size", lambda: terminal.SIZE.pack(24, 80, 0, 0))
    for module, name in ((termios, "tcgetattr"), (tty, "setraw"), (termios, "tcsetattr")):
        monkeypatch.setattr(module, name, lambda *said: [])
    return Terminal.open()


def test_a_terminal_waits_for_its_task(opened: Terminal) -> None:
    assert select.select([opened.fd], [], [], 0)[0] == []
    task = os.open(opened.path, os.O_RDWR | os.O_NOCTTY)
    os.write(task, b"$ ")
    assert select.select([opened.fd], [], [], 5)[0] == [opened.fd]
    os.close(task)
    opened.close()


def test_what_was_written_last_is_shown(opened: Terminal, capfd: pytest.CaptureFixture[str]) -> None:
    task = os.open(opened.path, os.O_RDWR | os.O_NOCTTY)
    os.write(task, b"bye")
    os.close(task)
    opened.close()
    assert capfd.readouterr().out == "bye"


def test_a_slow_reader_gets_all_of_the_last_words(opened, monkeypatch):
    written: list[int] = []

    def slowly(fd: int, data: bytes) -> bool:
        time.sleep(0 if written else 0.6)
        written.append(len(data))
        return True

    monkeypatch.setattr(terminal, "_write", slowly)
    task = os.open(opened.path, os.O_RDWR | os.O_NOCTTY)
    line = b"." * 63 + b"\n"
    for _ in range(200):
        os.write(task, line)
    os.close(task)
    opened.close()
    assert sum(written) == 200 * 65, "each line's end is two bytes long"


def test_who_is_left_in_the_terminal_holds_nobody_up(opened, monkeypatch):
    """It writes as fast as srun reads."""
    task = os.open(opened.path, os.O_RDWR | os.O_NOCTTY)
    shown = 0

    def write(fd: int, data: bytes) -> bool:
        nonlocal shown
        shown += len(data)
        assert shown < 1 << 20
        return os.write(task, b"." * 1000) == 1000

    monkeypatch.setattr(terminal, "_write", write)
    os.write(task, b".")
    opened.close()
    os.close(task)
    assert shown >= terminal.LAST_WORDS


@pytest.fixture
def keys() -> Iterator[int]:
    """What is written here is typed."""
    kept = os.dup(0)
    typed, typing = os.pipe()
    os.dup2(typed, 0)
    os.close(typed)
    yield typing
    os.close(typing)
    os.dup2(kept, 0)
    os.close(kept)


@pytest.fixture
def in_time() -> Iterator[None]:
    def late(number: int, frame: object) -> None:
        raise AssertionError("stuck")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    ("reads", "last"), [("head -c 65536 | md5sum", "{}  -\n"), ("true", "20000\n")], ids=["later", "never"]
)
def test_what_is_pasted_and_what_is_shown_do_not_wait_for_each_other(opened, keys, capfd, in_time, reads, last):
    """More than the terminal holds, both ways; as with 22.05 nothing of it is lost."""
    pasted = b"".join(b"%07d\n" % number for number in range(8192))
    os.write(keys, pasted)
    with open(opened.path, "r+b", buffering=0) as end:
        subprocess.run(["stty", "raw", "-echo"], stdin=end, check=True)
        task = subprocess.Popen(["sh", "-c", f"seq 20000; {reads}"], stdin=end, stdout=end)
    tasks = Tasks()
    while task.poll() is None:
        opened.attend(tasks)
        tasks.look(0.05)
    opened.close()
    shown = capfd.readouterr().out
    assert shown.startswith("1\n2\n")
    assert shown.endswith(last.format(hashlib.md5(pasted).hexdigest()))
