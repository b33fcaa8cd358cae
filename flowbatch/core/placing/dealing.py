"""Tasks, CPUs, memory and devices of a job on the nodes chosen for it, as 22.05 deals them out."""

from __future__ import annotations

from collections.abc import Sequence

from flowbatch.core.placing.choosing import Pick
from flowbatch.core.placing.loads import devices, members
from flowbatch.core.placing.offers import core_threads, free_cores, free_devices
from flowbatch.core.placing.sizing import Demand, GresWant
from flowbatch.core.states import Allocation, NodeShare
from flowbatch.spec.cluster import ClusterSpec

Held = tuple[str, str | None, tuple[int, ...]]


def deal(cluster: ClusterSpec, need: Demand, picks: Sequence[Pick]) -> Allocation | None:
    """The allocation on the chosen nodes; None where devices or memory do not go round after all."""
    cpus = _cpus(need, picks)
    tasks = _tasks(need, picks, cpus)
    shares: list[NodeShare] = []
    for pick, count, on_node in zip(picks, cpus, tasks, strict=True):
        share = _share(cluster, need, pick, count, on_node)
        if share is None:
            return None
        shares.append(share)
    return Allocation(need.partition, tuple(shares), sharing=need.sharing, licenses=need.licenses)


def spread(tasks: int, room: Sequence[int]) -> list[int]:
    """Tasks per node: one each in rounds while a node has room, then one each in rounds beyond it.

    Three nodes with room for 2, 4 and 2 get 2, 3 and 2 of 7 tasks.
    """
    caps = [max(1, places) for places in room]
    beyond = tasks - sum(caps)
    if beyond >= 0:
        each, rest = divmod(beyond, len(caps))
        return [cap + each + (i < rest) for i, cap in enumerate(caps)]
    level = 0
    while sum(min(cap, level + 1) for cap in caps) <= tasks:
        level += 1
    rest = tasks - sum(min(cap, level) for cap in caps)
    takers = [i for i, cap in enumerate(caps) if cap > level][:rest]
    return [min(cap, level) + (i in takers) for i, cap in enumerate(caps)]


def _cpus(need: Demand, picks: Sequence[Pick]) -> list[int]:
    """CPUs (as asked for) on each node: what its tasks use, in whole cores."""
    if need.whole_nodes:
        return [pick.offer.rounded(pick.offer.cpus) for pick in picks]
    use = [pick.cpus for pick in picks]
    if need.tasks is not None and not need.overcommit and not need.tasks_per_node:
        per_task = need.cpus_per_task
        tasks = spread(need.tasks, [cpus // per_task for cpus in use])
        use = [
            max(min(count * per_task, pick.offer.cpus), min(need.cpus_per_node, cpus), _gpu_cpus(need, pick))
            for count, cpus, pick in zip(tasks, use, picks, strict=True)
        ]
    return [pick.offer.rounded(cpus) for pick, cpus in zip(picks, use, strict=True)]


def _gpu_cpus(need: Demand, pick: Pick) -> int:
    return need.gpus(pick.gres) * (need.cpus_per_gpu or 0)


def _tasks(need: Demand, picks: Sequence[Pick], cpus: Sequence[int]) -> list[int]:
    """SLURM_TASKS_PER_NODE."""
    if need.tasks_per_node:
        return [need.tasks_per_node] * len(picks)
    room = [max(1, count // need.cpus_per_task) for count in cpus]
    return room if need.tasks is None else spread(need.tasks, room)


def _share(cluster: ClusterSpec, need: Demand, pick: Pick, cpus: int, tasks: int) -> NodeShare | None:
    offer = pick.offer
    node = offer.node
    ids = tuple(range(node.cpus)) if need.whole_nodes else _cpu_ids(cluster, need, pick, cpus)
    gres = _whole(pick) if need.whole_nodes else _devices(need, pick, tasks)
    if ids is None or gres is None:
        return None
    memory = 0
    if cluster.select_memory:
        gpus = sum(len(indices) for name, _, indices in gres if name == "gpu")
        memory = _memory(need, node.real_memory, len(ids) // offer.threads, gpus)
        if memory > node.real_memory - offer.load.memory_mib:
            return None
    return NodeShare(node.name, len(ids), ids, memory, tasks, gres)


def _memory(need: Demand, real: int, cpus: int, gpus: int) -> int:
    memory = need.memory
    if memory is None or (memory.per == "node" and memory.mib == 0):
        return real
    return memory.mib * {"node": 1, "cpu": cpus, "gpu": gpus}[memory.per]


def _cpu_ids(cluster: ClusterSpec, need: Demand, pick: Pick, cpus: int) -> tuple[int, ...] | None:
    """CPU numbers: cores of one task are neighbours, tasks go round the sockets (block:cyclic)."""
    offer = pick.offer
    node, load = offer.node, offer.load
    unit = core_threads(cluster, node)
    count = -(-cpus * offer.threads // unit)
    idle = free_cores(node, load, unit, sharing=False)
    cores = idle if idle.bit_count() >= count else free_cores(node, load, unit, sharing=need.sharing)
    free = [cpu // unit for cpu in members(cores)]
    if len(free) < count:
        return None
    per_socket = max(1, node.cpus // unit // node.sockets)
    sockets = [[core for core in free if core // per_socket == socket] for socket in range(node.sockets)]
    sockets[-1] += [core for core in free if core // per_socket >= node.sockets]
    chunk = -(-need.cpus_per_task * offer.threads // unit)
    chosen: list[int] = []
    while len(chosen) < count:
        for of_socket in sockets:
            taken = min(chunk, count - len(chosen))
            chosen += of_socket[:taken]
            del of_socket[:taken]
    return tuple(core * unit + thread for core in sorted(chosen) for thread in range(unit))


def _whole(pick: Pick) -> tuple[Held, ...]:
    """Every device of the node."""
    return tuple(
        (d.name, d.type, tuple(range(d.first, d.first + d.count))) for d in devices(pick.offer.node.gres) if d.count
    )


def _devices(need: Demand, pick: Pick, tasks: int) -> tuple[Held, ...] | None:
    """The devices for all wants of the job on this node, lowest numbers first; wants with a type choose before others."""
    counts = [_count(need, want, count, tasks) for want, count in zip(need.gres, pick.gres, strict=True)]
    taken: dict[tuple[str, str | None], list[int]] = {}
    for i in sorted(range(len(counts)), key=lambda i: need.gres[i].type is None):
        want, missing = need.gres[i], counts[i]
        for group, free in free_devices(pick.offer.node, pick.offer.load, want.name, want.type):
            held = taken.setdefault((group.name, group.type), [])
            new = [index for index in free if index not in held][:missing]
            held += new
            missing -= len(new)
        if missing:
            return None
    return tuple((name, type_, tuple(sorted(held))) for (name, type_), held in taken.items() if held)


def _count(need: Demand, want: GresWant, picked: int, tasks: int) -> int:
    """How many devices one want takes on a node; a job's total is already met by wants per node or task."""
    if want.per == "task":
        return want.count * tasks
    return 0 if need.covers(want) else picked
