"""This process's streams, handed to a command of the controller."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import BinaryIO

from flowbatch.sdk.controller import Controller


def show(command: str, words: Sequence[str], *, again: bool = False) -> int:
    """Runs a command of the controller; what it prints is printed here as it comes. Its exit code."""
    return Controller().ask(command, words, again=again, stdin=stdin(), out=_out, err=_err).code


def stdin() -> BinaryIO | None:
    """Standard input, unless it is closed."""
    return sys.stdin.buffer if sys.stdin else None


def _out(piece: bytes) -> None:
    sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _err(piece: bytes) -> None:
    sys.stderr.buffer.write(piece)
    sys.stderr.buffer.flush()
