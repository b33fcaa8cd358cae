"""After a start: first the truth about what was running, then what was ordered and perhaps not done, then new work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

from flowbatch.backends.contract import Tender
from flowbatch.controller import launching
from flowbatch.controller.launching import Site
from flowbatch.controller.loop import Order
from flowbatch.core.bids import Bid
from flowbatch.core.deadlines import limit
from flowbatch.core.effects import (
    ChangeBid,
    Deliver,
    DeliverStep,
    Effect,
    Forget,
    Freeze,
    Launch,
    PlaceBid,
    Say,
    SendMail,
    Stop,
    Thaw,
    WithdrawBid,
)
from flowbatch.core.jobs import Job
from flowbatch.core.ruling.rulings import Crontab
from flowbatch.core.states import (
    Completing,
    Ending,
    Finished,
    Pause,
    Pending,
    Requeueing,
    Running,
    State,
    Suspended,
    run_of,
)
from flowbatch.ids import StoreId
from flowbatch.protocol.launch import Key
from flowbatch.store.contract import Loaded

Why = Literal["cancelled", "timeout", "requeue", "preempted", "deadline", "node"]

_WHY: dict[str, Why] = {"TIMEOUT": "timeout", "DEADLINE": "deadline", "PREEMPTED": "preempted", "NODE_FAIL": "node"}


_AGAIN: dict[str, Why] = {"asked": "requeue", "preempted": "preempted", "node": "node"}


def placed(store: StoreId, jobs: Iterable[Job]) -> list[Key]:
    """The placements that a machine may hold: it is asked about each of them.

    One that was never reported as launched is not asked about: it is launched, again if need be, and the node knows
    by its key whether it has it.
    """
    return [Key(store, job.id, job.restarts) for job in jobs if _held(job)]


def _held(job: Job) -> bool:
    if job.follows:  # its leader's placement is its own
        return False
    return job.state.launched if isinstance(job.state, Running | Suspended) else isinstance(job.state, Completing)


def forsaken(jobs: Iterable[Job], crontabs: Iterable[Crontab] = ()) -> list[Job]:
    """Those without a script that nobody can hold any more: their commands were told nothing before the controller died. And
    those of a crontab that never came to be: their scrontab died with the controller, and they are held for ever."""
    listed = {id for one in crontabs for _, _, id in one.lines}
    return [job for job in jobs if _alone(job) or _of_no_crontab(job, listed)]


def _alone(job: Job) -> bool:
    return not job.spec.is_batch and not _granted(job.state)


def _of_no_crontab(job: Job, listed: set[int]) -> bool:
    return job.spec.cron is not None and isinstance(job.state, Pending) and job.id not in listed


def _granted(state: State) -> bool:
    """Whether its command may be using it, or it is over."""
    return isinstance(state, Completing | Finished) or (isinstance(state, Running | Suspended) and state.launched)


def tenders(site: Site, jobs: Iterable[Job]) -> list[Tender]:
    """Every bid whose bill is not final: the market says what became of each."""
    return [launching.tender(site, job, bid) for job in jobs for bid in job.bids if not bid.settled]


def owed(loaded: Loaded, jobs: dict[int, Job]) -> Iterator[Order]:
    """Orders to carry out before any new one.

    What must hold of a placement or of a bid follows from the record as it is now (launched or stopped; on the market, at its
    price, or withdrawn); signals, mails and permissions to forget are taken from the journal, since no record shows them. A signal or mail that was given just
    before the controller died may so be given twice, never not at all.
    """
    for job in jobs.values():
        for bid in job.bids:
            wish = _wished(job, bid)
            if wish is not None:
                yield Order(0, wish, job)
        for order in _due(job):
            yield Order(0, order, job)
    for seq, order in loaded.owed:
        if isinstance(order, Deliver | DeliverStep | Say | SendMail | Forget):
            yield Order(seq, order, jobs.get(order.job_id))


def _due(job: Job) -> Iterator[Effect]:
    if job.follows:
        return
    run = run_of(job.state)
    if run is not None and not run.launched:
        yield Launch(job.id, job.restarts)
    match job.state:
        case Completing(then=Ending() as then):
            yield Stop(job.id, job.restarts, _WHY.get(then.outcome, "cancelled"))
        case Completing(then=Requeueing() as then):
            yield Stop(job.id, job.restarts, _AGAIN[then.cause])
    match job.state:
        case Suspended():
            yield Freeze(job.id, job.restarts)
        case Running(pause=Pause()):
            yield Thaw(job.id, job.restarts)
    if run is not None and run.limited:
        yield limit(job, run)


def _wished(job: Job, bid: Bid) -> Effect | None:
    """What the market is to see to. A bid that is there is told its price and pause again: whether it heard of the last change
    is not known."""
    match bid.phase:
        case "asked":
            return PlaceBid(job.id, bid.number)
        case "withdrawn":
            return WithdrawBid(job.id, bid.number)
        case "open" | "won" | "leaving":
            return ChangeBid(job.id, bid.number)
    return None
