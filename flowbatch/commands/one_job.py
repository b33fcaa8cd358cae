"""The one job of the queue that a command is about."""

from __future__ import annotations

from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.ports import QueuePort


def find(queue: QueuePort, job_id: int, task: int | None = None) -> JobView | None:
    """The job of this number, or the task of the array of this number; None if the queue has it no more."""
    snapshot = queue.snapshot((job_id,))
    scene = Scene.of(snapshot)
    for job in snapshot.jobs:
        view = JobView(job, scene)
        if (view.job.id == job_id) if task is None else ((view.array_id, view.task) == (job_id, task)):
            return view
    return None
