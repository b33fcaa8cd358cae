"""Prices as the queue sees them: quotes, told when one of them changed; and the floors, learnt one at a time."""

from __future__ import annotations

import logging

from flowbatch.backends.mithril.api import Declined
from flowbatch.backends.mithril.catalogue import Catalogue
from flowbatch.backends.mithril.client import Client
from flowbatch.core.quotes import Quote, Quotes

log = logging.getLogger(__name__)


class Prices:
    """The quotes of one market. A floor is asked for once an hour at most, one at each look."""

    def __init__(self, client: Client, catalogue: Catalogue, floor_s: float) -> None:
        self._client = client
        self._catalogue = catalogue
        self._floor_s = floor_s
        self._floors: dict[tuple[str, str], tuple[int, float]] = {}
        """Micro-dollars, and when it was asked for."""
        self._quotes: dict[tuple[str, str], Quote] = {}

    async def look(self, now: int, now_s: float) -> Quotes | None:
        """The quotes, if one of them changed since the last look. Raises MarketAway, Declined."""
        self._catalogue.see(await self._client.availability())
        await self._learn_floor(now_s)
        quotes = {
            (name, region): Quote(
                name, region, auction.last_instance_price, self._floors.get((name, region), (0, 0))[0], auction.capacity
            )
            for (name, region), auction in self._catalogue.offers().items()
        }
        if quotes == self._quotes:
            return None
        self._quotes = quotes
        return Quotes(now, quotes)

    async def _learn_floor(self, now_s: float) -> None:
        """One that is not known, or not lately."""
        offers = self._catalogue.offers()
        old = [place for place in offers if now_s - self._floors.get(place, (0, float("-inf")))[1] > self._floor_s]
        if not old:
            return
        place = old[0]
        floor = self._floors.get(place, (0, 0.0))[0]
        try:
            prices = await self._client.current_prices(offers[place].instance_type, place[1])
            floor = prices.minimum_price_cents or 0
        except Declined as no:
            log.info("no floor is known", extra={"fields": {"place": place, "why": no.words}})
        self._floors[place] = (floor, now_s)
