"""One SSH channel to an instance: a command, a shell or sftp in there, and the bytes between it and the client."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import struct
import termios
from functools import partial
from typing import Any

import asyncssh

from flowbatch.sandbox.machines.instance import Instance

ACCEPTED_VARIABLES = ("LANG", "LC_")
"""What a client may set, as on Debian and Ubuntu (`AcceptEnv LANG LC_*`)."""

SIGNALS = frozenset(
    {"ABRT", "ALRM", "FPE", "HUP", "ILL", "INT", "KILL", "PIPE", "QUIT", "SEGV", "TERM", "USR1", "USR2"}
)
"""Those that SSH has a name for (RFC 4254, 6.10); others carry OpenSSH's suffix."""

NOT_STARTED = 255
STDERR = asyncssh.EXTENDED_DATA_STDERR


class Session(asyncssh.SSHServerSession[bytes]):
    """What the client asks for is collected until the session starts; it ends when the process and its output have."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._asked: dict[str, Any] = {}
        self._number = 0
        self._terminal: int | None = None
        self._input: asyncio.WriteTransport | None = None
        self._early: list[bytes] = []
        self._no_more_input = False
        self._outputs: set[asyncio.ReadTransport] = set()
        self._pending: set[asyncio.Task[None]] = set()
        self._code: int | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        self._asked["terminal"] = {"type": term_type, "size": _winsize(*term_size)}
        return True

    def shell_requested(self) -> bool:
        return True

    def exec_requested(self, command: str) -> bool:
        self._asked["command"] = command
        return True

    def subsystem_requested(self, subsystem: str) -> bool:
        self._asked["subsystem"] = subsystem
        return subsystem == "sftp"

    def session_started(self) -> None:
        connection = self._channel.get_connection()
        client, server = connection.get_extra_info("peername"), connection.get_extra_info("sockname")
        wanted = self._channel.get_environment()
        self._asked["user"] = connection.get_extra_info("username")
        self._asked["environment"] = {n: v for n, v in wanted.items() if n.startswith(ACCEPTED_VARIABLES)} | {
            "SSH_CLIENT": f"{client[0]} {client[1]} {server[1]}",
            "SSH_CONNECTION": f"{client[0]} {client[1]} {server[0]} {server[1]}",
        }
        if "terminal" in self._asked:
            self._number = self._instance.open_session(self._asked, (), self._tell)
        else:
            self._start_with_pipes()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if self._input is None:
            self._early.append(data)
        else:
            self._input.write(data)

    def eof_received(self) -> bool:
        self._no_more_input = True
        if self._input is not None and self._terminal is None:  # a terminal has no end of its own: its user types one
            self._input.write_eof()
        return True  # the channel stays open for what is still to be said

    def signal_received(self, signal: str) -> None:
        self._instance.signal_session(self._number, signal)

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        if self._terminal is not None:
            size = struct.pack("HHHH", *_winsize(width, height, pixwidth, pixheight))
            fcntl.ioctl(self._terminal, termios.TIOCSWINSZ, size)

    def break_received(self, msec: int) -> bool:
        return False

    def pause_writing(self) -> None:
        for output in self._outputs:
            output.pause_reading()

    def resume_writing(self) -> None:
        for output in self._outputs:
            output.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has gone: as with sshd, its process reads an end of file and writes into nothing; its terminal hangs up."""
        for transport in (self._input, *self._outputs):
            if transport is not None:
                transport.close()
        self._close_terminal()

    def _start_with_pipes(self) -> None:
        pipes = [os.pipe() for _ in range(3)]
        (its_in, to_it), (from_it, its_out), (errors, its_err) = pipes
        self._number = self._instance.open_session(self._asked, (its_in, its_out, its_err), self._tell)
        for fd in (its_in, its_out, its_err):
            os.close(fd)
        self._attach(to_it, {from_it: None, errors: STDERR})

    def _attach(self, to_it: int, outputs: dict[int, asyncssh.DataType]) -> None:
        task = asyncio.get_running_loop().create_task(self._pump(to_it, outputs))
        self._pending.add(task)
        task.add_done_callback(self._attached)

    def _attached(self, task: asyncio.Task[None]) -> None:
        self._pending.discard(task)
        self._end_if_done()

    async def _pump(self, to_it: int, outputs: dict[int, asyncssh.DataType]) -> None:
        loop = asyncio.get_running_loop()
        for fd, datatype in outputs.items():
            output = partial(_Output, self, datatype)
            transport, _ = await loop.connect_read_pipe(output, os.fdopen(fd, "rb", 0))
            self._outputs.add(transport)
        self._input, _ = await loop.connect_write_pipe(partial(_Input, self._channel), os.fdopen(to_it, "wb", 0))
        for data in self._early:
            self._input.write(data)
        self._early.clear()
        if self._no_more_input:
            self.eof_received()
        if self._channel.is_closing():
            self.connection_lost(None)

    def _tell(self, said: dict[str, Any], files: list[int]) -> None:
        match said:
            case {"started": _}:
                for master in files:
                    self._terminal = os.dup(master)
                    self._attach(os.dup(master), {master: None})
            case {"failed": why}:
                self._channel.write_stderr(f"{why}\n".encode())
                self._end(NOT_STARTED)
            case {"ended": code}:
                self._end(code)

    def _end(self, code: int) -> None:
        self._code = code
        self._end_if_done()

    def output(self, data: bytes, datatype: asyncssh.DataType) -> None:
        if not self._channel.is_closing():
            self._channel.write(data, datatype)

    def output_ended(self, transport: asyncio.ReadTransport) -> None:
        self._outputs.discard(transport)
        self._end_if_done()

    def _end_if_done(self) -> None:
        """With pipes, whoever still holds an output keeps the channel open, as sshd does; a terminal ends with its shell."""
        if self._code is None or self._pending or self._outputs or self._channel.is_closing():
            return
        self._close_terminal()
        if self._code >= 0:
            self._channel.exit(self._code)
        else:
            name = signal.Signals(-self._code).name.removeprefix("SIG")
            self._channel.exit_with_signal(name if name in SIGNALS else f"SIG{name}@openssh.com")

    def _close_terminal(self) -> None:
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None


class _Output(asyncio.Protocol):
    """What the process says."""

    def __init__(self, session: Session, datatype: asyncssh.DataType) -> None:
        self._session = session
        self._datatype = datatype

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.ReadTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._session.output(data, self._datatype)

    def connection_lost(self, exc: Exception | None) -> None:
        self._session.output_ended(self._transport)


class _Input(asyncio.BaseProtocol):
    """What the process reads: while it is slow, the client waits."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = channel

    def pause_writing(self) -> None:
        self._channel.pause_reading()

    def resume_writing(self) -> None:
        """Not at once: the transport calls from inside its own writing, and if the last piece and its end came in there, it
        would close before it has written that piece."""
        asyncio.get_running_loop().call_soon(self._channel.resume_reading)

    def connection_lost(self, exc: Exception | None) -> None:
        self._channel.resume_reading()  # nobody reads any more: what still comes is dropped


def _winsize(width: int, height: int, pixwidth: int, pixheight: int) -> tuple[int, int, int, int]:
    """In the kernel's order."""
    return height, width, pixwidth, pixheight
