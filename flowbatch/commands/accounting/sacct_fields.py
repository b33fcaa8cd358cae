"""The fields of sacct as text. What nobody measures here (of a batch script memory and CPU time used; energy, disk) is empty, as where
Slurm gathers no accounting."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowbatch.commands.accounting.sacct_rows import Attempt
from flowbatch.commands.accounting.sacct_steps import Row, StepRecord, derived_exit
from flowbatch.commands.listing.job_fields import Style, admin_comment, job_id_text, spent_micro_usd
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.node_view import gpus_of
from flowbatch.commands.listing.step_view import EXTERN
from flowbatch.core.accounting.accounts import NORMAL
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import Step
from flowbatch.slurm import accounting, amounts, print_fields
from flowbatch.slurm.accounting import AccountingField
from flowbatch.slurm.times import clock, minutes_clock
from flowbatch.spec.job import UNLIMITED
from flowbatch.units import HOUR, MINUTE, dollars

_CENT = 10_000
_UNKNOWN = "Unknown"
_INVALID = "INVALID"

_DATES = frozenset({"Eligible", "End", "Start", "Submit"})
"""Fields that are cut without a mark."""


@dataclass(frozen=True)
class Printing:
    """How one caller wants values printed; `unit` is that of --units."""

    style: Style
    unit: str | None = None

    def memory(self, mib: int) -> str:
        if self.unit is not None:
            return amounts.in_unit(mib, self.unit)
        return amounts.mebibytes(mib, convert=self.style.convert)


Value = Callable[[Attempt, Printing], str]


def _exit(status: ExitStatus) -> str:
    return f"{status.code}:{status.signal}"


def _stamp(at: int | None, printing: Printing) -> str:
    return printing.style.times.stamp(at, _UNKNOWN)


def _limit(attempt: Attempt, raw: bool) -> str:
    """The limit; one that was never set is the partition's until the job starts."""
    view = attempt.view
    if attempt.started_at is None and view.spec.time_limit_min in (None, UNLIMITED):
        return "Partition_Limit"
    limit = view.time_limit_min
    return str(limit) if raw and limit is not None else minutes_clock(limit)


def _billing(view: JobView, cpus: int) -> int:
    """Slurm's billing is the CPUs; a job on the market has cost so many cents."""
    return spent_micro_usd(view) // _CENT if view.job.bids else cpus


def _tres(billing: int | None, cpus: int, gpus: int, memory: str | None, nodes: int) -> str:
    """Trackable resources by name."""
    parts = {
        "billing": billing, "cpu": cpus, "gres/gpu": gpus or None, "mem": memory, "node": nodes,
    }  # fmt: skip
    return ",".join(f"{name}={amount}" for name, amount in parts.items() if amount is not None)


def _requested(attempt: Attempt, printing: Printing) -> str:
    view = attempt.view
    memory = printing.memory(view.requested_memory_mib)
    return _tres(view.cpu_count, view.cpu_count, view.gpu_count, memory, view.need.min_nodes)


def _allocated(attempt: Attempt, printing: Printing) -> str:
    view, held = attempt.view, attempt.view.allocation
    if attempt.nodes is None or held is None:
        return ""
    counted = view.scene.cluster.select_memory
    memory = printing.memory(sum(share.memory_mib for share in held.shares)) if counted else None
    return _tres(_billing(view, held.cpus), held.cpus, gpus_of(held.shares), memory, len(held.shares))


def _flags(attempt: Attempt, printing: Printing) -> str:
    by = attempt.view.job.scheduled_by
    return f"Sched{by},StartRecieved" if by and attempt.started_at is not None else "StartRecieved"


def _job_id(attempt: Attempt, printing: Printing) -> str:
    return job_id_text(attempt.view, printing.style)


def _cpu(milliseconds: int) -> str:
    """CPU time used: `00:02.190` below an hour, `01:00:02` from there on, `00:00:00` for none."""
    seconds, rest = divmod(milliseconds, 1000)
    if not milliseconds or seconds >= HOUR:
        return clock(seconds)
    return f"{seconds // MINUTE:02}:{seconds % MINUTE:02}.{rest:03}"


def _all_cpu(attempt: Attempt, measure: Callable[[Step], int]) -> str:
    return _cpu(sum(map(measure, attempt.steps)))


def _price(attempt: Attempt, printing: Printing) -> str:
    bids = attempt.view.job.bids
    return f"{dollars(bids[-1].limit_micro_usd)}/h" if bids else ""


def _association(attempt: Attempt, printing: Printing) -> str:
    view = attempt.view
    found = view.scene.accounts.of_job(view.spec.account or "", view.job.owner.name, view.partition)
    return "0" if found is None else str(found.id)


def _quality(attempt: Attempt, printing: Printing) -> str:
    """The number of its quality of service."""
    name, accounts = attempt.view.qos or NORMAL, attempt.view.scene.accounts
    return next((str(one.id) for one in accounts.qos if one.name == name), "")


def _reserved_cpu(attempt: Attempt, printing: Printing) -> str:
    return _INVALID if attempt.unborn else clock(attempt.reserved_s * attempt.view.cpu_count)


def _energy(attempt: Attempt, printing: Printing) -> str:
    """Nobody measures it: none of a job that never ran."""
    return "0" if attempt.ended_at is not None and attempt.started_at is None else ""


_UNASKED: Value = lambda attempt, printing: _UNKNOWN  # noqa: E731  one value under four names

JOB: Mapping[str, Value] = {
    "Account": lambda attempt, printing: attempt.view.spec.account or "",
    "AdminComment": lambda attempt, printing: admin_comment(attempt.view),
    "AllocCPUS": lambda attempt, printing: str(attempt.view.cpu_count),
    "AllocNodes": lambda attempt, printing: str(attempt.view.node_count if attempt.nodes is not None else 0),
    "AllocTRES": _allocated,
    "AssocID": _association,
    "Cluster": lambda attempt, printing: attempt.view.scene.cluster.name,
    "Comment": lambda attempt, printing: attempt.view.spec.comment or "",
    "ConsumedEnergy": _energy,
    "ConsumedEnergyRaw": _energy,
    "Constraints": lambda attempt, printing: attempt.view.wish.constraint_text or "",
    "CPUTime": lambda attempt, printing: clock(attempt.elapsed_s * attempt.view.cpu_count),
    "CPUTimeRAW": lambda attempt, printing: str(attempt.elapsed_s * attempt.view.cpu_count),
    "DBIndex": lambda attempt, printing: str(attempt.view.job.id),
    "DerivedExitCode": lambda attempt, printing: _exit(derived_exit(attempt)),
    "Elapsed": lambda attempt, printing: clock(attempt.elapsed_s),
    "ElapsedRaw": lambda attempt, printing: str(attempt.elapsed_s),
    "Eligible": lambda attempt, printing: _stamp(attempt.eligible_at, printing),
    "End": lambda attempt, printing: _stamp(attempt.ended_at, printing),
    "ExitCode": lambda attempt, printing: _exit(attempt.job_exit),
    "Flags": _flags,
    "GID": lambda attempt, printing: str(attempt.view.job.owner.gid),
    "Group": lambda attempt, printing: attempt.view.job.owner.group,
    "JobID": _job_id,
    "JobIDRaw": lambda attempt, printing: str(attempt.view.job.id),
    "JobName": lambda attempt, printing: attempt.view.spec.name,
    "McsLabel": lambda attempt, printing: attempt.view.recorded.get("mcs-label", ""),
    "NCPUS": lambda attempt, printing: str(attempt.view.cpu_count),
    "NNodes": lambda attempt, printing: str(attempt.view.node_count),
    "NodeList": lambda attempt, printing: attempt.nodes or "None assigned",
    "Partition": lambda attempt, printing: attempt.view.partition,
    "Priority": lambda attempt, printing: str(attempt.view.priority),
    "QOS": lambda attempt, printing: attempt.view.qos or NORMAL,
    "QOSRAW": _quality,
    "Reason": lambda attempt, printing: attempt.reason,
    "ReqCPUFreq": _UNASKED,
    "ReqCPUFreqGov": _UNASKED,
    "ReqCPUFreqMax": _UNASKED,
    "ReqCPUFreqMin": _UNASKED,
    "ReqCPUS": lambda attempt, printing: str(attempt.view.cpu_count),
    "ReqMem": lambda attempt, printing: printing.memory(attempt.view.requested_memory_mib),
    "ReqNodes": lambda attempt, printing: str(attempt.view.need.min_nodes),
    "ReqTRES": _requested,
    "Reservation": lambda attempt, printing: attempt.view.spec.reservation or "",
    "Reserved": lambda attempt, printing: _INVALID if attempt.unborn else clock(attempt.reserved_s),
    "ResvCPU": _reserved_cpu,
    "ResvCPURAW": lambda attempt, printing: str(attempt.reserved_s * attempt.view.cpu_count),
    "Start": lambda attempt, printing: (
        "None" if attempt.unborn else _stamp(attempt.started_at or attempt.ended_at, printing)
    ),
    "State": lambda attempt, printing: attempt.state_text,
    "Submit": lambda attempt, printing: _stamp(attempt.submitted_at, printing),
    "SubmitLine": lambda attempt, printing: attempt.view.spec.submit_line or "",
    "Suspended": lambda attempt, printing: clock(attempt.suspended_s),
    "SystemCPU": lambda attempt, printing: _all_cpu(attempt, lambda step: step.system_ms),
    "Timelimit": lambda attempt, printing: _limit(attempt, raw=False),
    "TimelimitRaw": lambda attempt, printing: _limit(attempt, raw=True),
    "TotalCPU": lambda attempt, printing: _all_cpu(attempt, lambda step: step.cpu_ms),
    "UID": lambda attempt, printing: str(attempt.view.job.owner.uid),
    "User": lambda attempt, printing: attempt.view.job.owner.name,
    "UserCPU": lambda attempt, printing: _all_cpu(attempt, lambda step: step.cpu_ms - step.system_ms),
    "WCKey": lambda attempt, printing: attempt.view.spec.wckey or "",
    "WCKeyID": lambda attempt, printing: "0",
    "WorkDir": lambda attempt, printing: attempt.view.spec.work_dir,
    "Cost": lambda attempt, printing: dollars(spent_micro_usd(attempt.view)) if attempt.view.job.bids else "",
    "Price": _price,
    "Placements": lambda attempt, printing: str(attempt.view.job.restarts + (attempt.nodes is not None)),
}
"""Of a job. Fields that are not here have no value."""

StepValue = Callable[[StepRecord, Printing], str]


def _of_job(name: str) -> StepValue:
    """As of its job."""
    return lambda step, printing: JOB[name](step.attempt, printing)


def _held_by_step(step: StepRecord, printing: Printing) -> str:
    if step.name_in_job == EXTERN:
        return _allocated(step.attempt, printing)
    counted = step.attempt.view.scene.cluster.select_memory
    memory = printing.memory(step.memory_mib) if counted or step.ran is None else "0"
    return _tres(None, step.cpus, step.gpus, memory, len(step.nodes))


def _frequency(step: StepRecord, printing: Printing) -> str:
    return "0" if step.ran is None else _UNKNOWN


def _zero(step: StepRecord, printing: Printing) -> str:
    return "0"


STEP: Mapping[str, StepValue] = {
    **{name: _of_job(name) for name in ("Account", "AssocID", "Cluster", "DBIndex", "Suspended")},
    "AllocCPUS": lambda step, printing: str(step.cpus),
    "AllocNodes": lambda step, printing: str(len(step.nodes)),
    "AllocTRES": _held_by_step,
    "AveCPU": lambda step, printing: (
        clock(step.ran.cpu_ms // 1000 // max(1, step.tasks)) if step.ran and step.ended_at else ""
    ),
    "AveCPUFreq": _zero,
    "ConsumedEnergy": _zero,
    "ConsumedEnergyRaw": _zero,
    "CPUTime": lambda step, printing: clock(step.elapsed_s * step.cpus),
    "CPUTimeRAW": lambda step, printing: str(step.elapsed_s * step.cpus),
    "Elapsed": lambda step, printing: clock(step.elapsed_s),
    "ElapsedRaw": lambda step, printing: str(step.elapsed_s),
    "Eligible": lambda step, printing: _stamp(step.started_at, printing),
    "End": lambda step, printing: _stamp(step.ended_at, printing),
    "ExitCode": lambda step, printing: _exit(step.exit),
    "JobID": lambda step, printing: f"{_job_id(step.attempt, printing)}.{step.name_in_job}",
    "JobIDRaw": lambda step, printing: f"{step.attempt.view.job.id}.{step.name_in_job}",
    "JobName": lambda step, printing: step.name,
    "Layout": lambda step, printing: step.layout,
    "MaxRSS": lambda step, printing: f"{step.ran.max_rss_kib}K" if step.ran and step.ran.max_rss_kib else "",
    "NCPUS": lambda step, printing: str(step.cpus),
    "NNodes": lambda step, printing: str(len(step.nodes)),
    "NodeList": lambda step, printing: step.attempt.view.scene.nodes_text(step.nodes),
    "NTasks": lambda step, printing: str(step.tasks),
    "ReqCPUFreq": _frequency,
    "ReqCPUFreqGov": _frequency,
    "ReqCPUFreqMax": _frequency,
    "ReqCPUFreqMin": _frequency,
    "ReqCPUS": lambda step, printing: str(step.cpus),
    "ReqNodes": lambda step, printing: str(len(step.nodes)),
    "Start": lambda step, printing: _stamp(step.started_at, printing),
    "State": lambda step, printing: step.state,
    "Submit": lambda step, printing: _stamp(step.started_at, printing),
    "SubmitLine": lambda step, printing: step.ran.command if step.ran else "",
    "SystemCPU": lambda step, printing: _cpu(step.ran.system_ms if step.ran else 0),
    "TotalCPU": lambda step, printing: _cpu(step.ran.cpu_ms if step.ran else 0),
    "UserCPU": lambda step, printing: _cpu(step.ran.cpu_ms - step.ran.system_ms if step.ran else 0),
}
"""Of a step."""


@dataclass(frozen=True, slots=True)
class Column:
    """A field in its column. A width below 0 puts the text at the left."""

    field: AccountingField
    width: int

    @property
    def shown(self) -> print_fields.Column:
        return print_fields.Column(self.field.name, self.width, plain=self.field.name in _DATES)

    def value(self, row: Row, printing: Printing) -> str:
        if row.step is not None:
            of_step = STEP.get(self.field.name)
            return of_step(row.step, printing) if of_step is not None else ""
        of = JOB.get(self.field.name)
        return of(row.attempt, printing) if of is not None else ""


def columns(written: str) -> list[Column] | str:
    """The columns of a format, or the word that no field begins with. A width holds for a field wherever it stands."""
    chosen: list[AccountingField] = []
    widths: dict[str, int] = {}
    for word in filter(None, (part.strip() for part in written.split(","))):
        name, percent, width = word.partition("%")
        if name.lower() in ("all", "a", "al"):
            named = [field for field in accounting.FIELDS if not field.ours]
        else:
            field = accounting.find(name)
            if field is None:
                return name
            named = [field]
        chosen += named
        if percent:
            widths.update(dict.fromkeys((field.name for field in named), print_fields.width(width)))
    return [Column(field, widths.get(field.name, -field.width if field.left else field.width)) for field in chosen]


def lines(columns: Sequence[Column], rows: Iterable[Row], printing: Printing, *, header: bool) -> str:
    """The listing in columns."""
    return print_fields.lines([column.shown for column in columns], _texts(columns, rows, printing), header=header)


def parsable(
    columns: Sequence[Column], rows: Iterable[Row], printing: Printing, *, header: bool, between: str, closed: bool
) -> str:
    """The listing for programs."""
    shown = [column.shown for column in columns]
    return print_fields.parsable(shown, _texts(columns, rows, printing), header=header, between=between, closed=closed)


def _texts(columns: Sequence[Column], rows: Iterable[Row], printing: Printing) -> Iterator[list[str]]:
    return ([column.value(row, printing) for column in columns] for row in rows)
