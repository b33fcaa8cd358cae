"""What scontrol does to jobs one by one: hold, release, requeue, update."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.commands.control.scontrol_ids import Target, read
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.core.arrays import root
from flowbatch.core.events import Event, JobRef, Verdict
from flowbatch.slurm import codes
from flowbatch.spec.array import IndexSet

INVALID = "ESLURM_INVALID_JOB_ID"

_TASKS_LENGTH = 32
"""So much of an array's tasks is named in an answer, its terminating byte included."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """How a verb words an error, and whether slurm_suspend adds a line to what is said of one word: for those verbs that
    take JobName= too."""

    suspends: bool
    stranger: str = INVALID
    """What is said of a number that no job has."""
    component: str | None = None
    """What is said of one component of a heterogeneous job, whatever there is."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """What is added to an error, by its name."""

    def lines(self, target: Target, verdict: Verdict) -> Iterator[str]:
        """What is wrong, a line for each outcome of an array's tasks."""
        for tasks, code in verdict.tasks:
            yield f"{target.job_id}_{_listed(tasks)}: {_said(code)}\n"
        if not verdict.tasks and target.tasks is not None and self.stranger == INVALID:
            yield f"{target.text}: {_said(verdict.code)}\n"
        elif not verdict.tasks:
            yield f"{_said(verdict.code)} for job {target.text}\n"
        for code in dict.fromkeys((verdict.code, *(code for _, code in verdict.tasks))):
            if code is not None and code in self.whys:
                yield f"scontrol: error: {self.whys[code]}\n"


async def alter(asked: Asked, make: Callable[[JobRef], Event], complaint: Complaint, words: Sequence[str]) -> int:
    """Asks for each job that the words name; the exit code."""
    code = 0
    for word in words:
        plain: list[str | None] = []
        for target in targets(asked, word, by_name=complaint.suspends):
            verdict = await _ask(asked, make, complaint, target)
            plain.append(None if verdict.tasks or target.tasks is not None else verdict.code)
            if verdict.code is not None:
                code = 1
                _say(asked, "".join(complaint.lines(target, verdict)))
        if complaint.suspends and any(plain):
            _say(asked, f"slurm_suspend error: {_said(plain[-1])}\n")
    return code


def named(asked: Asked, name: str, uid: int | None = None) -> list[int]:
    """The jobs of this name, of one user if one is given; an array is one."""
    jobs = (job for job in asked.queue.snapshot().jobs if job.spec.name == name and uid in (None, job.owner.uid))
    return list(dict.fromkeys(map(root, jobs)))


def targets(asked: Asked, word: str, *, by_name: bool = False) -> list[Target]:
    """What the word names. `by_name`: `jobname=NAME` is every job of that name."""
    key, equals, name = word.partition("=")
    if by_name and equals and key.lower() in ("jobname", "name"):
        return [Target(str(id), id) for id in named(asked, name)]
    return list(read(word, asked.queue.cluster.max_array_size))


def _said(code: str | None) -> str:
    return "No error" if code is None else codes.message(code)


def _say(asked: Asked, text: str) -> None:
    if "quiet" not in asked.flags:
        asked.err(text)


def _listed(tasks: IndexSet) -> str:
    whole = tasks.text()
    return whole if len(whole) < _TASKS_LENGTH else whole[: _TASKS_LENGTH - 4] + "..."


async def _ask(asked: Asked, make: Callable[[JobRef], Event], complaint: Complaint, target: Target) -> Verdict:
    ref = JobRef(target.job_id, target.tasks, target.component)
    if not target.readable:
        return Verdict(ref, INVALID)
    if target.component is not None and complaint.component is not None:
        return Verdict(ref, complaint.component)
    reply = await asked.queue.apply(make(ref)) if target.job_id else None
    verdict = reply[0] if isinstance(reply, tuple) else Verdict(ref, INVALID)
    return Verdict(ref, complaint.stranger) if verdict.code == INVALID and not verdict.tasks else verdict
