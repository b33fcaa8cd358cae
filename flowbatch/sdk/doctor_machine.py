"""What `flow doctor` looks at without asking a controller: the state directory, its disk, the clock, and the daemons' processes."""

from __future__ import annotations

import os
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flowbatch.controller import being, lifecycle
from flowbatch.node.daemon import LOG
from flowbatch.paths import Paths
from flowbatch.protocol.sockets import NODE, connected
from flowbatch.sdk import kept

Level = Literal["ok", "note", "problem"]

MIB = 1 << 20
LOW_DISK_MIB = 200
LOW_FILES = 1000
"""Files that a disk still has names for."""

LOW_DESCRIPTORS = 256
CLOCK_S = 60
"""A clock that is so far behind the store's last write went back."""

CURED_BY_ITSELF = "the next command starts another one"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. A note changes what one may expect, a problem stops something; `todo` says what helps."""

    subject: str
    level: Level
    says: str
    todo: str | None = None


def state(paths: Paths, now: float) -> Iterator[Finding]:
    """The state directory: whether a queue can be kept there, and whether the last one to do so left well."""
    directory = paths.state
    if not directory.exists():
        yield Finding("state", "ok", f"{directory} does not exist yet")
        return
    try:
        with tempfile.TemporaryFile(dir=directory) as file:
            file.write(bytes(4096))
            file.flush()
    except OSError as error:
        yield Finding("state", "problem", f"{directory} cannot be written: {error.strerror}", _cure(directory))
        return
    yield _room(paths)
    try:
        if not lifecycle.locks_hold(paths.lock):
            yield Finding("state", "problem", being.UNLOCKED.format(state=directory), being.ON_A_LOCAL_DISK)
    except OSError as error:
        yield Finding("state", "problem", f"{paths.lock} cannot be tried: {error.strerror}", _cure(directory))
    yield from _clock(paths, now)
    if paths.socket.exists() and lifecycle.status(paths).pid is None:
        yield Finding(
            "controller", "note", f"{paths.socket} was left by one that died: {CURED_BY_ITSELF}, and jobs went on"
        )


def _cure(directory: Path) -> str:
    disk = os.statvfs(directory)
    if not disk.f_bavail or (disk.f_files and not disk.f_favail):
        return "make room on that disk: until then new jobs are refused; what runs goes on"
    return "make it writable, or set FLOW_STATE_DIR to a directory of your own"


def _room(paths: Paths) -> Finding:
    disk = os.statvfs(paths.state)
    free = disk.f_bavail * disk.f_frsize // MIB
    if free < LOW_DISK_MIB:
        return Finding("state", "problem", f"{paths.state}: {free} MiB free", "make room: a full disk refuses new jobs")
    if disk.f_files and disk.f_favail < LOW_FILES:
        return Finding(
            "state", "problem", f"{paths.state}: room for {disk.f_favail} more files", "remove files on that disk: a full disk refuses new jobs"
        )  # fmt: skip
    store = _stat(paths.store)
    size = f", store {store.st_size // 1024} KiB" if store else ""
    return Finding("state", "ok", f"{paths.state}: {free} MiB free{size}")


def _clock(paths: Paths, now: float) -> Iterator[Finding]:
    files = (paths.store, paths.store.with_name(f"{paths.store.name}-wal"))
    ahead = max((found.st_mtime for file in files if (found := _stat(file))), default=now) - now
    if ahead > CLOCK_S:
        yield Finding(
            "clock", "problem", f"it is {ahead:.0f} s behind the last write of the store: begins, limits and leases wait so much longer",
            "set the clock (timedatectl set-ntp true)",
        )  # fmt: skip


def _stat(file: Path) -> os.stat_result | None:
    """None where it is not, or not any more: a controller that ends takes files with it."""
    try:
        return file.stat()
    except OSError:
        return None


def keys(config: Path) -> Iterator[Finding]:
    """Whether somebody else can read the key of an account."""
    for file in kept.files(config):
        found = _stat(file)
        if found is not None and found.st_mode & 0o077:
            yield Finding(
                "key",
                "problem",
                f"{file} holds a key, and can be read by others",
                f"chmod 600 {file}, and a new key: flow setup",
            )


def descriptors(controller: int | None) -> Iterator[Finding]:
    """How many files the controller may open, or one that is started from here: each caller and each job's output is one."""
    own = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    try:
        soft = own if controller is None else resource.prlimit(controller, resource.RLIMIT_NOFILE)[0]
    except OSError:
        return
    if soft != resource.RLIM_INFINITY and soft < LOW_DESCRIPTORS:
        again = "" if controller is None else ", then `flow controller stop`: the next command starts one with it"
        yield Finding(
            "descriptors", "problem", f"{soft} open files are few: callers and jobs beyond them are kept waiting", f"ulimit -n 1024{again}"
        )  # fmt: skip


def node(paths: Paths, running: int) -> Iterator[Finding]:
    """The daemon that looks after what runs here; a controller that was asked has started it where jobs run."""
    try:
        connected(paths.node, NODE).close()
    except OSError as error:
        if running:
            yield Finding(
                "node", "problem", f"{running} jobs run and no node daemon answers ({error.strerror}): their ends are not heard of",
                f"they go on; {paths.node / LOG} and {paths.log} say why none starts",
            )  # fmt: skip
        return
    yield Finding("node", "ok", f"the node daemon answers, {running} job{'' if running == 1 else 's'} here")
