"""What this machine's own compiler makes: the C client for one command, a tenth of the Python client's cost per call, and the
wrapper of jobs, a third of Perl's."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from flowbatch.node.wrappers import compiled_in
from flowbatch.node.wrappers import source as wrapper_source

COMPILERS = ("cc", "gcc", "clang")
WITHIN_S = 60


def compiler() -> str | None:
    """The C compiler on PATH, or None."""
    return next((found for name in COMPILERS if (found := shutil.which(name))), None)


def compiled(cc: str, command: str, state: str, start: Sequence[str], mark: str, target: Path) -> bool:
    """Whether `target` is now a client of its own for `command`; where the compiler fails there is no such file."""
    baked = (
        f"#define COMMAND {_literal(command)}\n#define STATE_DIR {_literal(state)}\n"
        f"#define START {', '.join(map(_literal, start))}\n#define MARK {_literal(mark)}\n"
    )
    source = baked.encode() + files("flowbatch.shims").joinpath("client.c").read_bytes()
    return _made(cc, source, target)


def compiled_wrapper(cc: str, node: Path) -> bool:
    """Whether the next daemon of the node in this directory has the compiled wrapper for its jobs (`node/wrappers.py`)."""
    target = compiled_in(node)
    new = target.with_name(f".{target.name}.{os.getpid()}")
    text = wrapper_source("wrapper.c")
    try:
        for folder in (node.parent, node):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        made = _made(cc, text, new, "-static") or _made(
            cc, text, new
        )  # static is quicker to start; not every libc has it
        if made:
            new.replace(target)
    except OSError:  # no room, or none of ours: jobs have a slower wrapper
        return False
    return made


def _made(cc: str, source: bytes, target: Path, *words: str) -> bool:
    """Whether the compiler made a program of it; where it fails there is no such file."""
    argv = [cc, "-std=c11", "-O2", "-s", *words, "-x", "c", "-", "-o", str(target)]
    try:
        done = subprocess.run(argv, input=source, capture_output=True, check=False, timeout=WITHIN_S)
    except (OSError, subprocess.TimeoutExpired):
        done = None
    if done is not None and done.returncode == 0 and target.is_file():
        return True
    target.unlink(missing_ok=True)
    return False


def _literal(word: str) -> str:
    """A C string of the word's bytes; octal throughout, so that nothing in it means anything to the compiler."""
    return '"' + "".join(f"\\{byte:03o}" for byte in os.fsencode(word)) + '"'
