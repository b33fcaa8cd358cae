"""Who may compute on whose account, as the accounting commands list it: what administrators have said; where nobody has said
anything, everybody is on any account, and the accounts that jobs named are listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flowbatch.core.accounting.accounts import NOBODY, ROOT, Account, Accounts, Association, User
from flowbatch.core.jobs import Job
from flowbatch.core.ports import QueuePort

__all__ = ["ROOT", "Listed", "associations", "known", "listed", "tree"]

LOOKED_AT = 10_000
"""So many of the newest jobs are looked at."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One association of a cluster, and how far below the root it is."""

    cluster: str
    record: Association
    depth: int
    accounts: Accounts

    @property
    def account(self) -> str:
        return self.record.account

    @property
    def user(self) -> str:
        return self.record.user

    @property
    def id(self) -> int:
        return self.record.id


async def associations(queue: QueuePort, caller: str) -> tuple[Listed, ...]:
    """Accounts and users of the cluster, an account before its users and what is below it, the root first."""
    return tree(queue.cluster.name, await known(queue, caller))


async def known(queue: QueuePort, caller: str) -> Accounts:
    """What the cluster knows of accounts. Where nobody administers them `caller` is always among the users."""
    said = queue.snapshot().rulings.accounts
    return said if said != NOBODY else of_jobs(caller, await queue.history(None, LOOKED_AT))


def of_jobs(caller: str, jobs: Iterable[Job]) -> Accounts:
    """The accounts that jobs named, with who did."""
    named = {(job.spec.account or ROOT, job.owner.name) for job in jobs} | {(ROOT, caller)}
    accounts = NOBODY
    for account, user in sorted(named, key=lambda pair: (pair[0] != ROOT, pair)):
        if accounts.account(account) is None:
            accounts = accounts.put(Account(account, account, account)).put(Association(account))
        if accounts.user(user) is None:
            accounts = accounts.put(User(user, ROOT))
        if accounts.association(account, user) is None:
            accounts = accounts.put(Association(account, user))
    return accounts


def listed(cluster: str, caller: str, jobs: Iterable[Job]) -> tuple[Listed, ...]:
    return tree(cluster, of_jobs(caller, jobs))


def tree(cluster: str, accounts: Accounts) -> tuple[Listed, ...]:
    """All associations, those of users by name behind their account's, then the accounts below it by name."""

    def below(account: Association, depth: int) -> Iterator[Listed]:
        yield Listed(cluster, account, depth, accounts)
        users = [one for one in accounts.associations if one.account == account.account and one.user]
        for one in sorted(users, key=lambda one: (one.user, one.partition)):
            yield Listed(cluster, one, depth + 1, accounts)
        children = [one for one in accounts.associations if not one.user and one.parent == account.account]
        for one in sorted(children, key=lambda one: one.account):
            yield from below(one, depth + 1)

    root = accounts.association(ROOT)
    return tuple(below(root, 0)) if root is not None else ()
