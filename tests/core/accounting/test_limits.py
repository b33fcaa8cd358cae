"""Limits of accounts hold up jobs, or refuse them, with the reasons that 22.05 gave for the same requests."""

from __future__ import annotations

from dataclasses import replace

import pytest

from flowbatch.core.accounting.accounts import NOBODY, Account, Accounts, Association, Limits, Qos, User
from flowbatch.core.events import Accepted, Configured, HetSubmitted, Passed, Refused, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.queue import Queue, step
from flowbatch.core.ruling.wishes import AccountsAsked
from flowbatch.core.states import Pending, Running
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.resources import Gres, GresRequest, Resources
from flowbatch.store import rows

ADA = Owner(1000, 1000, "ada", "ada")
NOW = 1_000_000
CLUSTER = ClusterSpec(
    name="c",
    nodes=tuple(NodeSpec(name=f"n{n}", cpus=8, cores_per_socket=8, real_memory=1000) for n in (1, 2)),
    partitions=(PartitionSpec(name="debug", nodes=("n1", "n2"), default=True),),
    accounting_enforce=("associations", "limits", "qos"),
)


class Bank:
    """A queue whose accounts are those of the test: `lab`, below it `team`, on which Ada is."""

    def __init__(self, cluster: ClusterSpec = CLUSTER) -> None:
        self.queue = Queue(cluster, 1)
        self.says(Account("lab", "", ""), Association("lab"), Account("team", "", ""))
        self.says(Association("team", parent="lab"), User("ada", "team"), Association("team", "ada"))

    def says(self, *records: object) -> object:
        return step(self.queue, AccountsAsked(NOW, 0, "root", put=records)).reply

    @property
    def accounts(self) -> Accounts:
        return self.queue.rulings.accounts

    def limit(self, account: str, user: str = "", tres: dict[str, dict[str, int]] | None = None, **counts: int) -> None:
        one = self.accounts.association(account, user)
        assert one is not None
        self.says(replace(one, limits=Limits(counts, tres or {})))

    def quality(
        self, name: str, tres: dict[str, dict[str, int]] | None = None, flags: tuple[str, ...] = (), **counts: int
    ) -> None:
        self.says(Qos(name, flags=flags, limits=Limits(counts, tres or {})))
        self.says(replace(self.accounts.association("lab"), qos=("normal", name)))

    def submit(
        self, cpus: int = 1, minutes: int | None = None, tasks: int = 0, owner: Owner = ADA, **more: object
    ) -> object:
        array = ArraySpec(text=f"1-{tasks}", ranges=(IndexRange(first=1, last=tasks, step=1),)) if tasks else None
        spec = JobSpec(
            name="j", work_dir="/", resources=Resources(ntasks=cpus), time_limit_min=minutes, array=array, **more
        )
        reply = step(self.queue, Submitted(NOW, owner, spec)).reply
        return reply.job_id if isinstance(reply, Accepted) else (reply.code, *reply.lines)

    def states(self) -> list[str]:
        """Of every job after a pass, by id: `RUNNING`, or why it waits."""
        step(self.queue, Passed(NOW))
        jobs = [self.queue.jobs[id] for id in sorted(self.queue.jobs)]
        return [
            "RUNNING" if isinstance(job.state, Running) else job.state.reason
            for job in jobs
            if isinstance(job.state, Running | Pending)
        ]


@pytest.fixture
def bank() -> Bank:
    return Bank()


def test_who_has_no_association_is_refused(bank):
    assert bank.submit(owner=Owner(1001, 1001, "bob", "bob")) == ("ESLURM_INVALID_ACCOUNT",)
    assert bank.submit(account="lab") == ("ESLURM_INVALID_ACCOUNT",)
    assert bank.submit(account="nosuch", qos="nosuch") == ("ESLURM_INVALID_ACCOUNT",)


def test_a_job_is_on_the_default_account_with_a_quality_that_it_may_have(bank):
    id = bank.submit()
    assert (bank.queue.jobs[id].spec.account, bank.queue.jobs[id].spec.qos) == ("team", "normal")
    bank.says(Qos("high"))
    assert bank.submit(qos="high") == ("ESLURM_INVALID_QOS",)
    bank.says(replace(bank.accounts.association("lab"), qos=("normal", "high")))
    assert isinstance(bank.submit(qos="high"), int)


@pytest.mark.parametrize(("account", "limits", "reason"), [
    ("team", {"MaxJobs": 1}, "AssocMaxJobsLimit"),
    ("lab", {"MaxJobs": 1}, "AssocMaxJobsLimit"),
    ("lab", {"GrpJobs": 1}, "AssocGrpJobsLimit"),
    ("root", {"GrpJobs": 1}, "AssocGrpJobsLimit"),
    ("lab", {"tres": {"GrpTRES": {"cpu": 3}}}, "AssocGrpCpuLimit"),
    ("team", {"tres": {"GrpTRES": {"node": 1}}}, "AssocGrpNodeLimit"),
    ("lab", {"tres": {"GrpTRESRunMins": {"cpu": 20}}}, "AssocGrpCPURunMinutesLimit"),
])  # fmt: skip
def test_what_all_together_may_run(bank, account, limits, reason):
    bank.limit(account, **limits)
    bank.submit(2, 10)
    bank.submit(2, 10)
    assert bank.states() == ["RUNNING", reason]


@pytest.mark.parametrize(("limits", "job", "reason"), [
    ({"MaxWall": 10}, {"minutes": 20}, "AssocMaxWallDurationPerJobLimit"),
    ({"tres": {"MaxTRES": {"cpu": 2}}}, {"cpus": 4}, "AssocMaxCpuPerJobLimit"),
    ({"tres": {"MaxTRESMins": {"cpu": 10}}}, {"cpus": 2, "minutes": 10}, "AssocMaxCpuMinutesPerJobLimit"),
    ({"tres": {"MaxTRESMins": {"cpu": 10}}}, {}, "AssocMaxCpuMinutesPerJobLimit"),
    ({"tres": {"MaxTRESMins": {"billing": 5}}}, {"minutes": 6}, "AssocMaxBillingMinutesPerJob"),
    ({"tres": {"MaxTRESPerNode": {"cpu": 2}}}, {"cpus": 4}, "AssocMaxCpuPerNode"),
])  # fmt: skip
def test_what_one_job_may_have(bank, limits, job, reason):
    bank.limit("lab", **limits)
    bank.submit(**job)
    assert bank.states() == [reason]
    bank.limit("lab")
    assert bank.states() == ["RUNNING"]


def test_a_limit_of_its_own_counts_more_than_one_from_above(bank):
    bank.limit("lab", MaxJobs=1)
    bank.limit("team", "ada", MaxJobs=2)
    for _ in range(3):
        bank.submit()
    assert bank.states() == ["RUNNING", "RUNNING", "AssocMaxJobsLimit"]


def test_who_says_no_time_limit_has_that_of_the_account(bank):
    bank.limit("lab", MaxWall=10)
    id = bank.submit()
    assert bank.queue.jobs[id].spec.time_limit_min == 10
    assert bank.states() == ["RUNNING"]


@pytest.mark.parametrize(("limits", "tasks", "reason"), [
    ({"MaxSubmitJobs": 1}, 0, "AssocMaxSubmitJobLimit"),
    ({"GrpSubmitJobs": 1}, 0, "AssocGrpSubmitJobsLimit"),
    ({"GrpSubmitJobs": 3}, 3, "AssocGrpSubmitJobsLimit"),
])  # fmt: skip
def test_how_many_may_be_in_the_queue(bank, limits, tasks, reason):
    bank.limit("lab", **limits)
    assert bank.submit(hold=True) == 1
    assert bank.submit(hold=True, tasks=tasks) == ("ESLURM_ACCOUNTING_POLICY", reason)


@pytest.mark.parametrize(("limits", "reasons"), [
    ({"MaxWall": 10}, ["QOSMaxWallDurationPerJobLimit"] * 2),
    ({"MaxJobsPU": 1}, ["RUNNING", "QOSMaxJobsPerUserLimit"]),
    ({"GrpJobs": 1}, ["RUNNING", "QOSGrpJobsLimit"]),
    ({"MaxJobsPA": 1}, ["RUNNING", "MaxJobsPerAccount"]),
    ({"tres": {"GrpTRES": {"cpu": 1}}}, ["RUNNING", "QOSGrpCpuLimit"]),
    ({"tres": {"MaxTRESPU": {"cpu": 1}}}, ["RUNNING", "QOSMaxCpuPerUserLimit"]),
    ({"tres": {"MaxTRES": {"cpu": 1}}}, ["RUNNING", "QOSMaxCpuPerJobLimit"]),
    ({"tres": {"MaxTRESPA": {"cpu": 1}}}, ["RUNNING", "MaxCpuPerAccount"]),
    ({"tres": {"MinTRES": {"cpu": 4}}}, ["QOSMinCpuNotSatisfied"] * 2),
    ({"tres": {"MaxTRESMins": {"cpu": 10}}}, ["QOSMaxCpuMinutesPerJobLimit"] * 2),
])  # fmt: skip
def test_limits_of_a_quality_of_service(bank, limits, reasons):
    bank.quality("q", **limits)
    bank.submit(1, 20, qos="q")
    bank.submit(2, 20, qos="q")
    assert bank.states() == reasons


def test_a_quality_may_refuse_at_once(bank):
    bank.quality("q", flags=("DenyOnLimit",), MaxWall=10)
    assert bank.submit(1, 20, qos="q") == ("ESLURM_ACCOUNTING_POLICY", "QOSMaxWallDurationPerJobLimit")
    assert isinstance(bank.submit(1, 5, qos="q"), int)


def test_gpus_are_counted_by_kind(bank):
    gpu = Resources(gres=GresRequest(per_node=(Gres(name="gpu", count=1),)))
    node = CLUSTER.nodes[0].model_copy(update={"gres": (GresDevice(name="gpu", count=4),)})
    cluster = CLUSTER.model_copy(update={"nodes": (node, CLUSTER.nodes[1]), "gres_types": ("gpu",)})
    bank = Bank(cluster)
    bank.limit("lab", tres={"GrpTRES": {"gres/gpu": 1}})
    for _ in range(2):
        step(bank.queue, Submitted(NOW, ADA, JobSpec(name="j", work_dir="/", resources=gpu)))
    assert bank.states() == ["RUNNING", "AssocGrpGRES"]


def test_an_array_starts_as_many_tasks_as_may_run(bank):
    bank.limit("lab", GrpJobs=2)
    bank.submit(tasks=4)
    assert sorted(bank.states()) == ["AssocGrpJobsLimit", "RUNNING", "RUNNING"]


def test_without_a_slurm_conf_any_account_will_do_and_limits_hold():
    bank = Bank(CLUSTER.model_copy(update={"obliging": True, "accounting_enforce": ()}))
    bank.limit("lab", GrpJobs=1)
    for account in ("lab", "lab", "elsewhere"):
        bank.submit(account=account, owner=Owner(1001, 1001, "bob", "bob"))
    assert bank.states() == ["RUNNING", "AssocGrpJobsLimit", "RUNNING"]


def test_a_slurm_conf_that_enforces_nothing_holds_up_nobody():
    bank = Bank(CLUSTER.model_copy(update={"accounting_enforce": ()}))
    bank.limit("lab", GrpJobs=1)
    for _ in range(2):
        bank.submit()
    assert bank.states() == ["RUNNING", "RUNNING"]


def test_administrators_alone_change_accounts(bank):
    asked = AccountsAsked(NOW, 1000, "ada", put=(Account("mine", "", ""),))
    assert step(bank.queue, asked).reply == Refused("ESLURM_ACCESS_DENIED")
    bank.says(User("ada", "team", "Operator"))
    assert step(bank.queue, asked).reply is None
    assert bank.accounts.account("mine") is not None


def test_ids_are_never_used_again(bank):
    (first,) = (one.id for one in bank.accounts.associations if one.user == "ada")
    step(bank.queue, AccountsAsked(NOW, 0, "root", drop=(("association", "team", "ada", ""),)))
    bank.says(Association("team", "ada"))
    assert bank.accounts.association("team", "ada").id > first


def test_the_store_brings_them_back(bank):
    bank.limit("lab", GrpJobs=1, tres={"GrpTRES": {"cpu": 3}})
    bank.quality("q", MaxJobsPU=2)
    assert rows.rulings(rows.rulings_row(bank.queue.rulings)) == bank.queue.rulings
    assert bank.accounts != NOBODY


def test_components_of_a_job_count_beside_each_other(bank):
    def submit(*cpus: int) -> object:
        specs = tuple(JobSpec(name="h", work_dir="/", resources=Resources(ntasks=n), time_limit_min=10) for n in cpus)
        return step(bank.queue, HetSubmitted(NOW, ADA, specs)).reply

    bank.limit("lab", GrpSubmitJobs=2)
    assert submit(1, 1, 1) == Refused("ESLURM_ACCOUNTING_POLICY", ("AssocGrpSubmitJobsLimit",))
    assert bank.queue.jobs == {}
    bank.limit("lab", tres={"GrpTRES": {"cpu": 3}})
    assert isinstance(submit(2, 2), Accepted)
    assert bank.states() == ["Resources", "AssocGrpCpuLimit"]
    bank.limit("lab", GrpJobs=1)
    assert bank.states() == ["Resources", "AssocGrpJobsLimit"]
    bank.limit("lab", tres={"GrpTRES": {"cpu": 4}})
    assert bank.states() == ["RUNNING", "RUNNING"]


def test_a_component_runs_in_the_partition_where_limits_and_room_let_it(bank):
    parts = tuple(
        PartitionSpec(name=name, nodes=(node,), max_time_min=most)
        for name, node, most in (("a", "n1", None), ("b", "n2", 5))
    )
    step(bank.queue, Configured(NOW, CLUSTER.model_copy(update={"partitions": parts})))
    bank.submit(8, partitions=("a",))
    assert bank.states() == ["RUNNING"]
    specs = tuple(JobSpec(name="h", work_dir="/", resources=Resources(ntasks=2), partitions=("a", "b")) for _ in "12")
    step(bank.queue, HetSubmitted(NOW, ADA, specs))
    assert bank.states() == ["RUNNING"] * 3
    assert bank.queue.jobs[2].state.ends_by == NOW + 5 * 60


def test_what_is_counted_at_a_submission_does_not_grow_with_the_queue(bank):
    bank.limit("lab", GrpSubmitJobs=100_000)
    for _ in range(20):
        bank.submit()
    assert list(bank.queue.unfinished().values()) == [20]
