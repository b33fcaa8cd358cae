"""One controller, from its first look at the store to its last commit."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from flowbatch.backends.contract import Backend
from flowbatch.clock import Clock
from flowbatch.commands.call import Command
from flowbatch.config import Settings
from flowbatch.controller import recovery
from flowbatch.controller.launching import Site
from flowbatch.controller.loop import Loop
from flowbatch.controller.mail import Mailer
from flowbatch.controller.perform import Performer
from flowbatch.controller.port import Port
from flowbatch.controller.server import Server
from flowbatch.core.events import Configured
from flowbatch.errors import FlowError
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.ids import StoreId
from flowbatch.paths import SOCKET
from flowbatch.protocol.launch import Key
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.store.contract import Store

GRACE_S = 2
"""How long running commands may go on when the controller stops."""

IDLE_LOOK_S = 1.0
AWAY_S = 5
"""How soon a machine that did not answer is asked again."""

log = logging.getLogger("flowbatch.controller")


@dataclass(frozen=True)
class Parts:
    """What the composition root picked. The store is opened once the lock is held, the backend made once its id is known."""

    store: Callable[[], Store]
    backend: Callable[[StoreId], Backend]
    cluster: ClusterSpec
    clock: Clock
    commands: Mapping[str, Command]
    settings: Settings
    slurm_conf: str | None = None
    failpoint: Failpoint = nowhere


async def serve(parts: Parts, ready: Callable[[], None]) -> None:
    """Serves until it is told to stop or has been idle long enough; jobs go on. The current directory is the state's.

    `ready` is called when the socket answers. Raises StoreFailed if the queue cannot be read.
    """
    store = parts.store()
    loop = Loop(store, parts.cluster, parts.clock, failpoint=parts.failpoint)
    port = Port(loop, store)
    loaded = await loop.load()
    backend = parts.backend(loaded.store)
    site = Site(loaded.store, parts.cluster, parts.slurm_conf)
    mailer = Mailer(parts.cluster, parts.settings.smtp)
    performer = Performer(loop, port, backend, site, mailer, parts.failpoint)
    server = Server(port, parts.commands)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    turning = asyncio.ensure_future(loop.run())
    await loop.apply(Configured(parts.clock.now(), parts.cluster))
    await server.start(SOCKET)
    log.info("started", extra={"fields": {"pid": os.getpid(), "store": loaded.store, "jobs": len(loaded.jobs)}})
    ready()

    async def work() -> None:
        await _reconcile(backend, loop, recovery.placed(loaded.store, loaded.jobs))
        for order in recovery.owed(loaded, loop.queue.jobs):
            loop.orders.put_nowait(order)
        loop.timers = True
        loop.wake()
        await performer.run()

    working = asyncio.ensure_future(work())
    idle = asyncio.ensure_future(_idle(loop, server, parts.settings.idle_exit_s))
    stop = asyncio.ensure_future(stopping.wait())
    try:
        done, _ = await asyncio.wait({working, turning, idle, stop}, return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stop, idle}:
            task.result()  # these two never end by themselves
    finally:
        idle_exit = idle.done() and not stop.done()
        await server.stop(SOCKET, 60 if idle_exit else GRACE_S)
        for task in (working, idle, stop):
            task.cancel()
        await asyncio.gather(working, idle, stop, return_exceptions=True)
        await backend.close()
        loop.stop()
        await asyncio.gather(turning, return_exceptions=True)
        store.close()
        log.info("stopped", extra={"fields": {"idle": idle_exit}})


async def _reconcile(backend: Backend, loop: Loop, running: Sequence[Key]) -> None:
    """The truth about `running` is known, however long the machine is away: nothing is ordered before."""
    while True:
        try:
            return await backend.start(loop.tell, running)
        except (FlowError, OSError) as error:
            log.warning("the machine does not answer", extra={"fields": {"why": repr(error)}})
            await asyncio.sleep(AWAY_S)


async def _idle(loop: Loop, server: Server, after_s: int) -> None:
    """Returns after `after_s` seconds in which nothing was queued, running or asked; never for 0."""
    quiet_since = now = asyncio.get_running_loop().time()
    while not after_s or now - quiet_since < after_s:
        await asyncio.sleep(min(IDLE_LOOK_S, after_s or IDLE_LOOK_S))
        now = asyncio.get_running_loop().time()
        if server.busy or loop.busy:
            quiet_since = now
