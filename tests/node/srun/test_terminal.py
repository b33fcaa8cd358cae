"""The terminal of --pty, before its task is there."""

from __future__ import annotations

import os
import select
import termios
import tty

import pytest

from flowbatch.node.srun import terminal
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
