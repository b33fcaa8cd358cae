"""What the SSH server of an instance starts in it: commands, shells and terminals, as sshd would."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import termios
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flowbatch.sandbox.machines.inside.children import Account, Children, signal_group

ENVIRONMENT = Path("/etc/environment")
SUBSYSTEMS = {"sftp": ["/usr/bin/python3", "-I", "-S", "/usr/lib/machine/sftp.py"]}

Say = Callable[[dict[str, Any], list[int]], None]


class Sessions:
    """Each session is a number of the server's; `say` tells the server what became of it."""

    def __init__(self, children: Children, say: Say) -> None:
        self._children = children
        self._say = say
        self._running: dict[int, int] = {}

    def start(self, number: int, asked: dict[str, Any], files: list[int]) -> None:
        """Started, its terminal handed over; or failed, with the reason. The files are closed here in any case."""
        given: list[int] = []
        try:
            account = Account.named(asked["user"])
            if terminal := asked.get("terminal"):
                mine, files = _terminal(terminal)
                given = [mine]
            pid = self._launch(number, asked, account, files)
        except (KeyError, OSError) as error:
            self._say({"session": number, "failed": str(error)}, [])
        else:
            self._running[number] = pid
            self._say({"session": number, "started": pid}, given)
        finally:
            for fd in {*files, *given}:
                os.close(fd)

    def signal(self, number: int, name: str) -> None:
        pid = self._running.get(number)
        if pid is not None and (value := getattr(signal, f"SIG{name}", None)) is not None:
            signal_group(pid, value)

    def _launch(self, number: int, asked: dict[str, Any], account: Account, files: list[int]) -> int:
        stdin, stdout, stderr = files
        for fd in files:
            os.fchown(fd, account.uid, -1)  # or `> /dev/stderr`, which opens it anew, would not be allowed
        environment = system_environment() | account.environment | asked["environment"]
        if terminal := asked.get("terminal"):
            environment |= {"TERM": terminal["type"], "SSH_TTY": os.ttyname(stdin)}

        def ended(code: int) -> None:
            del self._running[number]
            self._say({"session": number, "ended": code}, [])

        return self._children.start(
            _words(asked, account),
            account,
            environment,
            ended,
            program=None if asked.get("subsystem") else account.shell,
            cwd=account.home,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            terminal=bool(terminal),
        )


def _words(asked: dict[str, Any], account: Account) -> list[str]:
    if subsystem := asked.get("subsystem"):
        return SUBSYSTEMS[subsystem]
    if (command := asked.get("command")) is not None:
        return [os.path.basename(account.shell), "-c", command]
    return [f"-{os.path.basename(account.shell)}"]  # the dash makes it a login shell


def _terminal(asked: dict[str, Any]) -> tuple[int, list[int]]:
    """Our end, and the session's end as its three files."""
    mine, its = os.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", *asked["size"]))
    return mine, [its, its, its]


def system_environment() -> dict[str, str]:
    """/etc/environment, as PAM reads it: NAME=value, quotes off."""
    try:
        lines = ENVIRONMENT.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return {}
    pairs = (line.strip().removeprefix("export ").partition("=") for line in lines if not line.lstrip().startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, equals, value in pairs if equals}
