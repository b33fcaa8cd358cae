"""What was spent and what is in escrow, and whether a placement more still fits under every budget.

The law: for each budget, what was spent (ever, or this day in UTC) and what all bids together may still cost is never
more than the budget. Escrow counts on every day until it is spent, so a bid that runs through midnight is inside the
next day's budget as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from flowbatch.core.jobs import Job
from flowbatch.spec.policy import Budget, MarketPolicy
from flowbatch.units import DAY

OVER_GROUP = "AssocGrpBillingMinutes"
"""Slurm's reason: what all jobs of an account together may use is used up."""

Account = tuple[str | None, int]
"""An account (None for jobs without one) on a UTC day, counted since 1970."""

Spending = Mapping[Account, int]
"""Micro-dollars by account and day."""


def spending(job: Job) -> Iterator[tuple[Account, int]]:
    """What a job was billed."""
    for bid in job.bids:
        for day, micro_usd in bid.by_day:
            yield (job.spec.account, day), micro_usd


def add(total: dict[Account, int], more: Iterable[tuple[Account, int]]) -> None:
    """The total has more in it from now on."""
    for key, micro_usd in more:
        total[key] = total.get(key, 0) + micro_usd


def own(job: Job) -> int:
    """The most that a job can come to cost with all bids made for it so far."""
    return sum(bid.spent_micro_usd + bid.escrow_micro_usd for bid in job.bids)


@dataclass(slots=True)
class Ledger:
    """Everything that counts against budgets on one day."""

    policy: MarketPolicy
    day: int
    ever: dict[str | None, int] = field(default_factory=dict)
    today: dict[str | None, int] = field(default_factory=dict)
    escrow: dict[str | None, int] = field(default_factory=dict)

    @classmethod
    def at(cls, policy: MarketPolicy, at: int, departed: Spending, jobs: Iterable[Job]) -> Ledger:
        """`departed`: what jobs were billed that are not in the queue any more; `jobs`: those that are."""
        ledger = cls(policy, at // DAY)
        for (account, day), micro_usd in departed.items():
            ledger._spent(account, day, micro_usd)
        for job in jobs:
            for (account, day), micro_usd in spending(job):
                ledger._spent(account, day, micro_usd)
            ledger.take(job.spec.account, sum(bid.escrow_micro_usd for bid in job.bids))
        return ledger

    def take(self, account: str | None, micro_usd: int) -> None:
        """So much more is in escrow."""
        self.escrow[account] = self.escrow.get(account, 0) + micro_usd

    def used(self, budget: Budget) -> int:
        """What counts against a budget: spent and in escrow."""
        return self.spent(budget) + _for(self.escrow, budget)

    def spent(self, budget: Budget) -> int:
        return _for(self.today if budget.per == "day" else self.ever, budget)

    def fits(self, account: str | None, micro_usd: int) -> bool:
        """Whether so much more can be escrowed for the account."""
        return all(self.used(budget) + micro_usd <= budget.micro_usd for budget in self.binding(account))

    def binding(self, account: str | None) -> Iterator[Budget]:
        """The budgets that an account's jobs count against."""
        return (budget for budget in self.policy.budgets if budget.covers(account))

    def _spent(self, account: str | None, day: int, micro_usd: int) -> None:
        self.ever[account] = self.ever.get(account, 0) + micro_usd
        if day == self.day:
            self.today[account] = self.today.get(account, 0) + micro_usd


def _for(amounts: Mapping[str | None, int], budget: Budget) -> int:
    return sum(amount for account, amount in amounts.items() if budget.covers(account))
