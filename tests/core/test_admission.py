"""Admission: the order of its checks, enforced limits, the obliging cluster, and the recorded verdicts of real values."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from flowbatch.core.admitting.admission import AdmissionContext, Admitted, admit
from flowbatch.core.events import Refused, Submitted
from flowbatch.core.jobs import Job
from flowbatch.core.placing.placement import Occupancy
from flowbatch.core.placing.scheduling import would_start
from flowbatch.core.states import Pending
from flowbatch.directives import build, sbatch
from flowbatch.directives.chosen import Surroundings
from flowbatch.slurm import codes
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.market import MarketTerms
from flowbatch.spec.model import Malformed

CORPUS = Path(__file__).parents[1] / "data" / "corpus"

Clusters = dict[str, Callable[[], ClusterSpec]]
Specs = Callable[[str], JobSpec]
Submit = Callable[..., Submitted]

FAULTS: tuple[tuple[str, str], ...] = (
    ("--gpus-per-socket=1", "ESLURM_INVALID_GRES"),
    (f"--comment={'x' * 1025}", "ESLURM_PATHNAME_TOO_LONG"),
    ("--array=abc", "ESLURM_INVALID_ARRAY"),
    ("-w n9", "ESLURM_INVALID_NODE_NAME"),
    ("-p nope", "ESLURM_INVALID_PARTITION_NAME"),
    ("--time-min=10 -t 5", "ESLURM_INVALID_TIME_MIN_LIMIT"),
    ("--deadline=1500000000", "ESLURM_INVALID_TIME_LIMIT"),
    ("-L nosuch", "ESLURM_INVALID_LICENSES"),
    ("malformed gres", "ESLURM_INVALID_TRES"),
    ("-x n9", "ESLURM_INVALID_NODE_NAME"),
    ("-d nonsense", "ESLURM_DEPENDENCY"),
    ("--batch", "ESLURM_BATCH_CONSTRAINT"),
    ("-C nosuch", "ESLURM_INVALID_FEATURE"),
    ("--reservation=x", "ESLURM_RESERVATION_INVALID"),
    ("-N 0", "ESLURM_INVALID_NODE_COUNT"),
    ("-x n[1-4]", "ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE"),
)
"""Faults in the order in which 22.05 finds them: of two, the earlier is named."""


def faulty(spec_of: Specs, *faults: str) -> JobSpec:
    spec = spec_of(" ".join(fault for fault in faults if fault not in ("malformed gres", "--batch")))
    if "malformed gres" in faults:
        gres = spec.resources.gres.model_copy(update={"malformed": Malformed(text="gpu:2x", where="tres")})
        spec = spec.model_copy(update={"resources": spec.resources.model_copy(update={"gres": gres})})
    if "--batch" in faults:
        spec = spec.model_copy(update={"recorded": (("batch", "zzz"),)})
    return spec


@pytest.mark.parametrize(("fault", "code"), FAULTS)
def test_each_fault_has_its_code(
    fault: str, code: str, clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    verdict = admit(clusters["mixed"](), submitted(faulty(spec_of, fault)), no_jobs)
    assert isinstance(verdict, Refused)
    assert (verdict.code, verdict.hint) == (code, None)
    assert code in codes.MESSAGES


def test_of_two_faults_the_earlier_is_named(
    clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    cluster = clusters["mixed"]()
    for (first, code), (second, _) in combinations(FAULTS, 2):
        if first.split()[0].split("=")[0] == second.split()[0].split("=")[0]:
            continue
        verdict = admit(cluster, submitted(faulty(spec_of, first, second)), no_jobs)
        assert isinstance(verdict, Refused)
        assert verdict.code == code, (first, second)


@pytest.mark.parametrize("words", ["-N 0", "-c 9", "--mem=20000", "--gres=gpu:5", "-x n[1-4]"])
def test_a_held_job_is_not_measured(
    words: str, clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    assert isinstance(admit(clusters["mixed"](), submitted(spec_of(words)), no_jobs), Refused)
    assert isinstance(admit(clusters["mixed"](), submitted(spec_of(f"-H {words}")), no_jobs), Admitted)


ENFORCED = (
    ("-n 25", "ESLURM_TOO_MANY_REQUESTED_CPUS"),
    ("-N 99 -d nonsense", "ESLURM_TOO_MANY_REQUESTED_CPUS"),
    ("-N 5", "ESLURM_INVALID_NODE_COUNT"),
    ("-p small -N 1-2", "ESLURM_INVALID_NODE_COUNT"),
    ("-p minn -N 1", "ESLURM_INVALID_NODE_COUNT"),
    ("-p fast -N 3 -t 99", "ESLURM_INVALID_NODE_COUNT"),
    ("-p memn --mem=3000", "ESLURM_INVALID_TASK_MEMORY"),
    ("-p fast -t 11", "ESLURM_INVALID_TIME_LIMIT"),
    ("-p fast -t 0", "ESLURM_INVALID_TIME_LIMIT"),
    ("-p fast,debug -t 20", "ESLURM_INVALID_TIME_LIMIT"),
    ("-p acct", "ESLURM_INVALID_ACCOUNT"),
)


@pytest.mark.parametrize(("words", "code"), ENFORCED)
def test_enforced_limits_refuse(
    words: str, code: str, clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    strict = clusters["mixed"]().model_copy(update={"enforce_part_limits": "ALL"})
    verdict = admit(strict, submitted(spec_of(words)), no_jobs)
    assert isinstance(verdict, Refused)
    assert verdict.code == code


def test_any_wants_one_partition_that_agrees(
    clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    lenient = clusters["mixed"]().model_copy(update={"enforce_part_limits": "ANY"})
    verdict = admit(lenient, submitted(spec_of("-p fast,debug -t 20")), no_jobs)
    assert isinstance(verdict, Admitted)
    assert verdict.partitions == ("debug",)
    assert isinstance(admit(lenient, submitted(spec_of("-p fast -t 20")), no_jobs), Refused)


def test_what_the_partition_gives_is_filled_in(
    clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    cluster = clusters["mixed"]()
    fast = admit(cluster, submitted(spec_of("-p fast")), no_jobs)
    mem = admit(cluster, submitted(spec_of("-p mem")), no_jobs)
    assert isinstance(fast, Admitted)
    assert isinstance(mem, Admitted)
    assert (fast.spec.time_limit_min, fast.spec.resources.memory) == (5, None)
    memory = mem.spec.resources.memory
    assert memory is not None
    assert (mem.spec.time_limit_min, memory.per, memory.mib) == (-1, "cpu", 100)


def test_only_root_lowers_nice(
    clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    cluster = clusters["mixed"]()
    wish = faulty(spec_of, "-p nope").model_copy(update={"nice": -5})
    verdict = admit(cluster, submitted(wish), no_jobs)
    assert isinstance(verdict, Refused)
    assert verdict.code == "ESLURM_INVALID_NICE"
    verdict = admit(cluster, submitted(wish, uid=0), no_jobs)
    assert isinstance(verdict, Refused)
    assert verdict.code == "ESLURM_INVALID_PARTITION_NAME"


def test_root_only(clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext) -> None:
    cluster = clusters["mixed"]()
    assert isinstance(admit(cluster, submitted(spec_of("-p rooty"), uid=0), no_jobs), Admitted)
    verdict = admit(cluster, submitted(spec_of("-p rooty")), no_jobs)
    assert isinstance(verdict, Refused)
    assert verdict.code == "ESLURM_ACCESS_DENIED"


class Full:
    def job_count(self) -> int:
        return 99


def test_a_full_queue_asks_to_come_again(clusters: Clusters, spec_of: Specs, submitted: Submit) -> None:
    cluster = clusters["flat"]().model_copy(update={"max_job_count": 100})
    assert isinstance(admit(cluster, submitted(spec_of("-n 1")), Full()), Admitted)
    for words in ("--array=0-1", "--array=0-100"):
        verdict = admit(cluster, submitted(spec_of(words)), Full())
        assert isinstance(verdict, Refused)
        assert verdict.code == "EAGAIN"
    assert isinstance(admit(cluster, submitted(spec_of("--array=0-1"), test_only=True), Full()), Admitted)


def test_array_indices_end_before_max_array_size(
    clusters: Clusters, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    cluster = clusters["mixed"]()

    def array(last: int) -> JobSpec:
        ranges = (IndexRange(first=0, last=last),)
        return spec_of("").model_copy(update={"array": ArraySpec(text=f"0-{last}", ranges=ranges)})

    assert isinstance(admit(cluster, submitted(array(1000)), no_jobs), Admitted)
    verdict = admit(cluster, submitted(array(1001)), no_jobs)
    assert isinstance(verdict, Refused)
    assert verdict.code == "ESLURM_INVALID_ARRAY"


@pytest.fixture
def laptop() -> ClusterSpec:
    node = NodeSpec(name="laptop", cpus=8, cores_per_socket=8, real_memory=16000)
    return ClusterSpec(
        name="local",
        nodes=(node,),
        partitions=(PartitionSpec(name="debug", nodes=("laptop",), default=True),),
        obliging=True,
        enforce_part_limits="ALL",
        select_memory=True,
        def_mem_per_cpu=2000,
        gres_types=("gpu",),
    )


def test_an_obliging_cluster_takes_names_of_other_sites(
    laptop: ClusterSpec, spec_of: Specs, submitted: Submit, no_jobs: AdmissionContext
) -> None:
    spec = spec_of("-p gpu,long -A physics -q high -x node17 -n 4")
    verdict = admit(laptop, submitted(spec), no_jobs)
    assert isinstance(verdict, Admitted)
    assert verdict.partitions == ("debug",)
    assert (verdict.spec.account, verdict.spec.qos, verdict.spec.resources.exclude) == ("physics", "high", ())
    assert verdict.notes == (
        "unknown partition gpu,long: runs in debug",
        "nodes to exclude that are not here anyway: node17",
        "account physics is recorded only",
        "qos high is recorded only",
    )


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ("-N 2", "ESLURM_INVALID_NODE_COUNT", "NodeName=n[1-2] CPUs=8 RealMemory=16000"),
        ("-n 99", "ESLURM_TOO_MANY_REQUESTED_CPUS", "NodeName=laptop CPUs=99 RealMemory=16000"),
        ("-c 16", "ESLURM_TOO_MANY_REQUESTED_CPUS", "NodeName=laptop CPUs=16 RealMemory=16000"),
        ("--mem=64000", "ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE", "NodeName=laptop CPUs=8 RealMemory=64000"),
        (
            "--gres=gpu:a100:2",
            "ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE",
            "NodeName=laptop CPUs=8 RealMemory=16000 Gres=gpu:a100:2",
        ),
        ("-C haswell", "ESLURM_INVALID_FEATURE", "NodeName=laptop Feature=haswell"),
        ("--gres=lscratch:5", "ESLURM_INVALID_GRES", "GresTypes=gpu,lscratch"),
        ("-w node3", "ESLURM_INVALID_NODE_NAME", "NodeName=node3 NodeHostname=localhost CPUs=8"),
    ],
)
def test_an_obliging_cluster_never_invents_resources(
    words: str,
    code: str,
    line: str,
    laptop: ClusterSpec,
    spec_of: Specs,
    submitted: Submit,
    no_jobs: AdmissionContext,
) -> None:
    verdict = admit(laptop, submitted(spec_of(words)), no_jobs)
    assert isinstance(verdict, Refused)
    assert verdict.code == code
    assert verdict.hint is not None
    assert verdict.hint.startswith("this machine is one node with 8 CPUs, 16000 MiB and no GPU; ")
    assert "leave the option out" in verdict.hint
    assert verdict.hint.endswith(f"slurm.conf: {line}")


def recorded() -> list[dict[str, Any]]:
    """Recorded verdicts of the controller, or of sbatch's own gres check; what sbatch's parser refuses is not meant."""
    rows = [json.loads(line) for line in (CORPUS / "values.jsonl").read_text().splitlines()]
    return [row for row in rows if row["rc"] != 255 and verdict_lines(row) is not None]


def verdict_lines(row: dict[str, Any]) -> list[str] | None:
    lines = [line for line in row["messages"] if "debug:" not in line and "plugin" not in line]
    if row["rc"] == 0 and not any("error" in line for line in lines):
        return []
    judged = ("allocation failure: ", "sbatch: error: Invalid generic resource", "sbatch: error: Invalid GRES")
    if not lines or not lines[-1].startswith(judged):
        return None
    return [line for line in lines if not line.startswith(("sbatch: Setting", "sbatch: Number of tasks"))]


def test_the_recorded_verdicts(clusters: Clusters, submitted: Submit, no_jobs: AdmissionContext) -> None:
    nodes = tuple(node.model_copy(update={"real_memory": 4000}) for node in clusters["flat"]().nodes)
    cluster = clusters["flat"]().model_copy(update={"nodes": nodes, "max_array_size": 100001, "max_job_count": 200000})
    occupancy = Occupancy(cluster)
    rows = recorded()
    assert len(rows) > 4000
    for row in rows:
        around = Surroundings(now=1_800_000_000, cwd="/home/ada")
        argv = ["--test-only", f"--{row['opt']}={row['value']}", "job.sh"]
        line = sbatch.command_line(argv, around, {})
        submission = sbatch.read(line, b"#!/bin/sh\n", "job.sh", around, {})
        spec = build.job(submission.chosen, build.Origins(cwd="/home/ada", command="/home/ada/job.sh"), MarketTerms())
        event = submitted(spec, test_only=True)
        answer = admit(cluster, event, no_jobs)
        if isinstance(answer, Admitted):
            job = Job(7, answer.spec, 7, 7, event.owner, Pending(), event.at, 1, answer.partitions)
            found = would_start(cluster, occupancy, job, [], event.at)
            said = printed(found) if isinstance(found, Refused) else []
        else:
            said = printed(answer)
        assert said == verdict_lines(row), row


def printed(refusal: Refused) -> list[str]:
    by_client = refusal.code in codes.FOUND_BY_CLIENT
    closing = ("sbatch: error: " if by_client else "allocation failure: ") + codes.message(refusal.code)
    return [*(f"sbatch: error: {line}" for line in refusal.lines), closing]
