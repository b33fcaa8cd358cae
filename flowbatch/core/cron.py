"""Jobs of crontabs: due again and again under one number. A time at which nobody was there is made up for once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flowbatch.core import priority
from flowbatch.core.events import CrontabAsked, Verdict
from flowbatch.core.facts import Cancelled, Released
from flowbatch.core.ruling.administering import rule
from flowbatch.core.ruling.rulings import Crontab
from flowbatch.core.states import Finished
from flowbatch.core.turn import Turn

MODIFIED = "ESLURM_CANNOT_MODIFY_CRON_JOB"


def change(turn: Turn, event: CrontabAsked) -> None:
    """The owner's crontab is this one: its jobs may run, those of the one before are cancelled."""
    uid = event.owner.uid
    jobs = [job for job in turn.queue.jobs.values() if job.spec.cron is not None and job.owner.uid == uid]
    for job in sorted(jobs, key=lambda job: job.id):
        if job.id in event.jobs and job.held is not None:
            number = priority.fresh(turn.queue.indexes.bases.least(), job.spec)
            turn.advance(job, Released(event.at, number))
            turn.reconsider(turn.queue.jobs[job.id])
        elif job.id not in event.jobs and not isinstance(job.state, Finished):
            turn.advance(job, Cancelled(event.at, event.by))
    tabs = {name: tab for name, tab in turn.queue.rulings.crontabs.items() if name != str(uid)}
    if event.text is not None:
        tabs[str(uid)] = Crontab(event.text, event.lines)
    rule(turn, replace(turn.queue.rulings, crontabs=tabs))


def guarded(answer: Callable[[Turn, Any], Any]) -> Callable[[Turn, Any], Any]:
    """The answer, but for jobs of crontabs, which scontrol does not change."""

    def answered(turn: Turn, event: Any) -> Any:
        verdicts: list[Verdict] = []
        for ref in event.refs:
            job = turn.queue.jobs.get(ref.job_id)
            if job is not None and job.spec.cron is not None:
                verdicts.append(Verdict(ref, MODIFIED))
            else:
                verdicts += answer(turn, replace(event, refs=(ref,)))
        return tuple(verdicts)

    return answered
