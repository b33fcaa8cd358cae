"""The environment of a step's tasks: what srun was started with, the job's own variables, and the step's; recorded from 22.05."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from flowbatch.slurm.environment import GPU_VARIABLES

SLURM = "SLURM_"
LOCALHOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class StepFacts:
    """A granted step. `gpus`: the indices that its tasks share, None where the job has none; `gpus_per_task`: each gets its own."""

    job_id: int
    step: int
    node: str
    tasks: int
    cpus_per_task: int | None
    gpus: tuple[int, ...] | None
    gpus_per_task: int | None
    distribution: str | None
    umask: int


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
    if export is not None:
        kept["SLURM_EXPORT_ENV"] = export
    return kept


def of_task(kept: Mapping[str, str], facts: StepFacts, rank: int) -> dict[str, str]:
    """The whole environment of one task; `SLURM_TASK_PID` is added by the task itself."""
    result = dict(kept)
    result.update(_of_step(facts))
    result["SLURM_PROCID"] = result["SLURM_LOCALID"] = str(rank)
    result["SLURM_NODEID"] = "0"
    result["SLURM_GTIDS"] = ",".join(map(str, range(facts.tasks)))
    if facts.cpus_per_task is not None:
        result["SLURM_CPUS_PER_TASK"] = str(facts.cpus_per_task)
    gpus = _gpus(facts, rank)
    if gpus is not None:
        words = ",".join(map(str, gpus))
        result.update(dict.fromkeys(GPU_VARIABLES, words))
        result["SLURM_STEP_GPUS"] = ",".join(map(str, facts.gpus or ()))
    return result


def _of_step(facts: StepFacts) -> Iterator[tuple[str, str]]:
    tasks, step = str(facts.tasks), str(facts.step)
    yield from dict.fromkeys(("SLURM_NTASKS", "SLURM_NPROCS", "SLURM_STEP_NUM_TASKS"), tasks).items()
    yield from dict.fromkeys(("SLURM_TASKS_PER_NODE", "SLURM_STEP_TASKS_PER_NODE"), tasks).items()
    yield from dict.fromkeys(("SLURM_STEP_ID", "SLURM_STEPID"), step).items()
    yield "SLURM_STEP_NODELIST", facts.node
    yield "SLURM_STEP_NUM_NODES", "1"
    yield from dict.fromkeys(("SLURM_LAUNCH_NODE_IPADDR", "SLURM_SRUN_COMM_HOST"), LOCALHOST).items()
    # No program of ours listens for PMI or I/O connections; the names are there for scripts that print them.
    yield from dict.fromkeys(("SLURM_SRUN_COMM_PORT", "SLURM_STEP_LAUNCHER_PORT"), "0").items()
    yield "SLURM_DISTRIBUTION", facts.distribution or "cyclic"
    yield "SLURM_UMASK", f"{facts.umask:04o}"
    yield "SRUN_DEBUG", "3"


def _gpus(facts: StepFacts, rank: int) -> tuple[int, ...] | None:
    if facts.gpus is None:
        return None
    if facts.gpus_per_task is None:
        return facts.gpus
    return facts.gpus[rank * facts.gpus_per_task : (rank + 1) * facts.gpus_per_task]
