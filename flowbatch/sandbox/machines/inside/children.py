"""Processes of the first process: its own, and every orphan of the instance."""

from __future__ import annotations

import fcntl
import os
import pwd
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Ended = Callable[[int], None]
"""Called once with the exit code as subprocess tells it: negative is a signal."""


@dataclass(frozen=True)
class Account:
    """Who a process runs as."""

    name: str
    uid: int
    gid: int
    home: str
    shell: str

    @classmethod
    def named(cls, name: str) -> Account:
        """Raises KeyError if the instance has no such user."""
        entry = pwd.getpwnam(name)
        return cls(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, entry.pw_shell or "/bin/sh")

    @property
    def groups(self) -> list[int]:
        return os.getgrouplist(self.name, self.gid)

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": self.home, "LOGNAME": self.name, "USER": self.name, "SHELL": self.shell, "PATH": PATH}


class Children:
    """Starts processes and tells how each one ended."""

    def __init__(self, one_uid: bool) -> None:
        self._one_uid = one_uid
        self._ended: dict[int, Ended] = {}

    def start(
        self, words: Sequence[str], account: Account, environment: Mapping[str, str], ended: Ended, *,
        program: str | None = None, cwd: str = "/", stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.DEVNULL, stderr: int = subprocess.DEVNULL, terminal: bool = False,
    ) -> int:  # fmt: skip
        """Its pid; it leads a session of its own. Raises OSError if it cannot be executed."""
        process: subprocess.Popen[bytes] = subprocess.Popen(
            words,
            executable=program,
            env=dict(environment),
            cwd=cwd if os.path.isdir(cwd) else "/",
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
            preexec_fn=_take_terminal if terminal else None,
            user=None if self._one_uid else account.uid,
            group=None if self._one_uid else account.gid,
            extra_groups=None if self._one_uid else account.groups,
        )
        process.returncode = 0  # it is reaped below, with every other child: Popen is to forget it
        self._ended[process.pid] = ended
        return process.pid

    def reap(self) -> None:
        """Every process that has ended is gone, and who waited for it knows."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if ended := self._ended.pop(pid, None):
                ended(os.waitstatus_to_exitcode(status))


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def signal_group(pid: int, number: int) -> None:
    """Every process of the group that this one leads gets the signal; none is no matter."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        return
