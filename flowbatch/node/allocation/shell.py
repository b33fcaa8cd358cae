"""The command of salloc: on the caller's terminal, while the allocation lasts, and a while longer if it is revoked."""

from __future__ import annotations

import contextlib
import os
import pwd
import shlex
import shutil
import signal
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from flowbatch.node.allocation.hold import Hold
from flowbatch.node.allocation.plan import Plan
from flowbatch.node.own_process import say

REVOKING = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
"""A salloc that gets one of these gives its allocation back, and goes on waiting for its command."""
HEEDED = (*REVOKING, signal.SIGHUP)


class _HungUp(Exception):
    """SIGHUP: nobody is there any more."""


class Shell:
    """One command, or the user's shell."""

    def __init__(self, plan: Plan, hold: Hold, directory: Path, environ: Mapping[str, str]) -> None:
        self._plan = plan
        self._directory = directory
        self._hold = hold
        self._environ = environ
        self._terminal = os.isatty(0)
        self._pid = 0
        self._revoked = False

    def run(self, words: Sequence[str]) -> int:
        """salloc's exit code: the command's, which ends the allocation."""
        if self._plan.chdir is not None:
            os.chdir(self._plan.chdir)
        if self._plan.bell:
            os.write(1, b"\a")
        command = list(words) or self._default()
        path = shutil.which(command[0], path=self._environ.get("PATH", os.defpath))
        if path is None:
            self._say(f'salloc: error: _fork_command: Unable to find command "{command[0]}"', always=True)
            self._give_back(1, 0)
            return 1
        with _kept_terminal(self._terminal):
            status = self._live(path, command)
        if status is None:
            self._give_back(0, 0)
            return 1
        if os.WIFEXITED(status):
            self._give_back(os.WEXITSTATUS(status), 0)
            return os.WEXITSTATUS(status)
        ended_by_us = self._revoked
        self._give_back(0, os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0)
        return int(ended_by_us)

    def _default(self) -> list[str]:
        """The user's shell, or srun with the site's options: `$SHELL` is the one thing that they name."""
        shell = pwd.getpwuid(os.getuid()).pw_shell or "/bin/sh"
        if self._plan.step is None:
            return [shell]
        options = [word.replace("$SHELL", self._environ.get("SHELL", shell)) for word in shlex.split(self._plan.step)]
        return [sys.executable, "-I", "-m", "flowbatch.node.srun", str(self._directory), *options]

    def _live(self, path: str, command: Sequence[str]) -> int | None:
        """The wait status of the command; None if we are to end before it."""
        for number in REVOKING:
            signal.signal(number, self._revoke)
        signal.signal(signal.SIGHUP, _hang_up)
        signal.pthread_sigmask(
            signal.SIG_UNBLOCK, HEEDED
        )  # the thin client held them back until somebody could heed them
        if self._terminal:
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        try:
            self._pid = self._forked(path, command)
            self._hold.listen(self._heard)
            return os.waitpid(self._pid, os.WUNTRACED)[1]
        except _HungUp:
            return None
        finally:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def _forked(self, path: str, command: Sequence[str]) -> int:
        """The command's process. A signal that comes before it is its program waits, and is then its own: our handlers are not to take it."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)
        try:
            return self._started(path, command)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)

    def _started(self, path: str, command: Sequence[str]) -> int:
        pid = os.fork()
        if self._terminal:  # whoever is first makes it the terminal's
            with contextlib.suppress(OSError):
                os.setpgid(pid, pid)
                os.tcsetpgrp(0, pid or os.getpid())
        if pid:
            return pid
        try:
            for number in (*HEEDED, signal.SIGTTOU, signal.SIGPIPE):
                signal.signal(number, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
            os.execve(path, list(command), dict(self._environ))
        except OSError as error:
            os.write(2, os.fsencode(f"salloc: error: execve: {error.strerror}\n"))
        finally:
            os._exit(1)

    def _revoke(self, number: int, _: object) -> None:
        """A signal for salloc itself: the allocation ends, and the command is waited for."""
        if not self._revoked:
            self._tell_revoked()
            self._hold.cancel()

    def _heard(self, why: str) -> None:
        """The node's word that the allocation ends."""
        if not self._revoked:
            if why == "timeout":
                self._revoked = True
                self._say(
                    f"salloc: Job {self._plan.job_id} has exceeded its time limit and its allocation has been revoked."
                )
            else:
                self._tell_revoked()
            self._end_command()

    def _tell_revoked(self) -> None:
        self._revoked = True
        self._say(f"salloc: Job allocation {self._plan.job_id} has been revoked.")

    def _end_command(self) -> None:
        """With --kill-command the command gets its signal; on a terminal, whatever runs in front gets SIGHUP anyway."""
        with contextlib.suppress(OSError):
            if self._terminal:
                os.killpg(os.tcgetpgrp(0), self._plan.kill or signal.SIGHUP)
            elif self._plan.kill is not None:
                os.kill(self._pid, self._plan.kill)

    def _give_back(self, code: int, number: int) -> None:
        if not self._revoked:
            self._say(f"salloc: Relinquishing job allocation {self._plan.job_id}")
            self._revoked = True  # what the node says from here on is our own doing
            self._hold.release(code, number)

    def _say(self, words: str, *, always: bool = False) -> None:
        if always or not self._plan.quiet:
            say(words)


def _hang_up(number: int, _: object) -> None:
    raise _HungUp


@contextlib.contextmanager
def _kept_terminal(there: bool) -> Iterator[None]:
    """The terminal is as it was before, and ours again, whatever was done to it."""
    if not there:
        yield
        return
    mode = termios.tcgetattr(0)
    yield
    with contextlib.suppress(OSError, termios.error):
        os.tcsetpgrp(0, os.getpgrp())
        termios.tcsetattr(0, termios.TCSADRAIN, mode)
