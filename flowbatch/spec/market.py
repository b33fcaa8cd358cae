"""What Slurm has no word for, said by `#FLOW` lines, `FLOW_*` variables and `flow submit` options."""

from __future__ import annotations

from typing import Literal

from flowbatch.spec.model import Frozen


class LimitPrice(Frozen):
    """The most that one instance-hour (or one GPU-hour) may cost, in micro-dollars."""

    micro_usd_per_hour: int
    per: Literal["instance", "gpu"] = "instance"


class MarketTerms(Frozen):
    """Money, place and image; `None` or empty means that nothing was said."""

    limit_price: LimitPrice | None = None
    budget_micro_usd: int | None = None
    instance_type: str | None = None
    regions: tuple[str, ...] = ()
    image: str | None = None
    volumes: tuple[str, ...] = ()
    mounts: tuple[str, ...] = ()
    max_run_time_s: int | None = None
