"""One cluster's life: its queue read and its facts heard, the truth about its machines known, its orders carried out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from filelock import FileLock

from flowbatch.backends.contract import Backend, MarketBackend, Seeing
from flowbatch.clock import Clock
from flowbatch.config import Modules
from flowbatch.controller import recovery
from flowbatch.controller.claim import claim
from flowbatch.controller.launching import Site
from flowbatch.controller.loop import Loop
from flowbatch.controller.mail import Mailer
from flowbatch.controller.perform import Performer
from flowbatch.controller.port import Port
from flowbatch.core.events import CancelAsked, Configured, JobRef
from flowbatch.errors import FlowError, MarketAway, StoreFailed
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.ids import StoreId
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.store.contract import Loaded, Store
from flowbatch.units import DAY

AWAY_S = 5
"""How soon a machine or a market that did not answer is asked again."""

JOURNAL_KEPT_S = 7 * DAY
"""So long the journal's lines are kept once their orders were carried out."""

PRUNED_EVERY_S, BREATH_S = 3600, 0.05
"""How often what is too old is looked for, and the pause between two pieces of it."""

SEEN_WITHIN_S, KNOWN_WITHIN_S = 20, 5
"""A market says by then what it has and at what price, the first time and later; whoever asks waits no longer."""

log = logging.getLogger("flowbatch.cluster")


@dataclass(frozen=True)
class ClusterParts:
    """What the composition root picked for one cluster. The backend is made once the store's id is known; it may raise
    FlowError. `shape`: as far as it is known without a backend."""

    shape: ClusterSpec
    store: Callable[[], Store]
    backend: Callable[[StoreId], Backend]
    slurm_conf: str | None = None
    steps: tuple[str, ...] = ()
    """The program that is srun in its jobs, with its first words; empty where they have one of their own."""
    programs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The programs, with their first words, that clients become where they are: `salloc` and `srun`, which use an allocation, and `sattach`;
    empty where there are none."""
    modules: Modules = field(default_factory=Modules)
    reread: Callable[[], ClusterSpec] | None = None
    """The shape as its configuration has it now; may raise ConfigError."""


class Cluster:
    """One cluster of a controller. After `open` its port can be asked; what it orders is carried out by `work`."""

    def __init__(
        self, parts: ClusterParts, clock: Clock, smtp: tuple[str, int] | None = None, failpoint: Failpoint = nowhere,
        history_s: int | None = None,
    ) -> None:  # fmt: skip
        """Opens the store. `history_s`: how long jobs are remembered that are over, None for always. Raises FlowError."""
        self._history_s = history_s
        self._clock = clock
        self._parts = parts
        self._failpoint = failpoint
        self._mailer = Mailer(parts.shape, smtp)
        self._store = parts.store()
        self._loop = Loop(self._store, parts.shape, clock, failpoint=failpoint)
        self._looked = asyncio.Event()
        """Its market was asked, whether it answered or not."""
        self._turning: asyncio.Task[None] | None = None
        self._backend: Backend | None = None
        self._loaded: Loaded | None = None
        self._claim: FileLock | None = None
        self.port = Port(self._loop, self._store, parts.steps, parts.programs, parts.reread)

    @property
    def name(self) -> str:
        return self._parts.shape.name

    @property
    def busy(self) -> bool:
        """Whether it has work, a live bid, or a bill that is not final."""
        return self._loop.busy

    async def open(self) -> None:
        """The queue can be asked. Raises FlowError; then it is closed again."""
        self._turning = asyncio.ensure_future(self._loop.run())
        try:
            self._loaded = await self._loop.load()
            self._claim = claim(self._loaded.store)
            self._backend = self._parts.backend(self._loaded.store)
            shape = self._parts.shape
            if isinstance(self._backend, MarketBackend):
                shape = self._backend.cluster
                self.port.rents(self._loaded.store, self._backend)
            if isinstance(self._backend, Seeing):
                self.port.sees(self._loaded.store, self._backend)
            await self._loop.apply(Configured(self._loop.clock.now(), shape))
        except FlowError:
            await self.close()
            raise
        if shape.market is None:
            self._looked.set()
        log.info("opened", extra={"fields": {"cluster": self.name, "store": self._loaded.store}})

    async def ready(self) -> None:
        """What machines it has is known, and their prices if that does not take long. Raises MarketAway if they were never
        seen, and cannot be now."""
        known = bool(self._loop.cluster.nodes)
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._looked.wait(), KNOWN_WITHIN_S if known else SEEN_WITHIN_S)
        if self._loop.cluster.market is not None and not self._loop.cluster.nodes:
            raise MarketAway(
                f"the market of cluster {self.name} does not answer, and its machines were never seen",
                hint="try again; controller.log in the state directory says why",
            )

    async def work(self) -> None:
        """Carries out orders until cancelled. A fault of our own ends it with that fault."""
        assert self._turning is not None
        working, forgetting = asyncio.ensure_future(self._work()), asyncio.ensure_future(self._forget())
        try:
            done, _ = await asyncio.wait({working, forgetting, self._turning}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            working.cancel()
            forgetting.cancel()
            await asyncio.gather(working, forgetting, return_exceptions=True)

    async def close(self) -> None:
        """What had arrived is committed, the machines are let go of (what runs there goes on), and the store is closed."""
        if self._backend is not None:
            await self._backend.close()
        self._loop.stop()
        if self._turning is not None:
            await asyncio.gather(self._turning, return_exceptions=True)
        self._store.close()
        if self._claim is not None:
            self._claim.release()

    async def _work(self) -> None:
        """First the truth, then what is owed, then new work."""
        assert self._loaded is not None and self._backend is not None
        site = Site(self._loaded.store, self._parts.shape, self._parts.slurm_conf, self._parts.modules)
        performer = Performer(self._loop, self.port, self._backend, site, self._mailer, self._failpoint)
        if isinstance(self._backend, MarketBackend):
            await self._backend.know(recovery.tenders(site, self._loaded.jobs))
        await self._forsake(self._loaded)
        await self._reconcile(self._backend, self._loaded)
        for order in recovery.owed(self._loaded, self._loop.queue.jobs):
            self._loop.orders.put_nowait(order)
        self._loop.timers = True
        self._loop.wake()
        await performer.run()

    async def _forget(self) -> None:
        """What is older than it is kept leaves the store, piece by piece."""
        while True:
            now = self._clock.now()
            jobs_before = 0 if self._history_s is None else now - self._history_s
            try:
                while await self._loop.on_disk(self._store.prune, now - JOURNAL_KEPT_S, jobs_before):
                    await asyncio.sleep(BREATH_S)
            except StoreFailed as error:
                log.warning("nothing was forgotten", extra={"fields": {"cluster": self.name, "why": error.message}})
            await asyncio.sleep(PRUNED_EVERY_S)

    async def _forsake(self, loaded: Loaded) -> None:
        """Jobs that a command waited for at the death of the last controller are cancelled: those commands are gone too."""
        for job in recovery.forsaken(loaded.jobs, loaded.rulings.crontabs.values()):
            await self._loop.tell(CancelAsked(self._loop.clock.now(), job.owner.uid, (JobRef(job.id),)))

    async def _reconcile(self, backend: Backend, loaded: Loaded) -> None:
        """The truth about all that ran is known, however long the machine or the market is away: nothing is ordered before."""
        running = recovery.placed(loaded.store, loaded.jobs)
        while True:
            try:
                await backend.start(self._loop.tell, running)
                self._looked.set()
                return
            except (FlowError, OSError) as error:
                self._looked.set()
                fields = {"cluster": self.name, "why": repr(error)}
                log.warning("the machine does not answer", extra={"fields": fields})
                await asyncio.sleep(AWAY_S)
