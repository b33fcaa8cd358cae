"""What scontrol does to jobs one by one: hold, release, requeue, update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.commands.control.scancel_options import Target, read_target
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.core.arrays import root
from flowbatch.core.events import Event, JobRef, Verdict
from flowbatch.slurm import codes

INVALID = "ESLURM_INVALID_JOB_ID"

_NO_BRACKETS = str.maketrans("", "", "[]")


@dataclass(frozen=True, slots=True)
class Complaint:
    """How a verb words an error, and whether slurm_suspend adds a line to it (of one that is no task): of those verbs that
    take JobName= too."""

    suspends: bool
    stranger: str = INVALID
    """What is said of a number that no job has."""
    whys: Mapping[str, str] = field(default_factory=dict)
    """What is added to an error, by its name."""

    def lines(self, target: Target, code: str) -> str:
        said = codes.message(code)
        if target.tasks is not None:
            return f"{target.text.translate(_NO_BRACKETS)}: {said}\n"
        return f"{said} for job {target.text}\n" + (f"slurm_suspend error: {said}\n" if self.suspends else "")

    def why(self, code: str) -> str:
        return f"scontrol: error: {self.whys[code]}\n" if code in self.whys else ""


async def alter(asked: Asked, make: Callable[[JobRef], Event], complaint: Complaint, words: Sequence[str]) -> int:
    """Asks for each job that the words name; the exit code."""
    code = 0
    for target in targets(asked, words, by_name=complaint.suspends):
        verdict = (
            await _apply(asked, make(JobRef(target.job_id, target.tasks, target.component))) if target.job_id else None
        )
        wrong = verdict.code if verdict is not None else INVALID
        if wrong == INVALID and target.job_id and target.tasks is None:
            wrong = complaint.stranger
        if wrong is not None:
            code = 1
            if "quiet" not in asked.flags:
                asked.err(complaint.lines(target, wrong) + complaint.why(wrong))
    return code


def named(asked: Asked, name: str, uid: int | None = None) -> list[int]:
    """The jobs of this name, of one user if one is given; an array is one."""
    jobs = (job for job in asked.queue.snapshot().jobs if job.spec.name == name and uid in (None, job.owner.uid))
    return list(dict.fromkeys(map(root, jobs)))


def targets(asked: Asked, words: Sequence[str], *, by_name: bool = False) -> list[Target]:
    """What the words name. `by_name`: `jobname=NAME` is every job of that name."""
    found: list[Target] = []
    below = asked.queue.cluster.max_array_size
    for word in words:
        key, equals, name = word.partition("=")
        if by_name and equals and key.lower() in ("jobname", "name"):
            found += [Target(str(id), id) for id in named(asked, name)]
        else:
            found += [read_target(part, below) or Target(part, 0) for part in word.split(",") if part]
    return found


async def _apply(asked: Asked, event: Event) -> Verdict:
    reply = await asked.queue.apply(event)
    return reply[0] if isinstance(reply, tuple) else Verdict(JobRef(0), INVALID)
