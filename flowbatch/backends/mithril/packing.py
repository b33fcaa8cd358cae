"""The node program: a directory of what needs the standard library alone, packed into the same bytes for the same sources.

It is unpacked on the machine: Python keeps what it compiled of a directory, and of an archive nothing, at each start.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path

PARTS = (
    "__init__.py", "clock.py", "errors.py", "failpoint.py", "ids.py", "paths.py", "text.py", "units.py",
    "node", "protocol", "slurm",
)  # fmt: skip
"""What of the package travels: the node and all that it may import (the layers below it)."""

CLIENT = ("__init__.py", "client.py")
"""Of the thin clients, what Slurm's commands on the machine are made of."""

START = "import sys\nfrom flowbatch.node.remote import main\nsys.exit(main())\n"
MODE = 0o644


@dataclass(frozen=True, slots=True)
class Program:
    """`name` changes with the contents, so that a machine has each version once. `archive`: a tar, with gzip."""

    name: str
    archive: bytes = field(repr=False)


@cache
def program() -> Program:
    """This version's node program."""
    sources = {"__main__.py": START.encode()}
    for name in CLIENT:
        sources[f"flowbatch/shims/{name}"] = files("flowbatch.shims").joinpath(name).read_bytes()
    package = Path(str(files("flowbatch")))
    for part in PARTS:
        sources.update(_sources(package / part, f"flowbatch/{part}"))
    packed = gzip.compress(_tar(sources), mtime=0)
    return Program(f"node-{hashlib.sha256(packed).hexdigest()[:16]}", packed)


def _tar(sources: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(sources):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(sources[name]), MODE
            archive.addfile(entry, io.BytesIO(sources[name]))
    return buffer.getvalue()


def _sources(found: Path, name: str) -> dict[str, bytes]:
    if found.is_dir():
        below = (_sources(inner, f"{name}/{inner.name}") for inner in found.iterdir() if inner.name != "__pycache__")
        return {path: text for sources in below for path, text in sources.items()}
    return {name: found.read_bytes()}
