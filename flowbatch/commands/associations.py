"""Who may compute on whose account: here everybody on any. What the accounting commands list are the accounts that jobs named."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flowbatch.core.jobs import Job
from flowbatch.core.ports import QueuePort

ROOT = "root"
"""The account above all others, and everybody's where none is named."""
LOOKED_AT = 10_000
"""So many of the newest jobs are looked at."""


@dataclass(frozen=True, slots=True)
class Association:
    """A user on an account of one cluster; with an empty user the account itself. `id` counts from 1."""

    cluster: str
    account: str
    user: str
    id: int

    @property
    def depth(self) -> int:
        """How far below the root."""
        return (self.account != ROOT) + bool(self.user)


async def associations(queue: QueuePort, caller: str) -> tuple[Association, ...]:
    """Accounts and users of the cluster, an account before its users, the root first. `caller` is always among the users."""
    return listed(queue.cluster.name, caller, await queue.history(None, LOOKED_AT))


def listed(cluster: str, caller: str, jobs: Iterable[Job]) -> tuple[Association, ...]:
    named = [(job.spec.account or ROOT, job.owner.name) for job in jobs]
    users = sorted({ROOT, caller, *(user for _, user in named)})
    pairs = [(ROOT, ""), *((ROOT, user) for user in users)]
    for account in sorted({account for account, _ in named} - {ROOT}):
        pairs += [(account, ""), *((account, user) for user in sorted({u for a, u in named if a == account}))]
    return tuple(Association(cluster, account, user, id) for id, (account, user) in enumerate(pairs, 1))
