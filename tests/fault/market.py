"""One user's laptop beside a market that is not his: controllers that die on order, jobs that tell a witness when they start.

What the witness heard is the truth about what ran; what the sandbox's ledger says is the truth about money.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import socketserver
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import flowbatch.backends.mithril.backend  # noqa: F401  loaded before the fork: controllers are born with it
from flowbatch import app
from flowbatch.backends.mithril import ssh
from flowbatch.backends.mithril.catalogue import Catalogue
from flowbatch.config import Settings
from flowbatch.controller import lifecycle
from flowbatch.core import invariants
from flowbatch.core.jobs import Job
from flowbatch.core.market import caps
from flowbatch.core.queue import Queue
from flowbatch.core.states import Finished
from flowbatch.directives import flowtoml
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.paths import Paths
from flowbatch.sdk.sandbox import Sandbox
from flowbatch.store.sqlite import SqliteStore
from flowbatch.units import HOUR
from tests.e2e.conftest import Cluster, alive, until

POLICY = """\
default = "sandbox"
[market]
placements = 30
save_reserve = "2s"
"""
WITHIN_S = 60
SIZE = 1_500_000
SCRIPT = """\
#!/bin/bash
#SBATCH -t 120
exec 3<>/dev/tcp/127.0.0.1/{port}
echo $SLURM_JOB_ID ${{SLURM_RESTART_COUNT:-0}} >&3
echo ${{SLURM_RESTART_COUNT:-0}} >>starts.$SLURM_JOB_ID
head -c {size} /dev/urandom >big.$SLURM_JOB_ID
sha256sum big.$SLURM_JOB_ID >sum.$SLURM_JOB_ID
echo begun ${{SLURM_RESTART_COUNT:-0}}
read -r -u 3 word
echo over ${{SLURM_RESTART_COUNT:-0}}
"""
"""Tells the witness that it starts, writes a file and its checksum, and ends when it is told to."""


class Witness:
    """Hears every start of a job, (job id, restart), and lets jobs end."""

    def __init__(self) -> None:
        self.starts: list[tuple[int, int]] = []
        self.go = threading.Event()
        self._calls: list[socket.socket] = []
        witness = self

        class Hears(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                job, restart = self.rfile.readline().split()
                witness.starts.append((int(job), int(restart)))
                witness.go.wait()
                self.wfile.write(b"go\n")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A job that was killed meanwhile."""

        self._server = Server(("127.0.0.1", 0), Hears)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.go.set()
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Cuts:
    """The module `socket`, for SSH: the first connection is cut after the first number of bytes, and so on."""

    after: list[tuple[str, int]]

    def create_connection(self, *where: Any) -> Any:
        line = socket.create_connection(*where)
        return Cut(line, *self.after.pop(0)) if self.after else line

    def __getattr__(self, name: str) -> Any:
        return getattr(socket, name)


class Cut:
    """A socket that is cut once it has `sent` or `received` so many bytes."""

    def __init__(self, line: socket.socket, way: str, after: int) -> None:
        self._line, self._way, self._left = line, way, after

    def send(self, data: Any) -> int:
        return self._count("sent", self._line.send(data))

    def recv(self, size: int) -> bytes:
        data = self._line.recv(size)
        self._count("received", len(data))
        return data

    def _count(self, way: str, size: int) -> int:
        if way == self._way:
            self._left -= size
            if self._left < 0:
                self._line.close()
                raise ConnectionResetError("cut on order")
        return size

    def __getattr__(self, name: str) -> Any:
        return getattr(self._line, name)


def dies_at(*names: str) -> Failpoint:
    """kill -9 of this process at the first instant whose name begins with one of these."""

    def instant(name: str) -> None:
        if name.startswith(names):
            os.kill(os.getpid(), signal.SIGKILL)

    return instant


def dies_after(number: int) -> Failpoint:
    """kill -9 of this process at its instant `number`."""
    left = iter(range(number - 1))

    def instant(name: str) -> None:
        if next(left, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)

    return instant


@dataclass
class Laptop(Cluster):
    """Everything on the client's side. Its commands start no controller: those that live here were started by the test."""

    sandbox: Sandbox | None = None
    policy: str = POLICY
    witness: Witness = field(default_factory=Witness)
    children: dict[int, int | None] = field(default_factory=dict)
    """Controllers that were started, and how each ended."""

    def __post_init__(self) -> None:
        super().__post_init__()
        assert self.sandbox is not None
        (self.root / "config" / "flow.toml").write_text(self.policy)
        if not self.paths.sandbox.exists():
            self.paths.sandbox.symlink_to(self.sandbox.directory)

    @property
    def paths(self) -> Paths:
        return Paths(self.state, self.root / "config")

    @property
    def market(self) -> Sandbox:
        assert self.sandbox is not None
        return self.sandbox

    def command(self, name: str, *args: str) -> list[str]:
        words = super().command(name, *args)
        words[6] = "/bin/false"  # what would start a controller
        return words

    # controllers

    def boots(
        self, failpoint: Failpoint = nowhere, *, cuts: Cuts | None = None, idle_exit_s: int = 0, answers: bool = True
    ) -> int:
        """A controller that answers, unless it died before. Its clock is ahead by what `jump` said last."""
        pid = os.fork()
        if pid == 0:
            os._exit(self._be(failpoint, cuts, idle_exit_s))
        self.children[pid] = None
        if answers:
            until(
                lambda: self.ended(pid) or lifecycle.status(self.paths).pid == pid, "it answers or is dead", self.logs
            )
        return pid

    def _be(self, failpoint: Failpoint, cuts: Cuts | None, idle_exit_s: int) -> int:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            os.dup2(null, 0)
            os.dup2(null, 1)
            real, ahead = time.time, self.root / "ahead"
            time.time = lambda: real() + (float(ahead.read_text() or 0) if ahead.exists() else 0)
            if cuts is not None:
                ssh.socket = cuts  # type: ignore[assignment]  # this process is a fork, and ends with os._exit
            return app.run(self.paths, Settings(idle_exit_s=idle_exit_s), {}, self._noted(failpoint))
        except BaseException:  # noqa: BLE001  the test is told; pytest must not see this process
            (self.root / "fault.log").write_text(traceback.format_exc())
            return 70

    def _noted(self, failpoint: Failpoint) -> Failpoint:
        """The failpoint, with its instants in a file."""
        file = os.open(self.root / "instants", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

        def instant(name: str) -> None:
            os.write(file, f"{os.getpid()} {name}\n".encode())
            failpoint(name)

        return instant

    def ended(self, pid: int) -> bool:
        """Whether this controller is dead; it is buried then."""
        if self.children[pid] is None:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                self.children[pid] = os.waitstatus_to_exitcode(status)
        return self.children[pid] is not None

    def ends(self, pid: int, within_s: float = WITHIN_S) -> int | None:
        """How it ended, once it has."""
        until(lambda: self.ended(pid), f"controller {pid} ends", self.logs, within_s)
        return self.children[pid]

    def halt(self, number: int = signal.SIGKILL) -> None:
        """No controller of this laptop runs."""
        for pid in [pid for pid in self.children if not self.ended(pid)]:
            os.kill(pid, number)
            self.ends(pid)

    def jump(self, seconds: int) -> None:
        """The wall clock here is so far ahead from now on."""
        new = self.root / "ahead.new"
        new.write_text(str(seconds))
        new.replace(self.root / "ahead")

    def instants(self) -> list[str]:
        return [line.split(" ", 1)[1] for line in (self.root / "instants").read_text().splitlines()]

    # jobs

    def job(self, *args: str, script: str = SCRIPT, size: int = SIZE) -> int:
        return self.submit(script.format(port=self.witness.port, size=size), *args)

    def started(self, job_id: int, restart: int = 0, within_s: float = WITHIN_S) -> None:
        until(
            lambda: (job_id, restart) in self.witness.starts,
            f"run {restart} of job {job_id} starts",
            self.why,
            within_s,
        )

    def finished(self, job_id: int, *states: str, within_s: float = WITHIN_S) -> str:
        """Its state, once it is over."""
        seen = ""

        def over() -> bool:
            nonlocal seen
            seen = self.jobs("-j", str(job_id)).get(str(job_id), "")
            return seen in states

        until(over, f"job {job_id} is {states}", lambda: f"it is {seen}\n{self.why()}", within_s)
        return seen

    def says(self, words: str) -> None:
        """The controller's log has these words, by now."""
        until(lambda: words in self.paths.log.read_text(), f"the log says: {words}", self.why, WITHIN_S)

    def why(self) -> str:
        fault = self.root / "fault.log"
        return f"{self.witness.starts} {fault.read_text() if fault.exists() else ''}\n{self.logs()}"

    # the market's truth

    @property
    def store(self) -> Path:
        return self.paths.clusters / "sandbox" / "store.db"

    def records(self) -> list[Job]:
        """Every job, from the store; no controller runs."""
        store = SqliteStore(self.store)
        try:
            return store.history(limit=10_000)
        finally:
            store.close()

    def name(self) -> str:
        """What all names of bids of this laptop begin with."""
        store = SqliteStore(self.store)
        try:
            return f"flowbatch-{store.load().store}-"
        finally:
            store.close()

    def billed(self) -> list[dict[str, Any]]:
        """The ledger's rows of this laptop's bids."""
        prefix = self.name()
        return [row for row in self.market.ledger()["bids"] if row["name"].startswith(prefix)]

    def live(self) -> list[dict[str, Any]]:
        return [row for row in self.billed() if row["status"] != "Terminated"]

    def api(self, method: str, path: str) -> Any:
        """The market's API, by somebody else's hand: the console."""
        known = self.market.address()
        assert known is not None
        request = urllib.request.Request(
            known.api_url + path, method=method, headers={"Authorization": f"Bearer {known.api_key}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read() or b"null")

    def settles(self) -> None:
        """The controller that runs is stopped; the next one ends by itself once all is over and paid."""
        self.halt(signal.SIGTERM)
        code = self.ends(self.boots(idle_exit_s=1, answers=False), within_s=90)
        assert code == 0, f"the last controller ended with {code}: {self.why()}"

    def nothing_lost(self, *states: str) -> None:
        """Once all is over: jobs ended in `states`, each run once, no bid is left, no dollar too many, every file whole."""
        self.settles()
        records = {job.id: job for job in self.records()}
        assert [_outcome(job) for _, job in sorted(records.items())] == list(states)
        assert len(self.witness.starts) == len(set(self.witness.starts)), f"ran twice: {self.witness.starts}"
        for id, restart in self.witness.starts:
            assert restart <= records[id].restarts, f"{self.witness.starts}: {records[id]}"
        self._books(records.values())
        for id, state in zip(sorted(records), states, strict=True):
            if state == "COMPLETED":
                self._whole(id, records[id].restarts)

    def _books(self, records: Any) -> None:
        """The ledger and the records agree, bid by bid; nothing is above a limit, a cap or what was escrowed."""
        prefix, policy = self.name(), flowtoml.parse(self.policy, "flow.toml").policy
        ours = {(job.id, bid.number): bid for job in records for bid in job.bids}
        paid: dict[tuple[int, int], int] = {}
        for row in self.billed():
            assert row["status"] == "Terminated", f"an orphan: {row}"
            job_id, number = map(int, row["name"].removeprefix(prefix).split("-"))
            bid = ours[job_id, number]
            paid[job_id, number] = paid.get((job_id, number), 0) + row["micro_usd"]
            assert row["limit_micro_usd"] <= bid.limit_micro_usd
            spans = [span for spans in row["instances"].values() for span in spans]
            assert all(span["micro_usd_per_hour"] <= bid.limit_micro_usd for span in spans), row
            seconds = sum(span["end"] - span["start"] for span in spans)
            assert row["micro_usd"] <= bid.limit_micro_usd * seconds / HOUR + 1
            most = caps.worst_case(policy, bid.limit_micro_usd, bid.instances, bid.run_limit_s)
            assert row["micro_usd"] <= most * max(1, bid.wins), f"{row} {bid}"
        for key, bid in ours.items():
            assert bid.settled and bid.escrow_micro_usd == 0, bid
            assert 0 <= bid.spent_micro_usd - paid.get(key, 0) <= 1 + bid.wins * 4, (
                f"{bid} was billed {paid.get(key, 0)}"
            )
        assert self.market.ledger()["faults"] == []
        store = SqliteStore(self.store)
        loaded = store.load()
        store.close()
        shape = Catalogue("sandbox", policy, self.store.with_name("catalogue.json")).cluster
        invariants.check(Queue(shape, loaded.next_job_id, loaded.jobs))

    def _whole(self, id: int, restarts: int) -> None:
        big, sums = (self.work / f"{word}.{id}" for word in ("big", "sum"))
        assert sums.read_text().split()[0] == sha256(big.read_bytes()).hexdigest(), "a file is not whole"
        said = (self.work / f"slurm-{id}.out").read_text().splitlines()
        assert said[-2:] == [f"begun {restarts}", f"over {restarts}"], said

    def shut(self) -> None:
        self.halt()
        self.witness.close()
        super().shut()


def _outcome(job: Job) -> str:
    return job.state.ending.outcome if isinstance(job.state, Finished) else type(job.state).__name__


@contextmanager
def laptops(sandbox: Sandbox) -> Iterator[Callable[..., Laptop]]:
    """Makes laptops; nothing of them runs, and no fault is set, when this is over."""
    made: list[Laptop] = []

    def new(policy: str = POLICY) -> Laptop:
        root = Path("/tmp") / f"fm-{os.getpid()}-{time.monotonic_ns() % 10**9}"  # short: sockets
        root.mkdir(mode=0o700)
        made.append(Laptop(root, sandbox=sandbox, policy=policy))
        return made[-1]

    try:
        yield new
    finally:
        sandbox.clear_faults()
        for one in made:
            one.shut()
            shutil.rmtree(one.root, ignore_errors=True)


__all__ = ["POLICY", "Cut", "Cuts", "Laptop", "Witness", "alive", "dies_after", "dies_at", "laptops", "until"]
