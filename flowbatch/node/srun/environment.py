"""The environment of a step's tasks: what srun was started with, the job's own variables, and the step's; recorded from 22.05
(`tests/data/steps/`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from flowbatch.node.granting import Part, Share
from flowbatch.node.srun import binding
from flowbatch.node.srun.wanted import CpuBind, Wanted
from flowbatch.slurm import hostlist
from flowbatch.slurm.environment import GPU_VARIABLES, folded

SLURM = "SLURM_"
LOCALHOST = "127.0.0.1"
NODE_OF_THE_SCRIPT = ("SLURMD_NODENAME", "SLURM_TOPOLOGY_ADDR")
JOB_WIDE = ("SLURM_NTASKS", "SLURM_NPROCS", "SLURM_NNODES", "SLURM_TASKS_PER_NODE")
"""What -E keeps as the job has it."""
OF_COMPONENTS = ("SLURM_JOB_ID_PACK_GROUP_", "SLURM_JOB_NODELIST_PACK_GROUP_", "SLURM_JOB_PARTITION_PACK_GROUP_")
"""What is still told of single components where all of them are one job to the tasks."""


@dataclass(frozen=True)
class Step:
    """A granted step of a job that has `shares`; `said`: the word of its distribution."""

    job_id: int
    number: int
    parts: tuple[Part, ...]
    shares: tuple[Share, ...]
    wanted: Wanted
    said: str
    plane: int = 0
    umask: int = 0o022

    @cached_property
    def tasks(self) -> int:
        return sum(len(part.ranks) for part in self.parts)

    @cached_property
    def manages_gpus(self) -> bool:
        return any(share.gpus for share in self.shares)

    @cached_property
    def variables(self) -> dict[str, str]:
        """What all of its tasks have alike."""
        return dict(_of_step(self))

    def gpus_on(self, node: str) -> tuple[int, ...]:
        return next((share.gpus for share in self.shares if share.node == node), ())


def exported(environ: Mapping[str, str], export: str | None) -> dict[str, str]:
    """What of srun's own environment its tasks get: all of it, or `--export`'s names and SLURM_*."""
    words = [word for word in (export or "ALL").split(",") if word]
    if "ALL" in words:
        kept = dict(environ)
    else:
        named = {word for word in words if "=" not in word and word not in ("NONE", "NIL")}
        kept = {name: value for name, value in environ.items() if name in named or name.startswith(SLURM)}
    kept.update((name, value) for name, equals, value in (word.partition("=") for word in words) if equals)
    return kept


def base(environ: Mapping[str, str], job: Mapping[str, str], export: str | None) -> dict[str, str]:
    """Before the step's own: SLURM_* variables that a program took away come back from the job's."""
    kept = exported(environ, export)
    for name, value in job.items():
        if name.startswith(SLURM) or name == "SLURMD_NODENAME":
            kept.setdefault(name, value)
    kept.setdefault("TMPDIR", "/tmp")
    if export is not None and "ALL" not in export.split(","):
        kept["SLURM_EXPORT_ENV"] = export
    return kept


def joined(kept: Mapping[str, str], shares: Sequence[Share]) -> dict[str, str]:
    """What the tasks of an `srun A : B` outside a job have of their job: it is one, on all nodes of its components."""
    nodes = hostlist.fold(share.node for share in shares)
    whole = {
        "SLURM_JOB_CPUS_PER_NODE": folded(share.cpus for share in shares), "SLURM_JOB_NODELIST": nodes, "SLURM_NODELIST": nodes,
        "SLURM_JOB_NUM_NODES": str(len(shares)),
    }  # fmt: skip
    told = {name: value for name, value in kept.items() if "_GROUP_" not in name or name.startswith(OF_COMPONENTS)}
    return told | whole


def of_task(kept: Mapping[str, str], step: Step, node: int, local: int) -> dict[str, str]:
    """The whole environment of the `local`-th task on the step's `node`-th node; `SLURM_TASK_PID` is added by the task itself."""
    part = step.parts[node]
    result = dict(kept)
    result.update(step.variables)
    if step.wanted.preserve_env:
        result.update((name, kept[name]) for name in JOB_WIDE if name in kept)
    result.update(dict.fromkeys(NODE_OF_THE_SCRIPT, part.node))
    result["SLURM_PROCID"] = str(part.ranks[local])
    result["SLURM_LOCALID"] = str(local)
    result["SLURM_NODEID"] = str(node)
    result["SLURM_GTIDS"] = ",".join(map(str, part.ranks))
    result["SLURM_CPUS_ON_NODE"] = str(part.cpus)
    if step.manages_gpus:
        for name in (*GPU_VARIABLES, "SLURM_GPUS_ON_NODE", "SLURM_STEP_GPUS"):
            result.pop(name, None)
        result.update(_gpus(step, part, local))
    return result


def _of_step(step: Step) -> Iterator[tuple[str, str]]:
    tasks, number = str(step.tasks), str(step.number)
    spread = folded(len(part.ranks) for part in step.parts)
    yield from dict.fromkeys(("SLURM_NTASKS", "SLURM_NPROCS", "SLURM_STEP_NUM_TASKS"), tasks).items()
    yield from dict.fromkeys(("SLURM_TASKS_PER_NODE", "SLURM_STEP_TASKS_PER_NODE"), spread).items()
    yield from dict.fromkeys(("SLURM_STEP_ID", "SLURM_STEPID"), number).items()
    yield from dict.fromkeys(("SLURM_STEP_NUM_NODES", "SLURM_NNODES"), str(len(step.parts))).items()
    yield "SLURM_STEP_NODELIST", hostlist.fold(part.node for part in step.parts)
    for component in sorted({share.component for share in step.shares}):
        own = folded(share.cpus for share in step.shares if share.component == component)
        yield f"SLURM_JOB_CPUS_PER_NODE_PACK_GROUP_{component}", own
    yield from dict.fromkeys(("SLURM_LAUNCH_NODE_IPADDR", "SLURM_SRUN_COMM_HOST"), LOCALHOST).items()
    # No program of ours listens for I/O connections; the names are there for scripts that print them.
    yield from dict.fromkeys(("SLURM_SRUN_COMM_PORT", "SLURM_STEP_LAUNCHER_PORT"), "0").items()
    yield "SLURM_DISTRIBUTION", step.said
    yield "SLURM_UMASK", f"{step.umask:04o}"
    yield "SRUN_DEBUG", str(3 + step.wanted.verbose - step.wanted.quiet)
    yield from _of_options(step)


def _of_options(step: Step) -> Iterator[tuple[str, str]]:
    """Options that are handed on under a name of their own."""
    wanted = step.wanted
    told = {
        "SLURM_CPUS_PER_TASK": wanted.cpus_per_task, "SLURM_NTASKS_PER_NODE": wanted.tasks_per_node,
        "SLURM_NTASKS_PER_CORE": wanted.tasks_per_core, "SLURM_THREADS_PER_CORE": wanted.threads_per_core or (1 if _one_thread(wanted) else None),
        "SLURM_CPU_FREQ_REQ": wanted.cpu_freq, "SLURM_JOB_NAME": wanted.job_name, "SLURM_MPI_TYPE": wanted.mpi if wanted.mpi != "none" else None,
        "SLURM_LABELIO": 1 if wanted.label else None, "SLURM_OVERCOMMIT": 1 if wanted.overcommit else None,
        "SLURM_DIST_PLANESIZE": step.plane or None,
    }  # fmt: skip
    yield from ((name, str(value)) for name, value in told.items() if value is not None)
    bind = wanted.cpu_bind or _implied(wanted)
    if bind is not None:
        yield from _bind("SLURM_CPU_BIND", bind.kind, bind.list, verbose=bind.verbose)
    if wanted.mem_bind is not None:
        yield from _bind("SLURM_MEM_BIND", wanted.mem_bind, "", verbose=False)


def _one_thread(wanted: Wanted) -> bool:
    return wanted.hint is not None and "nomultithread" in wanted.hint.lower()


def _implied(wanted: Wanted) -> CpuBind | None:
    if _one_thread(wanted):
        return CpuBind("threads")
    return CpuBind("cores") if wanted.tasks_per_core else None


def _bind(name: str, kind: str, listed: str, *, verbose: bool) -> Iterator[tuple[str, str]]:
    how = "verbose" if verbose else "quiet"
    colon = ":" if kind.startswith(("map_", "mask_")) else ""
    yield name, f"{how},{kind}{colon}{listed}"
    yield f"{name}_LIST", listed
    yield f"{name}_TYPE", kind + colon
    yield f"{name}_VERBOSE", how


def _gpus(step: Step, part: Part, local: int) -> Iterator[tuple[str, str]]:
    on_node = step.gpus_on(part.node)
    if on_node:
        yield "SLURM_JOB_GPUS", ",".join(map(str, on_node))
    bind = binding.gpu_binding(step.wanted)
    seen = binding.visible(bind, part, local)
    alone = len(part.ranks) == 1 and step.wanted.gpu_bind is None  # nothing need be bound
    if bind is not None and not alone:
        yield "SLURMD_TRES_BIND", f"gpu:{bind.said}"
    if part.gpus:
        yield "SLURM_GPUS_ON_NODE", str(len(part.gpus))
    if seen:
        words = ",".join(map(str, seen))
        yield from dict.fromkeys((*GPU_VARIABLES, "SLURM_STEP_GPUS"), words).items()
