"""The first process of an instance: makes its root, then starts, reaps and serves until its sandbox is gone.

The sandbox holds the other end of one socket. While it is open the instance runs; when it closes, whether by the sandbox's
will or because that was killed, this process ends, and with it the kernel ends every other process of the instance.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from flowbatch.sandbox.machines.inside import commands, view
from flowbatch.sandbox.machines.inside.children import Account, Children
from flowbatch.sandbox.machines.inside.manager import Manager
from flowbatch.sandbox.machines.inside.sessions import Sessions
from flowbatch.sandbox.machines.inside.startup import run_startup_script, write_notice, write_system_files

FRAME = 1 << 20
"""Longer than any message: a command is 128 KiB at most, which is the kernel's bound for one word."""


class Init:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """The instance stands and answers. Raises ViewFailed."""
        order = json.loads(self._line.recv(FRAME))
        self._children = Children(order["one_uid"])
        self._sessions = Sessions(self._children, self._say)
        view.enter(
            view.View(order["hostname"], tuple(order["layers"]), tuple(map(tuple, order["volumes"])), order["one_uid"])
        )
        write_system_files(order["files"])
        write_notice(None)  # it was of the life that ended with it
        self._loop.add_signal_handler(signal.SIGCHLD, self._children.reap)
        self._manager = Manager(self._children)
        self._server = await commands.serve(self._manager, self._power_off)
        self._line.setblocking(False)
        self._loop.add_reader(self._line, self._hear)

    def _hear(self) -> None:
        message, files, _, _ = socket.recv_fds(self._line, FRAME, 3)
        if not message:
            self._power_off()
        said = json.loads(message)
        match said:
            case {"boot": first}:
                self._boot(first)
            case {"account": name, "question": number}:
                self._say({"question": number, "account": _account(name)})
            case {"start": asked, "session": number}:
                self._sessions.start(number, asked, files)
            case {"signal": name, "session": number}:
                self._sessions.signal(number, name)
            case {"notice": text, "question": number}:
                write_notice(text)
                self._say({"question": number})
            case _:
                raise TypeError(said)

    def _boot(self, first: bool) -> None:
        if first:
            run_startup_script(self._children)
        else:
            self._manager.boot()

    def _power_off(self) -> None:
        """The kernel ends every other process of the instance with this one."""
        os._exit(0)

    def _say(self, message: dict[str, Any], files: list[int] | None = None) -> None:
        socket.send_fds(self._line, [json.dumps(message).encode()], files or [])


def _account(name: str) -> dict[str, str] | None:
    """What a login needs to know of a user; None if there is no such user."""
    try:
        account = Account.named(name)
    except KeyError:
        return None
    try:
        keys = Path(account.home, ".ssh/authorized_keys").read_text(errors="replace")
    except OSError:
        keys = ""
    return {"keys": keys}


async def live(line: socket.socket) -> None:
    init = Init(line)
    try:
        await init.run()
    except (view.ViewFailed, OSError) as error:
        line.send(json.dumps({"question": 0, "failed": str(error)}).encode())
        return
    line.send(json.dumps({"question": 0}).encode())
    await asyncio.Event().wait()


def main() -> None:
    line = socket.socket(fileno=int(sys.argv[1]))
    line.set_inheritable(False)
    os.umask(0o022)
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):  # whatever the sandbox was started to ignore
        signal.signal(number, signal.SIG_DFL)
    asyncio.run(live(line))


if __name__ == "__main__":
    main()
