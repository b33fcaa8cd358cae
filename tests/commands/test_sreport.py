"""sreport over the same jobs as a real slurmdbd was asked about: four sizes on each of two accounts, on one day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flowbatch.commands.accounting import sreport
from flowbatch.core.accounting.accounts import NOBODY, Account, Association
from flowbatch.core.jobs import ArrayTask, Job, Owner
from flowbatch.core.ports import Snapshot
from flowbatch.core.ruling.rulings import Rulings
from flowbatch.core.states import Allocation, Ending, Finished, NodeShare
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.units import DAY, HOUR

START = 1_795_219_200  # 2026-11-21T00:00:00 UTC
ROOT = Owner(0, 0, "root", "root", "vm")
ANN = Owner(1001, 100, "ann", "users", "vm")
CLUSTER = ClusterSpec(
    name="oracle",
    nodes=tuple(
        NodeSpec(name=f"n{i}", cpus=8, gres=(GresDevice(name="gpu", type="h100", count=8),)) for i in (1, 2, 3, 4)
    ),
    gres_types=("gpu",),
    partitions=(PartitionSpec(name="debug", nodes=("n1", "n2", "n3", "n4"), default=True),),
)
SIZES = ((2, 7200), (60, 3600), (300, 1800), (8, 7200))


def accounts():
    known = NOBODY
    for name, parent in (("research", "root"), ("alpha", "root"), ("lab", "alpha")):
        known = known.put(Account(name, name, name)).put(Association(name, parent=parent))
    return known


def ran(id, account, cpus, seconds, owner=ROOT):
    share = NodeShare("n1", cpus, tuple(range(cpus)), 100, gres=(("gpu", "h100", (0,)),))
    state = Finished(START + 5 * HOUR + seconds, Ending("COMPLETED"), START + 5 * HOUR, Allocation("debug", (share,)))
    spec = JobSpec(name="x", work_dir="/w", account=account)
    return Job(id, spec, id, id, owner, state, START, 1, partitions=("debug",), eligible_at=START)


@pytest.fixture
def asked(caller: Any, fixed_queue: Any) -> Any:
    """What sreport says of yesterday; more jobs may be there."""

    def ask(*words: str, more: tuple[Job, ...] = ()) -> list[str]:
        jobs = [
            ran(2 * n + k, account, *size)
            for n, size in enumerate(SIZES, 1)
            for k, account in enumerate(("research", "alpha"))
        ]
        snapshot = Snapshot(START + DAY + 13 * HOUR, CLUSTER, (*jobs, *more), {}, rulings=Rulings(accounts=accounts()))
        said = caller.run(sreport.main, fixed_queue(snapshot), *words)
        assert (said.code, said.err) == (0, "")
        return said.out.splitlines()

    return ask


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        ("", ["root|2400|7200|18000|0|0|100.00%"]),
        ("-t hours", ["root|40|120|300|0|0|100.00%"]),
        ("-t percent", ["root|8.70%|26.09%|65.22%|0.00%|0.00%|100.00%"]),
        ("-t hourper", ["root|40(8.70%)|120(26.09%)|300(65.22%)|0(0.00%)|0(0.00%)|100.00%"]),
        ("flatview", ["alpha|1200|3600|9000|0|0|50.00%", "research|1200|3600|9000|0|0|50.00%"]),
        ("acctasparent", ["alpha|1200|3600|9000|0|0|50.00%", "research|1200|3600|9000|0|0|50.00%"]),
        ("accounts=alpha", ["alpha|1200|3600|9000|0|0|100.00%"]),
        ("printjobcount", ["root|4|2|2|0|0|100.00%"]),
        ("grouping=10,100", ["root|2400|7200|18000|100.00%"]),
        ("grouping=individual", ["root|480|1920|7200|18000|100.00%"]),
        ("-T gres/gpu", ["root|660|0|0|0|0|100.00%"]),
        ("users=nobody", []),
        ("partitions=nosuch", []),
    ],
)
def test_sizes_of_jobs_as_slurmdbd_has_them(asked, words, lines):
    assert asked("-nP", "job", "sizesbyaccount", *words.split()) == [f"oracle|{line}" for line in lines]


def test_the_columns_of_sizes_say_what_is_counted(asked):
    head = "  Cluster   Account      0-9 CPUs    10-99 CPUs   >= 100 CPUs % of cluster "
    assert asked("job", "sizes", "grouping=10,100")[4] == head
    each = "  Cluster   Account        2 CPUs        8 CPUs       60 CPUs      300 CPUs % of cluster "
    assert asked("job", "sizes", "grouping=individual")[4] == each
    assert asked("-T", "gres/gpu", "job", "sizes", "grouping=5")[2:6] == [
        "TRES type is gres/gpu",
        "Time reported in Minutes",
        "-" * 80,
        "  Cluster   Account      0-4 TRES     >= 5 TRES % of cluster ",
    ]


def test_accounts_hold_what_is_below_them(asked):
    more = (ran(90, "lab", 2, 600, ANN), ran(91, None, 1, 600))
    assert asked("-nP", "cluster", "accountutilizationbyuser", more=more) == [
        "oracle|root|||27630|0", "oracle|root|root|root|10|0", "oracle|alpha|||13820|0", "oracle|alpha|root|root|13800|0",
        "oracle|lab|||20|0", "oracle|lab|ann|ann|20|0", "oracle|research|||13800|0", "oracle|research|root|root|13800|0",
    ]  # fmt: skip
    tree = asked("-nP", "cluster", "acc", "tree", "format=account,login", more=more)
    assert tree[:6] == ["root|", " root|root", " alpha|", "  alpha|root", "  lab|", "   lab|ann"]
    assert asked("-nP", "cluster", "acc", "accounts=lab", more=more) == ["oracle|lab|||20|0", "oracle|lab|ann|ann|20|0"]
    assert asked("-nP", "cluster", "acc", "users=ann", more=more) == ["oracle|lab|ann|ann|20|0"]


@pytest.mark.parametrize(("jobs", "count"), [
    ("90", 2), ("0090", 2), ("91", 1), ("90_1", 1), ("90_7", 0), ("2,91", 2), ("9", 1),
])  # fmt: skip
def test_jobs_are_named_by_their_arrays_too(asked, jobs, count):
    one, two = ran(91, "lab", 4, 600), ran(90, "lab", 2, 600)
    tasks = (replace(one, array=ArrayTask(90, 1)), replace(two, array=ArrayTask(90, 2)))
    found = asked("-nP", "job", "sizesbyaccount", "printjobcount", f"jobs={jobs}", more=tasks)
    assert found == ([f"oracle|root|{count}|0|0|0|0|100.00%"] if count else [])


def test_users_come_by_what_they_took(asked):
    more = (ran(90, "lab", 2, 600, ANN), ran(91, None, 1, 600))
    each = ["oracle|root|root|alpha|13800|0", "oracle|root|root|research|13800|0", "oracle|root|root|root|10|0"]
    ann = "oracle|ann|ann|lab|20|0"
    assert asked("-nP", "cluster", "userutilizationbyaccount", more=more) == [*each, ann]
    assert asked("-nP", "user", "topusage", more=more) == [*each[:2], ann, each[2]]
    assert asked("-nP", "user", "topusage", "topcount=1", "accounts=research") == [each[1]]
    assert asked("-nP", "user", "topusage", "group", more=more) == [
        "oracle|root|root|alpha, research, root|27610|0",
        ann,
    ]


def test_resources_that_are_named_have_rows_of_their_own(asked):
    assert asked("-nP", "-T", "gres/gpu,cpu", "user", "top", "topcount=1") == [
        "oracle|root|root|alpha|gres/gpu|330", "oracle|root|root|alpha|cpu|13800",
    ]  # fmt: skip
    assert asked("-T", "cpu,gres/gpu", "cluster", "utilization")[2:] == [
        "Usage reported in TRES Minutes",
        "-" * 80,
        "  Cluster      TRES Name Allocate     Down PLND Dow     Idle  Planned Reported ",
        "--------- -------------- -------- -------- -------- -------- -------- -------- ",
        "   oracle            cpu    27600        0        0    18480        0    46080 ",
        "   oracle       gres/gpu      660        0        0    45420        0    46080 ",
    ]
