"""The records of sacct: every placement of a job, as Slurm's accounting would have written it down, and its batch step."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from flowbatch.commands.accounting.sacct_options import Wanted
from flowbatch.commands.listing.job_view import JobView
from flowbatch.core.jobs import ArrayTask
from flowbatch.core.states import Completing, ExitStatus, Finished, Requeueing
from flowbatch.core.steps import Step, StepKey
from flowbatch.slurm import hostlist

Story = Sequence[tuple[int, str]]
"""What happened to a job: (instant, fact in words)."""

_STARTED = re.compile(r"-> RUNNING on (\S+)")
_WAITS = re.compile(r"-> PENDING\b")
_ENDED = re.compile(r"ended (\d+):(\d+) ")
_NO_EXIT, _SIGTERM = ExitStatus(), ExitStatus(0, 15)
_STOPPED = frozenset({"CANCELLED", "TIMEOUT", "PREEMPTED", "DEADLINE", "REQUEUED", "NODE_FAIL"})
"""Ends in which a batch script is stopped from outside."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One placement, or the wait for one. `state` is Slurm's word for how it stands or ended; `nodes` is None for none."""

    view: JobView
    submitted_at: int
    eligible_at: int | None
    started_at: int | None
    ended_at: int | None
    state: str
    exit: ExitStatus = _NO_EXIT
    nodes: str | None = None
    suspended_s: int = 0
    steps: tuple[Step, ...] = ()
    """What srun ran in it, by number."""

    @property
    def elapsed_s(self) -> int:
        if self.started_at is None:
            return 0
        return (self.view.scene.at if self.ended_at is None else self.ended_at) - self.started_at - self.suspended_s

    @property
    def reserved_s(self) -> int:
        """How long it waited since it could have started."""
        if self.eligible_at is None:
            return 0
        over = self.started_at if self.started_at is not None else self.ended_at
        return max(0, (self.view.scene.at if over is None else over) - self.eligible_at)

    @property
    def unborn(self) -> bool:
        """Whether it was over before it started, though it could have started by then."""
        if self.started_at is not None or self.eligible_at is None or self.ended_at is None:
            return False
        return self.eligible_at <= self.ended_at

    @property
    def reason(self) -> str:
        """Why it waits; of one that was over before it could start, why it had waited until then: accounting hears of such a job
        a moment after its submission."""
        if self.view.pending:
            return self.view.reason
        if self.ended_at is None or self.started_at is not None or self.ended_at <= self.submitted_at:
            return "None"
        if self.view.job.held is not None:
            return self.view.job.held
        return "BeginTime" if (self.eligible_at or 0) > self.ended_at else "None"

    @property
    def host(self) -> str:
        """Where its batch script ran."""
        return next(iter(hostlist.expand(self.nodes or "")), "")

    @property
    def state_text(self) -> str:
        """The state with who cancelled it: `CANCELLED by 1000`."""
        ending = self.view.ending
        if self.state == "CANCELLED" and ending is not None and ending.by_uid is not None:
            return f"CANCELLED by {ending.by_uid}"
        return self.state

    @property
    def step_state(self) -> str:
        """How the batch script stands: one that was stopped or killed is CANCELLED."""
        if self.state in _STOPPED and self.exit.code:
            return "FAILED"
        if self.state in _STOPPED or (self.state == "FAILED" and self.exit.signal):
            return "CANCELLED"
        return self.state

    @property
    def job_exit(self) -> ExitStatus:
        """The job's own exit status: a job that was stopped has none."""
        return _NO_EXIT if self.state in _STOPPED else self.exit

    @property
    def step_exit(self) -> ExitStatus:
        return _SIGTERM if self.state in _STOPPED and self.exit == _NO_EXIT else self.exit

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Where sacct lists it: by submission, arrays behind other jobs, their tasks by index and what is left of them last."""
        array = self.view.job.array
        index = array.index if isinstance(array, ArrayTask) else 1 << 40
        return self.submitted_at, self.view.array_id or 0, index, self.view.job.id


def current(view: JobView) -> Attempt:
    """The last placement, or the wait for the next."""
    held = view.allocation
    word, ended = _standing(view)
    return Attempt(
        view, view.job.submitted_at, view.job.eligible_at, view.started_at, ended, word, view.exit,
        view.scene.nodes_text(held.nodes) if held is not None and view.started_at is not None else None,
        0 if view.started_at is None else (view.scene.at if ended is None else ended) - view.started_at - view.time_used_s,
    )  # fmt: skip


def _standing(view: JobView) -> tuple[str, int | None]:
    """The state and, where it is over, the end: a placement is written down as ended when its processes are told to stop."""
    match view.job.state:
        case Finished(ended_at=ended):
            return view.base_state, ended
        case Completing(since=since, then=Requeueing(cause=cause)):
            return {"asked": "REQUEUED", "preempted": "PREEMPTED", "node": "NODE_FAIL"}[cause], since
        case Completing(since=since):
            return view.base_state, since
        case _:
            return view.base_state, None


def earlier(view: JobView, story: Story) -> Iterator[Attempt]:
    """The placements before the last, as far as the job's story tells: each ended with the job back in the queue."""
    submitted = story[0][0] if story else view.job.submitted_at
    start: tuple[int, str] | None = None
    for at, words in story:
        if start is None and (found := _STARTED.search(words)):
            start = at, found[1]
        elif start is not None and _WAITS.search(words):
            begun, nodes = start
            yield Attempt(
                view, submitted, min(submitted, begun), begun, at, _requeued(words), _exit(words),
                nodes=hostlist.fold_sorted(nodes.split(",")),
            )  # fmt: skip
            submitted, start = at, None


def _exit(words: str) -> ExitStatus:
    """How the script of a placement ended, as the story has it."""
    found = _ENDED.search(words)
    return _NO_EXIT if found is None else ExitStatus(int(found[1]), int(found[2]))


def _requeued(words: str) -> str:
    """What accounting calls the end of a placement whose job goes back to the queue."""
    if "preempted" in words:
        return "PREEMPTED"
    return "NODE_FAIL" if "lost by its node" in words else "REQUEUED"


def chosen(attempts: Iterable[Attempt], wanted: Wanted) -> list[Attempt]:
    """Those of one job that fall into the window, in the states that are asked for; the last alone, unless all are wanted."""
    found = [attempt for attempt in attempts if _is_in_time(attempt, wanted)]
    if "truncate" in wanted.flags:
        found = [_truncated(attempt, wanted) for attempt in found]
    return found if "duplicates" in wanted.flags else found[-1:]


def _is_in_time(attempt: Attempt, wanted: Wanted) -> bool:
    """With states: it was in one of them in that time; else it was eligible before its end and not over before its start."""
    start, end = wanted.start, wanted.end
    over = attempt.ended_at is not None and attempt.ended_at < start
    if wanted.states is None:
        if wanted.jobs is not None:
            return not over and attempt.submitted_at <= end
        return attempt.eligible_at is not None and attempt.eligible_at <= end and not over
    if "RUNNING" in wanted.states and attempt.started_at is not None and attempt.started_at <= end and not over:
        return True
    if "PENDING" in wanted.states and attempt.eligible_at is not None and attempt.eligible_at <= end:
        left = attempt.ended_at if attempt.started_at is None else attempt.started_at
        if left is None or left >= start:
            return True
    return attempt.ended_at is not None and start <= attempt.ended_at <= end and attempt.state in wanted.states


def _truncated(attempt: Attempt, wanted: Wanted) -> Attempt:
    """Its times as far as they lie in the window."""
    if attempt.started_at is None:
        return attempt
    ended = wanted.end if attempt.ended_at is None else min(attempt.ended_at, wanted.end)
    return replace(attempt, started_at=max(attempt.started_at, wanted.start), ended_at=ended)


def has_script(view: JobView) -> bool:
    """Whether it runs one of its own: later components of a heterogeneous job do not."""
    return view.spec.is_batch and not view.job.follows


def with_steps(attempts: Sequence[Attempt], steps: Iterable[tuple[StepKey, Step]]) -> list[Attempt]:
    """These placements of one job, each with what srun ran in it; the last one is that of the job's record."""
    by_restart: dict[int, list[Step]] = {}
    for key, step in steps:
        by_restart.setdefault(key.restart, []).append(step)
    if not by_restart:
        return list(attempts)
    first = attempts[-1].view.job.restarts - len(attempts) + 1 if attempts else 0
    if attempts and (het := attempts[-1].view.job.het) is not None:
        by_restart = {
            n: [mine for step in all_ if (mine := step.on(het.offset)) is not None] for n, all_ in by_restart.items()
        }
    return [replace(attempt, steps=tuple(by_restart.get(first + n, ()))) for n, attempt in enumerate(attempts)]
