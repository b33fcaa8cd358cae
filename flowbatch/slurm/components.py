"""The variables of a heterogeneous job's script: what is told of each component, with its number behind the name.

Recorded from 22.05.8 (`tests/data/environments/het-*.json`). Where a component's own options are concerned nothing is told of the
script's own component beside that; `PACK` is the old word for it, and still said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

Pairs = Iterable[tuple[str, str]]

OPTIONS = frozenset({
    "SLURM_CPUS_PER_GPU", "SLURM_CPUS_PER_TASK", "SLURM_DISTRIBUTION", "SLURM_DIST_PLANESIZE", "SLURM_GPUS", "SLURM_GPUS_PER_NODE",
    "SLURM_GPUS_PER_SOCKET", "SLURM_GPUS_PER_TASK", "SLURM_MEM_PER_GPU", "SLURM_NTASKS_PER_CORE", "SLURM_NTASKS_PER_GPU",
    "SLURM_NTASKS_PER_NODE", "SLURM_NTASKS_PER_SOCKET", "SLURM_THREADS_PER_CORE",
})  # fmt: skip
"""Told of components alone."""

FACTS = frozenset({
    "SLURM_JOB_ACCOUNT", "SLURM_JOB_CPUS_PER_NODE", "SLURM_JOB_ID", "SLURM_JOB_NAME", "SLURM_JOB_NODELIST", "SLURM_JOB_NUM_NODES",
    "SLURM_JOB_PARTITION", "SLURM_JOB_QOS", "SLURM_JOB_RESERVATION", "SLURM_MEM_PER_CPU", "SLURM_MEM_PER_NODE", "SLURM_NPROCS",
    "SLURM_NTASKS", "SLURM_TASKS_PER_NODE",
})  # fmt: skip
"""Told of components, and of the first of them also without a number."""

EVERYWHERE = ("acctg-freq", "open-mode", "profile")
"""Options that the script is told of whichever component said them."""


def leaders(pairs: Pairs) -> Iterator[tuple[str, str]]:
    """What stands there without a number."""
    return ((name, value) for name, value in pairs if name not in OPTIONS)


def numbered(components: Sequence[Pairs]) -> Iterator[tuple[str, str]]:
    """How many components there are, and what is told of each."""
    yield from ((f"SLURM_{word}_SIZE", str(len(components))) for word in ("HET", "PACK"))
    for number, pairs in enumerate(components):
        for name, value in pairs:
            if name in OPTIONS or name in FACTS:
                yield from ((f"{name}_{word}_GROUP_{number}", value) for word in ("HET", "PACK"))


SHARED = frozenset({"SLURM_CLUSTER_NAME", "SLURM_JOB_ID", "SLURM_SUBMIT_DIR", "SLURM_SUBMIT_HOST"})
"""All that salloc's command is told of the whole job, beside the number of its components and of their tasks."""

ALIASES = {
    "SLURM_JOBID": "SLURM_JOB_ID", "SLURM_NNODES": "SLURM_JOB_NUM_NODES", "SLURM_NODELIST": "SLURM_JOB_NODELIST",
}  # fmt: skip


def allocated(batch: Mapping[str, str]) -> dict[str, str]:
    """What salloc gives its command, of the variables that a batch script of the heterogeneous job would have."""
    told = {
        name: value for name, value in batch.items() if name in SHARED or "_GROUP_" in name or name.endswith("_SIZE")
    }
    size = int(batch["SLURM_HET_SIZE"])
    for word in ("HET", "PACK"):
        for number in range(size):
            suffix = f"_{word}_GROUP_{number}"
            told |= {f"{alias}{suffix}": batch[f"{name}{suffix}"] for alias, name in ALIASES.items()}
            told[f"SLURM_NODE_ALIASES{suffix}"] = "(null)"
    each = [value for name, value in batch.items() if name.startswith("SLURM_NTASKS_PER_NODE_HET_GROUP_")]
    if each:
        told["SLURM_NTASKS_PER_NODE"] = each[-1]
    tasks = [int(value) for name, value in batch.items() if name.startswith("SLURM_NTASKS_HET_GROUP_")]
    if len(tasks) == size:  # every component said how many
        told |= dict.fromkeys(("SLURM_NTASKS", "SLURM_NPROCS"), str(sum(tasks)))
    return told
