"""One controller, from its first look at its stores to its last commit."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flowbatch.clock import Clock
from flowbatch.commands.call import Command
from flowbatch.config import Settings
from flowbatch.controller.cluster import Cluster
from flowbatch.controller.clusters import Clusters, Offer
from flowbatch.controller.server import Server
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.paths import SOCKET

GRACE_S = 2
"""How long running commands may go on when the controller stops."""

IDLE_LOOK_S = 1.0

log = logging.getLogger("flowbatch.controller")


@dataclass(frozen=True)
class Parts:
    """What the composition root picked. Stores are opened once the lock is held."""

    clusters: Offer
    clock: Clock
    commands: Mapping[str, Command]
    settings: Settings
    failpoint: Failpoint = nowhere


async def serve(parts: Parts, ready: Callable[[], None]) -> None:
    """Serves until it is told to stop or has been idle long enough; jobs go on. The current directory is the state's.

    `ready` is called when the socket answers. Raises StoreFailed if the default cluster's queue cannot be read.
    """
    clusters = Clusters(
        parts.clusters,
        lambda one: Cluster(one, parts.clock, parts.settings.smtp, parts.failpoint, parts.settings.history_s),
        parts.clock.now,
    )
    server = Server(clusters, parts.commands)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)

    await clusters.start()
    await server.start(SOCKET)
    log.info("started", extra={"fields": {"pid": os.getpid(), "clusters": clusters.names}})
    ready()

    idle = asyncio.ensure_future(_idle(clusters, server, parts.settings.idle_exit_s))
    stop = asyncio.ensure_future(stopping.wait())
    try:
        await asyncio.wait({idle, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        idle_exit = idle.done() and not stop.done()
        await server.stop(SOCKET, 60 if idle_exit else GRACE_S)
        for task in (idle, stop):
            task.cancel()
        await asyncio.gather(idle, stop, return_exceptions=True)
        await clusters.close()
        log.info("stopped", extra={"fields": {"idle": idle_exit}})


async def _idle(clusters: Clusters, server: Server, after_s: int) -> None:
    """Returns after `after_s` seconds in which nothing was queued, running, on the market or asked; never for 0."""
    quiet_since = now = asyncio.get_running_loop().time()
    while not after_s or now - quiet_since < after_s:
        await asyncio.sleep(min(IDLE_LOOK_S, after_s or IDLE_LOOK_S))
        now = asyncio.get_running_loop().time()
        if server.busy or clusters.busy:
            quiet_since = now
