"""What becomes of a bid and its instances when it wins, is outbid, keeps, loses, pauses, comes up or ends.

Each function makes one move of `records.MOVES`, writes both histories, starts and stops the charges, and returns what happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from flowbatch.sandbox.market import happenings
from flowbatch.sandbox.market.happenings import Happening
from flowbatch.sandbox.market.ledger import Ledger
from flowbatch.sandbox.market.records import FINAL, STARTING, Bid, BidEvent, BidEventKind, Instance, Stage

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def fid(prefix: str, *of: object) -> str:
    """An id of the market's form: always the same one for the same thing."""
    return f"{prefix}_{''.join(Random(' '.join(map(str, of))).choices(ALPHABET, k=16))}"


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds. `notice_s`: from the notice to the end. `boot_s`: from the win until a machine is booted.
    `boots_by_itself`: machines are up as soon as they are to be booted, without anybody's word."""

    notice_s: int = 300
    boot_s: int = 3
    boots_by_itself: bool = False


@dataclass(slots=True)
class Books:
    """All that is remembered of bids: ended ones too."""

    seed: str
    delays: Delays
    bids: dict[str, Bid] = field(default_factory=dict)
    instances: dict[str, Instance] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=Ledger)

    def present(self, bid: Bid) -> list[Instance]:
        """The bid's instances that may still run."""
        return [i for i in (self.instances[fid] for fid in bid.instances) if i.status not in FINAL]


def note(bid: Bid, at: int, kind: BidEventKind, user: str | None = None) -> None:
    bid.history.append(BidEvent(at, kind, bid.limit_micro_usd, user))


def rate(bid: Bid, price_micro_usd: int) -> int:
    """What an instance of it pays: the clearing price, and in its notice too never more than its limit."""
    return min(price_micro_usd, bid.limit_micro_usd)


def win(books: Books, bid: Bid, at: int) -> list[Happening]:
    bid.make("win")
    note(bid, at, "Allocated")
    for instance in books.present(bid):
        instance.enter("STATUS_STARTING", at)
        instance.stages = [Stage(at + books.delays.boot_s, "STATUS_STARTING")]
    failed = [
        instance for instance in map(books.instances.__getitem__, bid.instances) if instance.status == "STATUS_ERROR"
    ]
    for instance in failed:
        instance.enter("STATUS_REPLACED", at)
    _fill(books, bid, at)
    replaced = [happenings.Replaced(at, bid.fid, _fids(failed))] if failed else []
    return [*replaced, happenings.Allocated(at, bid.fid, tuple(bid.instances))]


def outbid(books: Books, bid: Bid, at: int) -> list[Happening]:
    bid.make("outbid")
    bid.leaves_at = at + books.delays.notice_s
    note(bid, at, "Preempted")
    present = books.present(bid)
    for instance in present:
        instance.enter("STATUS_PREEMPTING", at)
        instance.end_time = bid.leaves_at
        instance.stages = instance.stages[-1:]
    return [happenings.Leaving(at, bid.fid, _fids(present), bid.leaves_at)]


def keep(books: Books, bid: Bid, at: int, price: int) -> list[Happening]:
    bid.make("keep")
    bid.leaves_at = None
    note(bid, at, "Allocated")
    present = books.present(bid)
    happened: list[Happening] = [happenings.Kept(at, bid.fid, _fids(present))]
    for instance in present:
        instance.end_time = None
        if instance.up:
            happened += _runs(books, bid, instance, at, price)
        else:
            instance.enter("STATUS_STARTING", at)
    return happened


def lose(books: Books, bid: Bid, at: int) -> list[Happening]:
    bid.make("lose")
    bid.leaves_at = bid.out_until = None
    present = _halt(books, bid, at)
    for instance in present:
        instance.enter("STATUS_PREEMPTED", at)
    return [happenings.Lost(at, bid.fid, _fids(present))]


def pause(books: Books, bid: Bid, at: int, user: str | None) -> list[Happening]:
    bid.make("pause")
    bid.leaves_at = bid.out_until = None
    note(bid, at, "Paused", user)
    present = _halt(books, bid, at)
    for instance in present:
        instance.enter("STATUS_PAUSED", at)
    return [happenings.Paused(at, bid.fid, _fids(present))]


def resume(bid: Bid, at: int, user: str | None) -> None:
    bid.make("resume")
    note(bid, at, "Resumed", user)


def end(books: Books, bid: Bid, at: int, user: str | None) -> list[Happening]:
    bid.make("end")
    bid.leaves_at = bid.out_until = None
    bid.deactivated_at = at
    note(bid, at, "Terminated", user)
    for instance in _halt(books, bid, at):
        instance.enter("STATUS_TERMINATED", at)
    return [happenings.Ended(at, bid.fid, tuple(bid.instances))]


def stage(books: Books, bid: Bid, instance: Instance, at: int, price: int) -> list[Happening]:
    """The instance's next stage, which is due."""
    reached = instance.stages.pop(0)
    if instance.status != "STATUS_PREEMPTING":
        instance.enter(reached.status, at)
    if instance.stages:
        return []
    instance.boots += 1
    boot = happenings.Boot(at, bid.fid, (instance.fid,), instance.boots)
    return [boot, *(up(books, bid, instance, at, price) if books.delays.boots_by_itself else ())]


def up(books: Books, bid: Bid, instance: Instance, at: int, price: int) -> list[Happening]:
    """Its machine is up. One that comes up within its notice does not run, and costs nothing, unless it is kept."""
    instance.up = True
    return [] if instance.status == "STATUS_PREEMPTING" else _runs(books, bid, instance, at, price)


def fail(books: Books, bid: Bid, instance: Instance, at: int, why: str) -> list[Happening]:
    """Its machine could not be started, or is no more."""
    instance.why = why
    instance.up = False
    instance.end_time = None
    books.ledger.accounts[instance.fid].stop(at)
    instance.enter("STATUS_ERROR", at)
    return [happenings.Failed(at, bid.fid, (instance.fid,))]


def _runs(books: Books, bid: Bid, instance: Instance, at: int, price: int) -> list[Happening]:
    instance.enter("STATUS_RUNNING", at)
    account = books.ledger.accounts[instance.fid]
    if account.running:
        return []
    account.charge(at, rate(bid, price))
    return [happenings.Running(at, bid.fid, (instance.fid,))]


def _halt(books: Books, bid: Bid, at: int) -> list[Instance]:
    present = books.present(bid)
    for instance in present:
        instance.stages = []
        instance.up = False
        instance.end_time = None
        books.ledger.accounts[instance.fid].stop(at)
    return present


def _fill(books: Books, bid: Bid, at: int) -> None:
    """There are as many instances as were asked for: new ones for the first time, and in the place of those that failed."""
    bid.instances = list(_fids(books.present(bid)))
    while len(bid.instances) < bid.quantity:
        bid.instances_made += 1
        made = _new(books, bid, at)
        books.instances[made.fid] = made
        books.ledger.open(made.fid, bid.fid, bid.project)
        bid.instances.append(made.fid)


def _new(books: Books, bid: Bid, at: int) -> Instance:
    first, *later = STARTING
    steps = range(1, len(STARTING))
    return Instance(
        fid=fid("inst", books.seed, bid.fid, bid.instances_made),
        name=bid.name if bid.quantity == 1 else f"{bid.name}-{bid.instances_made}",
        bid=bid.fid,
        project=bid.project,
        user=bid.user,
        instance_type=bid.instance_type,
        region=bid.region,
        created_at=at,
        status=first,
        history=[Stage(at, first)],
        stages=[
            Stage(at + books.delays.boot_s * step // len(later), status)
            for step, status in zip(steps, later, strict=True)
        ],
    )


def _fids(instances: list[Instance]) -> tuple[str, ...]:
    return tuple(instance.fid for instance in instances)
