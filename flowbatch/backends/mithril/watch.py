"""The one loop that looks at the market for all bids: a bounded number of calls a round, however many jobs there are."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence

from flowbatch.backends.mithril import wire
from flowbatch.backends.mithril.api import Declined
from flowbatch.backends.mithril.bids import Pursuit, sight_of
from flowbatch.backends.mithril.billing import bill
from flowbatch.backends.mithril.client import BidStatus
from flowbatch.backends.mithril.desk import Desk
from flowbatch.backends.mithril.pace import LOOKS, poked, rank
from flowbatch.backends.mithril.prices import Prices
from flowbatch.backends.mithril.sights import STAGES, Sight
from flowbatch.core.events import Configured, MarketSeen
from flowbatch.errors import FlowError

LIVE: tuple[BidStatus, ...] = ("Open", "Allocated", "Preempting", "Paused")
"""Four listings of what lives, where one of everything would grow with the project's past."""

BILLS = 10
"""So many bills are looked at in one round, in turn."""

PREFIX = "flowbatch-"
DEAD = frozenset({"STATUS_TERMINATED", "STATUS_PREEMPTED", "STATUS_REPLACED", "STATUS_ERROR", "STATUS_STOPPING"})

log = logging.getLogger(__name__)


class Watch:
    """Looks for all `pursuits` (by name). `orphan` is called with each live bid of this store that no record knows."""

    def __init__(
        self, desk: Desk, pursuits: Mapping[str, Pursuit], prices: Prices, orphan: Callable[[wire.Bid], None]
    ) -> None:
        self._desk = desk
        self._pursuits = pursuits
        self._prices = prices
        self._orphan = orphan
        self._poked = asyncio.Event()
        self._strange: set[str] = set()
        self._learnt_s = float("-inf")
        self._billed_s: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        rank.set(LOOKS)
        failures = 0
        while True:
            tempo = self._desk.tempo
            try:
                await self.look()
                failures, wait_s = 0, self._rest_s()
            except (FlowError, OSError) as error:
                log.warning("no look at the market", extra={"fields": {"why": str(error)}})
                wait_s = tempo.away.wait_s(failures, self._desk.rng)
                failures += 1
            if await poked(self._poked, wait_s):
                await asyncio.sleep(tempo.keen_s)  # several new bids share a look
            self._poked.clear()

    def poke(self) -> None:
        """Something is about to happen: the next look is soon."""
        self._poked.set()

    async def look(self) -> None:
        """One round. Raises MarketAway, Declined."""
        live = await self.live()
        await self.see_bids(live)
        await self.see_market()
        await self._see_bills()

    async def live(self) -> list[wire.Bid]:
        """Every live bid of the project, ours or not; one that moved meanwhile may be there twice, or not."""
        listed = [await self._desk.client.bids(self._desk.project, status=status) for status in LIVE]
        return list({bid.fid: bid for bids in listed for bid in bids}.values())

    async def see_bids(self, live: Sequence[wire.Bid]) -> None:
        """Each bid that is pursued has what there is to see of it; strays and orphans are named."""
        self._orphans(live)
        by_fid = {bid.fid: bid for bid in live}
        for bid in live:
            one = self._pursuits.get(bid.name)
            if one is not None and one.fid is not None and bid.fid != one.fid:
                one.stray(bid.fid)
        watched = {one.fid: one for one in list(self._pursuits.values()) if one.fid is not None and one.stage != "gone"}
        machines = await self._instances([fid for fid in watched if fid in by_fid and _has_machines(by_fid[fid])])
        for fid, one in watched.items():
            found = by_fid.get(fid) or await self._alone(fid, one)
            if found is not None:
                one.see(await self._sight(found, machines.get(fid, ())))

    async def see_market(self) -> None:
        """The catalogue, now and then; prices."""
        desk, now_s = self._desk, self._desk.seconds()
        assert desk.tell is not None
        if now_s - self._learnt_s > desk.tempo.catalogue_s:
            changed = desk.catalogue.learn(
                await desk.client.instance_types(), await desk.client.availability(), desk.clock.now()
            )
            self._learnt_s = now_s
            if changed:
                await desk.tell(Configured(desk.clock.now(), desk.catalogue.cluster))
        quotes = await self._prices.look(desk.clock.now(), now_s)
        if quotes is not None:
            await desk.tell(MarketSeen(desk.clock.now(), quotes))

    def _rest_s(self) -> float:
        tempo, pursuits = self._desk.tempo, self._pursuits.values()
        if any(one.keen for one in pursuits):
            return tempo.keen_s
        return tempo.poll_s if pursuits else tempo.idle_s

    def _orphans(self, live: Iterable[wire.Bid]) -> None:
        """Bids of this store that no record knows are handed over."""
        mine = f"{PREFIX}{self._desk.store}-"
        for bid in live:
            if bid.name.startswith(mine) and bid.name not in self._pursuits:
                self._orphan(bid)

    async def _alone(self, fid: str, one: Pursuit) -> wire.Bid | None:
        """A bid that no listing of live ones showed, by itself; None while nothing can be said."""
        try:
            return await self._desk.client.bid(fid)
        except Declined as no:
            if no.status != 404:
                raise
        if not one.fresh:
            one.see(Sight("Terminated"))
        return None

    async def _instances(self, fids: list[str]) -> dict[str, list[wire.Instance]]:
        found: dict[str, list[wire.Instance]] = {}
        if fids:
            for instance in await self._desk.client.instances_of(self._desk.project, fids):
                self._name_strange(instance.status)
                found.setdefault(instance.bid or "", []).append(instance)
        return found

    async def _sight(self, bid: wire.Bid, instances: Iterable[wire.Instance]) -> Sight:
        self._name_strange(bid.status)
        there = [one for one in instances if one.status not in DEAD]
        if not there:
            return sight_of(bid)
        machine = max(there, key=lambda one: (one.created_at, one.fid))
        return Sight(
            bid.status, bid.limit_price, machine.fid, machine.ssh_destination,
            await self._goes_at(machine.fid) if STAGES.get(bid.status) == "leaving" else None,
        )  # fmt: skip

    async def _goes_at(self, instance: str) -> int | None:
        """When it goes, if the market says so: the look at all other bids does not hang on it."""
        try:
            end = (await self._desk.client.instance_status(instance)).end_time
        except Declined as no:
            log.info("no end time is known", extra={"fields": {"instance": instance, "why": no.words}})
            return None
        return None if end is None else self._desk.client.instant(end)

    async def _see_bills(self) -> None:
        """What the bids with machines have cost so far: each about once a minute, the longest waiting first."""
        desk, now_s = self._desk, self._desk.seconds()
        won = {
            fid: one for one in list(self._pursuits.values()) if (fid := one.fid) and one.stage in ("won", "leaving")
        }
        self._billed_s = {fid: self._billed_s.get(fid, float("-inf")) for fid in won}
        due = sorted((at, fid) for fid, at in self._billed_s.items() if now_s - at >= desk.tempo.charge_s)
        for _, fid in due[:BILLS]:
            self._billed_s[fid] = now_s  # whatever comes of it, the others have their turn
            try:
                won[fid].see_bill(await bill(desk.client, desk.project, [fid]))
            except Declined as no:
                log.warning("no bill is to be seen", extra={"fields": {"bid": fid, "why": no.words}})

    def _name_strange(self, status: str) -> None:
        if wire.strange(status) and status not in self._strange:
            self._strange.add(status)
            log.warning("a status that no list has: nothing is concluded from it", extra={"fields": {"status": status}})


def _has_machines(bid: wire.Bid) -> bool:
    return STAGES.get(bid.status) in ("won", "leaving")
