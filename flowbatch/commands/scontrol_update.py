"""`scontrol update`: what of a job can be changed after its submission: its time limit, and on the market the price it bids.

The cost of a job on the market stands where Slurm keeps an administrator's comment, so that nobody writes there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flowbatch.commands.command_options import Stop
from flowbatch.commands.job_view import JobView, Scene
from flowbatch.commands.scontrol_alter import Complaint, alter, targets
from flowbatch.commands.scontrol_nodes import update_nodes
from flowbatch.commands.scontrol_options import Asked
from flowbatch.commands.scontrol_partitions import update_partition
from flowbatch.commands.scontrol_reservations import update_reservation
from flowbatch.commands.scontrol_settings import Changes, changes, spec_of
from flowbatch.commands.scontrol_words import Setting, settings_of
from flowbatch.core.events import JobRef, TermsAsked, UpdateAsked
from flowbatch.directives import market
from flowbatch.directives.values import time
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.spec.job import UNLIMITED

LIMIT_PRICE = "limitprice"
"""Ours: `LimitPrice=$2.50`, the most that an instance-hour may cost."""

THROTTLE = "arraytaskthrottle"

_NO_ENTITY = (
    "No valid entity in update command\n"
    'Input line must include "NodeName", "PartitionName", "Reservation", "JobId", or "SlurmctldDebug"\n'
)
_NODES = ("nodename", "nodenames", "node")
_PARTITIONS = ("partitionname", "partition")
_RESERVATIONS = ("reservationname", "reservation", "res")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked for. `more_min` is a change of the time limit, which `time_limit_min` is without it."""

    time_limit_min: int | None = None
    more_min: int | None = None
    limit_micro_usd: int | None = None
    throttle: int | None = None
    changes: Changes = field(default_factory=dict)

    @property
    def limits(self) -> bool:
        """Whether anything is asked of time or money."""
        return (self.time_limit_min, self.more_min, self.limit_micro_usd) != (None, None, None)


async def update(asked: Asked) -> int:
    """Changes what the words say; the exit code. Raises Stop."""
    settings = list(settings_of(asked.words[1:]))
    if not settings:
        raise Stop(1, err="too few arguments for update keyword\n")
    jobs = next((one.value for one in settings if one.key in ("jobid", "job")), None)
    if jobs is None:
        return await _other(asked, settings)
    terms = _terms(asked, [one for one in settings if one.key not in ("jobid", "job")])
    at, by = asked.queue.now(), asked.call.owner.uid
    if terms.changes or terms.throttle is not None:
        spec, fields = spec_of(terms.changes), tuple(terms.changes)
        whole = terms.throttle is not None and not fields

        def change(ref: JobRef) -> UpdateAsked:
            refs = (JobRef(ref.job_id) if whole else ref,)
            return UpdateAsked(at, by, refs, spec, fields, terms.throttle)

        code = await alter(asked, change, Complaint(suspends=False), [jobs])
        if code or not terms.limits:
            return code
    limits = {one.job_id: _limit(asked, one.job_id, terms) for one in targets(asked, [jobs])}

    def event(ref: JobRef) -> TermsAsked:
        return TermsAsked(at, by, (ref,), terms.limit_micro_usd, limits[ref.job_id])

    return await alter(asked, event, Complaint(suspends=False), [jobs])


async def _other(asked: Asked, settings: Sequence[Setting]) -> int:
    """An entity that is no job. Raises Stop."""
    for keys, change in (
        (_RESERVATIONS, update_reservation), (_NODES, update_nodes), (_PARTITIONS, update_partition),
    ):  # fmt: skip
        named = next((one for one in settings if one.key in keys), None)
        if named is not None:
            return await change(asked, named, [one for one in settings if one is not named])
    debug = next((one for one in settings if one.key == "slurmctlddebug"), None)
    if debug is not None:
        raise Stop(1, err=f"invalid debug level: {debug.value}\nslurm_update error: No error\n")
    raise Stop(1, err=_NO_ENTITY)


def _terms(asked: Asked, settings: Sequence[Setting]) -> Terms:
    """What the settings ask for. Raises Stop for what cannot be changed or read."""
    terms = Terms()
    if not settings:
        raise Stop(1, err="No changes specified\n")
    for one in settings:
        if one.key == LIMIT_PRICE and not one.sign:
            terms = replace(terms, limit_micro_usd=_price(one.value))
        elif len(one.key) >= _LEAST and "timelimit".startswith(one.key):
            terms = _timed(terms, one.sign, _minutes(one.value))
        elif one.key == THROTTLE and not one.sign:
            terms = replace(terms, throttle=int(one.value) if one.value.isdecimal() else 0)
        elif not one.sign and (found := changes(asked, one.key, one.value)) is not None:
            terms = replace(terms, changes=terms.changes | found)
        else:
            why = "scontrol: error: AdminComment tells what the job has cost\n" if one.key == "admincomment" else ""
            raise Stop(1, err=f"{why}Update of this parameter is not supported: {one.written}\nRequest aborted\n")
    return terms


def _timed(terms: Terms, sign: str, minutes: int) -> Terms:
    if not sign:
        return replace(terms, time_limit_min=minutes, more_min=None)
    if minutes == UNLIMITED:
        raise _bad("TimeLimit")
    return replace(terms, time_limit_min=None, more_min=-minutes if sign == "-" else minutes)


_LEAST = 5
"""So much of `TimeLimit` is enough."""


def _minutes(text: str) -> int:
    try:
        return time.parse(text)
    except ValueSyntax:
        raise _bad("TimeLimit") from None


def _price(text: str) -> int:
    try:
        price = market.price(text)
    except ValueSyntax:
        raise _bad("LimitPrice") from None
    if price.per != "instance":
        raise _bad("LimitPrice")
    return price.micro_usd_per_hour


def _bad(what: str) -> Stop:
    return Stop(1, err=f"scontrol: error: Invalid {what} value\n")


def _limit(asked: Asked, job_id: int, terms: Terms) -> int | None:
    """The time limit that the job is to have, None for no change. Raises Stop for less than nothing."""
    if terms.more_min is None:
        return terms.time_limit_min
    snapshot = asked.queue.snapshot((job_id,))
    job = next((job for job in snapshot.jobs if job_id in (job.id, job.array_id)), None)
    limit = JobView(job, Scene.of(snapshot)).time_limit_min if job is not None else None
    if limit is None:
        return terms.time_limit_min
    if limit + terms.more_min <= 0:
        said = f"TimeLimit decrement larger than current time limit ({-terms.more_min} > {limit})"
        raise Stop(1, err=f"scontrol: error: {said}\n")
    return limit + terms.more_min
