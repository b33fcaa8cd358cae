"""kill -9 of the controller at each of its instants: no acknowledged job is lost, none runs twice, each has its exit code.

The controller is a forked process with the real queue, store and node daemon; the next one is started the same way and
must find everything as it should be.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from flowbatch.backends.local import LocalBackend
from flowbatch.clock import SystemClock
from flowbatch.commands.call import Call
from flowbatch.config import Settings
from flowbatch.controller import being, lifecycle
from flowbatch.controller.cluster import ClusterParts
from flowbatch.controller.service import Parts, serve
from flowbatch.core import invariants
from flowbatch.core.events import Accepted, CancelAsked, HetSubmitted, JobRef, Submitted
from flowbatch.core.ports import Payload, QueuePort
from flowbatch.core.queue import Queue
from flowbatch.core.states import Finished
from flowbatch.node import start as node
from flowbatch.paths import Paths
from flowbatch.protocol.frames import HEADER, CallFrame, Kind, header, pack_call
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.store.sqlite import SqliteStore

CLUSTER = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=4),), partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),)
)  # fmt: skip
SCRIPT = b"#!/bin/sh\necho $SLURM_JOB_ID >>runs\nsleep 0.4\nexit 3\n"
WITHIN_S = 20


async def submit(call: Call, queue: QueuePort) -> int:
    """A job with the script above; its number on stdout."""
    spec = JobSpec(name="x", work_dir=call.cwd)
    payload = Payload(SCRIPT, (b"PATH=/usr/bin:/bin",), {}, 0o22)
    reply = await queue.apply(Submitted(queue.now(), call.owner, spec), payload)
    assert isinstance(reply, Accepted), reply
    call.out.write(f"{reply.job_id}\n")
    return 0


async def submit_het(call: Call, queue: QueuePort) -> int:
    """A job of two components with the script above; its number on stdout."""
    specs = (JobSpec(name="x", work_dir=call.cwd), JobSpec(name="y", work_dir=call.cwd))
    payload = Payload(SCRIPT, (b"PATH=/usr/bin:/bin",), {}, 0o22)
    reply = await queue.apply(HetSubmitted(queue.now(), call.owner, specs), payload)
    assert isinstance(reply, Accepted), reply
    call.out.write(f"{reply.job_id}\n")
    return 0


async def wait(call: Call, queue: QueuePort) -> int:
    """Waits for all jobs; the exit code of the last."""
    code = 0
    for job in await queue.history():
        for done in await queue.finished(job.id):
            assert isinstance(done.state, Finished)
            call.out.write(f"{done.id} {done.state.ending.outcome} {done.state.ending.exit.code}\n")
            code = done.state.ending.exit.code
    return code


async def cancel(call: Call, queue: QueuePort) -> int:
    await queue.apply(CancelAsked(queue.now(), call.owner.uid, (JobRef(int(call.argv[0])),)))
    return 0


@dataclass(frozen=True)
class Only:
    """One cluster and no other."""

    one: ClusterParts
    default: str = CLUSTER.name
    names: tuple[str, ...] = (CLUSTER.name,)
    stored: tuple[str, ...] = ()

    def parts(self, name: str) -> ClusterParts:
        return {self.default: self.one}[name]


@dataclass
class World:
    """One state directory, its controllers one after another, and the node daemon that outlives them."""

    root: Path
    children: list[int] = field(default_factory=list)

    @property
    def paths(self) -> Paths:
        return Paths(self.root / "state", self.root / "config")

    @property
    def work(self) -> Path:
        return self.root / "work"

    def controller(self, instant: Callable[[str], None] = lambda name: None, statements: bool = False) -> int:
        """A controller that calls `instant` at each of its instants (or before each statement of its store) answers,
        unless that was its end."""
        pid = os.fork()
        if pid == 0:
            os.close(0)
            os._exit(self._be(instant, statements))
        self.children.append(pid)
        until(lambda: ended(pid) or lifecycle.status(self.paths).pid == pid, "it answers or is dead")
        return pid

    def _be(self, instant: Callable[[str], None], statements: bool) -> int:
        async def ensure() -> None:
            await asyncio.get_running_loop().run_in_executor(None, node.start, self.paths.node)

        os.open(os.devnull, os.O_RDWR)
        os.dup2(0, 1)
        one = ClusterParts(
            shape=CLUSTER,
            store=lambda: SqliteStore(self.paths.store, instant if statements else None),
            backend=lambda store: LocalBackend(self.paths.node, store, ensure),
        )
        parts = Parts(
            clusters=Only(one), clock=SystemClock(), settings=Settings(),
            commands={"submit": submit, "submit_het": submit_het, "wait": wait, "cancel": cancel},
            failpoint=(lambda name: None) if statements else instant,
        )  # fmt: skip
        return being.live(self.paths, lambda ready: serve(parts, ready))

    def ask(self, command: str, *argv: str) -> list[str] | None:
        """What the command printed; None if its controller died before it said how it ended."""
        call = CallFrame(
            command.encode(), tuple(word.encode() for word in argv), (), str(self.work).encode(), 0o22, 0, 0,
            (False,) * 3, 0, b"",
        )  # fmt: skip
        line = socket.socket(socket.AF_UNIX)
        line.settimeout(WITHIN_S)
        out = b""
        try:
            line.connect(str(self.paths.socket))
            line.sendall(pack_call(call))
            while True:
                head = line.recv(HEADER.size, socket.MSG_WAITALL)
                if len(head) < HEADER.size:
                    return None
                kind, length = header(head)
                body = line.recv(length, socket.MSG_WAITALL) if length else b""
                if kind is Kind.EXIT:
                    return out.decode().split("\n")[:-1]
                out += body
        except ConnectionError:
            return None
        finally:
            line.close()

    def runs(self) -> list[str]:
        """The jobs that have begun, once for each time."""
        return sorted((self.work / "runs").read_text().split()) if (self.work / "runs").exists() else []

    def end(self) -> None:
        for pid in self.children:
            if not ended(pid):
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
        pids = self.paths.node / "node.pid"
        if pids.exists():
            pid = int(pids.read_text())
            os.kill(pid, signal.SIGKILL)
            until(lambda: gone(pid), "the node daemon is gone")


def ended(pid: int) -> bool:
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return True


def gone(pid: int) -> bool:
    """Dead, buried or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def dies_at(number: int) -> Callable[[str], None]:
    """Ends the process at its instant `number`, by kill -9."""
    seen = 0

    def instant(name: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    return instant


@pytest.fixture
def world() -> Iterator[Callable[[], World]]:
    made: list[World] = []

    def new() -> World:
        root = Path("/tmp") / f"fb-{os.getpid()}-{len(made)}"  # short: sockets
        (root / "work").mkdir(parents=True)
        made.append(World(root))
        return made[-1]

    yield new
    for one in made:
        one.end()
        shutil.rmtree(one.root)


def survives(world: World, instant: int, statements: bool = False) -> bool:
    """Whether the controller lived through all its instants; what must be true afterwards is asserted."""
    first = world.controller(dies_at(instant), statements)
    submitted = world.ask("submit") if not ended(first) else None
    finished = world.ask("wait") if submitted else None
    lived = False
    if not ended(first):
        os.kill(first, signal.SIGTERM)
        lived = os.WIFEXITED(os.waitpid(first, 0)[1])
    second = world.controller()
    assert not ended(second), "the second controller does not start"
    told = world.ask("wait")
    assert told is not None, "the second controller died"
    if submitted:
        assert told == ["1 FAILED 3"], f"acknowledged {submitted}, then {told}"
    assert told in ([], ["1 FAILED 3"])
    assert finished in (None, told)
    assert world.runs() == ["1"] * len(told), "a job ran twice, or never"
    again = world.ask("submit")
    assert again == [str(len(told) + 1)], "a number was given twice, or one was lost"
    os.kill(second, signal.SIGTERM)
    os.waitpid(second, 0)
    store = SqliteStore(world.paths.store)
    loaded = store.load()
    store.close()
    invariants.check(Queue(CLUSTER, loaded.next_job_id, loaded.jobs))
    return lived


def survives_with_components(world: World, instant: int, statements: bool = False) -> bool:
    """As `survives`, of a job of two components: both are there or none, one script ran once, and both end as it did."""
    first = world.controller(dies_at(instant), statements)
    submitted = world.ask("submit_het") if not ended(first) else None
    if submitted:
        world.ask("wait")
    lived = False
    if not ended(first):
        os.kill(first, signal.SIGTERM)
        lived = os.WIFEXITED(os.waitpid(first, 0)[1])
    second = world.controller()
    told = world.ask("wait")
    assert told is not None, "the second controller died"
    assert set(told) in (set(), {"1 FAILED 3", "2 FAILED 3"}), f"acknowledged {submitted}, then {told}"
    assert told or not submitted
    assert world.runs() == ["1"] * bool(told), "the script ran twice, or never"
    assert world.ask("submit") == ["3" if told else "1"], "a number was given twice, or one was lost"
    os.kill(second, signal.SIGTERM)
    os.waitpid(second, 0)
    store = SqliteStore(world.paths.store)
    loaded = store.load()
    store.close()
    invariants.check(Queue(CLUSTER, loaded.next_job_id, loaded.jobs))
    return lived


@pytest.mark.parametrize("instant", range(6, 18, 3))
def test_components_at_some_instants(world, instant):
    survives_with_components(world(), instant)


@pytest.mark.long
def test_components_at_every_instant(world):
    instant = 1
    while not survives_with_components(world(), instant):
        instant += 1
    assert instant > 20


@pytest.mark.parametrize("instant", range(4, 24, 2))
def test_at_some_instants(world, instant):
    survives(world(), instant)


@pytest.mark.parametrize("statement", [22, 28, 35, 44])
def test_before_some_statements(world, statement):
    survives(world(), statement, statements=True)


@pytest.mark.long
def test_at_every_instant(world):
    instant = 1
    while not survives(world(), instant):
        instant += 1
    assert instant > 20


@pytest.mark.long
def test_before_every_statement(world):
    statement = 1
    while not survives(world(), statement, statements=True):
        statement += 1
    assert statement > 50
