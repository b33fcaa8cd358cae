"""Slurm's commands inside a rented machine: each caller's conversation is carried to the controller, which answers it.

The clients of the job connect to the same socket name as everywhere, beside the node's own. What needs no controller is
answered here: srun becomes the program that runs steps, and while no controller listens `scontrol show hostnames` still
works and every other command says what Slurm's says without its controller.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

from flowbatch import text
from flowbatch.protocol.accepting import served
from flowbatch.protocol.frames import HEADER, BadFrame, CallFrame, Kind, frame, header, unpack_call
from flowbatch.protocol.relay import Stream, joined
from flowbatch.slurm import hostlist

SOCKET = "controller.sock"
"""As clients know it: `paths.SOCKET`."""

CALL_WITHIN_S = 30
ANSWER_WITHIN_S = 60

NO_CONTROLLER = "Unable to contact slurm controller (connect failure)"
FAILURES = {
    "sbatch": "sbatch: error: Batch job submission failed: ",
    "squeue": "slurm_load_jobs error: ",
    "scancel": "slurm_load_jobs error: ",
    "sinfo": "slurm_load_partitions: ",
}
"""What a command says before `NO_CONTROLLER`, where it is not `COMMAND: error: `."""

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Waiting:
    """A caller who waits for the controller's end, and whether their conversation is over."""

    stream: asyncio.Future[Stream] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Callers:
    """`announce` tells the controller that a caller of that number waits; false if none listens. `steps`: the program that is
    srun here, with its first words."""

    def __init__(self, announce: Callable[[int], bool], steps: Sequence[str]) -> None:
        self._announce = announce
        self._steps = steps
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}

    async def serve(self, listening: socket.socket) -> asyncio.Server:
        return await served(self._called, listening)

    async def carry(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """This stream is the controller's end of that caller's conversation, until either hangs up."""
        waiting = self._waiting.get(number)
        if waiting is not None and not waiting.stream.done():
            waiting.stream.set_result((reader, writer))
            await waiting.over.wait()

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            kind, raw = await asyncio.wait_for(_frame(reader), CALL_WITHIN_S)
            if kind is not Kind.CALL:
                raise BadFrame(f"a conversation opened with {kind.name}")
            call = unpack_call(raw[HEADER.size :])
            if call.command == b"srun":
                words = (*map(text.encode, self._steps), *call.argv)
                writer.write(frame(Kind.EXEC, b"".join(word + b"\0" for word in words)))
                await writer.drain()
                await reader.read(1)  # the caller hangs up as it becomes srun
            elif not await self._relay(raw, (reader, writer)):
                _alone(writer, call)
        except (BadFrame, OSError, asyncio.IncompleteReadError, asyncio.TimeoutError) as error:
            log.info("a caller was dropped: %r", error)
        finally:
            writer.close()

    async def _relay(self, call: bytes, caller: Stream) -> bool:
        """The conversation with the controller, to its end; false if no controller takes it."""
        number = next(self._numbers)
        waiting = self._waiting[number] = _Waiting()
        try:
            if not self._announce(number):
                return False
            stream = await asyncio.wait_for(waiting.stream, ANSWER_WITHIN_S)
            stream[1].write(call)
            await joined(caller, stream)
        except asyncio.TimeoutError:
            return False
        finally:
            waiting.over.set()
            del self._waiting[number]
        return True


async def _frame(reader: asyncio.StreamReader) -> tuple[Kind, bytes]:
    """A whole frame, as it came. Raises BadFrame, IncompleteReadError."""
    head = await reader.readexactly(HEADER.size)
    kind, length = header(head)
    return kind, head + await reader.readexactly(length)


def _alone(writer: asyncio.StreamWriter, call: CallFrame) -> None:
    """What can be said without a controller."""
    words = [text.decode(word) for word in call.argv]
    if call.command == b"scontrol" and [word.lower()[:5] for word in words[:2]] == ["show", "hostn"]:
        names = hostlist.expand(words[2] if words[2:] else _own_nodes(call))
        writer.write(frame(Kind.OUT, "".join(f"{name}\n" for name in names).encode()) + _exit(0))
        return
    command = text.decode(call.command)
    said = FAILURES.get(command, f"{command}: error: ") + NO_CONTROLLER
    writer.write(frame(Kind.ERR, f"{said}\n".encode()) + _exit(1))


def _own_nodes(call: CallFrame) -> str:
    prefix = b"SLURM_JOB_NODELIST="
    return next((os.fsdecode(word[len(prefix) :]) for word in call.environ if word.startswith(prefix)), "")


def _exit(code: int) -> bytes:
    return frame(Kind.EXIT, code.to_bytes(4, "big", signed=True))
