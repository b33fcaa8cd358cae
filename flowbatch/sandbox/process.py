"""The sandbox's process: one for a directory, with its state there; it goes on after any end where it stopped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType

import uvicorn
from filelock import FileLock, Timeout

from flowbatch.sandbox import address, state
from flowbatch.sandbox.address import ADDRESS, ALREADY, LOCK, LOG, READY, Address
from flowbatch.sandbox.contract import Machines
from flowbatch.sandbox.driver import Driver
from flowbatch.sandbox.machines.machines import LocalMachines
from flowbatch.sandbox.market.clock import RealClock
from flowbatch.sandbox.opening import opened
from flowbatch.sandbox.settings import Settings
from flowbatch.sandbox.state import State
from flowbatch.sandbox.web.app import application
from flowbatch.sandbox.web.faults import Limits
from flowbatch.sandbox.web.site import Site
from flowbatch.sandbox.world import World

STATE = "state.json"
LOOK_EVERY_S = 5.0
BACKLOG = 128

log = logging.getLogger(__name__)


def become(directory: Path, settings: Settings) -> int:
    """Is the sandbox of `directory` until it is told to stop, nobody needs it any more, or the directory is gone."""
    os.umask(0o022)  # its directory is its owner's alone; inside, instances have users of their own
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with FileLock(directory / LOCK, timeout=0, mode=0o600):
            logging.basicConfig(
                filename=directory / LOG, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
            )
            logging.getLogger("asyncssh").setLevel(logging.WARNING)
            asyncio.run(Process(directory, settings, LocalMachines(directory / "instances")).live())
    except Timeout:
        sys.stderr.write(f"a sandbox runs already in {directory}\n")
        return ALREADY
    return 0


class Server(uvicorn.Server):
    """Its process listens to signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self.should_exit = True


class Process:
    def __init__(self, directory: Path, settings: Settings, machines: Machines) -> None:
        self._directory = directory
        self._settings = settings
        self._machines = machines
        self._over = asyncio.Event()

    async def live(self) -> None:
        known, at = address.read(self._directory), int(time.time())
        listening = _listen(self._settings.port or _port(known))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        kept = state.read(self._directory / STATE)
        account, key = (kept, None) if kept is not None else State.new(at)
        if key is None:
            key = _key(account, known, at)
        market, late = opened(account, self._settings, at)
        clock = RealClock(max(market.now, at + account.ahead_s), time.monotonic, self._settings.rate)
        driver = Driver(self._machines, url, self._directory / "volumes", self._try_to_save, lambda: self._site.world)
        world = World(account, market, clock, driver.carry_out, self._settings.rate)
        self._site = Site(
            world=world, secret=known.secret if known else secrets.token_urlsafe(32), save=self._save,
            stop=self._over.set, limits=Limits(self._settings.requests_per_minute), settings=self._settings,
        )  # fmt: skip
        self._save()
        told = Address(url, key, next(iter(account.projects)), self._site.secret, os.getpid())
        server = Server(
            uvicorn.Config(
                application(self._site), http=self._site.lines.protocol(), lifespan="off", log_config=None,
                access_log=False, date_header=False, server_header=False, timeout_graceful_shutdown=5,
            )
        )  # fmt: skip
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        serving = loop.create_task(server.serve(sockets=[listening]))
        driver.carry_out(late)
        driver.carry_out(world.expected())
        driving = loop.create_task(driver.run())
        watching = loop.create_task(self._watch())
        state.write(self._directory / ADDRESS, address.text(told))
        ready(self._directory / LOG)
        log.info("serves %s", url)
        await asyncio.wait(
            {serving, driving, watching, loop.create_task(self._over.wait())}, return_when=asyncio.FIRST_COMPLETED
        )
        for task in (driving, watching):
            task.cancel()
        server.should_exit = True
        await serving
        await driver.close()
        if self._directory.exists():
            self._save()
            state.write(self._directory / ADDRESS, address.text(replace(told, pid=None)))
        for task in (driving, watching):
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _save(self) -> None:
        """Raises OSError."""
        world = self._site.world
        world.state.ahead_s = world.now() - int(time.time())
        world.state.forget(world.now())
        world.state.market = world.market.dump()
        state.write(self._directory / STATE, world.state.model_dump_json())

    def _try_to_save(self) -> None:
        """What the market did by itself follows from what was saved before: it can be saved later."""
        try:
            self._save()
        except OSError as error:
            log.error("cannot write the state: %s", error)

    async def _watch(self) -> None:
        """Returns when nobody needs the sandbox any more: none asks it and nothing runs, or its directory is gone."""
        idle_s = self._settings.idle_s or float("inf")
        while (self._directory / LOCK).exists():
            if self._site.world.running():
                self._site.asked()
            if self._site.real_now() - self._site.asked_at > idle_s:
                log.info("nobody asks, nothing runs")
                return
            await asyncio.sleep(min(LOOK_EVERY_S, idle_s))


def ready(log_file: Path) -> None:
    """Tells who started it that it answers, and lets go of the standard streams."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, READY)
    null, words = os.open(os.devnull, os.O_RDONLY), os.open(log_file, os.O_WRONLY | os.O_APPEND)
    for stream, onto in ((0, null), (1, words), (2, words)):
        os.dup2(onto, stream)
    os.close(null)
    os.close(words)


def _listen(port: int) -> socket.socket:
    """A socket of the loopback at `port`, or at a free one if that is taken."""
    for wanted in (port, 0):
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind(("127.0.0.1", wanted))
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            if wanted == 0:
                raise
        else:
            return listening
    raise AssertionError("port 0 is always free")


def _port(known: Address | None) -> int:
    """The one it had before: machines and scripts know it."""
    return int(known.api_url.rpartition(":")[2]) if known else 0


def _key(account: State, known: Address | None, at: int) -> str:
    """The key that was told before, while it holds; else a new one."""
    if known is not None and account.bearer(known.api_key, at) is not None:
        return known.api_key
    return account.mint("sandbox", at, at + state.FOREVER_S)[1]
