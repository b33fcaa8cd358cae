"""Orders carried out, one after another in the order of their commits; mails go their own way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from itertools import count

from flowbatch.backends.contract import Backend, BidKey, MarketBackend
from flowbatch.controller import launching, mail
from flowbatch.controller.launching import Site
from flowbatch.controller.loop import Loop, Order
from flowbatch.controller.mail import Mailer
from flowbatch.core.effects import (
    ChangeBid,
    Deliver,
    DeliverStep,
    Effect,
    Forget,
    Freeze,
    Launch,
    Limit,
    PlaceBid,
    Say,
    SendMail,
    Stop,
    Thaw,
    WithdrawBid,
)
from flowbatch.core.events import LaunchFailed
from flowbatch.core.jobs import Job
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import run_of
from flowbatch.errors import FlowError
from flowbatch.failpoint import Failpoint, nowhere
from flowbatch.protocol.launch import Key

RETRY_S = (0.2, 1, 5, 15)
"""An order that could not be handed over is tried again after so many seconds, the last for good."""

log = logging.getLogger("flowbatch.perform")


@dataclass
class Performer:
    """Carries out what the loop orders. An order may come twice: each works once, by its placement's or its bid's key."""

    loop: Loop
    queue: QueuePort
    backend: Backend
    site: Site
    mailer: Mailer
    failpoint: Failpoint = nowhere
    mails: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            order = await self.loop.orders.get()
            name = type(order.effect).__name__
            self.failpoint(f"ordered {name}")
            await self._until_done(order)
            self.failpoint(f"performed {name}")
            self.loop.performed(order)

    async def _until_done(self, order: Order) -> None:
        """An order is never given up: the machine may be away for a while."""
        for attempt in count():
            try:
                await self.perform(order.effect, order.job)
            except (FlowError, OSError) as error:
                log.warning(
                    "order not carried out", extra={"fields": {"order": repr(order.effect), "why": repr(error)}}
                )
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            else:
                return

    async def perform(self, effect: Effect, job: Job | None) -> None:
        """Hands one order over. `job`: the record as the step that ordered it left it."""
        match effect:
            case Launch():
                await self._launch(job)
            case Stop():
                await self.backend.stop(self._key(effect), effect.why)
            case Deliver():
                await self.backend.deliver(self._key(effect), effect.signal, effect.scope)
            case DeliverStep():
                await self.backend.deliver_step(self._key(effect), effect.number, effect.signal, effect.by)
            case Freeze() | Thaw():
                await self.backend.pause(self._key(effect), isinstance(effect, Freeze))
            case Limit():
                await self.backend.limit(self._key(effect), effect.ends_by)
            case Say():
                await self.backend.say(self._key(effect), effect.text)
            case Forget():
                await self.backend.forget(self._key(effect))
            case SendMail():
                self._aside(self._mail(effect, job))
            case PlaceBid() | ChangeBid() | WithdrawBid():
                await self._bid(effect, job)
            case _:
                raise TypeError(effect)

    async def _bid(self, effect: PlaceBid | ChangeBid | WithdrawBid, job: Job | None) -> None:
        """The market notes a wish; what is not live any more is wished for no longer."""
        if not isinstance(self.backend, MarketBackend):
            raise TypeError(effect)
        if isinstance(effect, WithdrawBid):
            await self.backend.withdraw(BidKey(self.site.store, effect.job_id, effect.number))
            return
        bid = next((bid for bid in job.bids if bid.number == effect.number), None) if job is not None else None
        if job is None or bid is None or bid.phase in ("withdrawn", "gone"):
            return
        tender = launching.tender(self.site, job, bid)
        await (self.backend.place if isinstance(effect, PlaceBid) else self.backend.change)(tender)

    def _key(self, effect: Stop | Deliver | DeliverStep | Freeze | Thaw | Limit | Say | Forget) -> Key:
        return Key(self.site.store, effect.job_id, effect.restart)

    async def _launch(self, job: Job | None) -> None:
        if job is None or (run := run_of(job.state)) is None:
            return
        payload = await self.queue.payload(job.id)
        if payload is None:
            await self.loop.tell(LaunchFailed(self.queue.now(), job.id, job.restarts, "JobLaunchFailure"))
            return
        site = replace(self.site, cluster=self.queue.cluster)
        components = self.queue.snapshot(job.het.ids).jobs if job.het is not None else ()
        await self.backend.launch(launching.message(site, job, run, payload, components))

    async def _mail(self, effect: SendMail, job: Job | None) -> None:
        if job is None:
            return
        array = job.array_id
        tasks = await self.queue.history([array], 1_000_000) if array is not None else ()
        await self.mailer.send(job, effect.kind, mail.subject(job, effect.kind, self.queue.now(), tasks))

    def _aside(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self.mails.add(task)
        task.add_done_callback(self.mails.discard)
