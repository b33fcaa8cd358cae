"""A market at rest: how it is set up, all that it remembers, and both as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, TypeAdapter

from flowbatch.sandbox.market.auction import Auction
from flowbatch.sandbox.market.catalogue import Offer
from flowbatch.sandbox.market.happenings import Happening
from flowbatch.sandbox.market.lives import Books, Delays, fid
from flowbatch.sandbox.market.rivals import Crowd, CrowdTerms, Recorded, nobody
from flowbatch.units import DAY

Replayed = Mapping[tuple[str, str], Recorded]
"""(instance type, region) -> its recorded price."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How a market is set up. `crowd`: how rivals behave where no price is replayed; None: there are none. `past_s`: rounds that were held before
    it opens, so that prices have a history. `remember_s`: how far back prices are kept."""

    seed: str = "0"
    tick_s: int = 120
    delays: Delays = field(default_factory=Delays)
    crowd: CrowdTerms | None = field(default_factory=CrowdTerms)
    past_s: int = 0
    remember_s: int = 30 * DAY


@dataclass(slots=True)
class State:
    """All that there is to remember. `serial`: how many bids were placed. `untold`: what happened, and was not returned to anybody yet."""

    terms: Terms
    now: int
    books: Books
    auctions: list[Auction]
    serial: int = 0
    untold: list[Annotated[Happening, Field(discriminator="kind")]] = field(default_factory=list)


AS_DATA = TypeAdapter(State)


def opened(terms: Terms, at: int, offers: Sequence[Offer], replayed: Replayed) -> State:
    """A market on which nothing has happened yet."""
    auctions = [_auction(terms, offer, at, replayed) for offer in offers]
    for auction in auctions:
        auction.open()
    return State(terms, at, Books(terms.seed, terms.delays), auctions)


def _auction(terms: Terms, offer: Offer, at: int, replayed: Replayed) -> Auction:
    key = (offer.instance_type, offer.region)
    return Auction(
        fid=fid("auc", *key),
        instance_type=offer.instance_type,
        region=offer.region,
        capacity=offer.capacity,
        floor_micro_usd=offer.floor_micro_usd,
        opened_at=at,
        tick_s=terms.tick_s,
        remember_s=terms.remember_s,
        rivals=replayed.get(key) or _rivals(terms, offer),
    )


def _rivals(terms: Terms, offer: Offer) -> Crowd | Recorded:
    if terms.crowd is None:
        return nobody()
    seed = f"{terms.seed} {offer.instance_type} {offer.region}"
    return Crowd(seed, terms.crowd, offer.usual_micro_usd, offer.floor_micro_usd, offer.capacity)
