"""From what was asked and what the job has to what the node is asked for: the checks of srun 22.05, in its order and words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from flowbatch.node.dealing import Distribution
from flowbatch.node.granting import Demand, Share
from flowbatch.node.srun.refusals import refusal
from flowbatch.node.srun.wanted import CannotRun, Nodes, Wanted


def demand(wanted: Wanted, shares: Sequence[Share], warn: Callable[[str], None], component: int = 0) -> Demand:
    """What the node is asked for of one component of the job. `warn` is given each warning. Raises CannotRun."""
    mine = [share for share in shares if share.component == component]
    return replace(_Shaping(wanted, mine, warn).demand(), component=component)


def told(wanted: Wanted, demands: Sequence[Demand]) -> Distribution:
    """How tasks are spread as they are told of it: over several components as if those were one."""
    if wanted.distribution is not None or len(demands) == 1:
        return demands[0].distribution
    return _default(sum(one.tasks for one in demands), sum(one.nodes for one in demands))


@dataclass(slots=True)
class _Shaping:
    wanted: Wanted
    shares: Sequence[Share]
    warn: Callable[[str], None]

    def demand(self) -> Demand:
        wanted = self.wanted
        self._check_words()
        hosts = self._hosts()
        nodes = self._nodes(hosts)
        required = () if hosts else self._required(nodes)
        tasks = self._tasks(nodes, hosts)
        nodes = self._no_more_than(tasks, nodes)
        per_node = self._per_node(tasks, nodes)
        among = self._among(nodes)
        most = min(nodes.most, len(among), max(tasks, nodes.least))
        if self._packs and not nodes.said:
            most = min(most, self._fewest(tasks, among))
        return Demand(
            tasks=tasks, nodes=most, distribution=wanted.distribution or _default(tasks, nodes.least),
            cpus_per_task=self._cpus_per_task(tasks, most), tasks_per_node=per_node, among=among,
            required=tuple(dict.fromkeys(hosts)) or required[:most], hosts=hosts, exact=wanted.exact, overlap=wanted.overlap,
            overcommit=wanted.overcommit, gpus=wanted.gpus if wanted.gpus_per_node is None else None,
            gpus_per_node=wanted.gpus_per_node, gpus_per_task=wanted.gpus_per_task,
            memory_mib=wanted.memory_mib or 0, memory_per_cpu_mib=wanted.memory_per_cpu_mib or 0,
        )  # fmt: skip

    def _check_words(self) -> None:
        wanted = self.wanted
        if wanted.no_allocate:
            raise CannotRun(refusal("no allocate" if wanted.nodelist else "no list"))
        if wanted.relative is not None and (wanted.nodelist or wanted.exclude):
            raise CannotRun(refusal("relative"))

    def _hosts(self) -> tuple[str, ...]:
        """`arbitrary`: the host of each task."""
        wanted = self.wanted
        if wanted.distribution is None or wanted.distribution.kind != "arbitrary":
            return ()
        tasks = wanted.tasks if wanted.tasks is not None else len(wanted.nodelist)
        if tasks > len(wanted.nodelist) or not tasks:
            raise CannotRun(refusal("hosts", tasks=tasks, hosts=len(wanted.nodelist)))
        return wanted.nodelist[:tasks]

    def _nodes(self, hosts: Sequence[str]) -> Nodes:
        if hosts:
            return Nodes(len(set(hosts)), len(set(hosts)))
        if self.wanted.interactive:
            return Nodes(1, 1)
        nodes = self.wanted.nodes or Nodes(len(self.shares), len(self.shares), said=False)
        return Nodes(1, nodes.most, said=False) if self._packs and not nodes.said else nodes

    @property
    def _packs(self) -> bool:
        return self.wanted.distribution is not None and self.wanted.distribution.pack

    def _fewest(self, tasks: int, among: Sequence[str]) -> int:
        """How many nodes have CPUs for so many tasks, the first first."""
        room, each = 0, self.wanted.cpus_per_task or 1
        for count, share in enumerate((share for share in self.shares if share.node in among), 1):
            room += share.cpus // each
            if room >= tasks:
                return count
        return len(among)

    def _required(self, nodes: Nodes) -> tuple[str, ...]:
        listed = tuple(dict.fromkeys(self.wanted.nodelist))
        if len(listed) > nodes.most:
            self.warn(
                "srun: error: Required nodelist includes more nodes than permitted by max-node count "
                f"({len(listed)} > {nodes.most}). Eliminating nodes from the nodelist."
            )
        return listed[: nodes.most]

    def _tasks(self, nodes: Nodes, hosts: Sequence[str]) -> int:
        """As many as were said, by whatever word; else one on each node."""
        wanted = self.wanted
        if hosts or wanted.interactive:
            return len(hosts) or 1
        if wanted.tasks is not None:
            return wanted.tasks
        if wanted.tasks_per_gpu and self._gpus(nodes.most, 0):
            return wanted.tasks_per_gpu * self._gpus(nodes.most, 0)
        if wanted.tasks_per_node is not None:
            return wanted.tasks_per_node * nodes.most
        if wanted.cpus_per_task is not None:
            return sum(share.cpus // wanted.cpus_per_task for share in self.shares) or nodes.most
        return nodes.most

    def _no_more_than(self, tasks: int, nodes: Nodes) -> Nodes:
        """No node without a task."""
        if tasks >= nodes.least:
            return nodes
        if self.wanted.nodes is not None:
            self.warn(f"srun: Warning: can't run {tasks} processes on {nodes.least} nodes, setting nnodes to {tasks}")
        return Nodes(tasks, tasks, nodes.said)

    def _per_node(self, tasks: int, nodes: Nodes) -> int | None:
        """--ntasks-per-node, where it agrees with the number of tasks."""
        each = self.wanted.tasks_per_node
        if each is None or tasks <= each or tasks // nodes.least == each:
            return each
        self.warn(
            f"srun: Warning: can't honor --ntasks-per-node set to {each} which doesn't match the requested tasks {tasks} with the "
            f"number of requested nodes {nodes.least}. Ignoring --ntasks-per-node."
        )
        return None

    def _among(self, nodes: Nodes) -> tuple[str, ...]:
        """The nodes that it may have."""
        wanted, names = self.wanted, [share.node for share in self.shares]
        left = tuple(name for name in names if name not in wanted.exclude)
        if not left:
            raise CannotRun(refusal("all excluded"))
        if wanted.relative is not None:
            return self._from(wanted.relative, names, nodes)
        if nodes.least > len(left):
            lines = [refusal("too few nodes", has=len(left), asked=nodes.least)]
            raise CannotRun("\n".join([*lines, *([refusal("excluded")] if len(left) < len(names) else [])]))
        return left

    def _from(self, first: int, names: Sequence[str], nodes: Nodes) -> tuple[str, ...]:
        """--relative: just these."""
        if first + nodes.least > len(names):
            option = "--nodes" if nodes.said else "SLURM_JOB_NUM_NODES"
            raise CannotRun(refusal("beyond", option=option, first=first, asked=nodes.least, has=len(names)))
        return tuple(names[first : first + nodes.most])

    def _cpus_per_task(self, tasks: int, nodes: int) -> int:
        wanted = self.wanted
        if wanted.cpus_per_task is None and wanted.cpus_per_gpu:
            return max(1, wanted.cpus_per_gpu * self._gpus(nodes, tasks) // tasks)
        return wanted.cpus_per_task or 1

    def _gpus(self, nodes: int, tasks: int) -> int:
        """How many GPUs the step names, in whatever way."""
        wanted = self.wanted
        if wanted.gpus_per_task:
            return wanted.gpus_per_task * tasks
        return wanted.gpus_per_node * nodes if wanted.gpus_per_node is not None else wanted.gpus or 0


def _default(tasks: int, nodes: int) -> Distribution:
    """Tasks go round the nodes where each gets one at most, else in blocks."""
    return Distribution("block", "block") if tasks > nodes else Distribution("cyclic", "cyclic")
