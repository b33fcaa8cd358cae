"""What an instance-hour may cost a job at most, and what a placement may cost in all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from flowbatch.core import limits
from flowbatch.spec.cluster import Cloud, PartitionSpec
from flowbatch.spec.job import UNLIMITED, JobSpec
from flowbatch.spec.market import LimitPrice
from flowbatch.spec.policy import MarketPolicy, PartitionTerms
from flowbatch.units import HOUR, MINUTE

Source = Literal["job", "partition", "account", "default"]
"""Who said a limit price; `default` is the policy's own for the GPUs."""


def terms_of(policy: MarketPolicy, partition: str) -> PartitionTerms | None:
    """What the policy says of a partition, or None."""
    return next((terms for terms in policy.partitions if terms.partition == partition), None)


def cap(policy: MarketPolicy, spec: JobSpec, partition: str, place: Cloud) -> int:
    """The most that an hour of one instance may cost the job: its own word, else its partition's, else its account's,
    else the policy's for the GPUs. Micro-dollars."""
    said = limit_price(policy, spec, partition, place)[0]
    return said.micro_usd_per_hour * (max(1, place.gpus) if said.per == "gpu" else 1)


def limit_price(policy: MarketPolicy, spec: JobSpec, partition: str, place: Cloud) -> tuple[LimitPrice, Source]:
    """The limit price that holds for a job, and who said it."""
    terms = terms_of(policy, partition)
    if spec.market.limit_price is not None:
        return spec.market.limit_price, "job"
    if terms is not None and terms.limit_price is not None:
        return terms.limit_price, "partition"
    of_account = dict(policy.account_limit_prices).get(account(policy, spec, partition) or "")
    if of_account is not None:
        return of_account, "account"
    per_gpu = dict(policy.gpu_hour_caps).get((place.gpu or "").lower(), policy.other_gpu_hour_cap)
    return LimitPrice(micro_usd_per_hour=per_gpu, per="gpu"), "default"


def account(policy: MarketPolicy, spec: JobSpec, partition: str) -> str | None:
    """Who pays: the job's account, else its partition's."""
    terms = terms_of(policy, partition)
    return spec.account or (terms.account if terms else None)


def paid(policy: MarketPolicy | None, spec: JobSpec, partitions: Iterable[str]) -> JobSpec:
    """The job with the account that pays for it, whose budgets bind it: its own, else the first that its partitions name."""
    named = [] if policy is None else [account(policy, spec, name) for name in partitions]
    payer = next(filter(None, named), spec.account)
    return spec if payer == spec.account else spec.model_copy(update={"account": payer})


def run_limit_s(policy: MarketPolicy, spec: JobSpec, partition: PartitionSpec) -> int:
    """How long the job's script may run at most."""
    minutes = limits.time_limit_min(partition, spec)
    asked = policy.max_time_s if minutes == UNLIMITED else minutes * MINUTE
    said = spec.market.max_run_time_s
    return min(asked, policy.max_time_s if said is None else said)


def longest_s(policy: MarketPolicy, run_s: int) -> int:
    """The longest that a placement is billed."""
    return policy.overhead_s + run_s


def worst_case(policy: MarketPolicy, limit_micro_usd: int, instances: int, run_s: int) -> int:
    """The most that one placement can cost, in micro-dollars: every second of it at the limit."""
    return billed(limit_micro_usd, instances, longest_s(policy, run_s))


def billed(rate_micro_usd: int, instances: int, seconds: int) -> int:
    """What so long costs at this price an hour, rounded up."""
    return -(-rate_micro_usd * instances * seconds // HOUR)


def affordable_s(policy: MarketPolicy, limit_micro_usd: int, instances: int, micro_usd: int) -> int:
    """How long a script may run so that its placement costs no more than this; not positive if not at all."""
    rate = limit_micro_usd * instances
    return policy.max_time_s if not rate else micro_usd * HOUR // rate - policy.overhead_s
