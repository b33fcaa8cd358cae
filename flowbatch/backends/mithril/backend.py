"""A cluster whose machines are rented from Mithril: orders are noted, one task a bid works at them, one loop looks."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from flowbatch.backends.contract import BidKey, Tell, Tender
from flowbatch.backends.mithril import keys, ssh, wire
from flowbatch.backends.mithril.account import Account
from flowbatch.backends.mithril.api import Api
from flowbatch.backends.mithril.bids import Pursuit
from flowbatch.backends.mithril.catalogue import Catalogue
from flowbatch.backends.mithril.client import Client
from flowbatch.backends.mithril.desk import Desk
from flowbatch.backends.mithril.machine import Machine, Rental
from flowbatch.backends.mithril.pace import ABROAD, AT_HOME, Tempo
from flowbatch.backends.mithril.prices import Prices
from flowbatch.backends.mithril.watch import PREFIX, Watch
from flowbatch.clock import Clock, SystemClock
from flowbatch.core.events import Configured, NodeLost
from flowbatch.core.ports import Door
from flowbatch.errors import FlowError, MarketFailed
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.ids import StoreId
from flowbatch.protocol.launch import Key, LaunchMessage
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.policy import MarketPolicy

CATALOGUE = "catalogue.json"
LEASED = ("boot_allowance_s", "upload_allowance_s", "grace_s", "return_allowance_s")
"""What leases and escrow are made of: a bid on its way must be sent with the lengths that it was escrowed for."""

log = logging.getLogger(__name__)


class MithrilBackend:
    """The cluster `name`, rented by `account` under `policy`. `directory` (0700) is the cluster's own: catalogue, SSH key,
    what is known of machines. `api`, `tempo`, `rng` and `machines` are given by tests."""

    def __init__(
        self,
        name: str,
        account: Account,
        policy: MarketPolicy,
        directory: Path,
        store: StoreId,
        *,
        clock: Clock | None = None,
        api: Api | None = None,
        tempo: Tempo | None = None,
        rng: random.Random | None = None,
        machines: Callable[[Rental], Machine] = Machine,
        failpoint: Failpoint = nowhere,
    ) -> None:
        tempo = tempo or (AT_HOME if account.loopback else ABROAD)
        clock, rng = clock or SystemClock(), rng or random.Random()
        client = Client(api or Api(account, tempo, clock=clock, rng=rng, failpoint=failpoint))
        self._desk = Desk(
            account, client, policy, tempo, clock, rng, store, directory,
            Catalogue(name, policy, directory / CATALOGUE), machines,
        )  # fmt: skip
        self._pursuits: dict[str, Pursuit] = {}
        self._watch = Watch(
            self._desk, self._pursuits, Prices(client, self._desk.catalogue, tempo.catalogue_s), self._end
        )
        self._where: dict[Key, str] = {}
        """The bid on whose machine a placement is."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._ending: set[str] = set()
        self._prepared = False
        self._started = False

    @property
    def cluster(self) -> ClusterSpec:
        """The cluster as it was last seen, also before `start`: empty where the market was never asked."""
        return self._desk.catalogue.cluster

    def adopt(self, policy: MarketPolicy) -> None:
        """Caps, budgets and what partitions stand for are these from now on, for bids that stand too; `LEASED` stays as it was."""
        desk = self._desk
        policy = policy.model_copy(update={name: getattr(desk.policy, name) for name in LEASED})
        if policy == desk.policy:
            return
        desk.policy = desk.catalogue.policy = policy
        if desk.tell is not None and desk.catalogue.shapes:
            self._aside(desk.tell(Configured(desk.clock.now(), self.cluster)))

    # bids

    async def know(self, tenders: Sequence[Tender]) -> None:
        for tender in tenders:
            self._pursuits[str(tender.key)] = Pursuit(self._desk, tender, new=False)

    async def start(self, tell: Tell, running: Sequence[Key]) -> None:
        """Raises MarketAway, or MarketFailed in the market's words: to be called again later."""
        desk = self._desk
        desk.tell = tell
        if not self._prepared:
            await self._prepare(running)
        desk.project = await self._project()
        assert desk.identity is not None
        desk.ssh_keys = await keys.register(desk.client, desk.project, desk.identity.public)
        live = await self._watch.live()
        for pursuit in self._pursuits.values():
            await pursuit.seek([bid for bid in live if bid.name == pursuit.name])
        await self._watch.see_bids(live)
        for pursuit in self._pursuits.values():
            await pursuit.report()
        await self._watch.see_market()
        self._started = True
        for pursuit in self._pursuits.values():
            self._follow(pursuit)
        self._aside(self._kept_up(self._watch.run))

    async def place(self, tender: Tender) -> None:
        name = str(tender.key)
        if name in self._pursuits:
            self._pursuits[name].place(tender)
        else:
            self._pursuits[name] = Pursuit(self._desk, tender, new=True)
            self._follow(self._pursuits[name])
        self._watch.poke()

    async def change(self, tender: Tender) -> None:
        pursuit = self._pursuits.get(str(tender.key))
        if pursuit is not None:
            pursuit.change(tender)
            self._watch.poke()

    async def withdraw(self, key: BidKey) -> None:
        """A bid that is not known any more is gone and paid; if it is on the market after all, the watch ends it."""
        pursuit = self._pursuits.get(str(key))
        if pursuit is not None:
            pursuit.withdraw()
            self._watch.poke()

    async def door(self, key: BidKey) -> Door | None:
        pursuit = self._pursuits.get(str(key))
        return None if pursuit is None else pursuit.door()

    async def strangers(self) -> list[str]:
        self._desk.project = self._desk.project or await self._project()
        mine = f"{PREFIX}{self._desk.store}-"
        live = await self._watch.live()
        return [bid.name for bid in live if bid.name.startswith(PREFIX) and not bid.name.startswith(mine)]

    # placements

    async def launch(self, message: LaunchMessage) -> None:
        self._where[message.key] = message.machine
        machine = await self._machine(message.key)
        if machine is None:
            await self._lost(message.key)
        else:
            await machine.launch(message)

    async def stop(self, key: Key, why: str) -> None:
        machine = await self._machine(key)
        if machine is None:
            await self._lost(key)
        else:
            await machine.stop(key, why)

    async def deliver(self, key: Key, signal: int, scope: str) -> None:
        machine = await self._machine(key)
        if machine is not None:
            await machine.deliver(key, signal, scope)

    async def deliver_step(self, key: Key, number: int, signal: int, by: int) -> None:
        machine = await self._machine(key)
        if machine is not None:
            await machine.deliver_step(key, number, signal, by)

    async def pause(self, key: Key, paused: bool) -> None:
        """Never ordered: a rented machine bills on, and core refuses it."""
        machine = await self._machine(key)
        if machine is not None:
            await machine.pause(key, paused)

    async def limit(self, key: Key, ends_by: int | None) -> None:
        """Never ordered: a lease does not grow, and what is to end sooner the queue ends."""

    async def say(self, key: Key, text: str) -> None:
        machine = await self._machine(key)
        if machine is not None:
            await machine.say(key, text)

    async def forget(self, key: Key) -> None:
        machine = await self._machine(key)
        if machine is not None:
            await machine.forget(key)
        self._where.pop(key, None)

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pursuit in self._pursuits.values():
            await pursuit.close()
        await self._desk.client.close()
        self._desk.tell = None

    # how

    async def _prepare(self, running: Sequence[Key]) -> None:
        """What needs no market: the cluster as it was, this user's key, who runs where."""
        desk = self._desk
        assert desk.tell is not None
        if desk.catalogue.shapes:
            await desk.tell(Configured(desk.clock.now(), self.cluster))
        desk.identity = await asyncio.to_thread(ssh.identity, desk.directory)
        for key in running:
            pursuit = self._pursuit_of(key)
            if pursuit is None:
                await self._lost(key)
            else:
                pursuit.runs([key])
        self._prepared = True

    async def _project(self) -> str:
        """The id of the account's project. Raises MarketFailed if there is none of that name or id."""
        said = self._desk.account.project
        there = await self._desk.client.projects()
        for project in there:
            if said in (project.fid, project.name):
                return project.fid
        names = ", ".join(project.name for project in there) or "none"
        raise MarketFailed(f"the market knows no project {said} of this key", hint=f"there are: {names}")

    async def _machine(self, key: Key) -> Machine | None:
        pursuit = self._pursuit_of(key)
        return None if pursuit is None else await pursuit.machine()

    def _pursuit_of(self, key: Key) -> Pursuit | None:
        """The bid whose machine has a placement: as its launch said; else the latest of the job's that has not gone."""
        if key in self._where:
            return self._pursuits.get(self._where[key])
        of_job = [one for one in self._pursuits.values() if one.tender.key.job_id == key.job_id]
        return max(of_job, key=lambda one: (one.stage != "gone", one.tender.key.number), default=None)

    async def _lost(self, key: Key) -> None:
        assert self._desk.tell is not None
        await self._desk.tell(NodeLost(self._desk.clock.now(), key.job_id, key.restart))

    def _follow(self, pursuit: Pursuit) -> None:
        if self._started:
            self._aside(self._until_over(pursuit))

    async def _until_over(self, pursuit: Pursuit) -> None:
        await self._kept_up(pursuit.run)
        self._pursuits.pop(pursuit.name, None)

    async def _kept_up(self, work: Callable[[], Awaitable[None]]) -> None:
        """The work is done, also where a fault of our own meets it: what nobody follows any more costs money in silence."""
        while True:
            try:
                return await work()
            except Exception:
                log.exception("a fault in following the market; it is tried again")
                await asyncio.sleep(self._desk.tempo.away.longest_s)

    def _end(self, bid: wire.Bid) -> None:
        """An orphan: a bid of this store without a record. Each look that shows it has it ended again."""
        if bid.fid not in self._ending:
            log.warning("a bid that no record knows is ended", extra={"fields": {"name": bid.name, "fid": bid.fid}})
            self._ending.add(bid.fid)
            self._aside(self._delete(bid))

    async def _delete(self, bid: wire.Bid) -> None:
        try:
            await self._desk.client.delete_bid(bid.fid)
            await keys.revoke(self._desk.client, bid.name)
        except FlowError as error:
            log.warning("it is not ended yet", extra={"fields": {"name": bid.name, "why": str(error)}})
        finally:
            self._ending.discard(bid.fid)

    def _aside(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
