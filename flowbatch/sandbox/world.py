"""The market and what belongs to its user, at the market's own time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from flowbatch.sandbox.contract import Address
from flowbatch.sandbox.market.clock import MarketClock, RealClock
from flowbatch.sandbox.market.engine import Market, Quote
from flowbatch.sandbox.market.happenings import Boot, Happening, Lost
from flowbatch.sandbox.market.records import Bid, Instance
from flowbatch.sandbox.reservations import Reservation, ReservedInstance
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

    # ---- time and machines, of the auction and of what is booked ahead

    def advance(self) -> list[Happening]:
        """Everything up to now has happened."""
        at = self.now()
        return [*self.market.advance(at), *self.state.reserved.advance(at)]

    def next_at(self) -> int | None:
        """When something happens by itself next."""
        instants = (self.market.next_at(), self.state.reserved.next_at())
        return min((at for at in instants if at is not None), default=None)

    def expected(self) -> list[Happening]:
        """What a driver that begins anew has to carry out."""
        return [*self.market.expected(), *self.state.reserved.expected(self.now())]

    def booted(self, instance: str, number: int) -> list[Happening]:
        if instance in self.market.instances:
            return self.market.booted(instance, self.now(), number)
        self.state.reserved.booted(instance, self.now(), number)
        return []

    def failed(self, instance: str, why: str, number: int) -> list[Happening]:
        if instance in self.market.instances:
            return self.market.failed(instance, self.now(), why, number)
        self.state.reserved.failed(instance, self.now(), why, number)
        return []

    def restart(self, instance: str) -> None:
        """Its machine is stopped and boots again, from the same disk."""
        record, at = self.instances()[instance], self.now()
        order = self.order_of(record).fid
        self.carry_out((Lost(at, order, (instance,)), Boot(at, order, (instance,), record.boots)))

    def instances(self) -> Mapping[str, Instance | ReservedInstance]:
        """All there ever were."""
        return {**self.market.instances, **self.state.reserved.instances}

    def order_of(self, instance: Instance | ReservedInstance) -> Bid | Reservation:
        if isinstance(instance, ReservedInstance):
            return self.state.reserved.reservations[instance.reservation]
        return self.market.bids[instance.bid]

    # ---- what belongs together

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

    def live_orders(self) -> list[Bid | Reservation]:
        return [*self.live_bids(), *(each for each in self.state.reserved.reservations.values() if each.live)]

    def running(self) -> list[Instance | ReservedInstance]:
        """Instances whose machines are up."""
        return [instance for instance in self.instances().values() if instance.up]

    def bids_with(self, volume: str) -> list[str]:
        return [bid.fid for bid in self.live_bids() if volume in bid.volumes]

    def reservations_with(self, volume: str) -> list[str]:
        return [each.fid for each in self.state.reserved.reservations.values() if each.live and volume in each.volumes]

    def attachments(self, volume: str) -> dict[str, str]:
        """Instance -> the order through which it has the volume now."""
        instances = self.instances()
        return {
            instance: order.fid
            for order in self.live_orders()
            if volume in order.volumes
            for instance in order.instances
            if instances[instance].up
        }

    def key_in_use(self, ssh_key: str) -> bool:
        return any(ssh_key in order.launch.get("ssh_keys", ()) for order in self.live_orders())
