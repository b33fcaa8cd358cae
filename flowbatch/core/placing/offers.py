"""What one node can give to one job now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from flowbatch.core.placing.loads import Devices, Load, bits, devices, members
from flowbatch.core.placing.sizing import Demand, GresWant
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec


@dataclass(frozen=True, slots=True)
class Offer:
    """A node that could be part of the job's allocation.

    `cpus` are counted as asked for; one of them takes `threads` real CPUs (a whole core where the job wants that), and
    they are given in steps of `grain`. `gres` is what could be had of each of the demand's wants, in their order.
    """

    node: NodeSpec
    position: int
    load: Load
    cpus: int
    threads: int
    grain: int
    gres: tuple[int, ...]

    def rounded(self, cpus: int) -> int:
        """So many CPUs, or as many more as whole cores make of them."""
        return -(-cpus // self.grain) * self.grain


def core_threads(cluster: ClusterSpec, node: NodeSpec) -> int:
    """CPUs that are always given together: the threads of a core, or 1."""
    threads = node.threads_per_core
    whole = cluster.select_cores and node.cpus % threads == 0 and node.cpus >= threads * node.cores_per_socket
    return threads if whole else 1


def offer(
    cluster: ClusterSpec,
    partition: PartitionSpec,
    need: Demand,
    node: NodeSpec,
    position: int,
    load: Load,
    sharing: bool = False,
) -> Offer | None:
    """What `node` can give, or None if it is of no use to the job. `need.constraint` and names are not asked here.
    `sharing`: CPUs that others share count as well."""
    if (need.whole_nodes and load.held) or not load.welcomes(sharing=need.sharing):
        return None
    unit = core_threads(cluster, node)
    cores = free_cores(node, load, unit, sharing=sharing)
    if not _shape_fits(need, node, cores, unit):
        return None
    threads = unit if need.whole_cores else 1
    cpus = cores.bit_count() * (unit // threads)
    if partition.max_cpus_per_node is not None and not need.whole_nodes:
        cpus = min(cpus, (partition.max_cpus_per_node - load.partition_cpus(partition.name)) // threads)
    memory = node.real_memory - load.memory_mib if cluster.select_memory else node.real_memory
    gres = tuple(_available(node, load, want) for want in need.gres)
    if need.memory is not None and need.memory.per == "cpu" and need.memory.mib:
        fitting = memory // need.memory.mib
        cpus = min(cpus, fitting if cluster.select_memory else cpus * min(fitting, 1))
    cpus = _limited(need, node, cpus, gres, unit // threads)
    floor = max(need.room_per_node, _gpus_per_node(need) * (need.cpus_per_gpu or 0))
    if cpus < floor or any(have < _least(want) for want, have in zip(need.gres, gres, strict=True)):
        return None
    if not _memory_fits(need, node, memory, gres):
        return None
    return Offer(node, position, load, cpus, threads, unit // threads, gres)


def free_cores(node: NodeSpec, load: Load, unit: int, *, sharing: bool) -> int:
    """The cores that are wholly free, each as the bit of its first CPU; a core is `unit` neighbouring CPUs."""
    free = load.free(node, sharing=sharing)
    cores = free
    for thread in range(1, unit):
        cores &= free >> thread
    return cores & _first_cpus(node.cpus, unit)


@lru_cache(maxsize=1024)
def _first_cpus(cpus: int, unit: int) -> int:
    return bits(range(0, cpus, unit))


def free_devices(node: NodeSpec, load: Load, name: str, type_: str | None) -> list[tuple[Devices, list[int]]]:
    """The free device numbers of a gres by type, in the node's order; `type_` None is any."""
    held = load.devices(name)
    return [
        (group, [i for i in range(group.first, group.first + group.count) if not held >> i & 1])
        for group in devices(node.gres)
        if group.name == name and type_ in (None, group.type)
    ]


def _available(node: NodeSpec, load: Load, want: GresWant) -> int:
    return sum(len(free) for _, free in free_devices(node, load, want.name, want.type))


def _least(want: GresWant) -> int:
    """The fewest that make a node useful: all of a per-node wish, those of one task, one of the job's."""
    return 1 if want.per == "job" else want.count


def _gpus_per_node(need: Demand) -> int:
    return sum(want.count for want in need.gres if want.per == "node" and want.name == "gpu")


def _limited(need: Demand, node: NodeSpec, cpus: int, gres: tuple[int, ...], grain: int) -> int:
    """CPUs, cut to what tasks per node or socket and GPUs per task leave useful; whole grains."""
    tasks = [need.tasks_per_node] if need.tasks_per_node else []
    if need.tasks_per_socket:
        tasks.append(need.tasks_per_socket * node.sockets)
    if not need.overcommit:
        tasks += [
            have // want.count for want, have in zip(need.gres, gres, strict=True) if want.per == "task" and want.count
        ]
    if tasks and not need.overcommit:
        cpus = min(cpus, max(min(tasks) * need.cpus_per_task, need.cpus_per_node if min(tasks) else 0))
    return cpus // grain * grain if not tasks else cpus


def _memory_fits(need: Demand, node: NodeSpec, free: int, gres: tuple[int, ...]) -> bool:
    if need.memory is None or (need.memory.per == "node" and need.memory.mib == 0):
        return free >= node.real_memory
    if need.memory.per == "node":
        return free >= need.memory.mib
    if need.memory.per == "gpu":
        on_node = _gpus_per_node(need) or min((1 for w in need.gres if w.name == "gpu"), default=0)
        return free >= need.memory.mib * on_node
    return True


def _shape_fits(need: Demand, node: NodeSpec, cores: int, unit: int) -> bool:
    """`--sockets-per-node` and its kin: so many sockets with so many free cores each."""
    if need.threads_per_core > node.threads_per_core or need.tmp_mib > node.tmp_disk:
        return False
    if need.tasks_per_socket and need.tasks_per_socket > max(1, node.cpus // node.sockets):
        return False
    if need.tasks_per_socket and (need.tasks_per_node or 0) > need.tasks_per_socket:
        return False  # also where the sockets together have the places
    if need.tasks_per_core > node.cpus:
        return False
    if (
        need.cpus_per_gpu
        and not any(want.name == "gpu" for want in need.gres)
        and not _has_gpu(node, need.cpus_per_gpu)
    ):
        return False
    if not need.sockets_per_node and not need.cores_per_socket:
        return True
    per_socket = max(1, node.cpus // unit // node.sockets)
    counts = [0] * node.sockets
    for cpu in members(cores):
        counts[min(cpu // unit // per_socket, node.sockets - 1)] += 1
    return sum(count >= max(1, need.cores_per_socket) for count in counts) >= max(1, need.sockets_per_node)


def _has_gpu(node: NodeSpec, cpus: int) -> bool:
    """Whether the node could give one GPU its CPUs: `--cpus-per-gpu` wants that even if no GPU is asked for."""
    return node.cpus >= cpus and any(group.name == "gpu" for group in devices(node.gres))
