"""What every bid needs of its market, and the way of one bid there: looked for by its name, sent, found again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from flowbatch.backends.contract import Tell, Tender
from flowbatch.backends.mithril import bootstrap, keys, money, wire
from flowbatch.backends.mithril.account import Account
from flowbatch.backends.mithril.api import Declined, Unanswered
from flowbatch.backends.mithril.catalogue import Catalogue
from flowbatch.backends.mithril.client import Client
from flowbatch.backends.mithril.machine import Machine, Rental
from flowbatch.backends.mithril.pace import Tempo
from flowbatch.backends.mithril.ssh import Identity
from flowbatch.clock import Clock
from flowbatch.errors import MarketAway, MarketFailed
from flowbatch.spec.policy import MarketPolicy
from flowbatch.units import MINUTE

LOOKS = 4
"""So many more looks within the settling time, before a bid that may have been sent is taken not to be there."""

log = logging.getLogger(__name__)


@dataclass
class Desk:
    """One cluster's dealings with its market. `project` (an id), `ssh_keys` (ids) and `tell` are set when it starts."""

    account: Account
    client: Client
    policy: MarketPolicy
    tempo: Tempo
    clock: Clock
    rng: random.Random
    store: str
    directory: Path
    catalogue: Catalogue
    machines: Callable[[Rental], Machine]
    project: str = ""
    ssh_keys: tuple[str, ...] = ()
    identity: Identity | None = None
    tell: Tell | None = None

    def seconds(self) -> float:
        """A clock that never jumps."""
        return asyncio.get_running_loop().time()


class NotOffered(MarketFailed):
    """The bid asks for what the market does not have."""


@dataclass
class Sending:
    """One bid on its way to the market."""

    desk: Desk
    tender: Tender
    may_be_there: bool
    """It was sent, perhaps by an earlier controller, and no answer told whether it arrived."""
    _sent_s: float = float("-inf")
    _key: wire.NewApiKey | None = field(default=None, repr=False)
    _known_s: float = 0

    def __post_init__(self) -> None:
        self._known_s = self.desk.seconds()

    @property
    def name(self) -> str:
        return str(self.tender.key)

    @property
    def fresh(self) -> bool:
        """Whether it was sent so lately, perhaps by an earlier controller, that the market may not show it yet."""
        now_s = self.desk.seconds()
        asked_s: float = self.desk.clock.now() - self.tender.bid.asked_at
        if asked_s < -MINUTE:  # the clock has gone back by more than can be waited out
            asked_s = now_s - self._known_s
        return min(now_s - self._sent_s, asked_s) < self.desk.tempo.settle_s

    async def found(self) -> list[wire.Bid]:
        """All bids of its name. Where one may be there, "none" is believed after looks over the whole settling time."""
        look = self.desk.client.bids
        bids = await look(self.desk.project, name=self.name)
        for _ in range(LOOKS if self.may_be_there else 0):
            if bids:
                break
            await asyncio.sleep(self.desk.tempo.settle_s / LOOKS)
            bids = await look(self.desk.project, name=self.name)
        self.may_be_there = False
        return bids

    async def send(self) -> wire.Bid:
        """The bid as the market took it. Raises Declined, Unanswered (it may be there), MarketAway; MarketFailed for a bid that
        cannot be sent at all."""
        body = await self._body()
        certain = not self.may_be_there
        self.may_be_there, self._sent_s = True, self.desk.seconds()
        try:
            sent = await self.desk.client.create_bid(body)
        except (Declined, MarketAway) as no:  # whatever else ends this, nobody knows whether it arrived
            self.may_be_there = not certain or isinstance(no, Unanswered)
            raise
        self.may_be_there = not certain
        return sent

    async def _body(self) -> wire.NewBid:
        """The same for every time it is sent by this process: a market that knows the name's key answers alike."""
        bid, desk = self.tender.bid, self.desk
        fid = desk.catalogue.fid(bid.instance_type, bid.region)
        if fid is None:
            raise NotOffered(f"{bid.instance_type} is not offered in {bid.region}")
        volumes = await self._volumes(self.tender.terms.volumes, bid.region)
        if self._key is None:
            self._key = await keys.mint(desk.client, self.name, bid.lease_ends_at)
        return wire.NewBid(
            project=desk.project,
            region=bid.region,
            name=self.name,
            instance_quantity=bid.instances,
            limit_price=money.limit(bid.limit_micro_usd),
            launch_specification=wire.LaunchSpecification(
                volumes=volumes, ssh_keys=desk.ssh_keys, startup_script=bootstrap.script(self._lease(self._key))
            ),
            instance_type=fid,
        )

    def _lease(self, key: wire.NewApiKey) -> bootstrap.Lease:
        bid, policy = self.tender.bid, self.desk.policy
        return bootstrap.Lease(
            bid=self.name,
            project=self.desk.project,
            api_url=self.desk.account.api_url,
            key=key.secret.get_secret_value(),
            key_fid=key.fid,
            ends_at=bid.lease_ends_at,
            run_limit_s=bid.run_limit_s,
            boot_s=policy.boot_allowance_s,
            upload_s=policy.upload_allowance_s,
            grace_s=policy.grace_s,
            return_s=policy.return_allowance_s,
        )

    async def _volumes(self, terms: Sequence[str], region: str) -> tuple[str, ...]:
        """The ids of the volumes that the job names (`name` or `name:/where`)."""
        if not terms:
            return ()
        there = {volume.name: volume.fid for volume in await self.desk.client.volumes(self.desk.project, region)}
        there |= {fid: fid for fid in there.values()}
        names = [term.partition(":")[0] for term in terms]
        missing = [name for name in names if name not in there]
        if missing:
            raise NotOffered(f"no volume {missing[0]} in {region}")
        return tuple(there[name] for name in names)


def taken(no: Declined) -> bool:
    """Whether the market says that a bid of this name is there already."""
    words = no.words.lower()
    return no.status in (400, 409) and "name" in words and any(one in words for one in ("already", "duplicate"))


def choose(bids: Sequence[wire.Bid], known: str | None = None) -> wire.Bid:
    """The one of several bids of a name that is to be: the known one, else one with machines, else the oldest; a live one
    before any that has ended."""
    live = [bid for bid in bids if bid.status != "Terminated"]
    return min(
        live or bids,
        key=lambda bid: (bid.fid != known, bid.status not in ("Allocated", "Preempting"), bid.created_at, bid.fid),
    )
