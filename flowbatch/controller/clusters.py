"""All clusters of one controller: each opened when it is first needed, and none touched by what befalls another."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn, Protocol, cast

from flowbatch.controller.cluster import Cluster, ClusterParts
from flowbatch.controller.loop import unfinished
from flowbatch.core.ports import QueuePort
from flowbatch.errors import FlowError, NewerStore, StoreFailed

AGAIN_S = 30
"""How soon a cluster that has work and could not be opened, or that failed, is tried again."""

CURRENT = "SLURM_CLUSTER_NAME"
"""What a job finds in its environment: for commands inside a job the current cluster is the job's, as in Slurm."""

log = logging.getLogger("flowbatch.clusters")


class Offer(Protocol):
    """The clusters that the composition root can put together, as things are now."""

    @property
    def default(self) -> str: ...

    @property
    def names(self) -> tuple[str, ...]:
        """Every cluster that can be named, the default first."""

    @property
    def stored(self) -> tuple[str, ...]:
        """The clusters that have a store, whether they can be served now or not."""

    def parts(self, name: str) -> ClusterParts:
        """Raises KeyError for a name that is none, FlowError for one that cannot be served now."""


class Unserved:
    """The queue of a cluster that cannot be served now: the time is known, and anything else raises why."""

    def __init__(self, why: FlowError, now: Callable[[], int]) -> None:
        self._why = why
        self.now = now

    def __getattr__(self, name: str) -> NoReturn:
        raise self._why


class Clusters:
    """`core.ports.ClustersPort` for a controller."""

    def __init__(self, offer: Offer, make: Callable[[ClusterParts], Cluster], now: Callable[[], int]) -> None:
        self._offer = offer
        self._make = make
        self._now = now
        self._opened: dict[str, asyncio.Task[Cluster]] = {}
        """Clusters that are open, or about to be."""
        self._lives: dict[str, asyncio.Task[None]] = {}
        """Of clusters that are open, or being closed after a fault."""
        self._keeping: set[asyncio.Task[None]] = set()

    @property
    def default(self) -> str:
        return self._offer.default

    @property
    def names(self) -> tuple[str, ...]:
        return self._offer.names

    @property
    def used(self) -> tuple[str, ...]:
        stored = self._offer.stored
        return tuple(name for name in self._offer.names if name in stored)

    @property
    def busy(self) -> bool:
        """Whether any cluster has work, a live bid, or a bill that is not final."""
        return bool(self._keeping) or any(not task.done() or task.result().busy for task in self._opened.values())

    async def start(self) -> None:
        """The default cluster is open, unless it cannot be served now, and so is, or will be, each that has unfinished work.

        Raises StoreFailed or NewerStore if the default one's store cannot be used.
        """
        try:
            await self._open(self.default)
        except (StoreFailed, NewerStore):
            raise
        except FlowError as error:
            log.warning("the default cluster cannot be served", extra={"fields": {"why": repr(error)}})
        for name in self._offer.stored:
            if name not in self._opened:
                self._aside(self._keep(name, pause_s=0))

    async def queue(self, name: str) -> QueuePort:
        cluster = await self._open(name)
        await cluster.ready()
        return cluster.port

    async def current(self, environ: Mapping[str, str]) -> QueuePort:
        """The queue of a command that names no cluster: its job's, where a job calls, else the default's."""
        name = environ.get(CURRENT, "")
        try:
            return await self.queue(name if name and name in self.names else self.default)
        except FlowError as error:
            return cast("QueuePort", Unserved(error, self._now))

    async def close(self) -> None:
        """Every cluster is closed; what runs there goes on."""
        await _ended(
            self._keeping | set(self._lives.values()) | {task for task in self._opened.values() if not task.done()}
        )
        opened = [task.result() for task in self._opened.values() if not task.cancelled() and not task.exception()]
        await asyncio.gather(*(cluster.close() for cluster in opened), return_exceptions=True)

    async def _open(self, name: str) -> Cluster:
        """The cluster, at work; opened once, whoever waits for it. Raises KeyError, FlowError."""
        if name not in self._opened:
            self._opened[name] = asyncio.ensure_future(self._start(name))
        return await asyncio.shield(self._opened[name])

    async def _start(self, name: str) -> Cluster:
        try:
            if (before := self._lives.get(name)) is not None:
                await asyncio.wait({before})  # two on one store would give a number twice
            cluster = self._make(self._offer.parts(name))
            await cluster.open()
        except BaseException:
            del self._opened[name]
            raise
        self._lives[name] = asyncio.ensure_future(self._live(name, cluster))
        return cluster

    async def _live(self, name: str, cluster: Cluster) -> None:
        """Until a fault of our own ends this cluster's work: then it is closed, and opened anew a little later."""
        try:
            await cluster.work()
        except Exception:  # whatever it is, it must not touch the other clusters
            log.exception("a cluster failed", extra={"fields": {"cluster": name}})
            del self._opened[name]
            await cluster.close()
            self._aside(self._keep(name, AGAIN_S))

    async def _keep(self, name: str, pause_s: float) -> None:
        """Opens a cluster that has unfinished work, however often that fails."""
        while True:
            await asyncio.sleep(pause_s)
            try:
                if await asyncio.to_thread(self._has_work, name):
                    await self._open(name)
                return
            except KeyError:
                log.warning("a store's cluster is not configured any more", extra={"fields": {"cluster": name}})
                return
            except (FlowError, OSError) as error:
                log.warning("a cluster cannot be opened", extra={"fields": {"cluster": name, "why": repr(error)}})
                pause_s = AGAIN_S

    def _has_work(self, name: str) -> bool:
        store = self._offer.parts(name).store()
        try:
            return unfinished(store.load().jobs)
        finally:
            store.close()

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)


async def _ended(tasks: set[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
