"""Facts: what happened, when. Everything that changes the queue is one of these, and nothing else does.

`at` is the instant at which it happened, by the controller's clock. Facts from a node carry `restart`, the placement
they speak of: a fact about an earlier placement changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from flowbatch.core.jobs import Owner
from flowbatch.core.quotes import Quotes
from flowbatch.core.ruling.wishes import Said
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import Step
from flowbatch.spec.array import IndexSet
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec


@dataclass(frozen=True, slots=True)
class JobRef:
    """A job as a user names it: `7` (a job, or all of an array, or of a heterogeneous job), `7_3`, `7_[1-4]`, `7+1`."""

    job_id: int
    tasks: IndexSet | None = None
    component: int | None = None


@dataclass(frozen=True, slots=True)
class Submitted:
    """A user asked for a job. Reply: `Accepted` or `Refused`. `test_only`: `WouldStart` or `Refused`, nothing changes."""

    at: int
    owner: Owner
    spec: JobSpec
    test_only: bool = False
    immediate: bool = False
    """It is refused (ESLURM_NODES_BUSY) unless it could start now."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HetSubmitted:
    """A user asked for a heterogeneous job of several components, the leader first. Reply: `Accepted` with the leader's id, or
    `Refused`: all of them or none. `test_only` as of `Submitted`; what is `immediate` is refused, as 22.05 starts no such job at once."""

    at: int
    owner: Owner
    specs: tuple[JobSpec, ...] = field(repr=False)
    test_only: bool = False
    immediate: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CancelAsked:
    """A user wants jobs ended. Reply: one `Verdict` a ref, in their order. `by` must own the job or be root."""

    at: int
    by: int
    refs: tuple[JobRef, ...]


@dataclass(frozen=True, slots=True)
class SignalAsked:
    """A user sends a signal to running jobs: to the steps, the batch shell alone, or all (`full`)."""

    at: int
    by: int
    refs: tuple[JobRef, ...]
    signal: int
    scope: Literal["steps", "batch", "full"] = "steps"


@dataclass(frozen=True, slots=True)
class StepSignalAsked:
    """A user sends a signal to one running step of each job. Reply: one `Verdict` a ref."""

    at: int
    by: int
    refs: tuple[JobRef, ...]
    number: int
    signal: int


@dataclass(frozen=True, slots=True)
class HoldAsked:
    """`releasable`: a hold by root that the job's owner may release (`scontrol uhold`)."""

    at: int
    by: int
    refs: tuple[JobRef, ...]
    releasable: bool = False


@dataclass(frozen=True, slots=True)
class ReleaseAsked:
    at: int
    by: int
    refs: tuple[JobRef, ...]


@dataclass(frozen=True, slots=True)
class RequeueAsked:
    at: int
    by: int
    refs: tuple[JobRef, ...]
    hold: bool = False
    incomplete: bool = False  # what neither runs nor is suspended is left as it is, and that is no error


@dataclass(frozen=True, slots=True)
class SuspendAsked:
    """Running jobs stop where they are, or go on (`resume`). Reply: one `Verdict` a ref."""

    at: int
    by: int
    refs: tuple[JobRef, ...]
    resume: bool = False


@dataclass(frozen=True, slots=True)
class NotifyAsked:
    """A user has a line written to the output of a running job. Reply: one `Verdict` a ref."""

    at: int
    by: int
    refs: tuple[JobRef, ...]
    text: str


@dataclass(frozen=True, slots=True)
class TermsAsked:
    """`scontrol update`: what is not None is the job's from now on. Reply: one `Verdict` a ref. `limit_micro_usd`: the most
    that an instance-hour may cost; `ends_at`: when a running job is to end, its time limit to the minute."""

    at: int
    by: int
    refs: tuple[JobRef, ...]
    limit_micro_usd: int | None = None
    time_limit_min: int | None = None
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class UpdateAsked:
    """`scontrol update`: these fields of the jobs' specs are those of `spec` from now on (`resources.memory` is one of its
    resources). Reply: one `Verdict` a ref. `throttle`: how many tasks of an array may run at once, 0 for any number."""

    at: int
    by: int
    refs: tuple[JobRef, ...]
    spec: JobSpec = field(repr=False)
    fields: tuple[str, ...]
    throttle: int | None = None


@dataclass(frozen=True, slots=True)
class Launched:
    """The node has the job's process in its journal: it runs, or ran."""

    at: int
    job_id: int
    restart: int


@dataclass(frozen=True, slots=True)
class StepBegan:
    """A step of the placement runs; see `core/steps.py`."""

    at: int
    job_id: int
    restart: int
    step: Step


@dataclass(frozen=True, slots=True)
class StepEnded:
    """It is over; `step` says all of it, also where nobody heard that it began."""

    at: int
    job_id: int
    restart: int
    step: Step


NEVER_RAN = ExitStatus(1)
"""The exit status of a job that could not be started, where nobody says another."""


@dataclass(frozen=True, slots=True)
class LaunchFailed:
    """The node could not start the job and never will; `why` is Slurm's reason word, `exit` its code (output file: 0:53)."""

    at: int
    job_id: int
    restart: int
    why: str
    exit: ExitStatus = NEVER_RAN


@dataclass(frozen=True, slots=True)
class Ended:
    """All processes of the placement are gone. `cause`: by itself, by the time limit, by our kill, out of memory, or
    because its machine was about to leave."""

    at: int
    job_id: int
    restart: int
    exit: ExitStatus
    cause: Literal["exit", "timeout", "killed", "oom", "preempted"] = "exit"
    notes: tuple[str, ...] = ()
    """What the record is to keep: one sentence each."""


@dataclass(frozen=True, slots=True)
class NodeLost:
    """The placement is gone without a trace (machine rebooted, journal lost): its exit status will never be known."""

    at: int
    job_id: int
    restart: int


@dataclass(frozen=True, slots=True)
class Passed:
    """Time has come to `at`: timers fall due, old records leave, and what can start is started (the scheduling pass)."""

    at: int


@dataclass(frozen=True, slots=True)
class Configured:
    """The cluster has this shape from now on (first start, or slurm.conf changed)."""

    at: int
    cluster: ClusterSpec = field(repr=False)


@dataclass(frozen=True, slots=True)
class CrontabAsked:
    """A user's crontab is `text` from now on (None: he has none): these waiting jobs, which were submitted held, may run, and
    all other jobs of his crontabs are cancelled. `lines`: (first, last, job) of each. Reply: None."""

    at: int
    by: int
    owner: Owner
    text: str | None
    lines: tuple[tuple[int, int, int], ...] = ()

    @property
    def jobs(self) -> tuple[int, ...]:
        return tuple(id for _, _, id in self.lines)


@dataclass(frozen=True, slots=True)
class MarketSeen:
    """Prices and capacity as they are now."""

    at: int
    quotes: Quotes = field(repr=False)


@dataclass(frozen=True, slots=True)
class BidPlaced:
    """The bid is on the market, without machines so far."""

    at: int
    job_id: int
    number: int
    fid: str


@dataclass(frozen=True, slots=True)
class BidRefused:
    """The market said no: the bid is not there and never was. `why`: the market's words."""

    at: int
    job_id: int
    number: int
    why: str


@dataclass(frozen=True, slots=True)
class BidWon:
    """The bid has its machines (again); they may still boot."""

    at: int
    job_id: int
    number: int


@dataclass(frozen=True, slots=True)
class BidLeaving:
    """The market has announced that it takes the machines away at `until`."""

    at: int
    job_id: int
    number: int
    until: int


@dataclass(frozen=True, slots=True)
class BidKept:
    """The announcement was withdrawn: the machines stay."""

    at: int
    job_id: int
    number: int


@dataclass(frozen=True, slots=True)
class BidLost:
    """The machines are gone; the bid is on the market still and may win others."""

    at: int
    job_id: int
    number: int


@dataclass(frozen=True, slots=True)
class BidGone:
    """The bid is not on the market any more and no machine of it runs, whoever ended it."""

    at: int
    job_id: int
    number: int


@dataclass(frozen=True, slots=True)
class BidCharged:
    """What the bid has cost so far, over all its time; `final` once nothing can be added."""

    at: int
    job_id: int
    number: int
    micro_usd: int
    final: bool = False


BidFact = BidPlaced | BidRefused | BidWon | BidLeaving | BidKept | BidLost | BidGone | BidCharged
"""What a market says of a bid. Each may come twice, and late."""

Event = (
    Submitted | HetSubmitted | CancelAsked | SignalAsked | StepSignalAsked | HoldAsked | ReleaseAsked | RequeueAsked | TermsAsked | SuspendAsked | NotifyAsked | UpdateAsked
    | CrontabAsked | Said | MarketSeen | BidFact
    | Launched | LaunchFailed | Ended | NodeLost | StepBegan | StepEnded | Passed | Configured
)  # fmt: skip


# Replies: what the one who brought the event is told, after the commit.


@dataclass(frozen=True, slots=True)
class Accepted:
    job_id: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refused:
    """`code` names Slurm's error (its words are in `slurm/codes.py`), `lines` are what sbatch prints before the closing line
    (`Memory specification can not be satisfied`). `hint` is ours, for `flow`."""

    code: str
    lines: tuple[str, ...] = ()
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """The reservation is there, or is not any more; its name, which may have been left to us."""

    name: str


@dataclass(frozen=True, slots=True)
class WouldStart:
    """`--test-only`: where and when it would start, as far as is known now."""

    job_id: int
    at: int
    cpus: int
    nodes: tuple[str, ...]
    partition: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one ref: `code` is None where it was done, else Slurm's error name. `tasks`: how an array's came out."""

    ref: JobRef
    code: str | None = None
    jobs: tuple[int, ...] = ()
    tasks: tuple[tuple[IndexSet, str | None], ...] = ()


Reply = Accepted | Refused | Made | WouldStart | tuple[Verdict, ...] | None
