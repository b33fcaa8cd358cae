"""`flow-info`: what the controller knows of its cluster and its queue, as JSON, for `flow controller status` and `flow doctor`."""

from __future__ import annotations

from collections import Counter

from flowbatch import __version__
from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_results import ClusterStatus, as_json
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.ports import QueuePort


async def info(call: Call, queue: QueuePort) -> int:
    """Prints one ClusterStatus."""
    snapshot = queue.snapshot()
    scene = Scene.of(snapshot)
    cluster = snapshot.cluster
    states = Counter(JobView(job, scene).state for job in snapshot.jobs)
    call.out.write(
        as_json(
            ClusterStatus(
                version=__version__,
                name=cluster.name,
                obliging=cluster.obliging,
                nodes={node.name: node.cpus for node in cluster.nodes},
                partitions=tuple(partition.name for partition in cluster.partitions),
                jobs=dict(sorted(states.items())),
                memory_counted=cluster.select_memory,
                without_effect=tuple(dict.fromkeys(name for name, _ in cluster.other)),
            )
        )
    )
    await call.out.drain()
    return 0
