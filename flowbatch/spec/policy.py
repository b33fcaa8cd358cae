"""How a cluster on the market spends: caps, budgets and allowances, from flow.toml. Money is whole micro-dollars."""

from __future__ import annotations

from typing import Literal

from flowbatch.spec.market import LimitPrice
from flowbatch.spec.model import Frozen
from flowbatch.units import DAY, HOUR, MINUTE


class Budget(Frozen):
    """The most that may be spent: by one account or, with None, by everybody; each day (UTC), or ever."""

    micro_usd: int
    account: str | None = None
    per: Literal["day", "ever"] = "ever"
    below: tuple[str, ...] = ()
    """Accounts below that one, whose jobs count too."""

    def covers(self, account: str | None) -> bool:
        """Whether the jobs of this account count against it."""
        return self.account is None or account == self.account or account in self.below


class PartitionTerms(Frozen):
    """What a partition of the market stands for: a site's old names may so mean something. Empty: no restriction.

    `gpu` is a GPU model (`a100`), `instance_type` an API name; `limit_price` and `account` hold where a job names none.
    """

    partition: str
    gpu: str | None = None
    instance_type: str | None = None
    regions: tuple[str, ...] = ()
    limit_price: LimitPrice | None = None
    account: str | None = None


class MarketPolicy(Frozen):
    """What holds for every bid of a cluster. A limit price is the job's own, else its partition's, else its account's, else
    `gpu_hour_caps` times the GPUs of an instance."""

    default_gpu: str = "a100"
    """The model that a job gets which asks for GPUs of no model, or for nothing at all."""
    gpu_hour_caps: tuple[tuple[str, int], ...] = (
        ("h100", 12_290_000), ("h200", 15_000_000), ("b200", 18_000_000), ("a100", 8_000_000),
    )  # fmt: skip
    other_gpu_hour_cap: int = 8_000_000
    """For models that are not named; an instance without GPUs counts as one."""
    account_limit_prices: tuple[tuple[str, LimitPrice], ...] = ()
    budgets: tuple[Budget, ...] = ()
    partitions: tuple[PartitionTerms, ...] = ()
    placements: int = 10
    """So many bids may be made for one job."""
    queue_allowance_s: int = 7 * DAY
    """How long a bid may stay open before it ends by itself; the job bids anew."""
    boot_allowance_s: int = 20 * MINUTE
    boot_estimate_s: int = 5 * MINUTE
    """From a bid that is asked for to a job that runs, where no start here has shown it yet: for forecasts alone."""
    upload_allowance_s: int = 15 * MINUTE
    grace_s: int = 2 * MINUTE
    """From the time limit to the last process (KillWait, OverTimeLimit)."""
    return_allowance_s: int = 15 * MINUTE
    """For bringing the results back."""
    default_time_s: int = 24 * HOUR
    """The maximum run time of a job that names none."""
    max_time_s: int = 7 * DAY
    save_reserve_s: int = 60
    """So much of a preemption's notice is kept for saving the workspace: the job's processes end before."""

    @property
    def overhead_s(self) -> int:
        """The most that one placement is billed for besides its run."""
        return self.boot_allowance_s + self.upload_allowance_s + self.grace_s + self.return_allowance_s
