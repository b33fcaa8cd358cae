"""Which wrapper is the parent of this machine's jobs: the same few lines in C, in Perl and in Python, the cheapest first."""

from __future__ import annotations

import os
import pkgutil
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flowbatch.node.files import write_private

PERLS = ("/usr/bin/perl", "/usr/local/bin/perl", "/opt/homebrew/bin/perl")


@dataclass(frozen=True, slots=True)
class Wrapper:
    """`command`: its program and first words; a placement's own words follow."""

    kind: str
    command: Sequence[str]


def wrapper(directory: Path) -> Wrapper:
    """The one for jobs of the node that serves `directory`. A script's text is laid there: the package may be inside an archive."""
    compiled, perl = compiled_in(directory), find_perl()
    if os.access(compiled, os.X_OK):
        return Wrapper("c", (str(compiled),))
    name = "wrapper.pl" if perl else "wrapper.py"
    path = directory / name
    write_private(path, source(name))
    return Wrapper("perl", (perl, str(path))) if perl else Wrapper("python", (sys.executable, "-I", "-S", str(path)))


def compiled_in(directory: Path) -> Path:
    """Where the compiled one of this version stands, if somebody made it (`flow shims install`)."""
    return directory / f"wrapper.{zlib.crc32(source('wrapper.c')):08x}"


def find_perl() -> str | None:
    """The Perl that wrappers run under, if this machine has one."""
    return next((path for path in PERLS if os.access(path, os.X_OK)), None)


def source(name: str) -> bytes:
    """The text of one of them."""
    text = pkgutil.get_data("flowbatch.node", name)
    assert text is not None
    return text
