"""The controller, as this process asks it: one command a conversation, started when none answers."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import BinaryIO, NoReturn

from flowbatch.commands.flow.flow_results import ClusterStatus
from flowbatch.controller import lifecycle
from flowbatch.errors import AnswerLost, ControllerUnreachable, FlowError
from flowbatch.paths import Paths, find
from flowbatch.protocol.frames import CHUNK, HEADER, BadFrame, CallFrame, Kind, frame, header, pack_call
from flowbatch.shims import client

Sink = Callable[[bytes], object]
"""Takes what a command prints, piece by piece."""


CURRENT = "SLURM_CLUSTER_NAME"
"""Names the cluster that a command is about which names none."""

HASTY_S, ENOUGH = 1.0, 5
"""So many controllers that died within a second of the question are enough: the question kills them."""


@dataclass(frozen=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)


class Lost(Exception):
    """The conversation ended before its answer."""


class Controller:
    """The controller of one state directory; nothing is started before something is asked."""

    def __init__(self, paths: Paths | None = None) -> None:
        self.paths = paths or find(os.environ)

    def ask(
        self, command: str, argv: Sequence[str] = (), *, again: bool = False, timeout: float | None = None,
        environ: Mapping[str, str] | None = None, cwd: str | os.PathLike[str] | None = None,
        stdin: BinaryIO | None = None, out: Sink | None = None, err: Sink | None = None, cluster: str | None = None,
    ) -> Answer:  # fmt: skip
        """Runs `command` on behalf of this process, or of one with another environment and directory; about `cluster`, where
        it is given, as from inside one of its jobs.

        What it prints goes to `out` and `err` where they are given, else into the answer. `again`: the command changes
        nothing, so it is asked once more if the controller dies meanwhile; without it that raises AnswerLost.
        Raises ControllerUnreachable, and TimeoutError after `timeout` seconds (None: waits as long as it takes).
        """
        environ = os.environ if environ is None else environ
        if cluster is not None:
            environ = {**environ, CURRENT: cluster}
        call = _call(command, argv, environ, os.path.abspath(cwd or os.getcwd()))
        deadline = None if timeout is None else time.monotonic() + timeout
        hasty = 0
        while True:
            printed: dict[Kind, list[bytes]] = {Kind.OUT: [], Kind.ERR: []}
            sinks = {Kind.OUT: out or printed[Kind.OUT].append, Kind.ERR: err or printed[Kind.ERR].append}
            asked_at = time.monotonic()
            try:
                with self._connected() as line:
                    code = _Conversation(line, call.cwd, stdin, sinks, deadline).hold(call)
                return Answer(code, b"".join(printed[Kind.OUT]), b"".join(printed[Kind.ERR]))
            except Lost:
                hasty = hasty + 1 if time.monotonic() - asked_at < HASTY_S else 0
                if not again or hasty == ENOUGH:
                    raise AnswerLost(
                        f"the controller ended before it answered {command}: what was asked may have happened or not",
                        hint=f"look with `flow status` before you ask again; {self.paths.log} may say why",
                    ) from None

    @property
    def pid(self) -> int | None:
        """The process that answers now, or None; starts nothing."""
        return lifecycle.status(self.paths).pid

    def cluster(self, timeout: float | None = None) -> ClusterStatus:
        """The cluster and its queue. Raises ControllerUnreachable, and TimeoutError after `timeout` seconds."""
        return ClusterStatus.read(json.loads(self.ask("flow-info", again=True, timeout=timeout).out))

    def start(self) -> int:
        """A controller answers; its process. Raises ControllerUnreachable."""
        return lifecycle.start(self.paths, os.environ)

    def become(self) -> NoReturn:
        """This process is the controller from now on, in the foreground."""
        lifecycle.become(self.paths, os.environ)

    def stop(self) -> int | None:
        """No controller answers, and jobs go on; the process that was, if one was. Raises ControllerUnreachable."""
        return lifecycle.stop(self.paths)

    def _connected(self) -> socket.socket:
        """A connection, to a controller that is started if need be. Raises ControllerUnreachable."""
        state = os.fsencode(self.paths.state)
        raw = client.connect(state)
        if raw is None:
            self.start()
            raw = client.connect(state)
        if raw is None:
            raise ControllerUnreachable(f"no controller answers at {self.paths.socket}", hint=f"see {self.paths.log}")
        return socket.socket(fileno=raw.detach())


class _Conversation:
    """One command and its answer, over a connection of its own."""

    def __init__(
        self,
        line: socket.socket,
        cwd: bytes,
        stdin: BinaryIO | None,
        sinks: Mapping[Kind, Sink],
        deadline: float | None,
    ) -> None:
        self._line = line
        self._cwd = cwd
        self._stdin = stdin
        self._sinks = sinks
        self._deadline = deadline
        self._file: BinaryIO | None = None

    def hold(self, call: CallFrame) -> int:
        """Says `call` and does what the controller asks; the exit code. Raises Lost, FlowError, TimeoutError."""
        self._send(pack_call(call))
        while True:
            try:
                kind, length = header(self._receive(HEADER.size))
            except BadFrame as error:
                raise FlowError(f"the controller's answer cannot be read: {error}") from None
            body = self._receive(length)
            match kind:
                case Kind.OUT | Kind.ERR:
                    self._sinks[kind](body)
                case Kind.READ:
                    self._open(body)
                case Kind.MORE:
                    self._more()
                case Kind.EXIT:
                    return int.from_bytes(body, "big", signed=True)
                case Kind.OTHER:
                    raise ControllerUnreachable(body.decode(), hint="run `flow controller stop`, then try again")
                case _:
                    raise FlowError(f"the controller's answer cannot be read: {kind.name} out of turn")

    def _receive(self, count: int) -> bytes:
        """Exactly so many bytes. Raises Lost, TimeoutError."""
        got = bytearray()
        while len(got) < count:
            if self._deadline is not None:
                self._line.settimeout(max(self._deadline - time.monotonic(), 0.001))
            try:
                chunk = self._line.recv(count - len(got))
            except ConnectionError:
                chunk = b""
            if not chunk:
                raise Lost
            got += chunk
        return bytes(got)

    def _send(self, data: bytes) -> None:
        """Raises Lost."""
        try:
            self._line.sendall(data)
        except ConnectionError:
            raise Lost from None

    def _open(self, path: bytes) -> None:
        """The controller reads `path` from now on, as this process sees it."""
        self._close()
        try:
            self._file = (self._stdin or BytesIO()) if path == b"-" else open(os.path.join(self._cwd, path), "rb")  # noqa: SIM115  it stays open between frames
        except OSError as error:
            self._fail(error)

    def _more(self) -> None:
        """One chunk of the file; after its end or a failure nothing more of it is said."""
        if self._file is None:
            return
        try:
            chunk = self._file.read(CHUNK)
        except OSError as error:
            self._fail(error)
            self._close()
            return
        self._send(frame(Kind.DATA, chunk))
        if not chunk:
            self._close()

    def _fail(self, error: OSError) -> None:
        self._send(frame(Kind.FAIL, (error.errno or 0).to_bytes(4, "big", signed=True)))

    def _close(self) -> None:
        if self._file is not None and self._file is not self._stdin:
            self._file.close()
        self._file = None


def _call(command: str, argv: Sequence[str], environ: Mapping[str, str], cwd: str) -> CallFrame:
    """The CALL of this process: words and environment as the operating system has them."""
    size = shutil.get_terminal_size((0, 0))
    tty = tuple(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    return CallFrame(
        command=command.encode(), argv=tuple(map(os.fsencode, argv)),
        environ=tuple(os.fsencode(f"{name}={value}") for name, value in environ.items()), cwd=os.fsencode(cwd),
        umask=_umask(), columns=size.columns, lines=size.lines, tty=(tty[0], tty[1], tty[2]), sid=os.getsid(0),
        limits=client.limits(),
    )  # fmt: skip


def _umask() -> int:
    """Asking for it means setting it for an instant; a file that another thread creates then is its owner's alone."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
