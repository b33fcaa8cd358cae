"""What would make a refused request work on the embedded cluster: advice for `flow`, never part of Slurm's words."""

from __future__ import annotations

from flowbatch.core.placing.constraints import names
from flowbatch.spec.cluster import ClusterSpec, NodeSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.model import Malformed
from flowbatch.spec.resources import Gres


def hint(cluster: ClusterSpec, spec: JobSpec, code: str) -> str | None:
    """One sentence for the user of an obliging cluster, or None."""
    if not cluster.obliging or not cluster.nodes or cluster.market is not None:
        return None
    node = cluster.nodes[0]
    line = _configuration(node, spec, code)
    if line is None:
        return None
    return f"this machine is {_inventory(node)}; leave the option out, or play a cluster that has it, in slurm.conf: {line}"


def _inventory(node: NodeSpec) -> str:
    gres = " and ".join(f"{d.count} {d.type or d.name}" for d in node.gres if d.count) or "no GPU"
    return f"one node with {node.cpus} CPUs, {node.real_memory} MiB and {gres}"


def _configuration(node: NodeSpec, spec: JobSpec, code: str) -> str | None:
    """The line of slurm.conf that would say otherwise."""
    wish = spec.resources
    if code == "ESLURM_INVALID_FEATURE" and wish.constraint is not None and not isinstance(wish.constraint, Malformed):
        wanted = dict.fromkeys((*node.features, *names(wish.constraint)))
        return f"NodeName={node.name} Feature={','.join(wanted)}"
    if code == "ESLURM_INVALID_LICENSES" and wish.licenses_text:
        return f"Licenses={wish.licenses_text}"
    if code == "ESLURM_RESERVATION_INVALID":
        return "no line can: scontrol create reservation makes one"
    if code == "ESLURM_INVALID_NODE_NAME":
        return f"NodeName={','.join(wish.nodelist)} NodeHostname=localhost CPUs={node.cpus}"
    if code == "ESLURM_INVALID_GRES":
        kinds = sorted({gres.name for gres in wish.gres.per_node} - {"gpu"})
        return f"GresTypes=gpu,{','.join(kinds)}" if kinds else None
    if code in _TOO_LITTLE:
        count = wish.nodes.minimum if wish.nodes else 1
        name = f"n[1-{count}]" if count > 1 else node.name
        gres = "".join(f" Gres={g.name}:{g.type + ':' if g.type else ''}{g.count}" for g in _on_node(spec))
        memory = wish.memory.mib if wish.memory and wish.memory.per == "node" else node.real_memory
        return f"NodeName={name} CPUs={_cpus(node, spec)} RealMemory={max(memory, node.real_memory)}{gres}"
    return None


_TOO_LITTLE = frozenset(
    {"ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE", "ESLURM_TOO_MANY_REQUESTED_CPUS", "ESLURM_INVALID_NODE_COUNT"}
)


def _on_node(spec: JobSpec) -> list[Gres]:
    asked = spec.resources.gres
    return [g for g in (*asked.per_node, *asked.per_job) if g.count]


def _cpus(node: NodeSpec, spec: JobSpec) -> int:
    wish = spec.resources
    nodes = wish.nodes.minimum if wish.nodes else 1
    tasks = wish.ntasks_per_node or -(-(wish.ntasks or 1) // max(1, nodes))
    return max(node.cpus, tasks * (wish.cpus_per_task or 1), wish.mincpus or 0)
