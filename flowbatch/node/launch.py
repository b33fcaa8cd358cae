"""Starts one placement: spool, streams, environment, wrapper; the script then waits at its gate."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import os
import socket
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flowbatch.node import files, modules, threads
from flowbatch.node.book import Started
from flowbatch.node.cgroups import Cgroups
from flowbatch.node.login import UNABLE, login_environment
from flowbatch.node.processes import Processes
from flowbatch.node.steps import SHARES
from flowbatch.node.wrappers import wrapper
from flowbatch.paths import APART
from flowbatch.protocol.launch import LaunchMessage
from flowbatch.slurm.environment import JobFacts, batch_environment, words
from flowbatch.text import encode

HELLO_WITHIN_S = 30
GO = b"!"
NO_PROCESS = 75
"""A wrapper's exit code where it cannot have a process for its script."""


log = logging.getLogger(__name__)


class CannotStart(Exception):
    """The script never ran. `code` and `signal` are what Slurm's exit code shows, `why` is for people."""

    def __init__(self, why: str, code: int = 1, signal: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.code = code
        self.signal = signal


class NotNow(CannotStart):
    """It may start later: a process, a descriptor or memory could not be had."""


ROOM_WITHIN_S, LOOK_S = 600.0, 1.0
"""So long a launch waits for room, and so often it tries; then its job fails."""


@dataclass(slots=True)
class Waiting:
    """A script at its gate, and its parent. `open` lets it run, `drop` makes it exit unrun; one of them must be called."""

    wrapper: subprocess.Popen[bytes]
    wrapper_born: str
    script: int
    script_born: str
    gate: socket.socket
    spool: Path
    stderr_path: str
    cgroup: str | None = None

    def open(self) -> None:
        self.gate.sendall(GO)
        self.gate.close()

    def drop(self) -> None:
        self.gate.close()
        self.wrapper.wait()

    def started(self, message: LaunchMessage, at: int) -> Started:
        """What the journal is to have of it, for a gate that is opened at that instant."""
        return Started(
            key=message.key, node=message.node, spool=str(self.spool), stderr=self.stderr_path, at=at,
            wrapper=self.wrapper.pid, wrapper_born=self.wrapper_born, script=self.script, script_born=self.script_born,
            kill_wait_s=message.kill_wait_s, ends_by=_ends_by(message, at), signal=message.signal,
            signal_lead_s=message.signal_lead_s, signal_batch_only=message.signal_batch_only, over_time_s=message.over_time_s,
            cgroup=self.cgroup, leave_reserve_s=message.leave_reserve_s, holds=message.holds,
        )  # fmt: skip


def _ends_by(message: LaunchMessage, at: int) -> int | None:
    """When its time limit falls: said as an instant, as a length from its gate on, or both."""
    length = None if message.run_limit_s is None else at + message.run_limit_s
    return min((instant for instant in (message.ends_by, length) if instant is not None), default=None)


async def when_there_is_room(start: Callable[[], Awaitable[Waiting | None]]) -> Waiting | None:
    """What `start` gives, tried again as long as it raises NotNow. Raises CannotStart."""
    loop = asyncio.get_running_loop()
    until = loop.time() + ROOM_WITHIN_S
    while True:
        try:
            return await start()
        except NotNow as error:
            if loop.time() > until:
                raise
            log.warning("a launch waits for room: %s", error.why)
        await asyncio.sleep(LOOK_S)


def in_own_thread(start: Callable[[], Waiting]) -> asyncio.Future[Waiting]:
    """Runs `start` in a thread that may wait for ever: the daemon's end does not wait for it. Raises NotNow where there is no room for one."""
    try:
        return threads.outcome_of("launch-fifo", start)
    except RuntimeError as error:
        raise NotNow(f"cannot wait for a FIFO: {error}") from None


class Launcher:
    """All that every launch on this machine shares. `start` is made to run in a thread: it may wait for disks."""

    def __init__(self, directory: Path, processes: Processes, cgroups: Cgroups | None) -> None:
        self.spool = directory / "spool"
        self.processes = processes
        self.cgroups = cgroups
        self.host = socket.gethostname()
        self.wrapper = wrapper(directory)

    def start_at_once(self, message: LaunchMessage) -> Waiting | None:
        """As `start`; None, and nothing was done, where that might wait for another process, not for disks alone."""
        return None if files.meets_fifo(message, self.host) else self.start(message)

    def start(self, message: LaunchMessage) -> Waiting:
        """The script waits at its gate, all else about it is ready. Raises CannotStart, or NotNow, and nothing is left of it."""
        if message.uid != os.getuid():
            raise CannotStart(f"this node runs jobs of user {os.getuid()}, not of user {message.uid}")
        try:
            spool = files.spool_of(self.spool, message.key)
            script = files.fill(spool, message)
            streams = files.open_streams(message, self.host)
        except files.NotOpened as error:
            raise CannotStart(str(error), code=0, signal=53) from None
        except OSError as error:
            raise _cannot("spool", error) from None
        try:
            return self._start(message, spool, script, streams)
        except (OSError, ValueError) as error:
            raise _cannot("start a process", error) from None
        finally:
            streams.close()

    def _start(self, message: LaunchMessage, spool: Path, script: Path, streams: files.Streams) -> Waiting:
        directory, complaints = files.work_dir(message.work_dir)
        login = login_environment(message.uid) if message.login_environment else None
        if message.login_environment and login is None:
            complaints.append(UNABLE.encode())
        if complaints:
            os.write(streams.stderr, b"".join(complaints))
        submitted = (word.encode("latin-1") for word in message.environment)
        variables = batch_environment(submitted, JobFacts.of(message.facts), login)
        variables.update(modules.functions(message.modules, message.image, spool, variables))
        environment = words(variables)
        command = [os.fsencode(script), *map(encode, message.arguments)]
        files.write_private(spool / "launch", _launch_file(command, environment))
        files.write_private(spool / SHARES, json.dumps(_components(message)).encode())
        return self._spawn(message, spool, directory, streams)

    def _spawn(self, message: LaunchMessage, spool: Path, directory: bytes, streams: files.Streams) -> Waiting:
        gate, theirs = socket.socketpair()
        parent = None
        try:
            with theirs:
                numbers = [str(number) for number in (theirs.fileno(), *self.processes.system_calls)]
                parent = subprocess.Popen(
                    [*self.wrapper.command, str(spool), *numbers], env={APART: "1"}, cwd=directory, umask=message.umask,
                    start_new_session=True, stdin=streams.stdin, stdout=streams.stdout, stderr=streams.stderr,
                    pass_fds=(theirs.fileno(),),
                )  # fmt: skip
            gate.settimeout(HELLO_WITHIN_S)
            script = int(_line(gate))
            born, script_born = self.processes.born(parent.pid), self.processes.born(script)
            if born is None or script_born is None:
                raise ValueError("the wrapper is gone")
            self.processes.limit(script, message.limits)
            waiting = Waiting(parent, born, script, script_born, gate, spool, streams.stderr_path)
            if self.cgroups is not None and message.memory_mib:
                waiting.cgroup = self.cgroups.confine(str(message.key), script, message.memory_mib)
        except (OSError, ValueError):
            gate.close()
            if parent is not None and parent.wait() == NO_PROCESS:
                raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN)) from None
            raise
        return waiting


def _cannot(what: str, error: OSError | ValueError) -> CannotStart:
    kind = NotNow if isinstance(error, OSError) and error.errno in files.SCARCE else CannotStart
    return kind(f"cannot {what}: {error}")


def _launch_file(command: Sequence[bytes], environment: Sequence[bytes]) -> bytes:
    return b"".join(word + b"\0" for word in (b"%d" % len(command), *command, *environment))


def _components(message: LaunchMessage) -> list[Any]:
    """What each component of a heterogeneous job has, of any other the one that it is; empty if nothing is said."""
    return [one["shares"] for one in message.components] or [message.shares] * bool(message.shares)


def _line(gate: socket.socket) -> bytes:
    """One line from the gate. Raises ValueError if it ends before."""
    text = b""
    while not text.endswith(b"\n"):
        more = gate.recv(32)
        if not more:
            raise ValueError("the wrapper ended before its script was there")
        text += more
    return text
