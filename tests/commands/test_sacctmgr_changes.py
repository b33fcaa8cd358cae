"""What sacctmgr changes, besides what real Slurm's transcripts judge: several clusters, refusals of ours, what is kept."""

from __future__ import annotations

import pytest

from flowbatch.commands.accounting import sacctmgr, sshare
from flowbatch.commands.submitting import sbatch
from flowbatch.core.jobs import Owner
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.policy import Budget, MarketPolicy

CLUSTER = ClusterSpec(
    name="toy", nodes=(NodeSpec(name="n1", cpus=4, real_memory=4096),), gres_types=("gpu",), obliging=True,
    partitions=(PartitionSpec(name="debug", nodes=("n1",), default=True),),
)  # fmt: skip
RENTED = CLUSTER.model_copy(
    update={"name": "rented", "market": MarketPolicy(budgets=(Budget(micro_usd=12_345_678, account="lab"),))}
)


@pytest.fixture
def queue(live_queue):
    return live_queue(CLUSTER)


def rows(said):
    return [line.split("|") for line in said.out.splitlines()]


def test_it_changes_every_cluster_or_those_that_are_named(caller, queue, live_queue):
    caller.others = (live_queue(CLUSTER.model_copy(update={"name": "other"})),)
    said = caller.run(sacctmgr.main, queue, "-i", "add", "account", "a1")
    assert "  A = a1         C = toy       \n  A = a1         C = other     \n" in said.out
    caller.run(sacctmgr.main, queue, "-i", "modify", "account", "a1", "cluster=other", "set", "maxjobs=3")
    listed = caller.run(sacctmgr.main, queue, "-nP", "show", "assoc", "account=a1", "format=cluster,maxjobs")
    assert rows(listed) == [["toy", ""], ["other", "3"]]


def test_accounts_that_jobs_have_named_stay_with_the_first_change(caller, queue):
    caller.files = {"-": b"#!/bin/sh\n"}
    assert caller.run(sbatch.main, queue, "-A", "seen").code == 0
    caller.run(sacctmgr.main, queue, "-i", "add", "account", "new")
    assert rows(caller.run(sacctmgr.main, queue, "-nP", "list", "account", "format=account")) == [
        ["new"],
        ["root"],
        ["seen"],
    ]
    caller.run(sacctmgr.main, queue, "-i", "modify", "account", "seen", "set", "grpsubmit=1")
    refused = caller.run(sbatch.main, queue, "-A", "seen")
    assert (refused.code, refused.err.splitlines()[0]) == (1, "sbatch: error: AssocGrpSubmitJobsLimit")


def test_an_account_with_jobs_is_not_deleted(caller, queue):
    caller.run(sacctmgr.main, queue, "-i", "add", "account", "a1")
    caller.files = {"-": b"#!/bin/sh\n"}
    caller.run(sbatch.main, queue, "-A", "a1")
    said = caller.run(sacctmgr.main, queue, "-i", "delete", "account", "a1")
    assert (said.code, said.err) == (1, (
        " Error with request: Job(s) active, cancel job(s) before remove\n"
        "  JobID = 1          C = toy        A = a1         U = root     \n"
    ))  # fmt: skip


def test_who_may_not_is_told_what_he_asked_for_and_refused(caller, queue):
    caller.owner = Owner(1001, 1001, "ann", "ann")
    said = caller.run(sacctmgr.main, queue, "-i", "add", "account", "a1")
    assert (said.code, said.err) == (1, " Problem adding accounts: Access/permission denied\n")
    assert queue.queue.rulings.accounts.account("a1") is None


def test_an_answer_is_waited_for(caller, queue):
    for answer, there in ((b"", False), (b"n\n", False), (b"xy\n", True)):
        caller.files = {"-": answer}
        said = caller.run(sacctmgr.main, queue, "add", "account", "a1")
        assert said.code == 0
        assert "Would you like to commit changes? (You have 30 seconds to decide)\n(N/y): \n" in said.out
        assert (queue.queue.rulings.accounts.account("a1") is not None) is there
    assert said.out.count("Y or N please") == 1


def test_money_is_what_accounts_share_on_a_market(caller, live_queue):
    queue = live_queue(RENTED)
    said = caller.run(sacctmgr.main, queue, "-i", "add", "account", "a1", "grptres=cpu=4")
    assert (said.code, said.err.splitlines()[0]) == (
        1, "sacctmgr: error: GrpTRES cannot be set on cluster rented, whose machines are rented",
    )  # fmt: skip
    assert (
        caller.run(sacctmgr.main, queue, "-i", "add", "account", "a1", "grptresmins=billing=500", "maxjobs=2").code == 0
    )
    assert Budget(micro_usd=5_000_000, account="a1") in queue.queue.cluster.market.budgets


def test_budgets_of_the_configuration_are_listed(caller, live_queue):
    queue = live_queue(RENTED)
    listed = caller.run(sacctmgr.main, queue, "-nP", "show", "assoc", "account=lab", "format=account,grptresmins")
    assert rows(listed) == [["lab", "billing=1234"]]


@pytest.mark.parametrize("words", [
    ("archive", "dump"), ("dump", "toy"), ("load", "file"), ("show", "events"), ("show", "transactions"), ("add", "cluster", "x"),
    ("delete", "cluster", "x"), ("add", "coordinator", "x"), ("add", "federation", "x"), ("modify", "job", "1"),
    ("show", "problems"), ("show", "stats"), ("show", "config"), ("clear", "stats"),
])  # fmt: skip
def test_what_is_refused_is_refused_by_name(caller, queue, words):
    said = caller.run(sacctmgr.main, queue, *words)
    assert said.code == 1
    assert said.err.startswith("sacctmgr: error: ")
    assert words[0] in said.err or words[1] in said.err


@pytest.mark.parametrize(
    ("words", "out"),
    [
        (("-p", "show", "wckey"), "WCKey|Cluster|User|\n"),
        (("-p", "list", "resource"), "Name|Server|Type|Count|% Allocated|ServerType|\n"),
        (("-np", "list", "fed"), ""),
        (("list", "run"), "Runaway Jobs: No runaway jobs found on cluster toy\n"),
    ],
)
def test_of_what_there_is_none_the_list_is_empty(caller, queue, words, out):
    said = caller.run(sacctmgr.main, queue, *words)
    assert (said.code, said.out, said.err) == (0, out, "")


def test_shares_are_those_that_were_set(caller, queue):
    caller.run(sacctmgr.main, queue, "-i", "add", "account", "a1", "fairshare=7", "grptresmins=cpu=9")
    listed = caller.run(sshare.main, queue, "-nP", "-A", "a1", "-o", "account,rawshares,grptresmins")
    assert rows(listed) == [["a1", "7", "cpu=9"]]


def test_a_limit_that_holds_up_nobody_is_said_to(caller, queue):
    said = caller.run(
        sacctmgr.main, queue, "-i", "add", "account", "a1", "grptresmins=cpu=500", "maxjobs=2", "grpwall=-1"
    )
    assert said.code == 0
    (line,) = said.err.splitlines()
    assert line.startswith(f"sacctmgr: note: GrpTRESMins holds up nobody on {queue.cluster.name}: ")
