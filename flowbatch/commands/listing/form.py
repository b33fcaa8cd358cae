"""What was asked for, in one partition: all that follows from it before a job holds nodes. Many jobs ask for the same, and share it."""

from __future__ import annotations

from functools import cached_property
from math import ceil

from flowbatch.core.placing.sizing import Demand
from flowbatch.slurm import amounts
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.resources import Resources


class Form:
    """`wish` as `cluster` understands it, which is the demand `need`."""

    def __init__(self, cluster: ClusterSpec, wish: Resources, need: Demand) -> None:
        self.wish = wish
        self.need = need
        self._cluster = cluster
        self._tres: dict[int, str] = {}

    @cached_property
    def node_count(self) -> int:
        """slurmctld's guess of how many nodes it will take. As recorded from 22.05 in some fifty shapes: where tasks have several
        CPUs, a node's worth of them is divided out and any remainder is one node more, even if the least number of nodes had room
        for it; not so where a number of tasks for a node was asked for."""
        wish, largest = self.wish, max((node.cpus for node in self._cluster.nodes), default=1)
        each, tasks, nodes = self.need.cpus_per_task, wish.ntasks or 1, self.need.min_nodes
        if each > 1 and wish.ntasks is not None and not wish.ntasks_per_node:
            whole, rest = divmod(tasks, max(1, largest // each))
            nodes = max(nodes, whole) + (1 if rest else 0)
        else:
            nodes = max(nodes, ceil(tasks / largest))
        return max(nodes, tasks // wish.ntasks_per_node) if wish.ntasks_per_node else nodes

    @cached_property
    def max_nodes(self) -> int:
        """The greatest number of nodes that was asked for; 0 when nobody said."""
        if self.wish.nodes:
            return self.wish.nodes.maximum or 0
        return self.need.wanted_nodes if self.wish.spread_job and (self.need.tasks or 1) > 1 else 0

    @cached_property
    def cpu_count(self) -> int:
        """CPUs asked for by tasks: what comes by --cpus-per-gpu and --mincpus is not counted before a job starts."""
        if self.wish.overcommit:
            return self.need.cpus
        each = 1 if self.wish.cpus_per_task is None and self.wish.cpus_per_gpu else self.need.cpus_per_task
        return max(self.need.tasks or 0, self.need.min_nodes) * each

    @cached_property
    def gpu_count(self) -> int:
        """GPUs asked for."""
        times = {"node": self.need.min_nodes, "task": self.need.all_tasks, "job": 1}
        return sum(want.count * times[want.per] for want in self.need.gres if want.name == "gpu")

    @cached_property
    def memory_mib(self) -> int:
        """Memory as asked for, per node or per CPU; 0 for all of a node, and where it goes by GPUs."""
        memory = self.need.memory
        return memory.mib if memory and memory.per != "gpu" else 0

    def tres(self, cpus: int) -> str:
        """As one text of trackable resources, of a job of so many CPUs."""
        if cpus not in self._tres:
            gpus = self.gpu_count if self._cluster.tracks_gpus else 0
            mib, nodes = self.memory_in_all_mib(cpus), self.need.min_nodes
            self._tres[cpus] = amounts.tres(cpu=cpus, mib=mib, node=nodes, billing=cpus, gpus=gpus)
        return self._tres[cpus]

    def memory_in_all_mib(self, cpus: int) -> int:
        """Memory of all nodes, of a job of so many CPUs: what was asked, or that of so many of the largest nodes."""
        memory, nodes = self.need.memory, self.need.min_nodes
        if memory is None or memory.mib == 0:
            return nodes * max((node.real_memory for node in self._cluster.nodes), default=1)
        return memory.mib * {"node": nodes, "cpu": cpus, "gpu": self.gpu_count}[memory.per]
