"""Jobs as `flow` and the Python API show them: the commands make them, the sdk reads them back from JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class BidStatus:
    """One bid. `fid`: the market's own id, once known; `price_micro_usd`: what an hour costs there now, as last seen;
    `phase` and the rest as in `core/bids.py`."""

    number: int
    fid: str | None
    phase: str
    instance_type: str
    region: str
    limit_micro_usd: int
    price_micro_usd: int | None
    asked_at: int
    since: int
    leaves_at: int | None
    lease_ends_at: int
    paused: bool
    wins: int
    spent_micro_usd: int
    settled: bool
    why: str | None


@dataclass(frozen=True)
class MarketStatus:
    """What a job does on the market. `says`: in words, what goes on; None where Slurm's reason says it all.

    `worst_micro_usd`: the most that it may come to cost with the bids made so far; `settled`: what was spent is final.
    """

    says: str | None
    spent_micro_usd: int
    worst_micro_usd: int
    settled: bool
    budget_micro_usd: int | None
    bids: tuple[BidStatus, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> MarketStatus:
        return cls(**{**document, "bids": tuple(BidStatus(**bid) for bid in document["bids"])})


@dataclass(frozen=True)
class JobStatus:
    """One job. Instants in seconds UTC; what has not happened yet is None; `id` is as squeue names it (`7`, `7_3`, `7_[4-9]`)."""

    id: str
    job_id: int
    name: str
    state: str
    reason: str | None
    user: str
    partition: str
    submitted_at: int
    started_at: int | None
    ended_at: int | None
    time_limit_min: int | None
    nodes: tuple[str, ...]
    cpus: int | None
    exit_code: int | None
    signal: int | None
    restarts: int
    work_dir: str
    command: str | None
    stdout: str | None
    stderr: str | None
    notes: tuple[str, ...] = ()
    story: tuple[tuple[int, str], ...] = ()
    """What happened, oldest first; left out of listings."""
    cluster: str | None = None
    market: MarketStatus | None = None
    """None on a cluster that rents nothing."""

    @property
    def finished(self) -> bool:
        return self.ended_at is not None

    @property
    def succeeded(self) -> bool:
        return self.state == "COMPLETED"

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> JobStatus:
        """The view that `document` was made from."""
        story = tuple((at, what) for at, what in document["story"])
        market = document.get("market")
        made = {
            "nodes": tuple(document["nodes"]), "notes": tuple(document["notes"]), "story": story,
            "market": None if market is None else MarketStatus.read(market),
        }  # fmt: skip
        return cls(**{**document, **made})


@dataclass(frozen=True)
class Cost:
    """What one job, account or day (`what`) has cost on a cluster. `wins`: how often its bids had machines. What is None is
    said of jobs alone; `worst_micro_usd`: the most that it may come to cost."""

    cluster: str
    what: str
    micro_usd: int
    settled: bool
    bids: int
    wins: int
    worst_micro_usd: int | None = None
    name: str | None = None
    account: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class Costs:
    """What `flow cost` tells; `by` is `job`, `account` or `day`, `since` a day (UTC) or None, `micro_usd` the total."""

    by: str
    since: str | None
    micro_usd: int
    settled: bool
    rows: tuple[Cost, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Costs:
        return cls(**{**document, "rows": tuple(Cost(**row) for row in document["rows"])})


@dataclass(frozen=True)
class Price:
    """One instance type in one region. `per_gpu_micro_usd` is None without GPUs; `capacity`: instances free now;
    `cap_micro_usd`: what a job may bid for an hour of it that says nothing of its own."""

    cluster: str
    instance_type: str
    region: str
    gpu: str | None
    gpus: int
    cpus: int
    memory_mib: int
    price_micro_usd: int | None
    per_gpu_micro_usd: int | None
    floor_micro_usd: int | None
    capacity: int | None
    cap_micro_usd: int


@dataclass(frozen=True)
class Prices:
    """What `flow pricing` tells. `at`: when the market last showed another price than before; None: it was not seen yet."""

    at: int | None
    rows: tuple[Price, ...]

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Prices:
        return cls(document["at"], tuple(Price(**row) for row in document["rows"]))


@dataclass(frozen=True)
class PlanRow:
    """One way to serve a job: a machine, its price (as last seen), and what a bid for it would be. `longest_s`: how long one
    placement is billed at most; `fits`: it would do; `why_not` is None for the one that would be taken."""

    instance_type: str
    region: str
    gpu: str | None
    gpus: int
    price_micro_usd: int | None
    capacity: int
    limit_micro_usd: int
    limit_from: str
    run_limit_s: int
    longest_s: int
    worst_micro_usd: int
    fits: bool
    why_not: str | None


@dataclass(frozen=True)
class BudgetLeft:
    """A budget and what neither is spent of it nor promised to a bid."""

    whose: str
    micro_usd: int
    left_micro_usd: int


@dataclass(frozen=True)
class DryRun:
    """What `flow submit --dry-run` tells. `start`: `now`, or what would be waited for: `price`, `capacity`, `budget`."""

    cluster: str
    name: str
    tasks: int
    start: str
    says: str
    chosen: PlanRow | None
    budgets: tuple[BudgetLeft, ...]
    plans: tuple[PlanRow, ...]
    """The others."""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> DryRun:
        made = {
            "chosen": None if document["chosen"] is None else PlanRow(**document["chosen"]),
            "budgets": tuple(BudgetLeft(**one) for one in document["budgets"]),
            "plans": tuple(PlanRow(**one) for one in document["plans"]),
        }
        return cls(**{**document, **made})


@dataclass(frozen=True)
class Submission:
    """What `flow submit` was told. `line` is what sbatch prints for it; `wait`: the script or its options said --wait.

    `job_id` and `cluster` are None where nothing was submitted: --test-only, --version.
    """

    job_id: int | None
    line: str | None
    wait: bool
    notes: tuple[str, ...]
    cluster: str | None = None

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Submission:
        return cls(**{**document, "notes": tuple(document["notes"])})


@dataclass(frozen=True)
class ClusterStatus:
    """The cluster of a controller and its queue. `nodes`: name to CPUs; `jobs`: state to how many."""

    version: str
    name: str
    obliging: bool
    nodes: Mapping[str, int]
    partitions: tuple[str, ...]
    jobs: Mapping[str, int]
    memory_counted: bool
    without_effect: tuple[str, ...]
    """Parameters of slurm.conf that were read and do nothing here."""

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> ClusterStatus:
        lists = {name: tuple(document[name]) for name in ("partitions", "without_effect")}
        return cls(**{**document, **lists})


@dataclass(frozen=True)
class MarketHealth:
    """How a cluster that rents its machines fares. `problem`: why its market cannot be asked. `lease_ends_at`: by then the last
    of its live bids has ended by itself. `strangers`: live bids that another flowbatch has made in the same account."""

    cluster: str
    problem: str | None = None
    hint: str | None = None
    live_bids: int = 0
    lease_ends_at: int | None = None
    strangers: tuple[str, ...] = ()

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> MarketHealth:
        return cls(**{**document, "strangers": tuple(document["strangers"])})


def read_jobs(text: bytes) -> tuple[JobStatus, ...]:
    """The jobs in what `flow-jobs --json`, `flow-job --json` and `flow-wait` print."""
    return tuple(map(JobStatus.read, json.loads(text)))


def as_json(value: object) -> str:
    """Views, facts and lists of them, for a program to read."""
    return json.dumps(value, default=_plain, indent=2) + "\n"


def worst(jobs: Iterable[JobStatus]) -> int:
    """The exit code of waiting for `jobs`, as `sbatch --wait` has it: the highest; 1 for one that a signal ended."""
    return max((_code(job) for job in jobs), default=0)


def _code(job: JobStatus) -> int:
    if job.exit_code:
        return job.exit_code
    return 0 if job.succeeded else 1


def _plain(value: Any) -> Any:
    return asdict(value)
