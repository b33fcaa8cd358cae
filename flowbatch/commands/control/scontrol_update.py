"""`scontrol update`: what of a job can be changed after its submission: its time limit, and on the market the price it bids.

The cost of a job on the market stands where Slurm keeps an administrator's comment, so that nobody writes there.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_alter import Complaint, alter, named
from flowbatch.commands.control.scontrol_nodes import update_nodes
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.control.scontrol_partitions import update_partition
from flowbatch.commands.control.scontrol_reservations import update_reservation
from flowbatch.commands.control.scontrol_settings import Changes, changes, spec_of
from flowbatch.commands.control.scontrol_words import ALONE, Setting, settings_of
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.arrays import indices, root
from flowbatch.core.events import JobRef, TermsAsked, UpdateAsked
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Snapshot
from flowbatch.directives import market
from flowbatch.directives.values import begin, time
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm import codes
from flowbatch.slurm.times import zone
from flowbatch.spec.job import UNLIMITED
from flowbatch.units import Instant

LIMIT_PRICE = "limitprice"
"""Ours: `LimitPrice=$2.50`, the most that an instance-hour may cost."""

THROTTLE = "arraytaskthrottle"

ENDTIME = "endtime"
"""When a running job is to end: its time limit, to the minute."""

WHY_NOT = {
    "numcpus": "NumCPUs follows from NumTasks and CPUsPerTask: say those",
    "mincpus": "it follows from NumTasks and CPUsPerTask: say those",
    "resetaccruetime": "no age counts for priorities here",
    "delayboot": "nodes are not booted by features here",
    "corespec": "no cores are set apart here",
    "threadspec": "no threads are set apart here",
    "burstbuffer": "there is no burst buffer",
    "clusters": "a job stays in the cluster that took it",
    "clusterfeatures": "clusters have no features here",
    "sitefactor": "priorities have no site factor",
    "switches": "there are no switches to wait for",
    "wait-for-switch": "there are no switches to wait for",
}
"""What real scontrol changes of a job and is not changed here."""

LEASED = {
    "ESLURM_NOT_SUPPORTED": "what runs on a rented machine ends with its lease, which was bought with its time limit"
}
"""Why a time limit does not grow on the market."""

_NO_ENTITY = (
    "No valid entity in update command\n"
    'Input line must include "NodeName", "PartitionName", "Reservation", "JobId", or "SlurmctldDebug"\n'
)
_SOLE = re.compile(r" *[-+]?(?P<job>[0-9]{0,9})[0-9]*(?:_-?(?P<task>[0-9]{0,9})[0-9]*)?", re.ASCII)
_RESIZING = ("numnodes", "reqnodes", "nodelist", "reqnodelist")
"""What would change the size of a job that runs: one job at a time."""

_NODES = ("nodename", "nodenames", "node")
_PARTITIONS = ("partitionname", "partition")
_RESERVATIONS = ("reservationname", "reservation", "res")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked for."""

    time_limit_min: int | None = None
    limit_micro_usd: int | None = None
    ends_at: int | None = None
    throttle: int | None = None
    changes: Changes = field(default_factory=dict)

    @property
    def limits(self) -> bool:
        """Whether anything is asked of time or money."""
        asked = (self.time_limit_min, self.limit_micro_usd, self.ends_at)
        return any(one is not None for one in asked)


async def update(asked: Asked) -> int:
    """Changes what the words say; the exit code. Raises Stop."""
    settings = list(settings_of(asked.words[1:]))
    jobs = next((one.value for one in reversed(settings) if one.key in ("jobid", "job")), None)
    if jobs is None and (name := next((one for one in settings if one.key == "jobname"), None)) is not None:
        settings.remove(name)
        jobs = _named(asked, name.value, next((one.value for one in settings if one.key == "userid"), None))
    if jobs is None:
        return await _other(asked, settings)
    terms = _terms(asked, jobs, [one for one in settings if one.key not in ("jobid", "job")])
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

    def event(ref: JobRef) -> TermsAsked:
        return TermsAsked(at, by, (ref,), terms.limit_micro_usd, terms.time_limit_min, terms.ends_at)

    leased = asked.queue.cluster.market is not None
    return await alter(asked, event, Complaint(suspends=False, whys=LEASED if leased else {}), [jobs])


def _named(asked: Asked, name: str, user: str | None) -> str:
    """The jobs of this name, of one user alone if one is named. Raises Stop where there are none."""
    uid = None if user is None else user_id(user)
    if user is not None and uid is None:
        raise Stop(1, err=f"Invalid UserID: {user}\nRequest aborted\n")
    found = ",".join(map(str, named(asked, name, uid)))
    if not found:
        whose = "" if uid is None else f"user ID {uid} and "
        raise Stop(1, err=f"scontrol: error: No jobs with {whose}name '{name}'\n")
    return found


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


def _terms(asked: Asked, jobs: str, settings: Sequence[Setting]) -> Terms:
    """What the settings ask for, of these jobs. Raises Stop for what cannot be changed or read."""
    terms = Terms()
    if all(one.key == "userid" for one in settings):
        raise Stop(1, err="No changes specified\n")
    for one in settings:
        if one.key == "userid":
            continue
        if "=" not in one.written and one.key not in ALONE:
            raise Stop(1, err=f"Invalid input: {one.written}\nRequest aborted\n")
        if one.key == LIMIT_PRICE and not one.sign:
            terms = replace(terms, limit_micro_usd=_price(one.value))
        elif len(one.key) >= _LEAST and "timelimit".startswith(one.key):
            sign = one.sign or (one.value[:1] if one.value[:1] in ("+", "-") else "")
            terms = _timed(asked, jobs, terms, sign, _minutes(one.value.removeprefix(sign)))
        elif one.key == ENDTIME and not one.sign:
            terms = replace(terms, ends_at=_instant(asked, one.value))
        elif one.key == THROTTLE and not one.sign:
            terms = replace(terms, throttle=int(one.value) if one.value.isdecimal() else 0)
        elif one.key == "admincomment" and asked.queue.cluster.market is not None:
            raise Stop(1, err=f"scontrol: error: AdminComment tells what the job has cost\n{_unsupported(one)}")
        elif (found := changes(asked, one.key, one.value)) is not None and not one.sign:
            if one.key in _RESIZING:
                _sole(asked, jobs, "Job resizing")
            terms = replace(terms, changes=terms.changes | found)
        elif one.sign and (found is not None or one.key in WHY_NOT):
            raise Stop(1, err=f"scontrol: error: Option {one.written} does not accept [+|-]= syntax\n")
        else:
            why = f"scontrol: error: {WHY_NOT[one.key]}\n" if one.key in WHY_NOT else ""
            raise Stop(1, err=f"{why}{_unsupported(one)}")
    return terms


def _unsupported(one: Setting) -> str:
    return f"Update of this parameter is not supported: {one.written}\nRequest aborted\n"


def _instant(asked: Asked, text: str) -> int:
    try:
        return int(begin.parse(text, Instant(asked.queue.now()), zone(asked.call.environ.get("TZ"))))
    except ValueSyntax as error:
        raise Stop(0, err=(error.said or f"Invalid time specification (pos=0): {text}") + "\n") from None


def _timed(asked: Asked, jobs: str, terms: Terms, sign: str, minutes: int) -> Terms:
    if sign and minutes == UNLIMITED:
        raise _bad("TimeLimit")
    limit = _more(asked, jobs, -minutes if sign == "-" else minutes) if sign else minutes
    return replace(terms, time_limit_min=limit)


_LEAST = 5
"""So much of `TimeLimit` is enough."""


def _minutes(text: str) -> int:
    try:
        return time.minutes(text)
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


def _sole(asked: Asked, jobs: str, what: str) -> tuple[Job | None, Snapshot]:
    """The one record that the words name, None for a task that its array has not: of several, `what` cannot be said. Raises Stop."""
    found = _SOLE.fullmatch(jobs)
    if found is None:
        raise Stop(1, err=f"scontrol: error: Invalid job ID {jobs}\n")
    job_id = int(found["job"] or 0)
    snapshot = asked.queue.snapshot((job_id,))
    records = [job for job in snapshot.jobs if job_id in (job.id, root(job))]
    if not records:
        said = codes.message("ESLURM_INVALID_JOB_ID")
        raise Stop(1, err=f"scontrol: error: Could not load state information for job {jobs}: {said}\n")
    if found["task"] is not None:
        records = [job for job in records if int(found["task"] or -1) in indices(job)]
    if len(records) > 1:
        raise Stop(1, err=f"scontrol: error: {what} not supported for job arrays\n")
    return records[0] if records else None, snapshot


def _more(asked: Asked, jobs: str, minutes: int) -> int | None:
    """The time limit of the one job that the words name when it is changed by so much; None where it has none. Raises Stop."""
    job, snapshot = _sole(asked, jobs, "TimeLimit increment/decrement")
    if job is None:
        raise Stop(1)
    limit = JobView(job, Scene.of(snapshot)).time_limit_min
    if limit is None:
        return None
    if limit + minutes <= 0:
        said = f"TimeLimit decrement larger than current time limit ({-minutes} > {limit})"
        raise Stop(1, err=f"scontrol: error: {said}\n")
    return limit + minutes
