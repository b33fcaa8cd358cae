"""The steps of a placement as accounting has them: the batch script, and what srun ran."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flowbatch.commands.accounting.sacct_filters import Naming
from flowbatch.commands.accounting.sacct_options import Wanted
from flowbatch.commands.accounting.sacct_rows import Attempt, has_script
from flowbatch.commands.listing.node_view import gpus_of
from flowbatch.commands.listing.step_view import BATCH, EXTERN
from flowbatch.core.states import ExitStatus
from flowbatch.core.steps import Step, worst
from flowbatch.slurm import hostlist

_NO_EXIT = ExitStatus()


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step. `name_in_job` is its number, BATCH or EXTERN; `state` with who cancelled it. `ran`: as the node told of it, None
    for those without a number, whose use of CPU and memory nobody measures."""

    attempt: Attempt
    name_in_job: str
    name: str
    nodes: tuple[str, ...]
    tasks: int
    cpus: int
    gpus: int
    memory_mib: int
    started_at: int | None
    ended_at: int | None
    elapsed_s: int
    state: str
    exit: ExitStatus
    layout: str = "Unknown"
    ran: Step | None = None


def steps(attempt: Attempt) -> Iterator[StepRecord]:
    """The batch script first, what stands for processes from elsewhere, then by number."""
    if attempt.nodes is None:
        return
    if has_script(attempt.view):
        yield _batch(attempt)
    if attempt.view.scene.cluster.contains:
        yield _extern(attempt, attempt.nodes)
    for step in attempt.steps:
        yield _numbered(attempt, step)


def derived_exit(attempt: Attempt) -> ExitStatus:
    """The greatest exit status of what srun ran, once the job is over."""
    return worst(attempt.steps) if attempt.ended_at is not None else _NO_EXIT


def _batch(attempt: Attempt) -> StepRecord:
    held = attempt.view.allocation
    share = held.shares[0] if held is not None and held.shares else None
    gpus = gpus_of([share]) if share else 0
    return StepRecord(
        attempt, BATCH, BATCH, (attempt.host,), 1, share.cpus if share else 1, gpus, share.memory_mib if share else 0,
        attempt.started_at, attempt.ended_at, attempt.elapsed_s, attempt.step_state, attempt.step_exit,
    )  # fmt: skip


def _extern(attempt: Attempt, on: str) -> StepRecord:
    """It holds what its job holds and ends well, however the job does."""
    held = attempt.view.allocation
    shares = held.shares if held is not None else ()
    nodes = tuple(hostlist.expand(on))
    return StepRecord(
        attempt, EXTERN, EXTERN, nodes, len(nodes), sum(share.cpus for share in shares), gpus_of(shares),
        sum(share.memory_mib for share in shares), attempt.started_at, attempt.ended_at, attempt.elapsed_s,
        "RUNNING" if attempt.ended_at is None else "COMPLETED", _NO_EXIT,
    )  # fmt: skip


def _numbered(attempt: Attempt, step: Step) -> StepRecord:
    until = attempt.view.scene.at if step.ended_at is None else step.ended_at
    exit = step.exit or _NO_EXIT
    return StepRecord(
        attempt, str(step.number), step.name, step.nodes, step.tasks, step.cpus, step.gpus, step.memory_mib, step.began_at,
        step.ended_at, max(0, until - step.began_at), _state(step, exit), exit, step.layout, step,
    )  # fmt: skip


def _state(step: Step, exit: ExitStatus) -> str:
    if step.ended_at is None:
        return "RUNNING"
    if exit.code:
        return "FAILED"
    if exit.signal:
        return "CANCELLED" if step.cancelled_by is None else f"CANCELLED by {step.cancelled_by}"
    return "COMPLETED"


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a placement, or one step of it."""

    attempt: Attempt
    step: StepRecord | None = None


def rows(attempts: Iterable[Attempt], wanted: Wanted) -> Iterator[Row]:
    """The lines of these placements, in sacct's order."""
    naming, alone = Naming(wanted.jobs or (), whole=wanted.whole), "allocations" in wanted.flags
    for attempt in sorted(attempts, key=lambda attempt: attempt.place):
        names = naming.of(attempt.view)
        if alone or not names or any(one.step is None for one in names):
            yield Row(attempt)
        for step in () if alone else steps(attempt):
            if not names or any(one.step in (None, step.name_in_job) for one in names):
                yield Row(attempt, step)
