"""What jobs take of the limits of their accounts, counted while the queue is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from flowbatch.core.accounting.accounts import NOBODY, NORMAL, ROOT, Accounts, Association, Qos
from flowbatch.core.jobs import Job
from flowbatch.core.states import Allocation
from flowbatch.spec.cluster import ClusterSpec

Group = tuple[str, ...]
"""Who shares a limit: ("account", name), ("user", account, name), ("qos", name), ("qos user", name, user) ..."""


class Claim(NamedTuple):
    """What a job itself says of where it counts: jobs with one claim count on the same account, user and quality of service."""

    account: str | None
    user: str
    qos: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job counts: its association, and its quality of service if there is one of that name."""

    association: Association
    quality: Qos | None
    user: str

    @property
    def account(self) -> str:
        return self.association.account


def standing(accounts: Accounts, account: str | None, user: str, partition: str, qos: str | None) -> Standing:
    """Where a job of this user counts; one who is not on the account counts as if he were, without limits of his own."""
    known = accounts.user(user)
    name = account or (known.default_account if known is not None else ROOT)
    found = accounts.of_job(name, user, partition) or Association(name, user)
    return Standing(found, accounts.quality(qos or accounts.default_quality(found) or NORMAL), user)


def claim(job: Job) -> Claim:
    return Claim(job.spec.account, job.owner.name, job.spec.qos)


def of_claim(accounts: Accounts, claim: Claim, partition: str = "") -> Standing:
    return standing(accounts, claim.account, claim.user, partition, claim.qos)


def groups(accounts: Accounts, where: Standing) -> Iterator[Group]:
    """Everybody whose limits the job counts against."""
    yield "user", where.account, where.user
    for one in accounts.chain(where.association):
        if not one.user:
            yield "account", one.account
    if where.quality is not None:
        name = where.quality.name
        yield "qos", name
        yield "qos user", name, where.user
        yield "qos account", name, where.account


def resources(allocation: Allocation) -> Counter[str]:
    """What an allocation takes, by resource; billing is by CPU, as where no partition says otherwise."""
    taken = Counter({"cpu": allocation.cpus, "billing": allocation.cpus, "node": len(allocation.shares)})
    for share in allocation.shares:
        taken["mem"] += share.memory_mib
        for name, kind, devices in share.gres:
            taken[f"gres/{name}"] += len(devices)
            if kind is not None:
                taken[f"gres/{name}:{kind}"] += len(devices)
    for name, count in allocation.licenses:
        taken[f"license/{name}"] += count
    return taken


@dataclass(slots=True)
class Used:
    """By one group: jobs that run, what they hold, and what they will have used up when their time limits fall (minutes)."""

    jobs: int = 0
    tres: Counter[str] = field(default_factory=Counter)
    run_mins: Counter[str] = field(default_factory=Counter)

    def copy(self) -> Used:
        return Used(self.jobs, Counter(self.tres), Counter(self.run_mins))


def submitted(accounts: Accounts, unfinished: Mapping[Claim, int], group: Group) -> int:
    """How many unfinished jobs the group has, tasks of arrays counted each."""
    return sum(count for one, count in unfinished.items() if group in groups(accounts, of_claim(accounts, one)))


def binds(cluster: ClusterSpec, accounts: Accounts) -> bool:
    """Whether limits hold jobs up: as AccountingStorageEnforce says; without a slurm.conf they do, where somebody set one."""
    if accounts is NOBODY or not (cluster.obliging or "limits" in cluster.accounting_enforce):
        return False
    return accounts.limited
