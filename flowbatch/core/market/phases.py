"""The table of bids: what each fact of the market makes of a bid in each phase.

A pair without a line changes nothing: facts come twice, and late. Money: `spent + escrow` is the most that the bid can
come to cost, and no fact makes it more; what a placement cannot have used any more is let go when its machine is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flowbatch.core.bids import Bid, Phase
from flowbatch.core.events import (
    BidCharged,
    BidGone,
    BidKept,
    BidLeaving,
    BidLost,
    BidPlaced,
    BidRefused,
    BidWon,
)
from flowbatch.units import DAY


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The queue wants it off the market."""

    at: int


Fact = BidPlaced | BidRefused | BidWon | BidLeaving | BidKept | BidLost | BidGone | BidCharged | Withdrawn
FACTS: tuple[type, ...] = (
    BidPlaced, BidRefused, BidWon, BidLeaving, BidKept, BidLost, BidGone, BidCharged, Withdrawn,
)  # fmt: skip
PHASES: tuple[Phase, ...] = ("asked", "open", "won", "leaving", "withdrawn", "gone")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table: the phase it leads to, what happens in words, and the move."""

    to: Phase
    words: str
    move: Callable[[Bid, Any], Bid]


def advance(bid: Bid, fact: Fact) -> Bid:
    """The bid after the fact; the same object if nothing changed."""
    line = TABLE.get((bid.phase, type(fact)))
    if line is None:
        return bid
    moved = line.move(bid, fact)
    if line.to != bid.phase:
        moved = replace(moved, phase=line.to, since=fact.at)
    return bid if moved == bid else moved


def renewed(bid: Bid, exposure_micro_usd: int, longest_s: int) -> Bid:
    """With this as the worst case, in escrow, and the length of the placement that it serves or will serve."""
    escrow = bid.escrow_micro_usd + exposure_micro_usd - bid.exposure_micro_usd
    return replace(bid, escrow_micro_usd=escrow, exposure_micro_usd=exposure_micro_usd, longest_s=longest_s)


def taken(bid: Bid, at: int) -> Bid:
    """With a run placed on its machine; another one than the first makes the placement longer by what went before, and counts as
    a placement of its own: whatever ends one run after the other at once does so ten times, not for ever."""
    if bid.placed_at is None:
        return replace(bid, placed_at=at)
    longest = bid.longest_s + max(0, at - bid.placed_at)
    worst = -(-bid.exposure_micro_usd * longest // bid.longest_s)
    return replace(renewed(bid, worst, longest), placed_at=at, wins=bid.wins + 1)


def _placed(bid: Bid, fact: BidPlaced) -> Bid:
    return replace(bid, fid=fact.fid, free_at=fact.at)


def _named(bid: Bid, fact: BidPlaced) -> Bid:
    return replace(bid, fid=fact.fid)


def _refused(bid: Bid, fact: BidRefused) -> Bid:
    return replace(bid, why=fact.why, settled=True, escrow_micro_usd=0, exposure_micro_usd=0)


def _won(bid: Bid, fact: BidWon) -> Bid:
    return replace(bid, wins=bid.wins + 1)


def _leaving(bid: Bid, fact: BidLeaving) -> Bid:
    """One that was won and is lost again before anybody looked was won all the same."""
    return replace(bid, leaves_at=fact.until, wins=bid.wins + (bid.phase in ("asked", "open")))


def _kept(bid: Bid, fact: BidKept) -> Bid:
    return replace(bid, leaves_at=None)


def _lost(bid: Bid, fact: BidLost) -> Bid:
    """One that was `asked` was won in between."""
    wins = bid.wins + (bid.phase == "asked")
    return replace(_let_go(bid, fact.at), leaves_at=None, placed_at=None, free_at=fact.at, wins=wins)


def _gone(bid: Bid, fact: BidGone) -> Bid:
    return replace(_let_go(bid, fact.at), leaves_at=None)


def _withdrawn(bid: Bid, fact: Withdrawn) -> Bid:
    return bid


def _charged(bid: Bid, fact: BidCharged) -> Bid:
    """The bill grows by what was in escrow for it; a final one may also be lower than was said before."""
    if bid.settled:
        return bid
    more = fact.micro_usd - bid.spent_micro_usd
    if not fact.final:
        more = max(0, more)
    escrow = 0 if fact.final else max(0, bid.escrow_micro_usd - more)
    return replace(
        bid, spent_micro_usd=bid.spent_micro_usd + more, by_day=_by_day(bid, fact.at // DAY, more), escrow_micro_usd=escrow,
        exposure_micro_usd=min(bid.exposure_micro_usd, escrow) if fact.final else bid.exposure_micro_usd,
        settled=fact.final,
    )  # fmt: skip


def _by_day(bid: Bid, day: int, more: int) -> tuple[tuple[int, int], ...]:
    """What was found out on `day` as well; what was said too much was said last."""
    days = dict(bid.by_day)
    for last in sorted(days, reverse=True) if more < 0 else ():
        less = min(-more, days[last])
        days[last] -= less
        more += less
    if more > 0:
        days[day] = days.get(day, 0) + more
    return tuple((one, sum_) for one, sum_ in sorted(days.items()) if sum_)


def _let_go(bid: Bid, at: int) -> Bid:
    """Its placement is over: in escrow stays what it may have used since it was last known to be without a machine (all of it,
    where the clock has gone back meanwhile)."""
    seconds = min(at - bid.free_at, bid.longest_s) if at >= bid.free_at else bid.longest_s
    used = -(-bid.exposure_micro_usd * seconds // bid.longest_s) if bid.longest_s else bid.exposure_micro_usd
    escrow = max(0, bid.escrow_micro_usd - bid.exposure_micro_usd + used)
    return replace(bid, escrow_micro_usd=escrow, exposure_micro_usd=0)


_CHARGED = "what it has cost so far; no more once that is final"

TABLE: dict[tuple[Phase, type], Line] = {
    ("asked", BidPlaced): Line("open", "it is on the market, under the market's own id", _placed),
    ("asked", BidRefused): Line("gone", "it never was on the market; it costs nothing", _refused),
    ("asked", BidWon): Line("won", "it has its machine", _won),
    ("asked", BidLeaving): Line("leaving", "it had its machine and is about to lose it", _leaving),
    ("asked", BidLost): Line("open", "it had its machine and has lost it", _lost),
    ("asked", BidGone): Line("gone", "it is not on the market", _gone),
    ("asked", BidCharged): Line("asked", _CHARGED, _charged),
    ("asked", Withdrawn): Line("withdrawn", "it is to be deleted, if it is there", _withdrawn),
    ("open", BidPlaced): Line("open", "the market's own id", _named),
    ("open", BidWon): Line("won", "it has its machine", _won),
    ("open", BidLeaving): Line("leaving", "it had its machine and is about to lose it", _leaving),
    ("open", BidGone): Line("gone", "somebody has ended it", _gone),
    ("open", BidCharged): Line("open", _CHARGED, _charged),
    ("open", Withdrawn): Line("withdrawn", "it is to be deleted", _withdrawn),
    ("won", BidPlaced): Line("won", "the market's own id", _named),
    ("won", BidLeaving): Line("leaving", "it will lose its machine at the instant that was said", _leaving),
    ("won", BidLost): Line("open", "its machine is gone; it may win another", _lost),
    ("won", BidGone): Line("gone", "somebody has ended it", _gone),
    ("won", BidCharged): Line("won", _CHARGED, _charged),
    ("won", Withdrawn): Line("withdrawn", "it is to be deleted, its machine with it", _withdrawn),
    ("leaving", BidPlaced): Line("leaving", "the market's own id", _named),
    ("leaving", BidLeaving): Line("leaving", "the instant that was said last", _leaving),
    ("leaving", BidKept): Line("won", "its machine stays", _kept),
    ("leaving", BidLost): Line("open", "its machine is gone; it may win another", _lost),
    ("leaving", BidGone): Line("gone", "somebody has ended it", _gone),
    ("leaving", BidCharged): Line("leaving", _CHARGED, _charged),
    ("leaving", Withdrawn): Line("withdrawn", "it is to be deleted, its machine with it", _withdrawn),
    ("withdrawn", BidPlaced): Line("withdrawn", "the market's own id", _named),
    ("withdrawn", BidRefused): Line("gone", "it never was on the market; it costs nothing", _refused),
    ("withdrawn", BidGone): Line("gone", "it is off the market", _gone),
    ("withdrawn", BidCharged): Line("withdrawn", _CHARGED, _charged),
    ("gone", BidCharged): Line("gone", _CHARGED, _charged),
}
