"""The node program as one file: a zipapp of what needs the standard library alone, the same bytes for the same sources."""

from __future__ import annotations

import hashlib
import io
import zipfile
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

KINDS = (".py", ".pl")
START = "import sys\nfrom flowbatch.node.remote import main\nsys.exit(main())\n"
EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Program:
    """`name` changes with the contents, so that a machine has each version once."""

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
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(sources):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, sources[name])
    packed = buffer.getvalue()
    return Program(f"node-{hashlib.sha256(packed).hexdigest()[:16]}.pyz", packed)


def _sources(found: Path, name: str) -> dict[str, bytes]:
    if found.is_dir():
        below = (_sources(inner, f"{name}/{inner.name}") for inner in found.iterdir() if inner.name != "__pycache__")
        return {path: text for sources in below for path, text in sources.items()}
    return {name: found.read_bytes()} if name.endswith(KINDS) else {}
