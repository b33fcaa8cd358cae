"""The node's door: one Unix socket, one JSON object a line (`protocol/launch.py`)."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Callable, Sequence
from typing import Any

from flowbatch import __version__
from flowbatch.node.allocation import holders
from flowbatch.node.callers import Callers
from flowbatch.node.node import Node
from flowbatch.node.steps import STEP_WORDS
from flowbatch.protocol import sockets
from flowbatch.protocol.accepting import served
from flowbatch.protocol.launch import BadLine, Report, StepReport, key_of, launch_of, line, parse

SOCKET = sockets.NODE

LONGEST_LINE = 256 * 1024 * 1024
"""Bytes of one message: a script and its environment."""

log = logging.getLogger(__name__)


class Server:
    """Serves any number of connections; reports go to the one that said `resume` last."""

    def __init__(self, steps: Sequence[str] = (), retire: Callable[[], None] = lambda: None) -> None:
        """`steps`: the program that is srun here, with its first words, where commands are called on this machine. `retire` is
        called when a controller wants another daemon in this one's place."""
        self._retire = retire
        self.callers = Callers(self._announce, steps)
        self.connections: set[asyncio.StreamWriter] = set()
        self._listener: asyncio.StreamWriter | None = None

    def tell(self, report: Report) -> None:
        """Says a report to whoever listens; if nobody does, `resume` will bring it."""
        if self._listener is not None:
            self._listener.write(line("report", report=report))

    def tell_step(self, report: StepReport) -> None:
        """As `tell`, of a step."""
        if self._listener is not None:
            self._listener.write(line("step", step=report))

    def tell_leaving(self, until: float | None) -> None:
        """As `tell`, of when this machine goes away."""
        if self._listener is not None:
            self._listener.write(line("leaves", until=until))

    async def serve(self, node: Node, listening: socket.socket) -> asyncio.Server:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await self._converse(node, reader, writer)

        return await served(connected, listening, LONGEST_LINE)

    async def _converse(self, node: Node, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections.add(writer)
        writer.write(line("node", now=time.time(), version=__version__, **node.facts))
        try:
            while text := await reader.readline():
                message = parse(text)
                if message["op"] == "answer":
                    await self.callers.carry(int(message["number"]), reader, writer)
                    break
                if message["op"] in holders.WORDS:
                    node.holders.hear(writer, message)
                elif message["op"] in STEP_WORDS and "key" not in message:
                    node.steps.hear(writer, message)
                else:
                    self._order(node, writer, message)
        except (BadLine, KeyError, TypeError, ValueError) as error:
            log.warning("a connection ended: %r", error)
        except OSError as error:
            log.info("a connection broke: %s", error)
        finally:
            self.connections.discard(writer)
            node.steps.closed(writer)
            node.holders.closed(writer)
            if self._listener is writer:
                self._listener = None
            writer.close()

    def _announce(self, number: int) -> bool:
        """A caller waits to be carried to the controller; false if none listens."""
        if self._listener is None:
            return False
        self._listener.write(line("caller", number=number))
        return True

    def _order(self, node: Node, writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        """Carries out one order. An order that this version does not know is left alone."""
        orders: dict[str, Callable[[], None]] = {
            "launch": lambda: node.launch(launch_of(message["message"])),
            "stop": lambda: node.stop(key_of(message["key"]), message["why"]),
            "deliver": lambda: node.deliver(key_of(message["key"]), message["signal"], message["scope"]),
            "leave": lambda: node.leave(key_of(message["key"]), float(message["until"])),
            "stay": lambda: node.stay(key_of(message["key"])),
            "pause": lambda: node.pause(key_of(message["key"]), bool(message["paused"])),
            "limit": lambda: node.limit(key_of(message["key"]), message["ends_by"]),
            "say": lambda: node.say(key_of(message["key"]), message["text"]),
            "step": lambda: node.step(
                key_of(message["key"]), int(message["number"]), int(message["signal"]), int(message["by"])
            ),
            "heard": lambda: node.stepbook.heard(key_of(message["key"]), int(message["number"])),
            "look": lambda: writer.write(line("seen", tasks=node.look(key_of(message["key"])))),
            "forget": lambda: node.forget(key_of(message["key"])),
            "resume": lambda: self._resume(node, writer, message),
            "retire": self._retire,
        }
        orders.get(message["op"], lambda: log.warning("unknown order %s", message["op"]))()

    def _resume(self, node: Node, writer: asyncio.StreamWriter, message: dict[str, Any]) -> None:
        self._listener = writer
        self.tell_leaving(node.leaving.at)
        for report in node.reports(map(key_of, message["keys"])):
            self.tell(report)
            if report.what == "launched":  # before the end of its placement, which comes next
                for step in node.step_reports(report.key):
                    self.tell_step(step)
        writer.write(line("resumed"))
