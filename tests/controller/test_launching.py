"""What of a request reaches the node, and in which words."""

from __future__ import annotations

import pytest

from flowbatch.controller.launching import Site, message
from flowbatch.core.jobs import ArrayTask, Job, Owner
from flowbatch.core.ports import Payload
from flowbatch.core.states import Allocation, NodeShare, Running
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.files import Files
from flowbatch.spec.job import Export, JobSpec, Signal
from flowbatch.spec.resources import Gres, GresRequest, Memory, Resources

TWO_NODES = Allocation(
    "debug",
    (
        NodeShare("n1", 2, (0, 1), 100, 1, (("gpu", "h100", (2, 3)),)),
        NodeShare("n2", 2, (0, 1), 100, 1, (("gpu", "h100", (0,)),)),
    ),
)
RUNNING = Running(105, TWO_NODES, 165)
PAYLOAD = Payload(b"#!/bin/sh\n", (), {"NOFILE": 1024, "CORE": 0}, 0o22)


@pytest.fixture
def launch(toy):
    def launch(cluster=None, task=None, restarts=0, **fields):
        spec = JobSpec(**{"name": "x", "work_dir": "/w", **fields})
        job = Job(7, spec, 7, 7, Owner(1, 2, "alice", "users", "login"), RUNNING, 100, 1, array=task, restarts=restarts)
        return message(Site("store", toy.cluster.model_copy(update=cluster or {})), job, RUNNING, PAYLOAD)

    return launch


def test_options_are_told_in_sbatchs_words(launch):
    asked = Resources(
        ntasks_per_node=2, cpus_per_task=3, overcommit=True, memory=Memory(per="cpu", mib=50),
        gres=GresRequest(per_job=(Gres(name="gpu", type="h100", count=2), Gres(name="gpu", count=1))),
    )  # fmt: skip
    facts = launch(resources=asked, files=Files(open_mode="append"), recorded=(("gpus-per-node", "2"),)).facts
    assert facts["options"] == {
        "cpus-per-task": "3", "ntasks-per-node": "2", "gpus": "h100:2,1", "open-mode": "a", "overcommit": "set",
        "gpus-per-node": "2",
    }  # fmt: skip
    assert (facts["ntasks"], facts["mem_per_cpu_mib"], facts["mem_per_node_mib"]) == (4, 50, None)
    assert (facts["nodelist"], facts["tasks_per_node"], facts["submit_dir"]) == ("n[1-2]", (1, 1), "/w")


def test_one_kind_of_memory_is_told(launch):
    site = {"def_mem_per_cpu": 5}
    told = launch(cluster=site, resources=Resources(memory=Memory(per="node", mib=100))).facts
    assert (told["mem_per_node_mib"], told["mem_per_cpu_mib"]) == (100, None)
    told = launch(cluster=site).facts
    assert (told["mem_per_node_mib"], told["mem_per_cpu_mib"]) == (None, 5)


def test_a_site_may_allow_time_beyond_the_limit(launch):
    assert launch().over_time_s == 0
    assert launch(cluster={"over_time_limit_min": 2}).over_time_s == 120


def test_gpus_are_told_where_the_cluster_manages_them(launch):
    assert launch().facts["gpus"] is None
    managed = launch(cluster={"gres_types": ("gpu",)})
    assert (managed.facts["gpus"], managed.gpu_ids) == ((2, 3), (2, 3))


def test_a_task_knows_its_array(launch):
    array = ArraySpec(text="1-9:2", ranges=(IndexRange(first=1, last=9, step=2),))
    told = launch(task=ArrayTask(5, 3), array=array)
    assert (told.array_id, told.array_index) == (5, 3)
    counted = [told.facts[f"array_{name}"] for name in ("count", "min", "max", "step")]
    assert counted == [5, 1, 9, 2]


@pytest.mark.parametrize(
    ("propagate", "limits"),
    [(None, {"NOFILE": 1024, "CORE": 0}), (("ALL",), {"NOFILE": 1024, "CORE": 0}), (("NONE",), {}), (("core",), {"CORE": 0})],
)  # fmt: skip
def test_limits_are_propagated_as_asked(launch, propagate, limits):
    assert launch(propagate=propagate).limits == limits


@pytest.mark.parametrize(
    ("export", "login"),
    [
        (Export(), False),
        (Export(kind="all", text="ALL"), False),
        (Export(kind="all", variables=(("A", "1"),), text="ALL,A=1"), True),
        (Export(kind="named", text="NONE"), True),
        (Export(kind="nil", text="NIL"), True),
    ],
)
def test_a_login_environment_is_where_the_job_starts_from(launch, export, login):
    assert launch(export=export).login_environment is login


@pytest.mark.parametrize(
    ("mode", "site", "append"), [(None, False, False), (None, True, True), ("truncate", True, False)]
)
def test_output_is_appended_as_asked_or_as_the_site_says(launch, mode, site, append):
    assert launch(cluster={"job_file_append": site}, files=Files(open_mode=mode)).append is append


def test_the_signal_before_the_end(launch):
    told = launch(signal=Signal(number=10, lead_s=90, batch_only=True))
    assert (told.signal, told.signal_lead_s, told.signal_batch_only) == (10, 90, True)
    assert launch(restarts=2).key.restart == 2
