"""Whether a placement can be paid: what the job's own budget and those of its account leave of it."""

from __future__ import annotations

from dataclasses import dataclass

from flowbatch.core.market import caps
from flowbatch.core.market.budgets import OVER_GROUP, Ledger
from flowbatch.core.market.plans import Plan
from flowbatch.core.waiting import OVER_OWN
from flowbatch.spec.job import JobSpec
from flowbatch.spec.policy import Budget
from flowbatch.units import MINUTE


@dataclass(frozen=True, slots=True)
class Funded:
    """It can be paid: its script may run so long, and the placement costs so much at most."""

    run_limit_s: int
    worst_micro_usd: int


@dataclass(frozen=True, slots=True)
class Short:
    """It cannot: so much would be needed at least, so much is left. `budget`: whose; None is the job's own."""

    needed_micro_usd: int
    left_micro_usd: int
    budget: Budget | None = None

    @property
    def reason(self) -> str:
        """Slurm's."""
        return OVER_OWN if self.budget is None else OVER_GROUP


def means(ledger: Ledger, spec: JobSpec, own_micro_usd: int, plan: Plan) -> Funded | Short:
    """`own_micro_usd`: what the job's earlier bids may come to cost. A job's own budget shortens its run; it needs a minute."""
    policy, limit, count = ledger.policy, plan.limit_micro_usd, plan.instances
    run_s = plan.run_limit_s
    if spec.market.budget_micro_usd is not None:
        left = spec.market.budget_micro_usd - own_micro_usd
        run_s = min(run_s, caps.affordable_s(policy, limit, count, left))
        if run_s < MINUTE:
            return Short(caps.worst_case(policy, limit, count, MINUTE), max(0, left))
    worst = caps.worst_case(policy, limit, count, run_s)
    for budget in ledger.binding(spec.account):
        left = budget.micro_usd - ledger.used(budget)
        if worst > left:
            return Short(worst, max(0, left), budget)
    return Funded(run_s, worst)
