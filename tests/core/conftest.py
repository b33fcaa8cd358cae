"""Two clusters that a real Slurm 22.05.8 was asked about, and specs from a few of sbatch's options."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Callable

import pytest

from flowbatch.core.events import Submitted
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.states import Pending
from flowbatch.spec.array import ArraySpec, IndexRange
from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec
from flowbatch.spec.dependency import Dependency
from flowbatch.spec.job import UNLIMITED, JobSpec
from flowbatch.spec.model import Malformed
from flowbatch.spec.resources import (
    Constraint,
    FeatureGroup,
    FeatureTerm,
    Gres,
    GresRequest,
    License,
    Memory,
    NodeCount,
    Resources,
)

NOW = 1_800_000_000


def flat_cluster() -> ClusterSpec:
    """Four equal nodes of 8 CPUs and 8 GPUs; CR_Core."""
    gpus = (GresDevice(name="gpu", type="h100", count=8),)
    nodes = tuple(NodeSpec(name=f"n{i}", cpus=8, cores_per_socket=8, real_memory=16000, gres=gpus) for i in range(1, 5))
    return ClusterSpec(
        name="flat",
        nodes=nodes,
        partitions=(PartitionSpec(name="debug", nodes=("n1", "n2", "n3", "n4"), default=True),),
        gres_types=("gpu",),
    )


def mixed_cluster() -> ClusterSpec:
    """Two nodes with two threads a core and GPUs, heavier than two plain ones; CR_Core_Memory; many partitions."""
    every, big = ("n1", "n2", "n3", "n4"), ("n1", "n2")
    gpus = (GresDevice(name="gpu", type="h100", count=2), GresDevice(name="gpu", type="a100", count=2))
    nodes = tuple(
        NodeSpec(
            name=name,
            cpus=8,
            sockets=2,
            cores_per_socket=2,
            threads_per_core=2,
            real_memory=16000,
            features=("fast", "gpu", "rack1"),
            gres=gpus,
            weight=10,
        )
        for name in big
    ) + tuple(
        NodeSpec(name=name, cpus=4, cores_per_socket=4, real_memory=8000, tmp_disk=1000, features=("slow", "rack2"))
        for name in ("n3", "n4")
    )
    partitions = (
        PartitionSpec(name="debug", nodes=every, default=True),
        PartitionSpec(name="fast", nodes=big, max_time_min=10, default_time_min=5),
        PartitionSpec(name="small", nodes=every, max_nodes=1),
        PartitionSpec(name="downp", nodes=every, state="DOWN"),
        PartitionSpec(name="drainp", nodes=every, state="DRAIN"),
        PartitionSpec(name="inact", nodes=every, state="INACTIVE"),
        PartitionSpec(name="excl", nodes=every, over_subscribe="EXCLUSIVE"),
        PartitionSpec(name="share", nodes=every, over_subscribe="FORCE"),
        PartitionSpec(name="maybe", nodes=every, over_subscribe="YES"),
        PartitionSpec(name="maxc", nodes=every, max_cpus_per_node=2),
        PartitionSpec(name="minn", nodes=every, min_nodes=2),
        PartitionSpec(name="mem", nodes=every, def_mem_per_cpu=100, max_mem_per_cpu=1000),
        PartitionSpec(name="memn", nodes=every, def_mem_per_node=500, max_mem_per_node=2000),
        PartitionSpec(name="rooty", nodes=every, root_only=True),
        PartitionSpec(name="acct", nodes=every, allow_accounts=("good",)),
    )
    return ClusterSpec(
        name="mixed",
        nodes=nodes,
        partitions=partitions,
        max_array_size=1001,
        select_memory=True,
        licenses=(("lic", 3), ("soft", 1)),
        gres_types=("gpu", "craynet"),
    )


CLUSTERS = {"flat": flat_cluster, "mixed": mixed_cluster}


@pytest.fixture
def clusters() -> dict[str, Callable[[], ClusterSpec]]:
    return dict(CLUSTERS)


@pytest.fixture
def spec_of() -> Callable[[str], JobSpec]:
    """A spec from words of sbatch: enough of its options for these tests, without its checks."""
    return _spec


class NoJobs:
    """An empty queue, as admission sees it."""

    def job_count(self) -> int:
        return 0


@pytest.fixture
def no_jobs() -> NoJobs:
    return NoJobs()


@pytest.fixture
def pending() -> Callable[..., Job]:
    """A job of the queue that waits for a place."""

    def make(id: int, spec: JobSpec, partitions: tuple[str, ...] = ("debug",), submitted_at: int = NOW) -> Job:
        owner = Owner(1000, 1000, "ada", "ada")
        return Job(id, spec, id, id, owner, Pending(), submitted_at, 1, partitions)

    return make


@pytest.fixture
def submitted() -> Callable[..., Submitted]:
    owner = Owner(uid=1000, gid=1000, name="ada", group="ada")

    def make(spec: JobSpec, *, test_only: bool = False, uid: int = 1000) -> Submitted:
        return Submitted(NOW, owner if uid == 1000 else Owner(uid, uid, "root", "root"), spec, test_only)

    return make


_INTEGERS = {
    "-n --ntasks": "ntasks",
    "-c --cpus-per-task": "cpus_per_task",
    "--ntasks-per-node": "ntasks_per_node",
    "--ntasks-per-socket": "ntasks_per_socket",
    "--ntasks-per-core": "ntasks_per_core",
    "--ntasks-per-gpu": "ntasks_per_gpu",
    "--mincpus": "mincpus",
    "--tmp": "tmp_mib",
    "--cpus-per-gpu": "cpus_per_gpu",
    "--sockets-per-node": "sockets_per_node",
    "--cores-per-socket": "cores_per_socket",
    "--threads-per-core": "threads_per_core",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(allow_abbrev=False, add_help=False)
    for names, dest in _INTEGERS.items():
        parser.add_argument(*names.split(), dest=dest, type=int)
    for names in (
        "-N --nodes", "-p --partition", "-C --constraint", "-w --nodelist", "-x --exclude", "-L --licenses",
        "-t --time", "-d --dependency", "-A --account", "-q --qos", "-J --job-name", "-B --extra-node-info",
        "-m --distribution",
    ):  # fmt: skip
        parser.add_argument(*names.split())
    for name in (
        "mem", "mem-per-cpu", "mem-per-gpu", "gres", "gpus-per-node", "gpus-per-task", "gpus-per-socket", "array",
        "reservation", "time-min", "deadline", "begin", "comment", "hint",
    ):  # fmt: skip
        parser.add_argument(f"--{name}")
    parser.add_argument("-G", "--gpus")
    parser.add_argument("--exclusive", nargs="?", const="node")
    for names in ("-O --overcommit", "-s --oversubscribe", "--contiguous", "-H --hold", "--reboot"):
        parser.add_argument(*names.split(), action="store_true")
    return parser


def _spec(words: str) -> JobSpec:
    said = vars(_parser().parse_args(shlex.split(words)))
    resources = {dest: said[dest] for dest in _INTEGERS.values() if said[dest] is not None}
    if said["extra_node_info"]:
        names = ("sockets_per_node", "cores_per_socket", "threads_per_core")
        resources |= {n: int(v) for n, v in zip(names, said["extra_node_info"].split(":"), strict=False)}
    if said["hint"] == "nomultithread":
        resources["threads_per_core"] = 1
    nodelist = _hosts(said["nodelist"])
    if said["nodes"]:
        low, _, high = said["nodes"].partition("-")
        resources["nodes"] = NodeCount(minimum=int(low), maximum=int(high or low))
    for per in ("node", "cpu", "gpu"):
        text = said["mem" if per == "node" else f"mem_per_{per}"]
        if text:
            resources["memory"] = Memory(per=per, mib=int(text))
    resources |= {
        "gres": GresRequest(
            per_node=_gpus(said["gpus_per_node"]) + _gres(said["gres"]),
            per_job=_gpus(said["gpus"]),
            per_task=_gpus(said["gpus_per_task"]),
            per_socket=_gpus(said["gpus_per_socket"]),
        ),
        "nodelist": nodelist,
        "exclude": _hosts(said["exclude"]),
        "exclusive": said["exclusive"],
        "oversubscribe": said["oversubscribe"],
        "overcommit": said["overcommit"],
        "contiguous": said["contiguous"],
        "constraint": _constraint(said["constraint"]),
        "licenses": _licenses(said["licenses"]),
    }
    return JobSpec(
        name=said["job_name"] or "wrap",
        work_dir="/tmp",
        resources=Resources(**resources),
        partitions=tuple(said["partition"].split(",")) if said["partition"] else (),
        account=said["account"],
        qos=said["qos"],
        reservation=said["reservation"],
        comment=said["comment"],
        array=_array(said["array"]),
        dependency=_dependency(said["dependency"]),
        time_limit_min=_minutes(said["time"]),
        time_min_min=_minutes(said["time_min"]),
        deadline=int(said["deadline"]) if said["deadline"] else None,
        hold=said["hold"],
        reboot=said["reboot"],
    )


def _hosts(text: str | None) -> tuple[str, ...]:
    found: list[str] = []
    for name in re.findall(r"[^,\[]+(?:\[[^\]]*\])?", text or ""):
        match = re.fullmatch(r"(\w+)\[(\d+)-(\d+)\]", name)
        found += [f"{match[1]}{i}" for i in range(int(match[2]), int(match[3]) + 1)] if match else [name]
    return tuple(dict.fromkeys(found))


def _gres(text: str | None) -> tuple[Gres, ...]:
    found: list[Gres] = []
    for word in (text or "").split(","):
        name, *rest = word.split(":")
        count = int(rest.pop()) if rest and rest[-1].isdigit() else 1
        if name and name != "none":
            found.append(Gres(name=name, type=rest[0] if rest else None, count=count))
    return tuple(found)


def _gpus(text: str | None) -> tuple[Gres, ...]:
    return _gres(",".join(f"gpu:{word}" for word in text.split(","))) if text else ()


def _licenses(text: str | None) -> tuple[License, ...]:
    words = [word.partition(":") for word in re.split("[,;]", text or "") if word]
    return tuple(License(name=name, count=int(count or 1)) for name, _, count in words)


def _minutes(text: str | None) -> int | None:
    return None if text is None else UNLIMITED if text in ("0", "UNLIMITED") else int(text)


def _array(text: str | None) -> ArraySpec | Malformed | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)(?:-(\d+))?", text)
    if not match:
        return Malformed(text=text)
    return ArraySpec(text=text, ranges=(IndexRange(first=int(match[1]), last=int(match[2] or match[1])),))


def _dependency(text: str | None) -> Dependency | Malformed | None:
    if text is None or text.startswith("after"):
        return None
    return Malformed(text=text)


def _constraint(text: str | None) -> Constraint | None:
    if not text:
        return None
    words = re.findall(r"[^&|,()\[\]]+|[&|,()\[\]]", text)
    return _any(words)


def _any(words: list[str]) -> Constraint:
    terms = [_all(words)]
    while words and words[0] == "|":
        words.pop(0)
        terms.append(_all(words))
    return terms[0] if len(terms) == 1 else FeatureGroup(kind="any", terms=tuple(terms))


def _all(words: list[str]) -> Constraint:
    terms = [_term(words)]
    while words and words[0] in "&,":
        words.pop(0)
        terms.append(_term(words))
    return terms[0] if len(terms) == 1 else FeatureGroup(kind="all", terms=tuple(terms))


def _term(words: list[str]) -> Constraint:
    word = words.pop(0)
    if word in "([":
        inner = _any(words)
        words.pop(0)
        if word == "(":
            return inner
        terms = inner.terms if isinstance(inner, FeatureGroup) and inner.kind != "matching" else (inner,)
        return FeatureGroup(kind="matching", terms=terms)
    name, _, count = word.partition("*")
    return FeatureTerm(name=name, count=int(count) if count else None)
