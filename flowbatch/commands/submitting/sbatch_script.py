"""Finding and reading the script as the caller sees it, by sbatch's rules."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from dataclasses import dataclass, field

from flowbatch.commands.call import Call, CallerFile
from flowbatch.directives import sbatch
from flowbatch.directives.sbatch import CommandLine
from flowbatch.directives.script import STDIN

_NOT_THERE = (errno.ENOENT, errno.ENOTDIR)


class CannotOpen(Exception):
    """sbatch's word for a script that cannot be read."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


@dataclass(frozen=True, slots=True)
class Found:
    """A script: its bytes, the path that is shown for it (None for --wrap and standard input), what messages call it."""

    raw: bytes = field(repr=False)
    command: str | None
    name: str


class TooLarge(Exception):
    """The script is longer than max_script_size: it was read no further."""


async def find(call: Call, line: CommandLine, work_dir: str | None, most: int) -> Found:
    """The script that the command line names, of `most` bytes at most. `work_dir` is --chdir of the command line. Raises
    CannotOpen, TooLarge."""
    found = await _find(call, line, work_dir, most)
    if len(found.raw) > most:
        raise TooLarge
    return found


async def _find(call: Call, line: CommandLine, work_dir: str | None, most: int) -> Found:
    if line.wrap is not None:
        return Found(sbatch.wrapped(line.wrap).encode(), None, "wrap")
    if line.script is None:
        return Found(await _read(call, "-", most) or b"", None, STDIN)
    for path in _candidates(call, line.script, work_dir):
        raw = await _read(call, path, most)
        if raw is not None:
            return Found(raw, path, path.rpartition("/")[2])
    raw = await _read(
        call, "./-" if line.script == "-" else line.script, most
    )  # a file of that name: sbatch knows no dash
    if raw is None:
        raise CannotOpen(line.script)
    return Found(raw, line.script, line.script.rpartition("/")[2])


def _candidates(call: Call, script: str, work_dir: str | None) -> Iterator[str]:
    """Where sbatch looks for a name that begins with neither / nor a dot: the working directory, then PATH."""
    if not script or script[0] in "/.":
        return
    yield f"{work_dir or call.cwd}/{script}"
    for directory in call.environ.get("PATH", "").split(":"):
        if directory:
            base = directory if directory.startswith("/") else f"{call.cwd}/{directory}"
            yield f"{base}/{script}"


async def _read(call: Call, path: str, most: int) -> bytes | None:
    """The file, nothing for a directory, None if it is not there. Raises CannotOpen if it is there and closed to us."""
    try:
        return await call.read(path, most)
    except CallerFile as error:
        if error.errno == errno.EISDIR:
            return b""
        if error.errno in _NOT_THERE:
            return None
        raise CannotOpen(path) from None
