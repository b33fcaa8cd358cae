"""What a program that a client has become has of its caller, and he of it: environment, name, signals, lines on standard error."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

ENDING = (
    signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2
)  # fmt: skip


def end_by_signals() -> None:
    """Each of them ends this process from now on, as it would one written in C; also one that came while it began, which the thin
    client has held back. What the caller ignores (nohup) is ignored here too; SIGPIPE is ignored by Python itself."""
    for number in ENDING:
        if number == signal.SIGPIPE or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)


def environ() -> dict[str, str]:
    """The environment as this process got it: the interpreter may have set LC_CTYPE since (PEP 538)."""
    try:
        words = Path("/proc/self/environ").read_bytes().split(b"\0")
    except OSError:
        return dict(os.environ)
    pairs = (os.fsdecode(word).partition("=") for word in words if word)
    return {name: value for name, _, value in pairs}


def say(words: str) -> None:
    """A line on standard error, which nothing hides, if somebody reads it."""
    with contextlib.suppress(OSError):
        os.write(2, os.fsencode(words) + b"\n")


def take_name(name: str) -> None:
    """Tools find and signal a command by its name."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name)
