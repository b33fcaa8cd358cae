"""At which terms machines can be booked ahead. A table; the numbers are ours."""

from __future__ import annotations

from dataclasses import dataclass

from flowbatch.sandbox.market.catalogue import CENT, TYPES


@dataclass(frozen=True, slots=True)
class Offer:
    """Per cent of a type's usual price: to pay, to get back for an hour paused, to get back for an hour given back."""

    key: str
    display_name: str
    unit: int
    pause: int
    back: int

    def unit_micro_usd(self, instance_type: str) -> int:
        return _share(instance_type, self.unit)

    def pause_micro_usd(self, instance_type: str) -> int:
        return _share(instance_type, self.pause)

    def return_micro_usd(self, instance_type: str) -> int:
        return _share(instance_type, self.back)


OFFERS = (
    Offer("standard", "Standard", 150, 0, 0),
    Offer("flex", "Flexible use", 180, 60, 75),
)


def found_offer(key: str) -> Offer | None:
    return next((offer for offer in OFFERS if offer.key == key), None)


def _share(instance_type: str, per_cent: int) -> int:
    """In whole cents."""
    return TYPES[instance_type].usual_cents * per_cent // 100 * CENT
