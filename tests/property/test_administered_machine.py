"""The queue as administrators have it: whatever they say of nodes, partitions and reservations, and whenever, no job begins on
a node that is out of service, in a partition that is not up, or in what is reserved for others; and nothing they said is lost."""

from __future__ import annotations

import json
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from flowbatch.core import invariants
from flowbatch.core.effects import Launch
from flowbatch.core.events import CancelAsked, Configured, Ended, JobRef, Launched, Passed, Refused, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.queue import Queue, Stepped, step
from flowbatch.core.ruling.reservations import NOBODY, Party, names
from flowbatch.core.ruling.wishes import (
    NodeAsked,
    NodeChange,
    PartitionAsked,
    Reread,
    ReservationAsked,
    ReservationWish,
)
from flowbatch.core.states import Completing, ExitStatus, Finished, Running
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.resources import NodeCount, Resources
from flowbatch.store import rows
from flowbatch.units import MINUTE

NODES = ("n1", "n2", "n3")
CLUSTER = ClusterSpec(
    name="c",
    nodes=tuple(NodeSpec(name=name, cpus=4, cores_per_socket=4, real_memory=100) for name in NODES),
    partitions=(
        PartitionSpec(name="debug", nodes=NODES, default=True),
        PartitionSpec(name="other", nodes=NODES[1:], max_time_min=30),
    ),
    licenses=(("lic", 2),),
    min_job_age_s=60,
)
CLUSTERS = (CLUSTER, CLUSTER.model_copy(update={"nodes": CLUSTER.nodes[:2]}))
ROOT, ADA, BOB = (Owner(uid, uid, name, name) for uid, name in ((0, "root"), (1000, "ada"), (1001, "bob")))
STATES = ("DOWN", "DRAIN", "FAIL", "FUTURE", "IDLE", "RESUME", "UNDRAIN")
RESERVATIONS = ("r1", "r2", "r3")

some_nodes = st.lists(st.sampled_from(NODES), min_size=1, max_size=3, unique=True).map(tuple)
parties = st.sampled_from([NOBODY, Party((("ada", 1000),)), Party((("ada", 1000),), denied=True)])
flags = st.frozensets(
    st.sampled_from(["MAINT", "OVERLAP", "IGNORE_JOBS", "FLEX", "DAILY", "NO_HOLD_JOBS_AFTER_END"]), max_size=2
)
minutes = st.sampled_from([0, 1, 2, 10, 60])


class AdministeredMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue = Queue(CLUSTER, 1)
        self.at = 1_000_000
        self.kept = rows.rulings_row(self.queue.rulings)

    def do(self, event) -> Stepped:
        stepped = step(self.queue, event)
        if stepped.rulings is not None:
            self.kept = rows.rulings_row(stepped.rulings)
        for order in stepped.orders:
            if isinstance(order, Launch):
                self.may_begin(self.queue.jobs[order.job_id])
        return stepped

    def may_begin(self, job) -> None:
        state, cluster = job.state, self.queue.cluster
        if not isinstance(state, Running):
            return
        assert cluster.partition(state.allocation.partition).state in ("UP", "DRAIN")
        end = state.ends_by or self.at + 365 * 24 * 60 * MINUTE
        wanted = names(job.spec)
        mine = [one for one in self.queue.rulings.reservations if one.name in wanted]
        for share in state.allocation.shares:
            assert cluster.node(share.node).in_service, (job, share.node)
        inside = [one for one in mine if set(state.allocation.nodes) <= set(one.nodes) and one.active(self.at)]
        if wanted:
            assert inside or any("FLEX" in one.flags for one in mine), (job, mine)
        if any("FLEX" not in one.flags for one in inside):
            return
        for one in self.queue.rulings.reservations:
            if one in mine or not one.overlaps(self.at, end):
                continue
            for share in state.allocation.shares:
                if share.node in one.nodes:
                    kept = set(one.cpus[one.nodes.index(share.node)]) if one.cpus is not None else set(range(4))
                    assert kept.isdisjoint(share.cpu_ids), (job, one)
            assert not one.licenses or not state.allocation.licenses or one.licenses[0][1] < 2

    @rule(
        owner=st.sampled_from([ROOT, ADA, BOB]), cpus=st.integers(1, 6), limit=st.none() | st.sampled_from([1, 5, 90]),
        where=st.sampled_from([(), ("other",), ("debug", "other")]), nodelist=st.sampled_from([(), ("n1",), ("n3",)]),
        reservation=st.none() | st.sampled_from([*RESERVATIONS, "r1,r2"]), count=st.none() | st.integers(1, 3),
        requeue=st.booleans(), hold=st.booleans(),
    )  # fmt: skip
    def submit(self, owner, cpus, limit, where, nodelist, reservation, count, requeue, hold) -> None:
        nodes = None if count is None else NodeCount(minimum=count, maximum=count)
        wish = Resources(ntasks=cpus, nodes=nodes, nodelist=nodelist)
        spec = JobSpec(
            name="j", work_dir="/", resources=wish, time_limit_min=limit, partitions=where, reservation=reservation,
            requeue=requeue, hold=hold,
        )  # fmt: skip
        self.do(Submitted(self.at, owner, spec))

    @rule(seconds=st.sampled_from([0, 1, 30, 61, 130, 700, 4000]))
    def passed(self, seconds) -> None:
        self.at += seconds
        self.do(Passed(self.at))
        wake = self.queue.next_wake()
        assert wake is None or wake > self.at
        assert self.do(Passed(self.at)) == Stepped()

    @rule(by=st.sampled_from([0, 0, 0, 1000]), nodes=some_nodes, state=st.sampled_from(STATES))
    def said_of_nodes(self, by, nodes, state) -> None:
        before = self.queue.rulings
        reply = self.do(NodeAsked(self.at, by, "root", nodes, NodeChange(state=state, reason="why"))).reply
        assert reply is None or isinstance(reply, Refused)
        if by:
            assert self.queue.rulings == before

    @rule(name=st.sampled_from(["debug", "other", "made"]), state=st.sampled_from(["UP", "DOWN", "DRAIN", "INACTIVE"]))
    def said_of_a_partition(self, name, state) -> None:
        known = self.queue.cluster.partition(name) is not None
        spec = PartitionSpec(name=name, nodes=("n1", "n2"), state=state)
        fields = ("state",) if known else ("nodes", "state")
        self.do(PartitionAsked(self.at, 0, "update" if known else "create", spec, fields))

    @rule(name=st.sampled_from(["other", "made"]))
    def a_partition_is_deleted(self, name) -> None:
        self.do(PartitionAsked(self.at, 0, "delete", PartitionSpec(name=name, nodes=())))

    @rule(
        name=st.sampled_from(RESERVATIONS), start=minutes, length=st.sampled_from([1, 5, 60]), nodes=some_nodes,
        how=st.sampled_from(["nodes", "node_count", "core_count", "licenses"]), users=parties, flags=flags,
    )  # fmt: skip
    def reserved(self, name, start, length, nodes, how, users, flags) -> None:
        places = {"nodes": nodes, "node_count": 2, "core_count": 3, "licenses": (("lic", 1),)}
        wish = ReservationWish(
            name=name, start=self.at + start * MINUTE, duration_s=length * MINUTE, users=users, flags=flags,
            **{how: places[how]},
        )  # fmt: skip
        known = self.queue.rulings.reservation(name) is not None
        self.do(ReservationAsked(self.at, 0, "update" if known else "create", wish))

    @rule(name=st.sampled_from(RESERVATIONS))
    def a_reservation_is_deleted(self, name) -> None:
        self.do(ReservationAsked(self.at, 0, "delete", ReservationWish(name)))

    @rule(data=st.data(), code=st.integers(0, 1))
    def a_placement_ends(self, data, code) -> None:
        held = [job for job in self.queue.jobs.values() if isinstance(job.state, Running | Completing)]
        if held:
            job = data.draw(st.sampled_from(held))
            self.do(Launched(self.at, job.id, job.restarts))
            self.do(Ended(self.at, job.id, job.restarts, ExitStatus(code)))

    @rule(data=st.data())
    def a_job_is_cancelled(self, data) -> None:
        live = [job.id for job in self.queue.jobs.values() if not isinstance(job.state, Finished)]
        if live:
            self.do(CancelAsked(self.at, 0, (JobRef(data.draw(st.sampled_from(live))),)))

    @rule(cluster=st.sampled_from(CLUSTERS), asked=st.booleans())
    def configured(self, cluster, asked) -> None:
        self.do(Reread(self.at, 0, cluster) if asked else Configured(self.at, cluster))

    @rule()
    def the_controller_starts_again(self) -> None:
        said, jobs = rows.rulings(self.kept), self.queue.jobs.values()
        assert said == self.queue.rulings
        self.queue = Queue(self.queue.configured, self.queue.next_job_id, jobs, rulings=said)

    @invariant()
    def all_is_well(self) -> None:
        invariants.check(self.queue)
        assert json.loads(self.kept) is not None
        assert self.queue.cluster == self.queue.rulings.applied(self.queue.configured)


AdministeredMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=timedelta(seconds=10)
)
TestAdministered = AdministeredMachine.TestCase
