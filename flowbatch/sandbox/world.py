"""The market and what belongs to its user, at the market's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from flowbatch.sandbox.contract import Address
from flowbatch.sandbox.market.clock import MarketClock, RealClock
from flowbatch.sandbox.market.engine import Market, Quote
from flowbatch.sandbox.market.happenings import Boot, Happening, Lost
from flowbatch.sandbox.market.records import Bid, Instance
from flowbatch.sandbox.state import State


@dataclass
class World:
    """`carry_out` takes what happened on the market to the machines; `addresses`: where those that are up answer by SSH."""

    state: State
    market: Market
    clock: MarketClock
    carry_out: Callable[[Iterable[Happening]], None]
    rate: float = 1.0
    addresses: dict[str, Address] = field(default_factory=dict)

    def now(self) -> int:
        return self.clock.now()

    def copy(self) -> World:
        """As it is now, for good; only its clock goes on."""
        return World(
            self.state.model_copy(deep=True), Market.load(self.market.dump()), self.clock, lambda happened: None, self.rate,
            dict(self.addresses),
        )  # fmt: skip

    def set_rate(self, rate: float) -> None:
        """From now on the market's time runs so many times as fast as ours."""
        self.clock, self.rate = RealClock(self.now(), time.monotonic, rate), rate

    def restart(self, instance: str) -> None:
        """Its machine is stopped and boots again, from the same disk."""
        record, at = self.market.instances[instance], self.now()
        self.carry_out((Lost(at, record.bid, (instance,)), Boot(at, record.bid, (instance,), record.boots)))

    def regions(self) -> list[str]:
        return list(dict.fromkeys(quote.region for quote in self.market.quotes()))

    def winnable(self, quote: Quote) -> int:
        """The machines of an auction that a bid could have if it offers enough: those that the user does not hold."""
        mine = [
            bid for bid in self.live_bids() if (bid.instance_type, bid.region) == (quote.instance_type, quote.region)
        ]
        return max(0, quote.capacity - sum(bid.holds for bid in mine))

    def live_bids(self) -> list[Bid]:
        return [bid for bid in self.market.bids.values() if bid.status != "Terminated"]

    def running(self) -> list[Instance]:
        """Instances whose machines are up."""
        return [instance for instance in self.market.instances.values() if instance.up]

    def bids_with(self, volume: str) -> list[str]:
        return [bid.fid for bid in self.live_bids() if volume in bid.volumes]

    def reservations_with(self, volume: str) -> list[str]:
        return []

    def attachments(self, volume: str) -> dict[str, str]:
        """Instance -> the bid through which it has the volume now."""
        return {
            instance: bid.fid
            for bid in self.live_bids()
            if volume in bid.volumes
            for instance in bid.instances
            if self.market.instances[instance].up
        }

    def key_in_use(self, ssh_key: str) -> bool:
        return any(ssh_key in bid.launch.get("ssh_keys", ()) for bid in self.live_bids())

    def private_ip(self, instance: str) -> str:
        """Its address among the instances of its bid."""
        high, low = divmod(list(self.market.instances).index(instance) + 1, 250)
        return f"10.77.{high % 250}.{low + 1}"
