"""Whether the wishes for gres go together: what sbatch checks by itself before it asks the controller, in its words."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flowbatch.core.events import Refused
from flowbatch.core.placing.sizing import last_said
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.resources import Gres, GresRequest, Resources

_FAILED = "Failed to validate job spec"


def gres_fault(cluster: ClusterSpec, wish: Resources) -> Refused | None:
    """The client's refusal of the gres wishes, with the line before it, or None."""
    fault = wish.gres.malformed
    if fault is not None and fault.where == "mixed":
        return Refused("ESLURM_INVALID_GRES_TYPE")
    if fault is not None and fault.where != "tres":
        return Refused("ESLURM_INVALID_GRES")
    if any(gres.count and gres.name not in cluster.gres_types for gres in _all(wish.gres)):
        return Refused("ESLURM_INVALID_GRES")
    for check in _CHECKS:
        line = check(wish)
        if line is not None:
            return Refused("ESLURM_INVALID_GRES", (line,))
    return None


def _all(asked: GresRequest) -> tuple[Gres, ...]:
    return asked.per_node + asked.per_job + asked.per_task + asked.per_socket


def _counts(wanted: Iterable[Gres]) -> dict[str | None, int]:
    """GPUs by type."""
    counts: dict[str | None, int] = {}
    for gres in last_said(wanted):
        if gres.name == "gpu":
            counts[gres.type] = counts.get(gres.type, 0) + gres.count
    return counts


def _pairs(some: Iterable[Gres], others: Iterable[Gres]) -> list[tuple[int, int]]:
    """Counts of the types that both name."""
    one, two = _counts(some), _counts(others)
    return [(one[type_], two[type_]) for type_ in one if type_ in two]


def _sockets(wish: Resources) -> str | None:
    missing = _counts(wish.gres.per_socket) and not wish.sockets_per_node
    return "--gpus-per-socket option requires --sockets-per-node specification" if missing else None


def _cpus(wish: Resources) -> str | None:
    both = wish.cpus_per_gpu and wish.cpus_per_task
    return "--cpus-per-gpu is mutually exclusive with --cpus-per-task" if both else None


def _memory(wish: Resources) -> str | None:
    memory = wish.memory
    if memory is None or memory.per != "gpu" or not memory.mib or _counts(_all(wish.gres)) or wish.ntasks_per_gpu:
        return None
    return f"Requested mem_per_tres=gres:gpu:{memory.mib} but did not request any GPU."


def _tasks_per_gpu(wish: Resources) -> str | None:
    if not wish.ntasks_per_gpu or _counts(_all(wish.gres)):
        return None
    if wish.ntasks is None and wish.nodes is None:
        return (
            "gres_job_state_validate: --ntasks-per-tres needs either a GRES GPU specification "
            "or a node/ntask specification"
        )
    if wish.ntasks is not None and wish.ntasks % wish.ntasks_per_gpu:
        return f"{_FAILED}, -n/--ntasks has to be a multiple of --ntasks-per-gpu."
    return None


def _per_task(wish: Resources) -> str | None:
    asked = wish.gres
    if not _counts(asked.per_task):
        return None
    known = wish.ntasks or wish.nodes or wish.ntasks_per_node
    if not known and not _pairs(asked.per_job, asked.per_task):
        return f"{_FAILED}. --gpus-per-task used without either --gpus or -n/--ntasks is not allowed."
    for in_job, per_task in _pairs(asked.per_job, asked.per_task):
        if in_job % per_task:
            return f"{_FAILED}, --gpus not multiple of --gpus-per-task"
        if wish.ntasks is not None and in_job // per_task != wish.ntasks:
            return f"{_FAILED}. Based on --gpus and --gpus-per-task number of requested tasks differ from -n/--ntasks."
    if any(on_node % per_task for on_node, per_task in _pairs(asked.per_node, asked.per_task)):
        return f"{_FAILED}, --gres=gpu/--gpus-per-node not multiple of --gpus-per-task."
    return None


def _per_node(wish: Resources) -> str | None:
    asked = wish.gres
    low = wish.nodes.minimum if wish.nodes else 1
    high = wish.nodes.maximum if wish.nodes else None
    for in_job, on_node in _pairs(asked.per_job, asked.per_node):
        if in_job % on_node:
            return f"{_FAILED}, --gpus is not multiple of --gres=gpu/--gpus-per-node"
        nodes = in_job // on_node
        if wish.nodes and (nodes < low or (high is not None and nodes > high)):
            return (
                f"{_FAILED}. Based on --gpu and --gres=gpu/--gpus-per-node required nodes ({nodes}) doesn't fall "
                f"between min_nodes ({low}) and max_nodes ({high}) boundaries."
            )
    if any(count < low for count in _counts(asked.per_job).values()):
        return f"{_FAILED}, --gpus < -N"
    if any(on_node % socket for on_node, socket in _pairs(asked.per_node, asked.per_socket)):
        return f"{_FAILED}, --gres=gpu/--gpus-per-node not multiple of --gpus-per-socket."
    return None


_CHECKS: tuple[Callable[[Resources], str | None], ...] = (
    _cpus,
    _sockets,
    _memory,
    _tasks_per_gpu,
    _per_task,
    _per_node,
)
