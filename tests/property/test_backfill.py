"""Whatever the workload: nothing is given twice, and the first job that waits starts no later because others pass it."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from flowbatch.core.jobs import Job, Owner
from flowbatch.core.placing.loads import devices
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.scheduling import Candidate, plan
from flowbatch.core.states import Allocation, Pending, Running
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.resources import Gres, GresRequest, License, Memory, NodeCount, Resources

START = 1_800_000_000
OWNER = Owner(1, 1, "ada", "ada")


def cluster(*, backfill: bool = True) -> ClusterSpec:
    gpus = (GresDevice(name="gpu", type="a", count=1), GresDevice(name="gpu", type="b", count=2))
    nodes = (
        NodeSpec(name="a1", cpus=8, sockets=2, cores_per_socket=2, threads_per_core=2, real_memory=800, gres=gpus, weight=5),
        NodeSpec(name="a2", cpus=4, cores_per_socket=4, real_memory=400, gres=gpus),
        NodeSpec(name="a3", cpus=4, cores_per_socket=4, real_memory=400),
    )  # fmt: skip
    names = tuple(node.name for node in nodes)
    partitions = (
        PartitionSpec(name="plain", nodes=names, default=True),
        PartitionSpec(name="shared", nodes=names, over_subscribe="FORCE"),
    )
    return ClusterSpec(
        name="c", nodes=nodes, partitions=partitions, backfill=backfill, select_memory=True, gres_types=("gpu",),
        licenses=(("l", 2),),
    )  # fmt: skip


def wishes() -> st.SearchStrategy[Resources]:
    gpus = st.sampled_from((None, "a", "b")).flatmap(
        lambda type_: st.builds(Gres, name=st.just("gpu"), type=st.just(type_), count=st.integers(1, 3))
    )
    return st.builds(
        Resources,
        nodes=st.none() | st.integers(1, 3).map(lambda n: NodeCount(minimum=n, maximum=n)),
        ntasks=st.none() | st.integers(3, 12),
        cpus_per_task=st.none() | st.integers(1, 4),
        memory=st.builds(Memory, per=st.sampled_from(("node", "cpu")), mib=st.integers(0, 300)),
        gres=st.builds(GresRequest, per_node=st.lists(gpus, max_size=1).map(tuple))
        | st.builds(GresRequest, per_job=st.lists(gpus, max_size=1).map(tuple)),
        exclusive=st.sampled_from((None, None, None, "node")),
        licenses=st.lists(st.builds(License, name=st.just("l"), count=st.integers(1, 2)), max_size=1).map(tuple),
    )


def check(spec: ClusterSpec, held: list[Allocation]) -> None:
    """Nothing is held by two that do not share, and nothing beyond what is there."""
    for node in spec.nodes:
        shares = [(a, s) for a in held for s in a.shares if s.node == node.name]
        assert sum(share.memory_mib for _, share in shares) <= node.real_memory
        taken: dict[int, list[bool]] = {}
        for allocation, share in shares:
            assert share.cpus == len(set(share.cpu_ids)) == len(share.cpu_ids)
            for cpu in share.cpu_ids:
                assert 0 <= cpu < node.cpus
                taken.setdefault(cpu, []).append(allocation.sharing)
        assert all(len(kinds) == 1 or (all(kinds) and len(kinds) <= 4) for kinds in taken.values())
        indices = [(name, i) for _, share in shares for name, _, own in share.gres for i in own]
        assert len(indices) == len(set(indices))
        there = {(d.name, i) for d in devices(node.gres) for i in range(d.first, d.first + d.count)}
        assert set(indices) <= there
    assert sum(count for allocation in held for _, count in allocation.licenses) <= 2


@given(st.lists(st.tuples(wishes(), st.sampled_from(("plain", "shared")), st.booleans()), max_size=25))
def test_nothing_is_given_twice_and_giving_back_undoes_taking(jobs: list[tuple[Resources, str, bool]]) -> None:
    spec = cluster()
    occupancy = Occupancy(spec)
    held: list[Allocation] = []
    for resources, partition, ends in jobs:
        before = [occupancy.load(node.name) for node in spec.nodes]
        job = JobSpec(name="j", work_dir="/", resources=resources)
        allocation = occupancy.place(job, partition)
        assert allocation == occupancy.copy().place(job, partition)
        if allocation is None:
            continue
        occupancy.add(allocation)
        check(spec, [*held, allocation])
        if ends:
            occupancy.remove(allocation)
            assert [occupancy.load(node.name) for node in spec.nodes] == before
        else:
            held.append(allocation)
    for allocation in held:
        occupancy.remove(allocation)
    assert all(occupancy.load(node.name) == Occupancy(spec).load(node.name) for node in spec.nodes)
    assert occupancy.licenses_used("l") == 0


@dataclass
class Simulation:
    """Runs jobs to their limits, with a pass whenever something changed; `starts` tells who started when."""

    cluster: ClusterSpec
    jobs: list[tuple[int, JobSpec]]

    def starts(self) -> dict[int, int]:
        now, running, started = START, list[Job](), dict[int, int]()
        occupancy = Occupancy(self.cluster)
        waiting = {id: spec for id, (_, spec) in enumerate(self.jobs)}
        while waiting or running:
            arrived = [id for id in waiting if START + self.jobs[id][0] <= now]
            candidates = [
                Candidate(Job(id, waiting[id], id, id, OWNER, Pending(), now, 1, ("plain",))) for id in arrived
            ]
            for id, allocation, _ in plan(self.cluster, occupancy, candidates, running, now).starts:
                occupancy.add(allocation)
                spec = waiting.pop(id)
                state = Running(now, allocation, now + 60 * (spec.time_limit_min or 0))
                running.append(Job(id, spec, id, id, OWNER, state, now, 1, ("plain",)))
                started[id] = now
            check(self.cluster, [job.state.allocation for job in running if isinstance(job.state, Running)])
            moments = [job.state.ends_by for job in running if isinstance(job.state, Running) and job.state.ends_by]
            moments += [START + at for id, (at, _) in enumerate(self.jobs) if id in waiting and START + at > now]
            if not moments:
                return started
            now = min(moments)
            for job in [j for j in running if isinstance(j.state, Running) and j.state.ends_by == now]:
                assert isinstance(job.state, Running)
                occupancy.remove(job.state.allocation)
                running.remove(job)
        return started


@st.composite
def workloads(draw: st.DrawFn) -> list[tuple[int, JobSpec]]:
    found: list[tuple[int, JobSpec]] = []
    at = 0
    for _ in range(draw(st.integers(2, 10))):
        at += draw(st.sampled_from((0, 0, 60, 300)))
        limit = draw(st.integers(1, 30))
        found.append((at, JobSpec(name="j", work_dir="/", resources=draw(wishes()), time_limit_min=limit)))
    return found


@settings(max_examples=40)
@given(workloads())
def test_the_first_job_that_waits_is_never_delayed(jobs: list[tuple[int, JobSpec]]) -> None:
    """All jobs up to the first that has to wait start when they start without backfill, and so does that one."""
    spec = cluster()
    empty = Occupancy(spec)
    possible = [(at, job) for at, job in jobs if empty.place(job, "plain") is not None]
    strict = Simulation(cluster(backfill=False), possible).starts()
    early = Simulation(spec, possible).starts()
    assert early.keys() == strict.keys()
    for id, (at, _) in enumerate(possible):
        assert early[id] <= strict[id], (id, replace_times(early), replace_times(strict))
        if strict[id] > START + at:
            break


def replace_times(starts: dict[int, int]) -> dict[int, int]:
    return {id: at - START for id, at in sorted(starts.items())}
