"""The processes of running steps, as their machine has them now."""

from __future__ import annotations

from flowbatch.commands.listing.step_view import BATCH, StepView
from flowbatch.core.jobs import Job
from flowbatch.core.ports import QueuePort
from flowbatch.protocol.seen import TaskSeen


class Processes:
    """What `queue` sees; each placement is looked at once, whether its machine answers or not."""

    def __init__(self, queue: QueuePort) -> None:
        self.unseen: dict[int, OSError] = {}
        """Why nobody saw what runs of a job."""
        self._queue = queue
        self._seen: dict[int, list[TaskSeen]] = {}

    async def of(self, step: StepView) -> list[TaskSeen]:
        """The tasks of a step that run. Raises OSError where nobody sees them."""
        if step.step is None and step.unnumbered != BATCH:
            return []
        job = step.view.job
        number = None if step.step is None else step.step.number
        return [task for task in await self._of_job(job) if task.step == number and task.component == component(job)]

    async def _of_job(self, job: Job) -> list[TaskSeen]:
        """Of a heterogeneous job, all is the leader's."""
        leader = job.id if job.het is None else job.het.leader
        if leader in self.unseen:
            raise self.unseen[leader]
        if leader not in self._seen:
            jobs = {one.id: one for one in self._queue.snapshot((leader,)).jobs}
            try:
                self._seen[leader] = list(await self._queue.look(jobs[leader])) if leader in jobs else []
            except OSError as error:
                self.unseen[leader] = error
                raise
        return self._seen[leader]


def component(job: Job) -> int:
    """Which of a heterogeneous job's it is."""
    return 0 if job.het is None else job.het.offset
