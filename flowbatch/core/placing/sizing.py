"""How much a job needs in one partition: what was asked, with Slurm's defaults and the interplay of its options.

Observed on 22.05: tasks follow from nodes when only nodes are given, GPUs and tasks follow from each other, a memory
limit per CPU turns memory into CPUs, and a node is never asked for fewer CPUs than one task has.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Literal

from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.model import Malformed
from flowbatch.spec.resources import Constraint, Gres, Memory, Resources


@dataclass(frozen=True, slots=True)
class GresWant:
    """So many of one gres, of one type or of any (`type` None), on each node, for each task, or in the whole job."""

    name: str
    type: str | None
    per: Literal["node", "task", "job"]
    count: int


@dataclass(frozen=True, slots=True)
class Demand:
    """A job's needs in one partition. CPU counts are as asked: a node may round them up to whole cores."""

    partition: str
    min_nodes: int
    max_nodes: int | None
    wanted_nodes: int
    """Take so many nodes where they are to be had; more only while CPUs or GPUs are missing."""
    tasks: int | None
    """None: nobody said how many; a node then runs as many as its CPUs allow."""
    cpus_per_task: int
    cpus: int
    cpus_per_node: int
    """What each node gives at least."""
    tasks_per_node: int | None
    """Each node must have room for so many, also where a single task leaves it unused."""
    tasks_per_socket: int | None
    tasks_per_core: int
    whole_cores: bool
    """Each CPU asked for is a whole core (`--threads-per-core=1`, `--ntasks-per-core=1`)."""
    overcommit: bool
    memory: Memory | None
    """None: nothing was said and there is no default, which is all the memory of a node."""
    gres: tuple[GresWant, ...]
    cpus_per_gpu: int | None
    whole_nodes: bool
    sharing: bool
    contiguous: bool
    constraint: Constraint | None
    nodelist: tuple[str, ...]
    exclude: frozenset[str]
    tmp_mib: int
    sockets_per_node: int
    cores_per_socket: int
    threads_per_core: int
    licenses: tuple[tuple[str, int], ...]

    @property
    def all_tasks(self) -> int:
        """How many tasks Slurm counts before the job has nodes (NumTasks)."""
        return self.tasks if self.tasks is not None else self.min_nodes

    @property
    def room_per_node(self) -> int:
        """CPUs that must be free on a node, used or not."""
        tasks = 0 if self.overcommit else self.tasks_per_node or 0
        return max(self.cpus_per_node, tasks * self.cpus_per_task)

    def covers(self, want: GresWant) -> bool:
        """Whether what is wanted of the whole job comes by wants for each node or task of the same gres."""
        return want.per == "job" and any(other.per != "job" and other.name == want.name for other in self.gres)

    def gpus(self, counts: Sequence[int]) -> int:
        """The GPUs in counts of the wants, each GPU once."""
        return sum(n for n, want in zip(counts, self.gres, strict=True) if want.name == "gpu" and not self.covers(want))


def demand(cluster: ClusterSpec, partition: PartitionSpec, spec: JobSpec) -> Demand:
    """What `spec` needs in `partition`. Its values are well-formed: admission has seen them."""
    wish = spec.resources
    gres = gres_wants(wish)
    tasks = _tasks(wish, gres)
    cpus_per_task = _cpus_per_task(wish)
    per_cpu_limit = partition.max_mem_per_cpu or cluster.max_mem_per_cpu
    memory = wish.memory or default_memory(cluster, partition)
    if memory is not None and memory.per == "cpu" and per_cpu_limit and memory.mib > per_cpu_limit:
        factor = ceil(memory.mib / per_cpu_limit)
        cpus_per_task *= factor
        memory = Memory(per="cpu", mib=ceil(memory.mib / factor))
    low, high, wanted = _node_counts(cluster, partition, wish, tasks, gres)
    per_node = wish.ntasks_per_node
    if per_node is None and wish.ntasks_per_gpu:
        per_node = wish.ntasks_per_gpu * _gpus(gres, "node") or None
    if per_node and tasks is None:
        tasks = per_node * low
    used = per_node if per_node and tasks != 1 else 1
    cpus_per_node = max(used * cpus_per_task, wish.mincpus or 1)
    if memory is not None and memory.per == "node" and per_cpu_limit:
        all_of_it = max((node.real_memory for node in partition_nodes(cluster, partition.name)), default=0)
        cpus_per_node = max(cpus_per_node, ceil((memory.mib or all_of_it) / per_cpu_limit))
    if wish.overcommit:
        cpus_per_node = max(cpus_per_task, wish.mincpus or 1)
    return Demand(
        partition=partition.name,
        min_nodes=low,
        max_nodes=high,
        wanted_nodes=wanted,
        tasks=tasks,
        cpus_per_task=cpus_per_task,
        cpus=_cpus(wish, tasks, low, cpus_per_task, gres),
        cpus_per_node=cpus_per_node,
        tasks_per_node=per_node,
        tasks_per_socket=wish.ntasks_per_socket,
        tasks_per_core=wish.ntasks_per_core or 0,
        whole_cores=wish.ntasks_per_core == 1 or wish.threads_per_core == 1,
        overcommit=wish.overcommit,
        memory=memory,
        gres=gres,
        cpus_per_gpu=wish.cpus_per_gpu,
        whole_nodes=wish.exclusive == "node" or spec.reboot or partition.over_subscribe == "EXCLUSIVE",
        sharing=partition.over_subscribe == "FORCE" or (partition.over_subscribe == "YES" and wish.oversubscribe),
        contiguous=wish.contiguous,
        constraint=None if isinstance(wish.constraint, Malformed) else wish.constraint,
        nodelist=wish.nodelist,
        exclude=frozenset(wish.exclude),
        tmp_mib=wish.tmp_mib or 0,
        sockets_per_node=wish.sockets_per_node or 0,
        cores_per_socket=wish.cores_per_socket or 0,
        threads_per_core=wish.threads_per_core or 0,
        licenses=license_counts(wish),
    )


def partition_nodes(cluster: ClusterSpec, name: str) -> list[NodeSpec]:
    """The nodes of a partition, in the cluster's order."""
    partition = cluster.partition(name)
    names = frozenset(partition.nodes) if partition else frozenset[str]()
    return [node for node in cluster.nodes if node.name in names]


def license_counts(wish: Resources) -> tuple[tuple[str, int], ...]:
    """Licences by name, each name once."""
    counts: dict[str, int] = {}
    if isinstance(wish.licenses, tuple):
        for one in wish.licenses:
            counts[one.name] = counts.get(one.name, 0) + one.count
    return tuple(counts.items())


def gres_wants(wish: Resources) -> tuple[GresWant, ...]:
    """All that is asked of gres, without the zeroes; `--gpus-per-socket` becomes so many a node."""
    asked = wish.gres
    places: tuple[tuple[tuple[Gres, ...], Literal["node", "task", "job"], int], ...] = (
        (asked.per_node, "node", 1),
        (asked.per_socket, "node", wish.sockets_per_node or 1),
        (asked.per_task, "task", 1),
        (asked.per_job, "job", 1),
    )
    found = [
        GresWant(gres.name, gres.type, per, gres.count * times)
        for words, per, times in places
        if words
        for gres in last_said(words)
    ]
    if wish.ntasks_per_gpu and wish.ntasks and not found:
        gpus = ceil(wish.ntasks / wish.ntasks_per_gpu)
        nodes = wish.nodes.minimum if wish.nodes else None
        found.append(GresWant("gpu", None, "node", ceil(gpus / nodes)) if nodes else GresWant("gpu", None, "job", gpus))
    return tuple(found)


def last_said(asked: Iterable[Gres]) -> tuple[Gres, ...]:
    """What counts of several words for one gres (`--gres=gpu:1,gpu:3`): the last; a zero says nothing."""
    return tuple({(gres.name, gres.type): gres for gres in asked if gres.count}.values())


def _gpus(gres: tuple[GresWant, ...], per: str) -> int:
    return sum(want.count for want in gres if want.name == "gpu" and want.per == per)


def _tasks(wish: Resources, gres: tuple[GresWant, ...]) -> int | None:
    if wish.ntasks is not None:
        return wish.ntasks
    gpus = _gpus(gres, "job")
    if wish.ntasks_per_gpu and gpus:
        return gpus * wish.ntasks_per_gpu
    per_task = _gpus(gres, "task")
    if per_task and not gpus and wish.nodes:
        return wish.nodes.minimum * (wish.ntasks_per_node or 1)
    return ceil(gpus / per_task) if gpus and per_task else None


def _cpus_per_task(wish: Resources) -> int:
    if wish.cpus_per_task is None and wish.cpus_per_gpu:
        per_task = sum(gres.count for gres in wish.gres.per_task if gres.name == "gpu")
        return max(1, per_task * wish.cpus_per_gpu)
    return wish.cpus_per_task or 1


def default_memory(cluster: ClusterSpec, partition: PartitionSpec) -> Memory | None:
    """The first default that is set, the partition's before the cluster's."""
    for place in (partition, cluster):
        if place.def_mem_per_cpu:
            return Memory(per="cpu", mib=place.def_mem_per_cpu)
        if place.def_mem_per_node:
            return Memory(per="node", mib=place.def_mem_per_node)
    return None


def _node_counts(
    cluster: ClusterSpec, partition: PartitionSpec, wish: Resources, tasks: int | None, gres: tuple[GresWant, ...]
) -> tuple[int, int | None, int]:
    """Fewest, most and wanted nodes."""
    if wish.nodes is not None:
        low, high = max(1, wish.nodes.minimum), wish.nodes.maximum or None
        wanted = max(low, high or low)
        if wish.ntasks is not None and not wish.ntasks_per_node:
            wanted = max(low, min(wanted, wish.ntasks))
        low, wanted = max(low, partition.min_nodes), max(wanted, partition.min_nodes)
    else:
        low, high = max(1, partition.min_nodes, len(wish.nodelist)), None
        if wish.ntasks_per_node and tasks:
            low = max(low, ceil(tasks / wish.ntasks_per_node))
        in_job, on_node = _gpus(gres, "job"), _gpus(gres, "node")
        if in_job and on_node:
            low = max(low, ceil(in_job / on_node))
        wanted = low
        if wish.spread_job and (spread := tasks or wish.ntasks_per_node):
            high = wanted = max(low, min(spread, len(cluster.nodes)))
    if wish.use_min_nodes:
        wanted = low
    if partition.max_nodes is not None:
        high = partition.max_nodes if high is None else min(high, partition.max_nodes)
        wanted = min(wanted, max(high, low))
    return low, high, wanted


def _cpus(wish: Resources, tasks: int | None, low: int, cpus_per_task: int, gres: tuple[GresWant, ...]) -> int:
    """The least number of CPUs in all (NumCPUs of a pending job)."""
    if wish.overcommit:
        return low * cpus_per_task
    by_gpu = (wish.cpus_per_gpu or 0) * max(_gpus(gres, "job"), _gpus(gres, "node") * low)
    return max(max(tasks or 0, low) * cpus_per_task, low * (wish.mincpus or 1), by_gpu)
