"""What a scheduling pass costs: the rules alone, in this process, in CPU time."""

from __future__ import annotations

import statistics
import time

from flowbatch.core.effects import Launch
from flowbatch.core.events import Ended, HetSubmitted, Launched, Passed, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.queue import Queue, step
from flowbatch.core.states import ExitStatus
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.resources import NodeCount, Resources

ROUNDS = 20
OWNER = Owner(1000, 1000, "ann", "users", "vm", 1)


def busy(running: int) -> Queue:
    """A cluster of as many nodes of one CPU, each held by a job with a time limit of its own."""
    names = tuple(f"n{n}" for n in range(running))
    nodes = tuple(NodeSpec(name=name, cpus=1, cores_per_socket=1, real_memory=1000) for name in names)
    cluster = ClusterSpec(
        name="bench", nodes=nodes, partitions=(PartitionSpec(name="debug", nodes=names, default=True),)
    )
    queue = Queue(cluster, 1)
    for n in range(running):
        step(queue, Submitted(0, OWNER, _job(f"run-{n}", time_limit_min=60 + n)))
    start(queue, 1)
    return queue


def start(queue: Queue, at: int) -> None:
    """Whatever can start runs."""
    for order in step(queue, Passed(at)).orders:
        if isinstance(order, Launch):
            step(queue, Launched(at, order.job_id, order.restart))


def seconds(queue: Queue) -> float:
    """The median CPU time of a pass after one of the running jobs ended: the next one takes its place."""
    found = []
    for at in range(10, 10 + 2 * ROUNDS, 2):
        first = min(queue.indexes.holding)
        began = time.process_time()
        step(queue, Ended(at, first, 0, ExitStatus()))
        start(queue, at + 1)
        found.append(time.process_time() - began)
    return statistics.median(found)


def with_waiting(waiting: int, running: int = 100) -> float:
    """CPU seconds of a pass with so many jobs waiting."""
    queue = busy(running)
    for n in range(waiting):
        step(queue, Submitted(1, OWNER, _job(f"wait-{n}", time_limit_min=60)))
    return seconds(queue)


def with_components(running: int) -> float:
    """The same where a heterogeneous job waits for half of the machine, and another for the other half."""
    queue = busy(running)
    half = Resources(nodes=NodeCount(minimum=running // 2, maximum=None))
    step(queue, HetSubmitted(1, OWNER, (_job("het", resources=half, time_limit_min=60),) * 2))
    return seconds(queue)


def _job(name: str, **wish: object) -> JobSpec:
    return JobSpec.model_validate({"name": name, "work_dir": "/tmp", "command": "job.sh", **wish})
