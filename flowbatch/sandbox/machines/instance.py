"""One running instance, seen from the sandbox: its first process and the socket to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from flowbatch.errors import MachineFailed
from flowbatch.sandbox.machines.inside.init import FRAME

PYTHON = "/usr/bin/python3"
"""The view has the host's /usr alone: other interpreters are not to be seen in it."""

SOURCES = Path(__file__).parents[3]
START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from flowbatch.sandbox.machines.inside.init import main; main()"
)
NAMESPACES = ("--mount", "--pid", "--fork", "--uts", "--ipc", "--kill-child")
NAMESPACES_OF_A_USER = ("--user", "--map-root-user")
READY, READY_S = 0, 30.0
ANSWER_S = 30.0
"""Its first process answers by then, or not at all: what people do in there may hold it up."""

KILLED = -9
ALLOW = "run the sandbox as root, or where users may have namespaces: kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0"
BUFFER = 200_000
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}

END_S = 5.0

Answer = asyncio.Future[dict[str, Any]]
Session = Callable[[dict[str, Any], list[int]], None]
"""Called with what became of a session (`started`, `failed`, `ended`), and the files that came with it."""


class Instance:
    """`gone` is set when no process of it lives any more."""

    def __init__(self, process: asyncio.subprocess.Process, line: socket.socket) -> None:
        self.gone = asyncio.Event()
        self._process = process
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._numbers = 0
        self._answers: dict[int, Answer] = {READY: self._loop.create_future()}
        self._sessions: dict[int, Session] = {}
        self._complaint = ""
        self._watching = asyncio.create_task(self._watch())
        self._loop.add_reader(line, self._hear)

    @classmethod
    async def start(cls, disk: Path, order: dict[str, Any]) -> Instance:
        """It stands, and has started nothing yet. Raises MachineFailed."""
        mine, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its:
            mine.setblocking(False)
            for end in (mine, its):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
            try:
                process = await asyncio.create_subprocess_exec(
                    "unshare", *(NAMESPACES_OF_A_USER if order["one_uid"] else ()), *NAMESPACES,
                    PYTHON, "-I", "-S", "-X", "utf8", "-c", START, str(SOURCES), str(its.fileno()),
                    cwd=disk, env=ENVIRONMENT, pass_fds=[its.fileno()], start_new_session=True,
                    stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
                )  # fmt: skip
            except OSError as error:
                mine.close()
                raise MachineFailed(f"unshare: {error.strerror}", hint="install util-linux") from error
        instance = cls(process, mine)
        instance._send(order)
        try:
            answer = await asyncio.wait_for(instance._answers[READY], READY_S)
        except asyncio.TimeoutError:
            answer = {"failed": "its first process does not answer"}
        except asyncio.CancelledError:
            await instance.halt()
            raise
        if why := answer.get("failed"):
            await instance.halt()
            raise MachineFailed(f"this machine allows no instance: {instance._complaint or why}", hint=ALLOW)
        return instance

    def boot(self, *, first: bool) -> None:
        """The start-up script runs, or the units that it enabled."""
        self._send({"boot": first})

    async def keys_of(self, user: str) -> str | None:
        """The authorized_keys of a user; None if there is no such user, or no instance any more."""
        account = (await self._ask({"account": user})).get("account")
        return None if account is None else str(account["keys"])

    async def notice(self, text: str | None) -> None:
        """The notice says so when this returns."""
        await self._ask({"notice": text})

    def open_session(self, asked: dict[str, Any], files: Sequence[int], tell: Session) -> int:
        """The number of a session that is being started with these files, which stay the caller's to close."""
        self._numbers += 1
        self._sessions[self._numbers] = tell
        if not self._send({"start": asked, "session": self._numbers}, files):
            del self._sessions[self._numbers]
            self._loop.call_soon(tell, {"failed": "the instance does not listen"}, [])
        return self._numbers

    def signal_session(self, number: int, name: str) -> None:
        self._send({"signal": name, "session": number})

    async def halt(self) -> None:
        """None of its processes lives. The kernel ends them all with the first one, which ends when nobody listens to it."""
        self._hang_up()
        try:
            await asyncio.wait_for(self.gone.wait(), END_S)
        except asyncio.TimeoutError:
            self._process.kill()  # and with it its child (--kill-child)
            await self.gone.wait()
        await self._watching

    @property
    def pid(self) -> int | None:
        """The first process as the host numbers it."""
        with contextlib.suppress(OSError):
            if children := Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split():
                return int(children[0])
        return None

    async def _watch(self) -> None:
        _, complaint = await self._process.communicate()
        self._complaint = complaint.decode(errors="replace").strip()
        self._hang_up()
        self.gone.set()

    async def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """What it answers; nothing if it is gone, or does not in time."""
        self._numbers += 1
        number, answer = self._numbers, self._loop.create_future()
        self._answers[number] = answer
        try:
            if not self._send({**message, "question": number}):
                return {}
            return await asyncio.wait_for(answer, ANSWER_S)
        except asyncio.TimeoutError:
            return {}
        finally:
            self._answers.pop(number, None)

    def _send(self, message: dict[str, Any], files: Sequence[int] = ()) -> bool:
        """Whether it is on its way: not to one that is gone, or that has left too much unread."""
        try:
            socket.send_fds(self._line, [json.dumps(message).encode()], list(files))
        except OSError:
            return False
        return True

    def _hear(self) -> None:
        try:
            message, files, _, _ = socket.recv_fds(self._line, FRAME, 1)
        except BlockingIOError:
            return
        except OSError:
            message, files = b"", []
        if not message:
            self._hang_up()
            return
        said = json.loads(message)
        if (session := said.get("session")) is not None:
            tell = self._sessions[session]
            if "started" not in said:
                del self._sessions[session]
            tell(said, files)
        elif (answer := self._answers.get(said["question"])) is not None and not answer.done():
            answer.set_result(said)

    def _hang_up(self) -> None:
        """Nobody waits for an answer any more."""
        if self._line.fileno() < 0:
            return
        self._loop.remove_reader(self._line)
        self._line.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result({"failed": "its first process ended"})
        self._answers.clear()
        for tell in list(self._sessions.values()):
            tell({"ended": KILLED}, [])
        self._sessions.clear()
