"""GrpTRESMins=billing of an account, on the market: what all its jobs, and those of the accounts below it, may ever cost.

A minute of billing is a cent, so that whole numbers say it; such a limit is a budget like those of flow.toml, beside them.
"""

from __future__ import annotations

from collections.abc import Iterator

from flowbatch.core.accounting.accounts import ROOT, Accounts
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.policy import Budget

LIMIT, RESOURCE = "GrpTRESMins", "billing"
MICRO_USD = 10_000
"""What one minute of billing stands for: a cent."""


def budgets(accounts: Accounts) -> Iterator[Budget]:
    """One for each account that has the limit; the root's is everybody's."""
    for one in accounts.associations:
        amount = one.limits.tres.get(LIMIT, {}).get(RESOURCE)
        if amount is not None and not one.user:
            everybody = one.account == ROOT
            yield Budget(
                micro_usd=amount * MICRO_USD,
                account=None if everybody else one.account,
                below=() if everybody else accounts.below(one.account),
            )


def budgeted(cluster: ClusterSpec, accounts: Accounts) -> ClusterSpec:
    """The cluster with the accounts' budgets among its own."""
    more = tuple(budgets(accounts))
    if cluster.market is None or not more:
        return cluster
    policy = cluster.market.model_copy(update={"budgets": (*cluster.market.budgets, *more)})
    return cluster.model_copy(update={"market": policy})
