"""`python -I -m flowbatch.node.sattach DIR WISH`: sattach; what a running step's tasks write, and input for them."""

from __future__ import annotations

import contextlib
import os
import selectors
import sys
import termios
import time
import tty
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flowbatch.node.own_process import end_by_signals, environ, say, take_name
from flowbatch.node.plans import PlanWord
from flowbatch.node.srun.streams import Sink, label
from flowbatch.node.talk import Talk
from flowbatch.protocol.launch import BadLine, line, parse
from flowbatch.protocol.sockets import NODE, connected
from flowbatch.slurm.exits import exit_codes

CHUNK = 65536
ANSWER_WITHIN_S = 10.0
AGAIN_S = 0.1

NO_INFO = "sattach: error: Could not get job step info: "
OVER = f"{NO_INFO}Job/step already completing or completed"


class CannotAttach(Exception):
    """What is to be said of it."""


@dataclass(frozen=True, slots=True)
class Wish(PlanWord):
    """Which step, and what of it: the numbers are those of tasks, None for all."""

    job_id: int
    step: int
    label: bool = False
    pty: bool = False
    verbose: bool = False
    input: int | None = None
    output: int | None = None
    error: int | None = None


@dataclass(slots=True)
class Attachment:
    """The conversation with the step's srun (`srun/attached.py`), from the side of who looks on."""

    wish: Wish
    talk: Talk
    code: int = 0
    """The highest of its tasks' exit codes."""
    over: bool = False
    _tasks: int = 0
    _sinks: dict[tuple[int, int], Sink] = field(default_factory=dict)
    _input_over: bool = False

    def live(self) -> None:
        """Until the step is over. Raises CannotAttach, OSError where its srun hangs up before."""
        with selectors.PollSelector() as selector:
            selector.register(self.talk.fd, selectors.EVENT_READ)
            while not self.over:
                self._listen_to_input(selector)
                for key, events in selector.select():
                    if key.fd != self.talk.fd:
                        self._typed()
                        continue
                    if events & selectors.EVENT_WRITE:
                        with contextlib.suppress(OSError):  # what is still to be heard tells why
                            self.talk.flush()
                    if events & selectors.EVENT_READ:
                        for message in self.talk.heard():
                            self._hear(message)
        for sink in self._sinks.values():
            sink.end()

    def _listen_to_input(self, selector: selectors.BaseSelector) -> None:
        """Input is read while the step takes what there was, once it is known whom it is for."""
        behind = bool(self.talk.unsent)
        selector.modify(self.talk.fd, selectors.EVENT_READ | (selectors.EVENT_WRITE if behind else 0))
        wanted = bool(self._tasks) and not behind and not self._input_over
        if wanted != (0 in selector.get_map()):
            if wanted:
                selector.register(0, selectors.EVENT_READ)
            else:
                selector.unregister(0)

    def _typed(self) -> None:
        try:
            data = os.read(0, CHUNK)
        except OSError:
            data = b""
        self._input_over = not data
        with contextlib.suppress(OSError):  # as above
            self.talk.say(line("in", data=data.decode("latin-1"), rank=self.wish.input))

    def _hear(self, message: dict[str, Any]) -> None:
        match message["op"]:
            case "step":
                self._tasks = int(message["tasks"])
                if self.wish.input is not None and self.wish.input >= self._tasks:
                    self._input_over = True
                    say("sattach: error: A valid node id must be specified for SLURM_IO_STDIN")
            case "out":
                self._show(int(message["rank"]), int(message["stream"]), message["data"].encode("latin-1"))
            case "said":
                say(message["text"])
            case "exited":
                self._exited(message["ranks"], int(message["status"]))
            case "dropped":
                raise CannotAttach(f"sattach: error: the step has dropped this sattach: {message['why']}")
            case "over":
                self.over = True

    def _show(self, rank: int, stream: int, data: bytes) -> None:
        """Errors are shown of the task whose output is shown, where nothing else was said of them."""
        only = self.wish.output if stream == 1 or self.wish.error is None else self.wish.error
        if only not in (None, rank):
            return
        if (rank, stream) not in self._sinks:
            self._sinks[rank, stream] = Sink(stream, label(rank, self._tasks) if self.wish.label else b"")
        self._sinks[rank, stream].take(data)

    def _exited(self, ranks: Sequence[int], status: int) -> None:
        self.code = max(self.code, status)
        if self.wish.verbose:
            say(f"sattach: {len(ranks)} tasks finished (rc={status << 8 if status > 0 else -status})")
        for rank in ranks:
            if status > 0:
                say(f"sattach: error: task {rank} exited with exit code {status}")
            elif status and self.wish.verbose:
                say(f"sattach: task {rank} killed by signal {-status}")


def main(directory: Path, wish: Wish) -> int:
    """Shows the step until it is over; the highest of its exit codes."""
    take_name("sattach")
    end_by_signals()  # it alone, as with 22.05: the step goes on
    try:
        attachment = Attachment(wish, _attached(Path(_door(directory, wish))))
        with _raw() if wish.pty else contextlib.nullcontext():
            attachment.live()
        return attachment.code
    except CannotAttach as error:
        say(str(error))
    except (OSError, BadLine, KeyError, TypeError, ValueError) as error:
        say(f"sattach: error: the srun of StepId={wish.job_id}.{wish.step} is gone: {error}")
    return exit_codes(environ(), "sattach").error


def _door(directory: Path, wish: Wish) -> str:
    """Where the step's srun listens, by the node's word. Raises CannotAttach."""
    try:
        with connected(directory, NODE) as asked:
            asked.settimeout(ANSWER_WITHIN_S)
            asked.sendall(line("attach", job_id=wish.job_id, step=wish.step))
            for text in asked.makefile("rb"):
                answer = parse(text)
                if answer["op"] == "attach":
                    return str(answer["door"])
                if answer["op"] == "refused":
                    raise CannotAttach(OVER)
    except (OSError, BadLine) as error:
        raise CannotAttach(f"{NO_INFO}the node of this job does not answer: {error}") from None
    raise CannotAttach(f"{NO_INFO}the node of this job is of a version whose steps nobody can attach to")


def _attached(door: Path) -> Talk:
    """A conversation with the step, which may be about to begin. Raises CannotAttach."""
    until = time.monotonic() + ANSWER_WITHIN_S
    while True:
        try:
            return Talk(connected(door.parent, door.name))
        except ConnectionRefusedError:
            raise CannotAttach(OVER) from None
        except OSError as error:
            if time.monotonic() > until:
                raise CannotAttach(f"{NO_INFO}this step lets nobody attach to it: {error}") from None
        time.sleep(AGAIN_S)


@contextlib.contextmanager
def _raw() -> Iterator[None]:
    """What is typed goes to the step's terminal key by key; ours is as it was afterwards."""
    try:
        before = termios.tcgetattr(0)
    except termios.error:  # no terminal: nothing is typed key by key
        yield
        return
    tty.setraw(0, termios.TCSADRAIN)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSADRAIN, before)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Wish.of(sys.argv[2])))
