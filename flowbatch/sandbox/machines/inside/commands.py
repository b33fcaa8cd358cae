"""The first process as its commands know it: words in, text and an exit code out, over a socket of its own."""

from __future__ import annotations

import asyncio
import getopt
import json
import os
import socket
import struct
from collections.abc import Callable

from flowbatch.sandbox.machines.inside.manager import Manager
from flowbatch.sandbox.machines.inside.service import JOURNAL, journal
from flowbatch.sandbox.machines.inside.systemctl import Answer, systemctl
from flowbatch.sandbox.machines.inside.systemd_run import systemd_run
from flowbatch.sandbox.machines.inside.unitfile import full_name

SOCKET = "/run/machine/commands"
LONGEST = 1 << 22
CREDENTIALS = struct.Struct("3i")


async def serve(manager: Manager, power_off: Callable[[], None]) -> asyncio.AbstractServer:
    """Anybody in the instance may ask; what changes something is for root."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = json.loads(await reader.readline())
            given = await _answer(manager, said, _uid(writer) == 0, power_off)
            writer.write(json.dumps({"out": given.out, "err": given.err, "code": given.code}).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            return
        finally:
            writer.close()
        if given.then is not None:
            given.then()

    server = await asyncio.start_unix_server(answer, SOCKET, limit=LONGEST)
    os.chmod(SOCKET, 0o666)
    return server


async def _answer(manager: Manager, said: dict[str, object], root: bool, power_off: Callable[[], None]) -> Answer:
    words = [str(word) for word in said["words"]] if isinstance(said["words"], list) else []
    match said["program"]:
        case "systemctl":
            return await systemctl(manager, words, root, power_off)
        case "systemd-run":
            return await systemd_run(manager, words, root, str(said["directory"]))
        case "journalctl":
            return journalctl(words)
        case other:
            return Answer(err=f"{other} is not known in an instance of the sandbox\n", code=1)


def journalctl(words: list[str]) -> Answer:
    """What units have said: of one unit, or of all, the last lines or everything."""
    try:
        options, _ = getopt.gnu_getopt(words, "u:n:exbq", ["unit=", "lines=", "no-pager", "output=", "boot", "quiet"])
    except getopt.GetoptError as error:
        return Answer(err=f"journalctl: {error}: not known in an instance of the sandbox\n", code=1)
    names = [full_name(value) for option, value in options if option in {"-u", "--unit"}]
    files = [journal(name) for name in names] or sorted(JOURNAL.glob("*.log"))
    lines = [line for file in files if file.exists() for line in file.read_text(errors="replace").splitlines()]
    for option, value in options:
        if option in {"-n", "--lines"} and value != "all":
            if not value.isdecimal():
                return Answer(err=f"Failed to parse lines '{value}'\n", code=1)
            lines = lines[-int(value) :] if int(value) else []
    return Answer(out="".join(f"{line}\n" for line in lines) or "-- No entries --\n")


def _uid(writer: asyncio.StreamWriter) -> int:
    peer: socket.socket = writer.get_extra_info("socket")
    _, uid, _ = CREDENTIALS.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))
    return int(uid)
