"""May a waiting job run now, as far as limits of accounts are concerned? Asked for each job that a pass looks at.

As on 22.05 a limit of the job's quality of service holds instead of the same one of its association, and GrpTRESMins and
GrpWall, which need the usage that priority/multifactor keeps, hold up nobody (on the market, GrpTRESMins=billing is a budget).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from flowbatch.core.accounting import wording
from flowbatch.core.accounting.accounts import Accounts, Limits
from flowbatch.core.accounting.usage import Claim, Group, Standing, Used, binds, claim, groups, of_claim, resources
from flowbatch.core.accounting.wording import Scope
from flowbatch.core.jobs import Job
from flowbatch.core.states import Allocation, Completing, Running, held
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import UNLIMITED
from flowbatch.units import MINUTE

YEAR_MIN = 365 * 24 * 60
"""What a job without a time limit may take, in Slurm's reckoning."""

_NONE = Limits()


class Ruled(Protocol):
    """What administrators have said."""

    @property
    def accounts(self) -> Accounts: ...


class Accounted(Protocol):
    """A queue, as far as the gate knows it."""

    @property
    def cluster(self) -> ClusterSpec: ...
    @property
    def rulings(self) -> Ruled: ...
    def running(self) -> Iterable[Job]: ...


class Gate:
    """The limits, and what is used of them if all that was decided so far happens."""

    def __init__(self, accounts: Accounts, holding: Iterable[Job], at: int) -> None:
        self._accounts = accounts
        self._used: defaultdict[Group, Used] = defaultdict(Used)
        self._standings: dict[tuple[Claim, str], Standing] = {}
        for job in holding:
            allocation = held(job.state)
            left = _minutes_left(job, at)
            self._count(self._where(job), resources(allocation) if allocation is not None else Counter(), left)

    def obstacle(self, job: Job, limit_min: int) -> str | None:
        """Slurm's reason why the job may not run, wherever there is room; `limit_min`: its time limit, in minutes."""
        where = self._where(job)
        return _too_long(self._accounts, where, limit_min) or self._too_many(where)

    def refuses(self, job: Job, allocation: Allocation, limit_min: int) -> str | None:
        """Slurm's reason why it may not have this allocation."""
        where = self._where(job, allocation.partition)
        taken, minutes = resources(allocation), _whole(limit_min)
        return _too_large(self._accounts, where, allocation, minutes) or self._too_much(where, taken, minutes)

    def take(self, job: Job, allocation: Allocation | None, limit_min: int) -> None:
        """The job runs."""
        taken: Counter[str] = resources(allocation) if allocation is not None else Counter()
        self._count(self._where(job), taken, _whole(limit_min))

    def forbids(self, together: Iterable[tuple[Job, Allocation, int]]) -> tuple[Job, str] | None:
        """The first of these (with its allocation and time limit) that may not run beside those before it, and why."""
        trial = Gate(self._accounts, (), 0)
        trial._used.update({group: used.copy() for group, used in self._used.items()})
        for job, allocation, limit_min in together:
            reason = trial.obstacle(job, limit_min) or trial.refuses(job, allocation, limit_min)
            if reason is not None:
                return job, reason
            trial.take(job, allocation, limit_min)
        return None

    def _where(self, job: Job, partition: str = "") -> Standing:
        key = claim(job), partition
        if key not in self._standings:
            self._standings[key] = of_claim(self._accounts, *key)
        return self._standings[key]

    def _count(self, where: Standing, taken: Counter[str], minutes: int) -> None:
        for group in groups(self._accounts, where):
            used = self._used[group]
            used.jobs += 1
            used.tres.update(taken)
            used.run_mins.update({name: amount * minutes for name, amount in taken.items()})

    def _too_many(self, where: Standing) -> str | None:
        for scope, limit, group, most in self._job_counts(where):
            if self._used[group].jobs >= most:
                return wording.COUNTS[scope, limit]
        return None

    def _job_counts(self, where: Standing) -> Iterator[tuple[Scope, str, Group, int]]:
        """Every limit on how many jobs run, Slurm's order."""
        own = where.quality.limits.counts if where.quality is not None else {}
        name = where.quality.name if where.quality is not None else ""
        for limit, group in (
            ("GrpJobs", ("qos", name)), ("MaxJobsPA", ("qos account", name, where.account)),
            ("MaxJobsPU", ("qos user", name, where.user)),
        ):  # fmt: skip
            if limit in own:
                yield "QOS", limit, group, own[limit]
        user = "user", where.account, where.user
        for one in self._accounts.chain(where.association):
            most = one.limits.counts.get("GrpJobs")
            if most is not None and "GrpJobs" not in own:
                yield "Assoc", "GrpJobs", user if one.user else ("account", one.account), most
        each = self._accounts.count(where.association, "MaxJobs")
        if each is not None and "MaxJobsPU" not in own:
            yield "Assoc", "MaxJobs", user, each

    def _too_much(self, where: Standing, taken: Counter[str], minutes: int) -> str | None:
        """What all together hold already, and this job with them."""
        own = where.quality.limits.tres if where.quality is not None else {}
        name = where.quality.name if where.quality is not None else ""
        for limit, group in (
            ("GrpTRES", ("qos", name)), ("GrpTRESRunMins", ("qos", name)), ("MaxTRESPA", ("qos account", name, where.account)),
            ("MaxTRESPU", ("qos user", name, where.user)),
        ):  # fmt: skip
            if (found := self._over(own.get(limit, {}), limit, group, taken, minutes)) is not None:
                return wording.of_tres("QOS", limit, found)
        for one in self._accounts.chain(where.association):
            shared: Group = ("user", where.account, where.user) if one.user else ("account", one.account)
            for limit in ("GrpTRES", "GrpTRESRunMins"):
                amounts = {k: v for k, v in one.limits.tres.get(limit, {}).items() if k not in own.get(limit, {})}
                if (found := self._over(amounts, limit, shared, taken, minutes)) is not None:
                    return wording.of_tres("Assoc", limit, found)
        return None

    def _over(
        self, amounts: Mapping[str, int], limit: str, group: Group, taken: Counter[str], minutes: int
    ) -> str | None:
        """The first resource of which the group would have too much."""
        used = self._used[group]
        for tres, most in amounts.items():
            if limit == "GrpTRESRunMins":
                if used.run_mins[tres] + taken[tres] * minutes > most:
                    return tres
            elif taken[tres] and used.tres[tres] + taken[tres] > most:
                return tres
        return None


def _whole(limit_min: int) -> int:
    return YEAR_MIN if limit_min == UNLIMITED else limit_min


def _minutes_left(job: Job, at: int) -> int:
    match job.state:
        case Running(ends_by=None):
            return YEAR_MIN
        case Running(ends_by=int(end)):
            return max(0, end - at) // MINUTE
        case Completing():
            return 0
    return 0


def _too_long(accounts: Accounts, where: Standing, limit_min: int) -> str | None:
    """A time limit beyond MaxWall. Where none was said, that is the limit."""
    own = where.quality.limits.counts.get("MaxWall") if where.quality is not None else None
    if own is not None:
        return wording.COUNTS["QOS", "MaxWall"] if _whole(limit_min) > own else None
    most = accounts.count(where.association, "MaxWall")
    return wording.COUNTS["Assoc", "MaxWall"] if most is not None and _whole(limit_min) > most else None


def _amounts(accounts: Accounts, where: Standing, limit: str) -> Iterator[tuple[Scope, str, int]]:
    """What a limit says of each resource: the quality of service first, then the association of all that it says nothing of."""
    own = where.quality.limits.tres.get(limit, {}) if where.quality is not None else {}
    yield from (("QOS", tres, most) for tres, most in own.items())
    inherited = accounts.amounts(where.association, limit)
    yield from (("Assoc", tres, most) for tres, most in inherited.items() if tres not in own)


def _too_large(accounts: Accounts, where: Standing, allocation: Allocation, minutes: int) -> str | None:
    """More than one job may have."""
    taken = resources(allocation)
    for limit, factor in (("MaxTRES", 1), ("MaxTRESMins", minutes)):
        for scope, tres, most in _amounts(accounts, where, limit):
            if taken[tres] * factor > most:
                return wording.of_tres(scope, limit, tres)
    limits = where.quality.limits if where.quality is not None else _NONE
    for tres, least in limits.tres.get("MinTRES", {}).items():
        if taken[tres] < least:
            return wording.of_tres("QOS", "MinTRES", tres)
    return _too_dense(accounts, where, allocation)


def _too_dense(accounts: Accounts, where: Standing, allocation: Allocation) -> str | None:
    """More on one node than a job may have there."""
    limit = "MaxTRESPerNode"
    for share in allocation.shares:
        part = resources(Allocation(allocation.partition, (share,)))
        for scope, tres, most in _amounts(accounts, where, limit):
            if part[tres] > most:
                return wording.of_tres(scope, limit, tres)
    return None


def gate(queue: Accounted, at: int) -> Gate | None:
    """The limits of the queue's accounts as they stand; None where none bind."""
    accounts = queue.rulings.accounts
    return Gate(accounts, queue.running(), at) if binds(queue.cluster, accounts) else None
