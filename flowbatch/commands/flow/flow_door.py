"""`flow-door [--clusters=NAME] JOB`: the way for the caller's own ssh to the machine of a job, as JSON, for `flow ssh`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_argv import Argv
from flowbatch.commands.flow.flow_clusters import holder
from flowbatch.commands.flow.flow_jobs import refused
from flowbatch.commands.flow.flow_records import job_name
from flowbatch.commands.flow.flow_results import as_json
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.jobs import Job
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Completing, Running
from flowbatch.errors import FlowError, NotThere


async def door(call: Call, queue: QueuePort) -> int:
    """Prints a Door and the job's `work_dir`; 1 where there is no machine to go to."""
    said = Argv.of(call.argv)
    try:
        one, found = await holder(call, queue, said.clusters, said.operands[0])
        job = _running(one, said.operands[0], found)
        way = await one.door(job.id)
        if way is None:
            raise NotThere(
                f"the machine of job {said.operands[0]} cannot be reached yet", hint="it boots; try again in a moment"
            )
    except FlowError as error:
        return refused(call, error)
    call.out.write(as_json({**asdict(way), "work_dir": job.spec.work_dir}))
    await call.out.drain()
    return 0


def _running(queue: QueuePort, name: str, found: Sequence[Job]) -> Job:
    """The one job of these that has a rented machine. Raises NotThere."""
    if queue.cluster.market is None:
        raise NotThere(f"job {name} runs on this machine: there is nothing to log in to")
    scene = Scene.of(queue.snapshot())
    running = [job for job in found if isinstance(job.state, Running | Completing)]
    if len(running) > 1:
        names = ", ".join(job_name(job) for job in running)
        raise NotThere(f"{len(running)} tasks of job {name} run", hint=f"name one: {names}")
    if not running:
        view = JobView(found[-1], scene)
        why = f" ({view.reason})" if view.pending else ""
        raise NotThere(f"job {name} has no machine: it is {view.state}{why}", hint=f"flow status {name} says more")
    return running[0]
