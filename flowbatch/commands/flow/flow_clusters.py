"""The clusters that a `flow` command is about: those of -M or SLURM_CLUSTERS, else every one that was ever used."""

from __future__ import annotations

from collections.abc import Sequence

from flowbatch.commands.call import Call
from flowbatch.commands.clusters import VARIABLE, named
from flowbatch.commands.flow.flow_records import NoSuchJob, records
from flowbatch.core.jobs import Job
from flowbatch.core.ports import QueuePort
from flowbatch.errors import FlowError, NotThere


async def queues(call: Call, queue: QueuePort, names: str | None) -> tuple[QueuePort, ...]:
    """With None: the current one, `queue`, first, then the others that were used; one of these that cannot be served now is
    named to the caller and left out. Raises NotThere for a name that is none, FlowError for one that cannot be served."""
    names = names or call.environ.get(VARIABLE)
    if names is not None:
        found, unknown = named(call.clusters, names)
        if unknown or not found:
            known = ", ".join(call.clusters.names)
            raise NotThere(f"there is no cluster {', '.join(unknown) or names}", hint=f"there are: {known}")
        return tuple([await call.clusters.queue(name) for name in found])
    others: list[QueuePort] = []
    for name in call.clusters.used:
        if name == queue.cluster.name:
            continue
        try:
            others.append(await call.clusters.queue(name))
        except FlowError as error:
            call.err.write(f"flow: cluster {name} is left out: {error.message}\n")
    return (queue, *others)


async def holder(call: Call, queue: QueuePort, names: str | None, job: str) -> tuple[QueuePort, Sequence[Job]]:
    """The cluster that has the job, and its records. Each cluster has numbers of its own: without -M the current one's job is
    meant, and another one's only where no other has one of that name. Raises NoSuchJob, NotThere."""
    found: list[tuple[QueuePort, Sequence[Job]]] = []
    missing: NoSuchJob | None = None
    for one in await queues(call, queue, names):
        try:
            found.append((one, await records(one, job)))
        except NoSuchJob as error:
            missing = missing or error
            continue
        if one is queue:
            break
    if len(found) > 1:
        holders = " and ".join(one.cluster.name for one, _ in found)
        raise NotThere(f"clusters {holders} have a job {job}", hint=f"name one: -M {found[0][0].cluster.name}")
    if not found:
        assert missing is not None
        raise missing
    return found[0]
