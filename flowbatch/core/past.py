"""Looking back: which of all the jobs that a store remembers are asked for."""

from __future__ import annotations

from dataclasses import dataclass

from flowbatch import text
from flowbatch.core.jobs import Job
from flowbatch.core.states import Completing, Ending, Finished

JobName = int | tuple[int, int]
"""A job's number, which names all tasks of an array too; or an array's number and one index, which names that task once it has a record."""


@dataclass(frozen=True, slots=True)
class Past:
    """What jobs must be to be looked at: each field narrows, None lets everything through.

    Of a job that was placed again its record shows the last time alone: `until` and `eligible_by` let all of those through.
    """

    since: int | None = None
    """Not over before that instant."""
    until: int | None = None
    """Submitted by then."""
    eligible_by: int | None = None
    """Could have started by then."""
    outcomes: frozenset[str] | None = None
    """Ended so, or is about to."""
    users: frozenset[int] | None = None
    groups: frozenset[int] | None = None
    accounts: frozenset[str] | None = None
    names: frozenset[str] | None = None
    """As the accounts, without regard to ASCII's capitals: in small letters."""

    def admits(self, job: Job) -> bool:
        """Whether the job is looked at."""
        over = job.state if isinstance(job.state, Finished) else None
        once = not job.restarts
        return not (
            (self.since is not None and over is not None and over.ended_at < self.since)
            or (self.until is not None and once and job.submitted_at > self.until)
            or (
                self.eligible_by is not None
                and once
                and (job.eligible_at is None or job.eligible_at > self.eligible_by)
            )
            or (self.outcomes is not None and outcome(job) not in self.outcomes)
            or (self.users is not None and job.owner.uid not in self.users)
            or (self.groups is not None and job.owner.gid not in self.groups)
            or (
                self.accounts is not None
                and (job.spec.account is None or text.small(job.spec.account) not in self.accounts)
            )
            or (self.names is not None and text.small(job.spec.name) not in self.names)
        )


def outcome(job: Job) -> str | None:
    """How it ended, or will once its processes are gone; None while nobody knows."""
    match job.state:
        case Finished(ending=ending) | Completing(then=Ending() as ending):
            return ending.outcome
    return None


EVERYTHING = Past()
