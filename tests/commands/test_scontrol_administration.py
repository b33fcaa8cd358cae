"""scontrol and sinfo as an administrator uses them, on a queue that is real: what is said, and what is shown of it. The words
of 22.05 are judged by tests/conformance (cases 580 to 584); here is what no case can look at."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from flowbatch.commands.control import scontrol
from flowbatch.commands.listing import sinfo, squeue
from flowbatch.core.events import CancelAsked, JobRef, Passed, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Snapshot
from flowbatch.errors import ConfigError
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.policy import MarketPolicy

NOW = 1_000_000_000
NAMES = ("n1", "n2")
CLUSTER = ClusterSpec(
    name="toy", nodes=tuple(NodeSpec(name=name, cpus=4, cores_per_socket=4, real_memory=100) for name in NAMES),
    partitions=(PartitionSpec(name="debug", nodes=NAMES, default=True),),
)  # fmt: skip
ADA = Owner(1000, 1000, "ada", "ada")


@pytest.fixture
def queue(live_queue: Any) -> Any:
    class Administered(live_queue):
        """It shows what administrators have made of it, and reads `written` again."""

        written: ClusterSpec | ConfigError = CLUSTER
        passed = 0

        @property
        def cluster(self) -> ClusterSpec:
            return self.queue.cluster

        def now(self) -> int:
            return NOW + self.passed

        def snapshot(self, job_ids: Collection[int] | None = None) -> Snapshot:
            shot = super().snapshot(job_ids)
            return replace(shot, at=self.now(), cluster=self.queue.cluster, rulings=self.queue.rulings)

        async def configuration(self) -> ClusterSpec:
            if isinstance(self.written, ConfigError):
                raise self.written
            return self.written

    return Administered(CLUSTER)


@pytest.fixture
def does(caller: Any, queue: Any) -> Any:
    """Runs scontrol, which must succeed without a word on stderr."""

    def run(*words: str) -> str:
        said = caller.run(scontrol.main, queue, *words)
        assert (said.code, said.err) == (0, "")
        return said.out

    return run


def submit(queue: Any, **words: Any) -> None:
    """A job of ada's, and a pass."""
    asyncio.run(queue.apply(Submitted(queue.now(), ADA, JobSpec(name="j", work_dir="/", **words))))
    asyncio.run(queue.apply(Passed(queue.now())))


def test_a_node_that_is_down(caller: Any, queue: Any, does: Any) -> None:
    does("update", "nodename=n1", "state=down", "reason=bad disk")
    shown = does("show", "node", "n1")
    assert "State=DOWN ThreadsPerCore=1" in shown
    assert "\n   Reason=bad disk [root@2001-09-09T01:46:40]\n" in shown
    assert caller.run(sinfo.main, queue, "-hR").out == "bad disk             root      2001-09-09T01:46:40 n1\n"
    assert caller.run(sinfo.main, queue, "-h", "-o", "%t %N").out == "idle n2\ndown n1\n"
    does("update", "nodename=n1", "state=drain", "reason=why")
    assert "State=DOWN+DRAIN" in does("show", "node", "n1")
    assert caller.run(sinfo.main, queue, "-h", "-o", "%t %T %N", "-n", "n1").out == "drain drained n1\n"
    does("update", "nodename=n1", "state=resume")
    assert "Reason=" not in does("show", "node", "n1")


def test_who_may_not(caller: Any, queue: Any) -> None:
    stranger = replace(caller, owner=ADA)
    denied = "Invalid user id\n"
    for words, err in (
        ("update nodename=n1 state=drain reason=x", f"slurm_update error: {denied}"),
        ("update partitionname=debug state=up", f"slurm_update error: {denied}"),
        ("create partitionname=new", f"Error creating the partition: {denied}"),
        ("delete partitionname=debug", f"delete_partition partitionname=debug: {denied}"),
        (
            "create reservation starttime=now duration=1 users=root nodes=n1",
            f"Error creating the reservation: {denied}",
        ),
        ("update reservation=r duration=4", f"Error updating the reservation: {denied}slurm_update error: {denied}"),
        ("delete reservation=r", f"delete_reservation reservation=r: {denied}"),
        ("reconfigure", f"slurm_reconfigure error: {denied}"),
        ("shutdown", f"slurm_shutdown error: {denied}"),
        ("setdebug info", "slurm_set_debug_level error: Permission denied\n"),
        ("-u root show job", "scontrol: error: --uid: root alone acts for another user here\n"),
    ):
        said = stranger.run(scontrol.main, queue, *words.split())
        assert (said.code, said.out, said.err) == (1, "", err)


def test_the_configuration_is_read_again(caller: Any, queue: Any, does: Any) -> None:
    submit(queue)
    does("update", "nodename=n1", "state=drain", "reason=x")
    queue.written = CLUSTER.model_copy(update={"licenses": (("lic", 3),)})
    does("reconfigure")
    assert does("show", "licenses").startswith("LicenseName=lic\n    Total=3 ")
    assert "State=MIXED+DRAIN" in does("show", "node", "n1")
    queue.written = ConfigError("slurm.conf:3: NodeName=: no", hint="write one")
    said = caller.run(scontrol.main, queue, "reconfigure")
    assert (said.code, said.err) == (1, "slurm_reconfigure error: slurm.conf:3: NodeName=: no\nscontrol: write one\n")
    assert does("show", "licenses").startswith("LicenseName=lic")


def test_nodes_of_a_reservation(caller: Any, queue: Any, does: Any) -> None:
    does("create", "reservation=r", "starttime=now", "duration=10", "users=root", "nodes=n1")
    does("create", "reservation=m", "starttime=now", "duration=10", "users=root", "nodes=n2", "flags=maint")
    assert caller.run(sinfo.main, queue, "-h", "-o", "%t %T %N").out == "maint maint n2\nresv reserved n1\n"
    assert caller.run(sinfo.main, queue, "-h", "-t", "maint", "-o", "%N").out == "n2\n"
    assert "State=IDLE+MAINTENANCE+RESERVED" in does("show", "node", "n2")


def test_a_job_whose_reservation_is_over(caller: Any, queue: Any, does: Any) -> None:
    does("create", "reservation=r", "starttime=now", "duration=1", "accounts=phys", "nodes=n1")
    submit(queue, reservation="r", account="phys", begin=NOW + 3600)
    queue.passed = 61
    submit(queue)
    assert caller.run(squeue.main, queue, "-h", "-j", "1", "-o", "%t %T %r").out == (
        "RD RESV_DEL_HOLD Reservation r was deleted\n"
    )
    assert caller.run(squeue.main, queue, "-h", "-t", "pd", "-o", "%i").out == "1\n"


@pytest.mark.parametrize(
    ("words", "err"),
    [
        ("update nodename=n1 state=drain reason=x", "slurm_update error: Requested operation not supported on this system\n"),
        ("create partitionname=p", "Error creating the partition: Requested operation not supported on this system\n"),
        ("reconfigure", "slurm_reconfigure error: Requested operation not supported on this system\n"),
    ],
)  # fmt: skip
def test_a_market_is_not_administered(caller: Any, live_queue: Any, words: str, err: str) -> None:
    class Rented(live_queue):
        async def configuration(self) -> ClusterSpec:
            return self.cluster

    rented = Rented(CLUSTER.model_copy(update={"market": MarketPolicy()}))
    said = caller.run(scontrol.main, rented, *words.split())
    why = "scontrol: the nodes of a market are what is to be had there: flow.toml says what of it is rented\n"
    assert (said.code, said.err) == (1, err + why)


@pytest.mark.parametrize("what", ["preemptmode=requeue", "qos=x", "gracetime=5"])
def test_what_has_no_effect_is_refused_by_name(caller: Any, queue: Any, what: str) -> None:
    said = caller.run(scontrol.main, queue, "update", "partitionname=debug", what)
    name = what.partition("=")[0]
    assert said.err == (
        f"scontrol: error: {name}: nothing hangs on it here\n"
        f"scontrol: error: Update of this parameter is not supported: {what}\n\n"
        "scontrol: error: Request aborted\nslurm_update error: No error\n"
    )
    said = caller.run(
        scontrol.main,
        queue,
        *["create", "reservation", "starttime=now", "duration=1", "users=root", "nodes=n1", "flags=weekend"],
    )
    assert said.err == (
        "scontrol: error: WEEKEND: not built\nscontrol: error: Error parsing flags weekend.  No reservation created.\n"
    )


def test_as_another_user(caller: Any, queue: Any, does: Any) -> None:
    submit(queue, hold=True)
    said = caller.run(scontrol.main, queue, "-u", "daemon", "release", "1")
    assert "Invalid user id" in said.err or "Access" in said.err
    does("release", "1")


def test_jobs_that_are_completing(queue: Any, does: Any) -> None:
    submit(queue)
    assert does("completing") == ""
    asyncio.run(queue.apply(CancelAsked(NOW + 1, 0, (JobRef(1),))))
    queue.passed = 3
    assert does("completing") == ("JobId=1 EndTime=2001-09-09T01:46:41 CompletingTime=00:00:02 Nodes(COMPLETING)=n1 \n")


def test_licences_that_are_reserved(queue: Any, does: Any) -> None:
    queue.written = CLUSTER.model_copy(update={"licenses": (("lic", 3),)})
    does("reconfigure")
    does("create", "reservation", "starttime=now", "duration=9", "users=root", "licenses=lic:2", "flags=any_nodes")
    assert does("show", "licenses", "lic") == "LicenseName=lic\n    Total=3 Used=0 Free=3 Reserved=2 Remote=no\n"
    assert "Nodes=(null) NodeCnt=0" in does("show", "reservation", "root_1")
