"""The queue under any row of facts, asked for or from nodes: late, twice, out of order, about placements long gone.

After each fact every invariant holds, the records that a store would have kept make the same queue, and the same facts
give the same steps.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from flowbatch.core import invariants
from flowbatch.core.accounting.accounts import Association, Limits
from flowbatch.core.arrays import index_set, throttle
from flowbatch.core.effects import Deliver, Forget, Launch, Stop
from flowbatch.core.events import (
    Accepted,
    CancelAsked,
    Configured,
    CrontabAsked,
    Ended,
    HetSubmitted,
    HoldAsked,
    JobRef,
    Launched,
    LaunchFailed,
    NodeLost,
    Passed,
    ReleaseAsked,
    RequeueAsked,
    SignalAsked,
    StepBegan,
    StepEnded,
    Submitted,
    SuspendAsked,
)
from flowbatch.core.jobs import Owner
from flowbatch.core.queue import Queue, Stepped, step
from flowbatch.core.ruling.wishes import AccountsAsked
from flowbatch.core.states import Completing, ExitStatus, Pending, Running
from flowbatch.core.steps import Step
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.cron import CronSpec
from flowbatch.spec.dependency import Dependency, DependencyTerm
from flowbatch.spec.job import JobSpec, Mail
from flowbatch.spec.resources import Resources
from flowbatch.store.contract import remembered

OWNERS = [Owner(0, 0, "root", "root"), Owner(1000, 1000, "ada", "ada"), Owner(1001, 1001, "bob", "bob")]
NODES = tuple(NodeSpec(name=f"n{i}", cpus=2, cores_per_socket=2, real_memory=1000) for i in (1, 2))
PARTITIONS = (
    PartitionSpec(name="debug", nodes=("n1", "n2"), default=True),
    PartitionSpec(name="other", nodes=("n1",), priority_tier=2, max_time_min=5),
)
CLUSTER = ClusterSpec(name="c", nodes=NODES, partitions=PARTITIONS, min_job_age_s=60, default_queue_depth=3)
CLUSTERS = [
    CLUSTER,
    CLUSTER.model_copy(update={"partitions": PARTITIONS[:1]}),
    CLUSTER.model_copy(update={"nodes": NODES[:1]}),
    CLUSTER.model_copy(update={"job_requeue": False, "kill_on_invalid_dep": True}),
]

ids = st.integers(1, 12)
moments = st.integers(0, 200)
terms = st.builds(
    DependencyTerm,
    kind=st.sampled_from(["after", "afterany", "afterok", "afternotok", "aftercorr"]),
    job_id=ids,
    task=st.none() | st.integers(0, 4),
    delay_minutes=st.sampled_from([0, 0, 1]),
) | st.just(DependencyTerm(kind="singleton"))
dependencies = st.builds(
    Dependency, text=st.just(""), any=st.booleans(), terms=st.lists(terms, min_size=1, max_size=3).map(tuple)
)
arrays = st.builds(
    ArraySpec,
    text=st.just(""),
    ranges=st.builds(IndexRange, first=st.just(0), last=st.integers(0, 4), step=st.integers(1, 2)).map(lambda r: (r,)),
    throttle=st.sampled_from([None, 0, 1, 2]),
)
kinds = st.lists(st.sampled_from(["BEGIN", "END", "FAIL", "REQUEUE", "TIME_LIMIT_50", "ARRAY_TASKS"]), unique=True)
refs = st.lists(
    st.builds(JobRef, ids, st.none() | st.frozensets(st.integers(0, 4), min_size=1, max_size=3).map(index_set))
    | st.builds(JobRef, ids, component=st.integers(0, 2)),
    min_size=1,
    max_size=2,
).map(tuple)
users = st.sampled_from([0, 1000, 1001])


class QueueMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.queue, self.twin = Queue(CLUSTER, 1), Queue(CLUSTER, 1)
        self.at = 1_000_000
        self.stored = {}
        self.steps = {}
        self.placed = set()

    def do(self, event) -> Stepped:
        before = dict(self.queue.jobs)
        stepped = step(self.queue, event)
        assert step(self.twin, event) == stepped
        invariants.check_step(before, self.queue)
        self.stored.update(stepped.changed)
        self.steps.update(stepped.steps)
        for id in stepped.dropped:
            del self.stored[id]
        for order in stepped.orders:
            self.ordered(order)
        return stepped

    def ordered(self, order) -> None:
        """No placement is launched twice, and nothing is ordered for one that never was but to forget what is said of it."""
        if isinstance(order, Launch):
            assert (order.job_id, order.restart) not in self.placed
            self.placed.add((order.job_id, order.restart))
        elif isinstance(order, Stop | Deliver):
            assert (order.job_id, order.restart) in self.placed

    def told(self, event) -> None:
        """A node says everything at least twice; an end that nobody waits for is to be forgotten."""
        self.do(event)
        before, steps = dict(self.queue.jobs), dict(self.queue.steps)
        end = isinstance(event, Ended | LaunchFailed)
        assert self.do(event).orders == ([Forget(event.job_id, event.restart)] if end else [])
        assert (self.queue.jobs, self.queue.steps) == (before, steps)

    @rule(
        owner=st.sampled_from(OWNERS), cpus=st.integers(1, 4), array=st.none() | arrays, name=st.sampled_from("ab"),
        dependency=st.none() | dependencies, hold=st.booleans(), begin=st.none() | moments, kinds=kinds,
        deadline=st.none() | moments, limit=st.none() | st.integers(1, 3), requeue=st.none() | st.booleans(),
        nice=st.sampled_from([0, 0, 5]), where=st.sampled_from([(), ("other",), ("debug", "other")]),
        kill=st.none() | st.booleans(),
    )  # fmt: skip
    def submit(
        self, owner, cpus, array, name, dependency, hold, begin, kinds, deadline, limit, requeue, nice, where, kill
    ) -> None:
        spec = JobSpec(
            name=name, work_dir="/", resources=Resources(ntasks=cpus), array=array, dependency=dependency, hold=hold,
            begin=None if begin is None else self.at + begin, deadline=None if deadline is None else self.at + deadline,
            time_limit_min=limit, requeue=requeue, nice=nice, partitions=where, kill_on_invalid_dep=kill,
            mail=Mail(types=tuple(kinds)),
        )  # fmt: skip
        self.do(Submitted(self.at, owner, spec))

    @rule(
        owner=st.sampled_from(OWNERS), name=st.sampled_from("ab"), dependency=st.none() | dependencies, hold=st.booleans(),
        cpus=st.lists(st.integers(1, 3), min_size=2, max_size=3), limit=st.none() | st.integers(1, 3),
        requeue=st.none() | st.booleans(), deadline=st.none() | moments, kinds=kinds,
        where=st.sampled_from([(), ("other",), ("debug", "other")]), kill=st.none() | st.booleans(),
    )  # fmt: skip
    def submit_het(self, owner, name, dependency, hold, cpus, limit, requeue, deadline, kinds, where, kill) -> None:
        common = JobSpec(
            name=name, work_dir="/", dependency=dependency, hold=hold, requeue=requeue, kill_on_invalid_dep=kill,
            deadline=None if deadline is None else self.at + deadline, mail=Mail(types=tuple(kinds)),
        )  # fmt: skip
        specs = [common.model_copy(update={"resources": Resources(ntasks=count)}) for count in cpus]
        specs[-1] = specs[-1].model_copy(update={"time_limit_min": limit, "partitions": where})
        self.do(HetSubmitted(self.at, owner, tuple(specs)))

    @rule(seconds=st.sampled_from([0, 0, 1, 30, 61, 130]))
    def passed(self, seconds) -> None:
        self.at += seconds
        self.do(Passed(self.at))
        wake = self.queue.next_wake()
        assert wake is None or wake > self.at
        assert self.do(Passed(self.at)) == Stepped()

    @rule(seconds=st.integers(1, 30))
    def clock_goes_back(self, seconds) -> None:
        self.at -= seconds

    @rule(by=users, refs=refs)
    def cancel(self, by, refs) -> None:
        assert len(self.do(CancelAsked(self.at, by, refs)).reply) == len(refs)

    @rule(by=users, refs=refs, number=st.sampled_from([9, 10]), scope=st.sampled_from(["steps", "batch", "full"]))
    def signal(self, by, refs, number, scope) -> None:
        self.do(SignalAsked(self.at, by, refs, number, scope))

    @rule(by=users, refs=refs)
    def hold(self, by, refs) -> None:
        self.do(HoldAsked(self.at, by, refs))

    @rule(by=users, refs=refs)
    def release(self, by, refs) -> None:
        self.do(ReleaseAsked(self.at, by, refs))

    @rule(by=users, refs=refs, hold=st.booleans())
    def requeue(self, by, refs, hold) -> None:
        self.do(RequeueAsked(self.at, by, refs, hold))

    @rule(by=users, refs=refs, resume=st.booleans())
    def suspend(self, by, refs, resume) -> None:
        self.do(SuspendAsked(self.at, by, refs, resume))

    @rule(data=st.data(), code=st.integers(0, 2), cause=st.sampled_from(["exit", "timeout", "killed", "oom"]))
    def a_placement_ends(self, data, code, cause) -> None:
        held = [job for job in self.queue.jobs.values() if isinstance(job.state, Running | Completing)]
        if held:
            job = data.draw(st.sampled_from(held))
            self.told(Launched(self.at, job.id, job.restarts))
            self.told(Ended(self.at, job.id, job.restarts, ExitStatus(code), cause))

    @rule(id=ids, restart=st.integers(0, 3), kind=st.sampled_from([Launched, LaunchFailed, Ended, NodeLost]))
    def a_node_says_anything(self, id, restart, kind) -> None:
        more = {LaunchFailed: ("JobLaunchFailure",), Ended: (ExitStatus(),)}.get(kind, ())
        self.told(kind(self.at, id, restart, *more))

    @rule(id=ids, restart=st.integers(0, 1), number=st.integers(0, 2), ends=st.booleans())
    def a_node_says_anything_of_steps(self, id, restart, number, ends) -> None:
        step = Step(number, "s", ("n1",), (1,), 1, self.at)
        over = replace(step, ended_at=self.at, exit=ExitStatus(1))
        self.told(StepEnded(self.at, id, restart, over) if ends else StepBegan(self.at, id, restart, step))

    @rule(owner=st.sampled_from(OWNERS[1:]), entries=st.integers(0, 2))
    def a_crontab(self, owner, entries) -> None:
        spec = JobSpec(name="c", work_dir="/", cron=CronSpec(), begin=self.at + 30, hold=True)
        made = [self.do(Submitted(self.at, owner, spec)).reply for _ in range(entries)]
        lines = tuple((n, n, one.job_id) for n, one in enumerate(made) if isinstance(one, Accepted))
        self.told(CrontabAsked(self.at, owner.uid, owner, "text", lines))
        mine = [job for job in self.queue.jobs.values() if job.spec.cron is not None and job.owner == owner]
        assert {job.id for job in mine if isinstance(job.state, Pending)} == {id for _, _, id in lines}

    @rule(limits=st.sampled_from([{}, {"GrpJobs": 1}, {"GrpSubmitJobs": 3}, {"MaxJobs": 2}]))
    def limits(self, limits) -> None:
        self.told(AccountsAsked(self.at, 0, "root", put=(Association("root", parent="", limits=Limits(limits)),)))

    @rule(cluster=st.sampled_from(CLUSTERS))
    def configured(self, cluster) -> None:
        before = dict(self.queue.jobs)
        self.do(Configured(self.at, cluster))
        assert self.queue.jobs == before

    @rule()
    def the_controller_starts_again(self) -> None:
        old, jobs = self.queue, list(self.stored.values())
        steps = remembered(jobs, self.steps.items())
        self.queue = Queue(old.configured, old.next_job_id, jobs, steps=steps, rulings=old.rulings)
        self.twin = Queue(old.configured, old.next_job_id, reversed(jobs), steps=steps, rulings=old.rulings)
        assert steps == old.steps

    @invariant()
    def all_is_well(self) -> None:
        invariants.check(self.queue)
        assert self.stored == self.queue.jobs
        for id, entry in self.queue.indexes.arrays.items():
            assert entry.active <= (throttle(self.queue.jobs[id]) or entry.active)  # nobody lowers it here


TestQueueMachine = QueueMachine.TestCase
TestQueueMachine.settings = settings(
    max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
