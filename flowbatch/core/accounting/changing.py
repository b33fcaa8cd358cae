"""What administrators change of accounts, users and qualities of service."""

from __future__ import annotations

from flowbatch.core.accounting.accounts import Accounts
from flowbatch.core.events import Refused
from flowbatch.core.market.buying import keep_within_budgets
from flowbatch.core.ruling.administering import rule
from flowbatch.core.ruling.wishes import AccountsAsked
from flowbatch.core.turn import Turn
from flowbatch.spec.cluster import ClusterSpec

DENIED = "ESLURM_ACCESS_DENIED"


def may(cluster: ClusterSpec, accounts: Accounts, uid: int, name: str) -> bool:
    """Whether somebody may change accounts: root, whoever runs the cluster, and those who were made administrators."""
    known = accounts.user(name)
    return cluster.operated_by(uid) or (known is not None and known.admin != "None")


def change(turn: Turn, event: AccountsAsked) -> Refused | None:
    """Drops and puts what is asked; it is the queue's from now on, and remembered."""
    queue = turn.queue
    accounts = queue.rulings.accounts
    if not may(queue.cluster, accounts, event.by, event.name):
        return Refused(DENIED)
    for key in event.drop:
        accounts = accounts.drop(key)
    for record in event.put:
        accounts = accounts.put(record)
    if accounts != queue.rulings.accounts:
        rule(turn, queue.rulings.with_accounts(accounts))
        keep_within_budgets(turn)
    return None
