"""The scheduling pass: order, reasons, early starts, and what is expected of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from flowbatch.core.events import Refused, WouldStart
from flowbatch.core.jobs import Job
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.scheduling import Candidate, Plan, plan, would_start
from flowbatch.core.states import Allocation, Completing, Ending, Running
from flowbatch.core.waiting import NODES_TAKEN
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec

NOW = 1_800_000_000

Clusters = dict[str, Callable[[], ClusterSpec]]
Specs = Callable[[str], JobSpec]
Jobs = Callable[..., Job]


class World:
    """A cluster with what runs on it; `run` puts a job on it, `look` makes a pass over others."""

    def __init__(self, cluster: ClusterSpec, specs: Specs, jobs: Jobs) -> None:
        self.cluster, self.specs, self.jobs = cluster, specs, jobs
        self.occupancy = Occupancy(cluster)
        self.running: list[Job] = []

    def job(self, id: int, words: str, submitted_at: int = NOW) -> Job:
        spec = self.specs(words)
        return self.jobs(id, spec, spec.partitions or ("debug",), submitted_at)

    def run(self, words: str, minutes: int | None) -> Allocation:
        job = self.job(1000 + len(self.running), words)
        allocation = self.occupancy.place(job.spec, job.partitions[0])
        assert allocation is not None
        self.occupancy.add(allocation)
        ends_by = None if minutes is None else NOW + 60 * minutes
        self.running.append(replace(job, state=Running(NOW, allocation, ends_by)))
        return allocation

    def look(self, *lines: str | tuple[str, int], at: int = NOW) -> Plan:
        """Jobs 1, 2, ... of these words, each with how many of its tasks may start."""
        pairs = [line if isinstance(line, tuple) else (line, 1) for line in lines]
        candidates = [Candidate(self.job(id, words), count) for id, (words, count) in enumerate(pairs, 1)]
        before = [self.occupancy.load(node.name) for node in self.cluster.nodes]
        found = plan(self.cluster, self.occupancy, candidates, self.running, at)
        assert before == [self.occupancy.load(node.name) for node in self.cluster.nodes]
        return found


@pytest.fixture
def flat(clusters: Clusters, spec_of: Specs, pending: Jobs) -> World:
    return World(clusters["flat"](), spec_of, pending)


@pytest.fixture
def mixed(clusters: Clusters, spec_of: Specs, pending: Jobs) -> World:
    return World(clusters["mixed"](), spec_of, pending)


def started(found: Plan) -> list[tuple[int, tuple[str, ...], str]]:
    return [(id, allocation.nodes, by) for id, allocation, by in found.starts]


def test_jobs_start_in_order_while_there_is_room(flat: World) -> None:
    found = flat.look("-n 8 -N 1", "-n 8 -N 1 -t 5", "-N 2")
    assert started(found) == [(1, ("n1",), "Main"), (2, ("n2",), "Main"), (3, ("n3", "n4"), "Main")]
    assert (found.reasons, found.planned, found.blocked) == ({}, {}, frozenset())


def test_behind_a_waiting_job_nobody_starts_who_would_delay_it(flat: World) -> None:
    flat.run("-N 3 --exclusive", 5)
    found = flat.look("-N 4 --exclusive -t 10", "-n 1 -t 10", "-n 1 -t 6")
    assert started(found) == []
    assert found.reasons == {1: "Resources", 2: "Priority", 3: "Priority"}
    assert found.planned[1] == (NOW + 300, ("n1", "n2", "n3", "n4"))
    assert found.blocked == {"debug"}


def test_a_job_that_ends_in_time_starts_early(flat: World) -> None:
    flat.run("-N 3 --exclusive", 5)
    found = flat.look("-N 4 --exclusive -t 10", "-n 1 -t 6", "-n 2 -t 5")
    assert started(found) == [(3, ("n4",), "Backfill")]
    assert found.reasons == {1: "Resources", 2: "Priority"}
    assert found.planned == {1: (NOW + 300, ("n1", "n2", "n3", "n4")), 2: (NOW + 900, ("n1",))}


def test_a_job_that_takes_nothing_the_head_needs_starts_early(flat: World) -> None:
    flat.run("-N 3 --exclusive", 5)
    found = flat.look("-N 2 --exclusive -t 10", "-n 1 -t 6000")
    assert started(found) == [(2, ("n4",), "Backfill")]
    assert found.planned == {1: (NOW + 300, ("n1", "n2"))}


def test_without_backfill_order_is_strict(clusters: Clusters, spec_of: Specs, pending: Jobs) -> None:
    world = World(clusters["flat"]().model_copy(update={"backfill": False}), spec_of, pending)
    world.run("-N 3 --exclusive", 5)
    assert started(world.look("-N 4 -t 10", "-n 1 -t 1")) == []


def test_a_job_without_a_limit_is_planned_for_a_year(flat: World) -> None:
    flat.run("-N 4 --exclusive", None)
    assert flat.look("-n 1").planned == {1: (NOW + 365 * 86400, ("n1",))}


def test_a_completing_job_is_expected_to_be_gone_after_kill_wait(flat: World) -> None:
    allocation = flat.run("-N 4 --exclusive", 60)
    flat.running[0] = replace(flat.running[0], state=Completing(NOW - 5, allocation, NOW, Ending("CANCELLED")))
    assert flat.look("-n 1").planned == {1: (NOW + 30, ("n1",))}


@pytest.mark.parametrize("gpus", ["", " -G3", " --gpus-per-node=1"])
def test_neighbours_are_waited_for_also_with_gpus(flat: World, gpus: str) -> None:
    flat.run("-w n3 --exclusive", 60)
    assert flat.look(f"-N3 -t 60{gpus} --contiguous").starts == []
    ((_, allocation, _),) = flat.look(f"-N3 -t 60{gpus}").starts
    assert allocation.nodes == ("n1", "n2", "n4")


def test_tasks_of_an_array_start_one_by_one(flat: World) -> None:
    found = flat.look(("-n 4 -t 10", 100), "-n 1 -t 5")
    assert [id for id, _, _ in found.starts] == [1] * 8
    assert found.reasons == {1: "Resources", 2: "Priority"}


def test_reasons_in_a_busy_cluster(mixed: World) -> None:
    """As squeue showed them while a job had all four nodes."""
    mixed.run("-N 4 --exclusive --mem=10", 5)
    found = mixed.look(
        "-N 1 --mem=10 -t 10",
        "-N 1 --mem=10 -t 2",
        "-n 999 --mem=10",
        "-p downp --mem=10",
        "-p fast -t 99 --mem=10",
        "-p debug,fast --mem=10 -t 3",
        "-p small -N 2 -t 3",
        "-p minn -N 1",
        at=NOW + 61,
    )
    assert started(found) == []
    assert found.reasons == {
        1: "Resources",
        2: "Priority",
        3: "PartitionConfig",
        4: "PartitionDown",
        5: "PartitionTimeLimit",
        6: NODES_TAKEN,
        7: "PartitionNodeLimit",
        8: "PartitionNodeLimit",
    }


def test_a_young_job_beyond_a_limit_shows_the_partitions_configuration(mixed: World) -> None:
    assert mixed.look("-p fast -t 99", "-p small -N 2").reasons == {1: "PartitionConfig", 2: "PartitionConfig"}


def test_licences(mixed: World) -> None:
    mixed.run("-L lic:2 --mem=10", 5)
    found = mixed.look("-L lic:2 --mem=10 -t 5", "--mem=10 -t 5", "-L lic:1 --mem=10 -t 5", "-L lic:1 --mem=10 -t 6")
    assert started(found) == [(2, ("n3",), "Main"), (3, ("n3",), "Main")]
    assert found.reasons == {1: "Licenses", 4: "Licenses"}
    assert 1 not in found.planned  # when licences come back nobody can say
    assert found.blocked == frozenset()


def test_nodes_out_of_service(clusters: Clusters, spec_of: Specs, pending: Jobs) -> None:
    nodes = clusters["flat"]().nodes
    down = clusters["flat"]().model_copy(update={"nodes": (*nodes[:3], nodes[3].model_copy(update={"state": "DOWN"}))})
    found = World(down, spec_of, pending).look("-N 4", "-w n4", "-n 1")
    assert started(found) == [(3, ("n1",), "Main")]
    assert found.reasons == {1: NODES_TAKEN, 2: "ReqNodeNotAvail, UnavailableNodes:n4"}


def test_what_no_node_can_do_is_a_bad_constraint(flat: World) -> None:
    found = flat.look("-c 9", "-n 1")
    assert found.reasons == {1: "BadConstraints"}
    assert started(found) == [(2, ("n1",), "Main")]


def test_partitions_of_higher_tier_are_tried_first(clusters: Clusters, spec_of: Specs, pending: Jobs) -> None:
    mixed = clusters["mixed"]()
    partitions = tuple(p.model_copy(update={"priority_tier": 5}) if p.name == "fast" else p for p in mixed.partitions)
    world = World(mixed.model_copy(update={"partitions": partitions}), spec_of, pending)
    assert started(world.look("-p debug,fast -t 3")) == [(1, ("n1",), "Main")]


def test_memory_of_jobs_that_follow_one_another_is_not_added_up(mixed: World) -> None:
    mixed.run("-w n3 -n 3 --mem=7000", 5)
    found = mixed.look("-w n3 -n 3 --mem=7000 -t 10", "-w n3 -n 1 --mem=1000 -t 600", "-w n3 -n 1 --mem=1 -t 600")
    assert started(found) == [(2, ("n3",), "Backfill")]
    assert found.planned[1] == (NOW + 300, ("n3",))


def test_a_pass_reads_no_more_of_the_queue_than_its_depth(flat: World) -> None:
    flat.run("-N 4 --exclusive", 5)
    read = 0

    def endless() -> Iterator[Candidate]:
        nonlocal read
        while True:
            read += 1
            yield Candidate(flat.job(read, "-n 1 -t 5"))

    found = plan(flat.cluster, flat.occupancy, endless(), flat.running, NOW)
    assert read <= 401
    assert len(found.planned) <= 20
    assert found.reasons[1] == "Resources"
    assert found.reasons[read - 1] == "Priority"


def test_would_start(flat: World) -> None:
    flat.run("-N 3 --exclusive", 5)
    look = (flat.cluster, flat.occupancy)
    assert would_start(*look, flat.job(9, "-n 3"), flat.running, NOW) == WouldStart(9, NOW, 3, ("n4",), "debug")
    later = would_start(*look, flat.job(9, "-N 2"), flat.running, NOW)
    assert later == WouldStart(9, NOW + 300, 2, ("n1", "n2"), "debug")
    never = would_start(*look, flat.job(9, "-N 5"), flat.running, NOW)
    assert never == Refused("ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE")
    nothing = would_start(*look, flat.job(9, "-N 0"), flat.running, NOW)
    assert nothing == WouldStart(9, NOW, 0, (), "debug")
