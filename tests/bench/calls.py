"""How often the market is asked with 10, 100 and 1 000 jobs on rented machines: counted where it is asked.

Machines here do not run, they only say that they do: what counts is the API. Time goes `FASTER` times as fast as for a real market, for
us and for it: a minute is three seconds.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flowbatch import app
from flowbatch.backends.mithril import backend, machine
from flowbatch.backends.mithril.machine import Rental
from flowbatch.backends.mithril.pace import ABROAD, Backoff
from flowbatch.config import Settings as ControllerSettings
from flowbatch.core.events import Ended, Launched
from flowbatch.core.states import ExitStatus
from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.sandbox import process
from flowbatch.sandbox.contract import Address, MachineOrder
from flowbatch.sandbox.settings import Settings
from flowbatch.sandbox.web import quotas
from flowbatch.sandbox.web.gate import CONTROL, Gate
from tests.bench.renting import Renter
from tests.e2e.conftest import until

FASTER = 20
MINUTE_S = 60 / FASTER
SIZES = (10, 100, 1_000)
MINUTES = 3
"""So long it is counted, once all jobs run."""

PATIENCE_S = 600
TYPE, REGIONS = "cpu.8vcpu", ("us-central1-b", "us-central5-a")
"""The cheapest of the sandbox's, which a job without GPUs gets."""

MARKET = Settings(
    tick_s=120, notice_s=300, boot_delay_s=0, history_s=0, requests_per_minute=0, rate=FASTER, seed=1
)  # fmt: skip
TEMPO = replace(
    ABROAD, per_s=ABROAD.per_s * FASTER, poll_s=ABROAD.poll_s / FASTER, keen_s=ABROAD.keen_s / FASTER, idle_s=ABROAD.idle_s / FASTER,
    settle_s=ABROAD.settle_s / FASTER, charge_s=ABROAD.charge_s / FASTER, catalogue_s=ABROAD.catalogue_s / FASTER,
    retry=Backoff(0.05, 0.8), away=Backoff(0.1, 6),
)  # fmt: skip
"""The real market's."""


class Unreal:
    """Instances that are up at once, and nothing else."""

    async def boot(self, order: MachineOrder) -> Address:
        return Address("localhost", 9)

    async def halt(self, fid: str) -> None: ...

    async def destroy(self, fid: str) -> None: ...

    async def notice(self, fid: str, until: str | None) -> None: ...

    async def close(self) -> None: ...


class Pretended:
    """A machine whose jobs run as soon as they are handed over, until they are told to stop."""

    def __init__(self, rental: Rental, reception: object = None) -> None:
        self._tell: Any = None

    async def start(self, tell: Any, running: Any, warn: Any = None) -> None:
        self._tell = tell

    def at(self, destination: str | None) -> None: ...

    def door(self) -> None: ...

    async def rotate(self, key: str, key_fid: str | None) -> None: ...

    async def launch(self, message: LaunchMessage) -> None:
        asyncio.get_running_loop().create_task(
            self._tell(Launched(int(time.time()), message.key.job_id, message.key.restart))
        )

    async def stop(self, key: Key, why: str) -> None:
        asyncio.get_running_loop().create_task(
            self._tell(Ended(int(time.time()), key.job_id, key.restart, ExitStatus(0, signal.SIGTERM), "killed"))
        )

    async def forget(self, key: Key) -> None: ...

    async def leave(self, until: int) -> None: ...

    async def stay(self) -> None: ...

    async def lost(self, at: int) -> None: ...

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Counted:
    """Calls a minute of the market's time: while bids are placed (the most in any minute), and while all jobs run."""

    jobs: int
    most: int
    following: float
    kinds: Counter[str]


def measure(jobs: int) -> Counted:
    """A market and a controller of their own for so many jobs."""
    root = Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))
    who = Renter(root)
    asked = root / "asked"
    asked.touch()
    try:
        with _child(lambda: _market(who, asked)):
            until(lambda: who.market.address() is not None, "the market answers", who.logs)
            for region in REGIONS:
                plenty = {"instance_type": TYPE, "region": region, "capacity": max(SIZES)}
                who.market.ask("POST", "/sandbox/capacity", plenty)
            with _child(lambda: _controller(who)):
                until(lambda: who.run("squeue").code == 0, "a controller answers", who.logs)
                words = ("sbatch", f"--array=1-{jobs}", "-t", "60", "--wrap", "true")
                assert who.run(*words, timeout=PATIENCE_S).code == 0
                until(lambda: _running(who) == jobs, f"{jobs} jobs run", who.logs, PATIENCE_S)
                until(
                    lambda: asked.read_text().count("DELETE /v2/api-keys") >= jobs, "all is quiet", who.logs, PATIENCE_S
                )
                at = time.time()
                time.sleep(MINUTES * MINUTE_S)
                return _counted(jobs, asked, at)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _running(who: Renter) -> int:
    done = who.run("squeue", "-h", "-r", "-t", "R", "-o", "%i", timeout=PATIENCE_S)
    return len(done.out.split())


def _counted(jobs: int, asked: Path, at: float) -> Counted:
    calls = [(float(when), f"{method} {path}") for when, method, path in map(str.split, asked.read_text().splitlines())]
    instants = [when for when, _ in calls]
    most = max(sum(when <= other < when + MINUTE_S for other in instants[n:]) for n, when in enumerate(instants))
    following = [what for when, what in calls if at <= when < at + MINUTES * MINUTE_S]
    return Counted(jobs, most, len(following) / MINUTES, Counter(following))


def _market(who: Renter, asked: Path) -> None:
    """The sandbox's process, which writes down each request and keeps no state."""
    answer = Gate.__call__

    async def counting(gate: Gate, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(CONTROL):
            with open(asked, "a") as file:
                file.write(f"{time.time()} {scope['method']} {_kind(scope['path'])}\n")
        await answer(gate, scope, receive, send)

    Gate.__call__ = counting  # type: ignore[method-assign]  # in a process of its own
    quotas.INSTANCES = max(SIZES)
    process.LocalMachines = lambda base: Unreal()  # type: ignore[assignment, misc]
    process.Process._save = lambda self: None  # type: ignore[method-assign]
    process.become(who.market.directory, MARKET)


def _kind(path: str) -> str:
    return "/".join("ID" if "_" in word else word for word in path.split("/"))


def _controller(who: Renter) -> None:
    backend.AT_HOME = TEMPO  # in a process of its own
    machine.Machine = Pretended  # type: ignore[assignment, misc]
    app.run(who.paths, ControllerSettings(idle_exit_s=0), {})


@contextmanager
def _child(work: Callable[[], None]) -> Iterator[None]:
    pid = os.fork()
    if pid == 0:
        try:
            null = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1):
                os.dup2(null, stream)
            work()
        finally:
            os._exit(0)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


__all__ = ["SIZES", "Counted", "measure"]
