"""Puts the thin clients on disk under Slurm's names, and says which ones win on PATH.

Callers delete `HOME`, `XDG_*`, `SLURM_*` and sometimes most of the environment, so everything that a shim must know is
written into it: the interpreter, where `client.py` lies, the state directory and how to start a controller.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from flowbatch.errors import ForeignFile
from flowbatch.node.commands import COMMANDS
from flowbatch.node.wrappers import compiled_in, source
from flowbatch.paths import NODE, Paths
from flowbatch.sdk.compiling import compiled, compiled_wrapper

CLIENTS = ("client.py", "client.c")
MARK = "flowbatch shim"
"""Stands in every file of ours, with a digest of what was written into it: only such a file is replaced or removed."""

LARGEST_SHIM = 1 << 20
"""Bytes; no file of ours is as large."""

LONGEST_SHEBANG = 127
"""What older Linux kernels read of a `#!` line; blanks in it never work."""

PROGRAM = """\
# {mark}, talks to the flowbatch controller of {state!r}
import sys
sys.path.insert(0, {clients!r})
from client import main
main({command!r}, {raw_state!r}, {start!r})
"""
"""The client wants bytes, as the operating system has them."""


@dataclass(frozen=True)
class Baked:
    """What a shim knows without asking: absolute paths, and the words that start a controller."""

    python: str
    clients: str
    state: str
    start: tuple[str, ...]

    @classmethod
    def of(cls, paths: Paths) -> Baked:
        """This interpreter, this installation and these directories."""
        configured = ("/usr/bin/env", f"FLOW_CONFIG_DIR={paths.config}")
        start = (*configured, sys.executable, "-I", "-m", "flowbatch.controller", "start")
        return cls(sys.executable, str(files("flowbatch.shims")), str(paths.state), start)

    def mark(self) -> str:
        """MARK and a digest of all this, of the clients themselves and of what else is compiled with them."""
        words = [*map(os.fsencode, (self.python, self.clients, self.state, *self.start))]
        sources = [path.read_bytes() for name in CLIENTS if (path := Path(self.clients) / name).is_file()]
        sources.append(source("wrapper.c"))
        return f"{MARK} {hashlib.sha256(bytes(1).join(words + sources)).hexdigest()[:16]}"


def script(command: str, baked: Baked) -> str:
    """The whole text of one shim; its name on disk does not matter to it."""
    text = PROGRAM.format(
        mark=baked.mark(), command=os.fsencode(command), state=baked.state, clients=baked.clients,
        raw_state=os.fsencode(baked.state), start=[os.fsencode(word) for word in baked.start],
    )  # fmt: skip
    shebang = f"#!{baked.python} -IS"
    if len(shebang) <= LONGEST_SHEBANG and not any(blank in baked.python for blank in " \t\n"):
        return f"{shebang}\n{text}"
    # To sh the third line is `exec python ...`, and it never comes back; to Python it is a string.
    return f"#!/bin/sh\n# {MARK}\n'''exec' {shlex.quote(baked.python)} -I -S \"$0\" \"$@\"\n' '''\n{text}"


def install(folder: Path, baked: Baked, *, force: bool = False, cc: str | None = None) -> list[Path]:
    """Every command of `COMMANDS` stands in `folder`, executable: compiled by `cc` where that works, else for Python. With
    `cc` the jobs' wrapper is compiled too.

    Raises ForeignFile, before anything is written, if a name is taken by a file that is not ours; with `force` that
    file is replaced.
    """
    targets = {command: folder / command for command in COMMANDS}
    foreign = [target for target in targets.values() if os.path.lexists(target) and not is_shim(target)]
    if foreign and not force:
        raise ForeignFile(
            f"{foreign[0]} is not a shim of flowbatch, perhaps a real Slurm's: nothing was written",
            hint="choose another folder with --to, or replace it with --force",
        )
    folder.mkdir(parents=True, exist_ok=True)
    for command, target in targets.items():
        new = target.with_name(f".{command}.{os.getpid()}")
        if cc is None or not compiled(cc, command, baked.state, baked.start, baked.mark(), new):
            new.write_text(script(command, baked), encoding="utf-8", errors="surrogateescape")
        new.chmod(0o755)
        new.replace(target)
    if cc is not None:
        compiled_wrapper(cc, Path(baked.state) / NODE)
    return list(targets.values())


def uninstall(folder: Path) -> list[Path]:
    """No shim of ours is left in `folder`; other files stay. The files that were removed."""
    removed = [folder / command for command in COMMANDS if is_shim(folder / command)]
    for path in removed:
        path.unlink()
    if removed and not any(folder.iterdir()):
        folder.rmdir()
    return removed


def is_shim(path: Path) -> bool:
    """Whether this is a file of ours; a link, an unreadable file and a missing one are not."""
    return _holds(path, MARK)


def is_current(folder: Path, baked: Baked) -> bool:
    """Whether `install` would write the same again. With clients that were compiled comes a wrapper."""
    mark = baked.mark()
    if not all(_holds(folder / command, mark) for command in COMMANDS):
        return False
    return _is_text(folder / COMMANDS[0]) or os.access(compiled_in(Path(baked.state) / NODE), os.X_OK)


def _holds(path: Path, mark: str) -> bool:
    try:
        if not stat.S_ISREG(os.lstat(path).st_mode):
            return False
        with open(path, "rb") as file:
            return mark.encode() in file.read(LARGEST_SHIM)
    except OSError:
        return False


def _is_text(path: Path) -> bool:
    """Whether it is a script. Raises OSError."""
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


@dataclass(frozen=True)
class Standing:
    """Who answers to one name: the executables of that name on PATH, the winner first."""

    command: str
    found: tuple[Path, ...]

    @property
    def winner(self) -> Path | None:
        return self.found[0] if self.found else None

    @property
    def ours(self) -> bool:
        return self.winner is not None and is_shim(self.winner.resolve())


def standing(environ: Mapping[str, str]) -> list[Standing]:
    """Who wins on the caller's PATH, for each command."""
    folders = dict.fromkeys(Path(folder) for folder in environ.get("PATH", os.defpath).split(os.pathsep) if folder)
    return [Standing(command, tuple(f / command for f in folders if _runs(f / command))) for command in COMMANDS]


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def path_line(folder: Path) -> str:
    """The line that puts `folder` first on PATH, for any POSIX shell to evaluate."""
    return f'export PATH={shlex.quote(str(folder))}:"$PATH"'
