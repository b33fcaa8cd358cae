"""One round of a blind second-price auction: who wins, and what all winners pay.

Bids are taken from the highest limit down; among equal limits the earlier one first. A bid takes all the machines that it asks for or
none. One that is too large for what is left is passed over, and smaller ones below it may still win. The price is the highest losing
limit that does not stand above a winner: who lost for size alone sets no price. Where nobody loses it is the reserve. Bids below the reserve
lose, bids for more machines than there are stand aside, and neither sets a price. So every winner's limit is at least the price, and
a limit that equals the price wins as long as machines are left.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from flowbatch.sandbox.market.catalogue import CENT


class Contender(NamedTuple):
    """One bid in a round. `who` is a bid's id, or empty for a rival's."""

    limit_micro_usd: int
    quantity: int
    created_at: int
    serial: int
    who: str = ""


class Outcome(NamedTuple):
    """`winners`: the ids of our winning bids. `lowest_micro_usd`: the lowest limit that won, rivals' included. `left`: machines that nobody took."""

    price_micro_usd: int
    winners: frozenset[str]
    lowest_micro_usd: int | None
    left: int


def _turn(contender: Contender) -> tuple[int, int, int]:
    return (-contender.limit_micro_usd, contender.created_at, contender.serial)


def in_turn(contenders: Iterable[Contender], capacity: int, reserve: int) -> list[Contender]:
    """Those that take part, in the order in which they are served."""
    return sorted((c for c in contenders if c.limit_micro_usd >= reserve and c.quantity <= capacity), key=_turn)


def clear(contenders: Iterable[Contender], capacity: int, reserve: int) -> Outcome:
    """The outcome of a round over `capacity` machines; `reserve` is the least that anybody pays."""
    left, losing, lowest = capacity, reserve, None
    passed_over = reserve
    winners = []
    for limit, quantity, _, _, who in in_turn(contenders, capacity, reserve):
        if quantity <= left:
            left -= quantity
            lowest = limit
            if losing > limit:
                losing = limit if passed_over == limit else reserve
            if who:
                winners.append(who)
        else:
            passed_over = limit
            losing = limit if losing == reserve else losing
    return Outcome(losing, frozenset(winners), lowest, left)


def winning_limit(contenders: Iterable[Contender], capacity: int, reserve: int, quantity: int) -> int | None:
    """The least limit with which a newcomer would win `quantity` machines; None if there are not that many."""
    if quantity > capacity:
        return None
    left = capacity
    for contender in in_turn(contenders, capacity, reserve):
        if contender.quantity <= left:
            left -= contender.quantity
            if left < quantity:
                return contender.limit_micro_usd + CENT
    return reserve
