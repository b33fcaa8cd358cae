"""A bid as its job's record holds it: one bid serves one placement of a job, from before it is sent until its bill is final."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal["asked", "open", "won", "leaving", "withdrawn", "gone"]
"""`asked`: ordered, and perhaps on the market. `open`: on the market, without machines. `won`: it has its machines.
`leaving`: it will lose them at `leaves_at`. `withdrawn`: to be deleted, perhaps still there. `gone`: not on the market any more,
or never was; no machine of it runs."""


@dataclass(frozen=True, slots=True)
class Bid:
    """Fixed when it is asked for: `node` (the cloud node it stands for), `instance_type` and `region` (API names),
    `limit_micro_usd` (per instance-hour; only `ChangeBid` moves it, never above the job's cap), `lease_ends_at` (it ends by
    itself then, whoever lives). `escrow_micro_usd`: the most that it may still cost, on top of `spent_micro_usd`."""

    number: int
    node: str
    instance_type: str
    region: str
    limit_micro_usd: int
    escrow_micro_usd: int
    asked_at: int
    lease_ends_at: int
    run_limit_s: int
    """How long the script may run on it, for its time limit and its job's budget."""
    instances: int = 1
    phase: Phase = "asked"
    since: int = 0
    """When the phase began."""
    leaves_at: int | None = None
    paused: bool = False
    fid: str | None = None
    """The market's own id, once known."""
    spent_micro_usd: int = 0
    settled: bool = False
    """Whether `spent_micro_usd` is final."""
    why: str | None = None
    """What the market said when it refused the bid."""
    wins: int = 0
    """How often it got its machines, and how often a further run began on them: each time is a placement."""
    exposure_micro_usd: int = 0
    """The worst case of the placement that it serves or will serve: that part of the escrow."""
    longest_s: int = 0
    """The longest that one placement on it is billed."""
    free_at: int = 0
    """When it was last known to hold no machine."""
    placed_at: int | None = None
    """When a run was first placed on the machine that it has now."""
    by_day: tuple[tuple[int, int], ...] = ()
    """`spent_micro_usd` by the UTC day on which it was found out (days since 1970)."""

    @property
    def live(self) -> bool:
        """Whether it may hold, or come to hold, a machine."""
        return self.phase != "gone"
