"""A placement's files: its spool directory, and the three streams of its script."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.slurm import patterns
from flowbatch.text import encode

SCRIPT = "slurm_script"
STATUS = "status"
SCARCE = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
"""What a call says for want of a descriptor, of memory or of a process: later it may be well."""

ELSEWHERE = b"/tmp"
"""Where a job runs whose work directory is not there."""


class NotOpened(Exception):
    """A stream's file cannot be opened: Slurm ends such a job with exit code 0:53."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Open files of a script; `stderr_path` names the one where closing lines go (text by `flowbatch.text`)."""

    stdin: int
    stdout: int
    stderr: int
    stderr_path: str

    def close(self) -> None:
        for stream in {self.stdin, self.stdout, self.stderr}:
            os.close(stream)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a wrapper wrote: the script's wait status and when it ended; `ran` is false if the gate never opened."""

    ran: bool
    wait_status: int
    at: int


def spool_of(root: Path, key: Key) -> Path:
    """The directory of one placement, named as slurmd names a job's."""
    return root / key.store / (f"job{key.job_id:05d}" + (f".{key.restart}" if key.restart else ""))


def fill(spool: Path, message: LaunchMessage) -> Path:
    """The script as it is run, in a fresh directory of its own."""
    try:
        spool.mkdir(mode=0o700)
    except OSError:
        shutil.rmtree(spool, ignore_errors=True)
        for folder in (spool.parent.parent, spool.parent):
            folder.mkdir(
                mode=0o700, exist_ok=True
            )  # the daemon's own umask is 0: `parents=True` would open them to all
        spool.mkdir(mode=0o700)
    script = spool / SCRIPT
    write_private(script, message.script.encode("latin-1"), 0o700)
    return script


def write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with open(fd, "wb") as file:
        file.write(content)


def outcome(spool: str) -> Outcome | None:
    """What the wrapper wrote, or None if it wrote nothing. Raises OSError where that cannot be known now, for want of a descriptor or of memory."""
    try:
        with open(os.path.join(spool, STATUS), encoding="ascii") as file:
            what, status, at = file.read().split()
    except OSError as error:
        if error.errno in SCARCE:
            raise
        return None
    except ValueError:
        return None
    return Outcome(what == "ran", int(status), int(at))


def work_dir(asked: str) -> tuple[bytes, list[bytes]]:
    """Where the script runs, and what slurmstepd says if that is not the directory that was asked for (it says it twice)."""
    path = encode(asked)
    try:
        here = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        os.close(here)
        if os.access(path, os.X_OK):
            return path, []
        reason = os.strerror(errno.EACCES)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
    line = b"slurmstepd: error: couldn't chdir to `%s': %s: going to /tmp instead\n" % (path, reason.encode())
    return ELSEWHERE, [line, line]


def stream_paths(message: LaunchMessage, host: str) -> tuple[str, str, str]:
    """What the script reads, where its output goes, where its errors go (text by `flowbatch.text`)."""
    names = patterns.Names(
        job_id=message.key.job_id, job_name=message.name, user=message.user, host=host, array_id=message.array_id,
        array_index=message.array_index,
    )  # fmt: skip
    source = patterns.input_path(message.stdin, message.work_dir, names)
    output = patterns.output_path(message.stdout, message.work_dir, names)
    error = output if message.stderr is None else patterns.output_path(message.stderr, message.work_dir, names)
    return source, output, error


def meets_fifo(message: LaunchMessage, host: str) -> bool:
    """Whether a stream is a FIFO: opening it waits, maybe for ever, for whoever opens its other end."""
    return any(map(_is_fifo, stream_paths(message, host)))


def _is_fifo(path: str) -> bool:
    try:
        return stat.S_ISFIFO(os.stat(encode(path)).st_mode)
    except (OSError, ValueError):
        return False


def open_streams(message: LaunchMessage, host: str) -> Streams:
    """The script's files, in slurmstepd's order and with its flags: always appending, cut first unless asked not to. Raises
    NotOpened, OSError for what may be well later."""
    source, output, error = stream_paths(message, host)
    write = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOCTTY | (0 if message.append else os.O_TRUNC)
    mode = 0o666 & ~message.umask
    opened: list[int] = []
    try:
        opened.append(os.open(encode(source), os.O_RDONLY | os.O_NOCTTY))
        opened.append(os.open(encode(output), write, mode))
        opened.append(opened[1] if error == output else os.open(encode(error), write, mode))
    except (OSError, ValueError) as failure:
        for stream in opened:
            os.close(stream)
        if isinstance(failure, OSError) and failure.errno in SCARCE:
            raise
        raise NotOpened(str(failure)) from None
    return Streams(opened[0], opened[1], opened[2], error)


def say(stderr_path: str, line: str) -> None:
    """Adds a line to a running script's stderr, if its file is still there."""
    try:
        fd = os.open(encode(stderr_path), os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_NOCTTY)
    except OSError:
        return
    try:
        os.write(fd, encode(line))
    except OSError:
        return
    finally:
        os.close(fd)
