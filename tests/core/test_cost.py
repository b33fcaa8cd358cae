"""What looking costs follows what changed: counted, not timed."""

from __future__ import annotations

from flowbatch.core.events import CancelAsked, JobRef, Launched, Passed, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.placing.loads import Load
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.queue import Queue, step
from flowbatch.core.states import Allocation, Holding, NodeShare
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

NODES = 30
NAMES = tuple(f"n{n}" for n in range(NODES))
CLUSTER = ClusterSpec(
    name="test", nodes=tuple(NodeSpec(name=name, cpus=1) for name in NAMES),
    partitions=(PartitionSpec(name="debug", nodes=NAMES, default=True),),
)  # fmt: skip


def test_a_union_over_time_asks_each_node_as_often_as_it_changes(monkeypatch):
    held = [Allocation("debug", (NodeShare(name, 1, (0,)),)) for name in NAMES]
    now = Occupancy(CLUSTER)
    for allocation in held:
        now.add(allocation)
    later: list[Occupancy] = []
    for allocation in held:
        later.append((later or [now])[-1].copy())
        later[-1].remove(allocation)
    asked: list[Load] = []
    union = Load.union
    monkeypatch.setattr(Load, "union", lambda one, two: asked.append(one) or union(one, two))
    whole = now.union(later)
    assert len(asked) == NODES
    assert [whole.load(name).held for name in NAMES] == [1] * NODES
    assert [later[-1].union([now]).load(name).held for name in NAMES] == [1] * NODES


def test_what_nodes_are_about_is_what_holds_them():
    queue = Queue(CLUSTER, 1)
    owner = Owner(1000, 1000, "ann", "users")
    for n in range(NODES + 20):
        step(queue, Submitted(1, owner, JobSpec(name="x", work_dir="/", hold=n % 2 == 1)))
    step(queue, Passed(2))
    step(queue, Launched(3, 1, 0))
    step(queue, CancelAsked(4, 0, (JobRef(1), JobRef(3), JobRef(2))))
    assert queue.placed() == [job for job in queue.jobs.values() if isinstance(job.state, Holding)] != []
