"""One bid, from the wish to have it until its bill is final. What is wished is noted and worked at until it holds; what the
looks show is told as facts, each once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Literal

from flowbatch.backends.contract import MarketFact, Tender
from flowbatch.backends.mithril import keys, wire
from flowbatch.backends.mithril.api import Declined
from flowbatch.backends.mithril.billing import Bill, bill
from flowbatch.backends.mithril.desk import Desk, Sending, choose, taken
from flowbatch.backends.mithril.machine import Machine
from flowbatch.backends.mithril.money import MICRO_PER_CENT
from flowbatch.backends.mithril.pace import poked
from flowbatch.backends.mithril.sights import Belief, Sight, Stage
from flowbatch.backends.mithril.tenancy import Tenancy
from flowbatch.core.bids import Phase
from flowbatch.core.events import BidCharged, BidFact, BidGone, BidLost, BidRefused
from flowbatch.core.ports import Door
from flowbatch.errors import FlowError, MarketAway, MarketFailed
from flowbatch.protocol.launch import Key

BEGAN: dict[Phase, Stage] = {
    "asked": "unseen", "open": "open", "won": "won", "leaving": "leaving", "withdrawn": "unseen", "gone": "gone",
}  # fmt: skip
"""Where the record holds a bid to be, as the stage that a look is compared with."""

Wish = Literal["known", "there", "gone"]
"""`known`: noted after a restart, and to be waited for whether it is still wished."""

log = logging.getLogger(__name__)


class Pursuit:
    """The bid of one tender. Orders and looks leave notes; its one task, `run`, does and tells everything, in order."""

    def __init__(self, desk: Desk, tender: Tender, *, new: bool) -> None:
        self.tender = tender
        self.over = False
        """Nothing is left to do: it is gone and paid, or was refused."""
        self._desk = desk
        self._wish: Wish = "there" if new else "gone" if tender.bid.phase in ("withdrawn", "gone") else "known"
        self._fids: dict[str, None] = {}
        """Every id under which it ever was on the market; the first is the one that counts."""
        self._ended: set[str] = set()
        self._sending = Sending(desk, tender, may_be_there=not new)
        self._belief = Belief(BEGAN[tender.bid.phase], tender.bid.leaves_at)
        self._sight: Sight | None = None
        self._warning: int | None = None
        self._bill: Bill | None = None
        self._charged = tender.bid.spent_micro_usd
        self._changing = False
        self._tenancy = Tenancy(desk, tender, self.warn)
        self._poked = asyncio.Event()
        if tender.bid.fid is not None:
            self._fids[tender.bid.fid] = None

    @property
    def name(self) -> str:
        return str(self.tender.key)

    @property
    def fid(self) -> str | None:
        return next(iter(self._fids), None)

    @property
    def stage(self) -> Stage:
        return self._belief.stage

    @property
    def wished_gone(self) -> bool:
        return self._wish == "gone"

    @property
    def fresh(self) -> bool:
        """Whether it was sent so lately that a look may miss it."""
        return self._sending.fresh

    @property
    def keen(self) -> bool:
        """Whether something about it is about to change."""
        waits = self.stage == "won" and (self._sight is None or self._sight.destination is None)
        return not self.over and (waits or self._wish == "gone" or self.stage in ("unseen", "leaving"))

    # notes

    def place(self, tender: Tender) -> None:
        if self._wish != "gone":
            self.tender, self._sending.tender, self._wish = tender, tender, "there"
        self._poked.set()

    def change(self, tender: Tender) -> None:
        self.tender, self._changing = tender, True
        self._poked.set()

    def withdraw(self) -> None:
        self._wish = "gone"
        self._poked.set()

    def see(self, sight: Sight) -> None:
        self._sight = sight
        self._poked.set()

    def warn(self, until: int | None) -> None:
        """The machine itself says when it goes away, or that it stays."""
        self._warning = until
        self._poked.set()

    def see_bill(self, seen: Bill) -> None:
        self._bill = seen
        self._poked.set()

    def stray(self, fid: str) -> None:
        """A further bid of its name is on the market: it is ended, and its cost is this one's."""
        if fid not in self._fids:
            log.warning("a second bid of one name", extra={"fields": {"name": self.name, "fid": fid}})
        self._fids.setdefault(fid, None)
        self._poked.set()

    # the task

    async def run(self) -> None:
        """Until it is over."""
        failures = 0
        while not self.over:
            self._poked.clear()
            try:
                await self.work()
                failures, wait_s = 0, None
            except (FlowError, OSError) as error:
                log.warning("a bid waits for its market", extra={"fields": {"bid": self.name, "why": str(error)}})
                wait_s = self._desk.tempo.away.wait_s(failures, self._desk.rng)
                failures += 1
            if not self.over:
                await poked(self._poked, wait_s)

    async def work(self) -> None:
        """One round: what is wished is done as far as it can be, what was seen is told. Raises FlowError: again later."""
        if self._wish == "there" and self.fid is None:
            await self._place()
        await self.report()
        if self._wish == "gone" and not self.over:
            await self._withdraw()
        elif not self.over:
            await self._end_strays()
            await self._change()

    async def seek(self, live: Sequence[wire.Bid]) -> None:
        """After a restart: its id is known if it is, or was, on the market. `live`: the live bids of its name."""
        if live or self.fid is not None:
            self._adopt(live)
        else:
            self._adopt(await self._desk.client.bids(self._desk.project, name=self.name))

    # on the market

    async def _place(self) -> None:
        bids = await self._sending.found()
        if self._wish == "gone" or bids:
            return self._adopt(bids)
        try:
            self._adopt([await self._sending.send()])
            log.info("a bid is on the market", extra={"fields": {"bid": self.name, "fid": self.fid}})
        except Declined as no:
            if no.status == 401:
                raise  # our key, not this bid: it waits for a better one
            if taken(no):
                self._sending.may_be_there = True
                bids = await self._sending.found()
                self._adopt(bids)
            if not bids:
                await self._refused(no.words)
        except MarketFailed as no:
            await self._refused(no.message)

    def _adopt(self, bids: Sequence[wire.Bid]) -> None:
        """Of the bids of its name one counts; the others are ended."""
        if not bids:
            return
        one = choose(bids, self.fid)
        others = [bid.fid for bid in bids if bid.fid != one.fid]
        self._fids = dict.fromkeys([one.fid, *others, *self._fids])
        if self._sight is None:
            self._sight = sight_of(one)

    async def _refused(self, why: str) -> None:
        """It is over, and told as its last: while anything is left to do, it may still be sent again."""
        await keys.revoke(self._desk.client, self.name)
        await self._say(BidRefused(self._now(), *self._numbers, why))
        self.over = True

    async def _change(self) -> None:
        """Limit and pause are as in the tender. A market that will not have them is not asked again while the bid has its
        machine; without one a bid is ended that could cost more than was wished."""
        if not self._changing or self.fid is None:
            return
        asked = self.tender.bid
        there = await self._desk.client.bid(self.fid)
        limit = asked.limit_micro_usd if there.limit_price != _sent(asked.limit_micro_usd) else None
        paused = asked.paused if (there.status == "Paused") != asked.paused else None
        self._changing = False
        if limit is None and paused is None:
            return
        try:
            await self._desk.client.change_bid(self.fid, limit_micro_usd=limit, paused=paused)
        except Declined as no:
            log.warning("the market does not change a bid", extra={"fields": {"bid": self.name, "why": no.words}})
            less = paused or (limit is not None and limit < there.limit_price)
            if less and self.stage not in ("won", "leaving"):
                self.withdraw()
        except MarketAway:
            self._changing = True
            raise

    # its end

    async def _withdraw(self) -> None:
        """It is not on the market, which is told; its keys are gone; its bill is final, which is told."""
        if self.fid is None:
            self._adopt(await self._sending.found())
        for fid in list(self._fids):
            await self._end(fid)
        if self.stage != "gone":
            self._belief.stage = "gone"
            await self._say(BidGone(self._now(), *self._numbers))
        await self._tenancy.lose(self._now())
        if self._fids:
            await keys.revoke(self._desk.client, self.name)
        await self._settle()
        self._tenancy.clear()
        self.over = True

    async def _end_strays(self) -> None:
        for fid in list(self._fids)[1:]:
            await self._end(fid)

    async def _end(self, fid: str) -> None:
        """The bid is Terminated or not there: deleted until a look shows it."""
        while fid not in self._ended:
            if await self._is_ended(fid):
                self._ended.add(fid)
            else:
                await asyncio.sleep(self._desk.tempo.settle_s / 4)

    async def _is_ended(self, fid: str) -> bool:
        client = self._desk.client
        try:
            if (await client.bid(fid)).status == "Terminated":
                return True
            await client.delete_bid(fid)
            return (await client.bid(fid)).status == "Terminated"
        except Declined as no:
            if no.status != 404:
                raise
            return not self.fresh

    async def _settle(self) -> None:
        """The bill is final: closed, and the same when looked at again after the settling time."""
        desk = self._desk
        named = await desk.client.bids(desk.project, name=self.name) if self._fids else []
        self._fids |= dict.fromkeys(bid.fid for bid in named)
        seen = await bill(desk.client, desk.project, self._fids)
        while True:
            before = seen
            await asyncio.sleep(desk.tempo.settle_s)
            seen = await bill(desk.client, desk.project, self._fids)
            if seen.closed and seen == before:
                break
            await self._charge(seen)
        await self._say(BidCharged(self._now(), *self._numbers, seen.micro_usd, final=True))

    # what was seen

    async def report(self) -> None:
        """Tells what its machine's warning and the last look add to what was told, and has the machine know."""
        sight, desk = self._sight, self._desk
        if self._bill is not None and self.stage != "gone":
            await self._charge(self._bill)
        await self._pass_on(self._belief.warned(self.tender.key, self._warning, self._now()))
        if sight is None or self.fid is None or self.stage == "gone":
            return
        facts = self._belief.take(self.tender.key, self.fid, sight, self._now(), desk.seconds(), desk.tempo.settle_s)
        await self._pass_on(facts)
        if any(isinstance(fact, BidLost) for fact in facts):
            self._changing = True  # what was refused while it had its machine holds for the next one
        if self._belief.stage == "gone":
            self._wish = "gone"
        elif self._belief.stage in ("won", "leaving") and self._wish != "gone":
            await self._tenancy.aim(sight)

    async def _pass_on(self, facts: Sequence[BidFact]) -> None:
        """They are told, and then the machine knows what they mean for it."""
        for fact in facts:
            await self._say(fact)
        for fact in facts:
            await self._tenancy.hear(fact)

    async def _charge(self, seen: Bill) -> None:
        if seen.micro_usd > self._charged:
            self._charged = seen.micro_usd
            await self._say(BidCharged(self._now(), *self._numbers, seen.micro_usd))

    async def _say(self, fact: MarketFact) -> None:
        assert self._desk.tell is not None
        log.info("seen of a bid", extra={"fields": {"bid": self.name, "fact": type(fact).__name__}})
        await self._desk.tell(fact)

    @property
    def _numbers(self) -> tuple[int, int]:
        return self.tender.key.job_id, self.tender.key.number

    def _now(self) -> int:
        return self._desk.clock.now()

    # its machine

    async def machine(self) -> Machine | None:
        """Its machine, there or awaited; None once the bid is gone."""
        return None if self.stage == "gone" else await self._tenancy.machine()

    def door(self) -> Door | None:
        """The way to its machine, if it has one."""
        return self._tenancy.door()

    def runs(self, placements: Sequence[Key]) -> None:
        """What its machine is to be asked about when it is there. Until it has been heard, what leaves is held to leave by its own word:
        what runs there is not told otherwise because the market has not noticed yet."""
        if placements and self.stage == "leaving":
            self._warning = self._belief.warning = self._belief.until
        self._tenancy.runs(placements)

    async def close(self) -> None:
        await self._tenancy.close()


def sight_of(bid: wire.Bid) -> Sight:
    """What a bid's own document shows."""
    return Sight(bid.status, bid.limit_price)


def _sent(limit_micro_usd: int) -> int:
    """A limit as it stands on the market: whole cents."""
    return limit_micro_usd // MICRO_PER_CENT * MICRO_PER_CENT
