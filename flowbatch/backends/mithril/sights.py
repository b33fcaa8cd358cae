"""What a look at the market showed of a bid, what of it is believed, and the facts that follow.

A look may show the past: listings lag, and caches answer. So a bid that seems to lose its machines without notice, or to be
again what it just was before, is believed once it has seemed so for the settling time. A false `BidLost` would have a running
job started elsewhere, for money, while it runs. What ends is final, and believed at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from flowbatch.backends.contract import BidKey
from flowbatch.core.events import BidFact, BidGone, BidKept, BidLeaving, BidLost, BidPlaced, BidWon

Stage = Literal["unseen", "open", "won", "leaving", "gone"]
STAGES: dict[str, Stage] = {
    "Open": "open",
    "Paused": "open",
    "Allocated": "won",
    "Preempting": "leaving",
    "Relocating": "leaving",
    "Terminated": "gone",
}
"""What a bid's status means to us; a paused bid has no machines. Another word means nothing: all stays as it was."""

NOTICE_S = 300
"""How long a machine still has when the market says no end time: its documented notice."""
WOBBLE_S = 2
"""End times that differ by less are the same one, through clocks that tick in seconds."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One bid at one look. `until`: when its machine goes. `instance`, `destination`: where it is, if it is somewhere."""

    status: str
    limit_micro_usd: int | None = None
    instance: str | None = None
    destination: str | None = None
    until: int | None = None

    @property
    def stage(self) -> Stage | None:
        return STAGES.get(self.status)


@dataclass
class Belief:
    """Where we hold a bid to be; `take` changes it. Seconds (`_s`) are of a clock that never jumps."""

    stage: Stage
    until: int | None = None
    warning: int | None = None
    """When its machine goes away by the machine's own word."""
    _before: Stage | None = None
    _since_s: float = float("-inf")
    _doubted: tuple[Stage, float] | None = None

    def take(self, key: BidKey, fid: str, sight: Sight, now: int, now_s: float, settle_s: float) -> list[BidFact]:
        """The facts that a sight adds, in their order; none for one that is not believed (yet)."""
        stage = sight.stage
        if stage is None or stage == "unseen":
            return []
        if stage == self.stage:
            self._doubted = None
            return self._postponed(key, sight, now)
        if self._doubtful(stage, now, now_s, settle_s):
            return []
        facts = list(_facts(key, fid, self.stage, stage, now, until := _until(sight, now)))
        if stage == "won" and self.warning is not None:
            facts = [fact for fact in facts if not isinstance(fact, BidKept)]
        self._before, self.stage, self._since_s, self._doubted = self.stage, stage, now_s, None
        self.until = until if stage == "leaving" else None
        return facts

    def warned(self, key: BidKey, until: int | None, now: int) -> list[BidFact]:
        """The facts that the machine's own word adds: it is believed at once, and the market's counts beside it."""
        if until == self.warning:
            return []
        self.warning = until
        if self.stage != "won":
            return []
        job, number = key.job_id, key.number
        return [BidKept(now, job, number) if until is None else BidLeaving(now, job, number, until)]

    def _postponed(self, key: BidKey, sight: Sight, now: int) -> list[BidFact]:
        """The end time moved, or is known at last."""
        if self.stage != "leaving" or sight.until is None:
            return []
        if self.until is not None and abs(sight.until - self.until) < WOBBLE_S:
            return []
        self.until = sight.until
        return [BidLeaving(now, key.job_id, key.number, sight.until)]

    def _doubtful(self, stage: Stage, now: int, now_s: float, settle_s: float) -> bool:
        """Whether it may be the past that was seen; asked of each sight, so that what lasts is believed in the end."""
        back = stage == self._before and now_s - self._since_s < settle_s
        if stage == "gone" or not (back or (stage == "open" and not self._announced(now))):
            return False
        if self._doubted is None or self._doubted[0] != stage:
            self._doubted = (stage, now_s)
        return now_s - self._doubted[1] < settle_s

    def _announced(self, now: int) -> bool:
        """Whether its machine was to be gone by now, if it ever had one."""
        if self.stage == "won":
            return self.warning is not None and self.warning <= now
        return self.stage != "leaving" or self.until is None or self.until <= now


def _until(sight: Sight, now: int) -> int:
    return now + NOTICE_S if sight.until is None else sight.until


def _facts(key: BidKey, fid: str, old: Stage, new: Stage, now: int, until: int) -> Iterator[BidFact]:
    job, number = key.job_id, key.number
    if new == "gone":
        yield BidGone(now, job, number)
        return
    if old == "unseen":
        yield BidPlaced(now, job, number, fid)
    if new == "open" and old in ("won", "leaving"):
        yield BidLost(now, job, number)
    if new in ("won", "leaving") and old in ("unseen", "open"):
        yield BidWon(now, job, number)
    if new == "leaving":
        yield BidLeaving(now, job, number, until)
    if new == "won" and old == "leaving":
        yield BidKept(now, job, number)
