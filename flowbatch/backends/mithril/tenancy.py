"""The machine of one bid, from the first hour it is asked about until the bid has lost it."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Sequence
from itertools import count

from flowbatch.backends.contract import MarketFact, Tender
from flowbatch.backends.mithril import keys, wire
from flowbatch.backends.mithril.desk import Desk
from flowbatch.backends.mithril.machine import Machine, Rental, Warn
from flowbatch.backends.mithril.pace import HOUSEKEEPING, rank
from flowbatch.backends.mithril.sights import Sight
from flowbatch.core.events import BidGone, BidKept, BidLeaving, BidLost
from flowbatch.core.ports import Door
from flowbatch.errors import FlowError
from flowbatch.protocol.launch import Key

log = logging.getLogger(__name__)


class Tenancy:
    """Makes the bid's `Machine` when it is first needed, says where it is and that it leaves, and ends it with its loss."""

    def __init__(self, desk: Desk, tender: Tender, warn: Warn) -> None:
        """`warn`: the machine's own word of when it goes away."""
        self._desk = desk
        self._warn = warn
        self._tender = tender
        self._machine: Machine | None = None
        self._instance: str | None = None
        self._running: tuple[Key, ...] = ()
        self._directory = desk.directory / "machines" / str(tender.key)
        self._mark = self._directory / "instance"
        self._rotated = self._directory / "rotated"
        self._rotating: asyncio.Task[None] | None = None

    def runs(self, placements: Sequence[Key]) -> None:
        """What the machine is to be asked about when it is there."""
        self._running = (*self._running, *placements)

    async def machine(self) -> Machine:
        """The machine, there or awaited."""
        if self._machine is None:
            desk = self._desk
            assert desk.identity is not None
            assert desk.tell is not None
            self._machine = desk.machines(
                Rental(
                    bid=str(self._tender.key),
                    store=self._tender.key.store,
                    owner=self._tender.owner,
                    terms=self._tender.terms,
                    identity=desk.identity,
                    directory=self._directory,
                    return_allowance_s=desk.policy.return_allowance_s,
                )
            )
            await self._machine.start(desk.tell, self._running, self._warn)
            self._running = ()
        return self._machine

    def door(self) -> Door | None:
        """The way to the machine, once somebody has been there."""
        return None if self._machine is None else self._machine.door()

    async def hear(self, fact: MarketFact) -> None:
        """A fact about the bid, after it was told."""
        match fact:
            case BidLeaving(until=until):
                await (await self.machine()).leave(until)
            case BidKept():
                await (await self.machine()).stay()
            case BidLost(at=at) | BidGone(at=at):
                await self.lose(at)

    async def aim(self, sight: Sight) -> None:
        """The machine is where the look showed it. Another instance than before is another machine: nothing runs there that
        ran here, and its host key is new."""
        if sight.destination is None or sight.instance is None:
            return
        if self._instance is None and self._mark.exists():
            self._instance = self._mark.read_text()
        if self._instance != sight.instance:
            if self._instance is not None:
                await self.lose(self._desk.clock.now())
                shutil.rmtree(self._directory, ignore_errors=True)
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._mark.write_text(sight.instance)
            self._instance = sight.instance
        machine = await self.machine()
        machine.at(sight.destination)
        if self._rotating is None and not self._rotated.exists():
            self._rotating = asyncio.ensure_future(self._rotate(machine))

    async def lose(self, at: int) -> None:
        """What ran there and was not reported as ended is lost."""
        if self._machine is None and self._running:
            await self.machine()
        await self._stop_rotating()
        if self._machine is not None:
            machine, self._machine = self._machine, None
            await machine.lost(at)
            await machine.close()
            self._warn(None)

    def clear(self) -> None:
        """Nothing of the machine is left here: its bid is over."""
        shutil.rmtree(self._directory, ignore_errors=True)

    async def close(self) -> None:
        await self._stop_rotating()
        if self._machine is not None:
            await self._machine.close()

    async def _stop_rotating(self) -> None:
        if self._rotating is not None:
            rotating, self._rotating = self._rotating, None
            rotating.cancel()
            await asyncio.wait({rotating})

    async def _rotate(self, machine: Machine) -> None:
        """The machine has a key that nobody else has read; those before are good for nothing. Tried until that is so."""
        rank.set(HOUSEKEEPING)
        desk, bid = self._desk, str(self._tender.key)
        key: wire.NewApiKey | None = None
        for failures in count():
            try:
                key = key or await keys.mint(desk.client, bid + keys.ROTATED, self._tender.bid.lease_ends_at)
                await machine.rotate(key.secret.get_secret_value(), key.fid)
                await keys.revoke(desk.client, bid, but=key.fid)
                self._rotated.write_text(key.fid)
                return
            except (FlowError, OSError) as error:
                log.info("a key is not rotated yet", extra={"fields": {"bid": bid, "why": str(error)}})
                await asyncio.sleep(desk.tempo.away.wait_s(failures, desk.rng))
