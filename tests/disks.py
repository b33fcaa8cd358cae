"""Disks that are small, and full: for tests of what then happens. Mounting them needs root."""

from __future__ import annotations

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small(directory: Path, size: str | int) -> Iterator[None]:
    """A file system of so many bytes is there, its owner's alone."""
    directory.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "flowbatch-test", str(directory)]
    subprocess.run(words, check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(directory)], check=True)


def fill(file: Path) -> None:
    """No byte is left where this file is."""
    with open(file, "wb", buffering=0) as ballast:
        for size in (1 << 16, 1 << 8, 1):
            try:
                while True:
                    ballast.write(b"x" * size)
            except OSError as error:
                assert error.errno == errno.ENOSPC
