"""A running step as Slurm's own records would tell it: one that srun has started, or the batch script."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.squeue_order import load_order
from flowbatch.core.arrays import root
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Snapshot
from flowbatch.core.states import Holding
from flowbatch.core.steps import Step
from flowbatch.slurm import amounts
from flowbatch.slurm.fields import NULL

BATCH = "batch"
EXTERN = "extern"


@dataclass(frozen=True, slots=True)
class StepView:
    """One step. `step` is None for one without a number, which goes by the name that is `unnumbered`: BATCH or EXTERN."""

    view: JobView
    step: Step | None = None
    unnumbered: str = BATCH

    @property
    def id(self) -> str:
        """`7.0`, `7_3.batch`."""
        return f"{job_name(self.view)}.{self.name_in_job}"

    @property
    def name_in_job(self) -> str:
        return self.unnumbered if self.step is None else str(self.step.number)

    @property
    def name(self) -> str:
        return self.unnumbered if self.step is None else self.step.name

    @property
    def node_names(self) -> tuple[str, ...]:
        if self.step is not None:
            return self.step.nodes
        if self.unnumbered == EXTERN:
            return self.view.allocation.nodes if self.view.allocation is not None else ()
        return (self.view.batch_host,) if self.view.batch_host is not None else ()

    @property
    def nodes(self) -> str:
        return self.view.scene.nodes_text(self.node_names)

    @property
    def tasks(self) -> int:
        return len(self.node_names) if self.step is None else self.step.tasks

    @property
    def cpus(self) -> int:
        """CPUs of its own; one without a number has none."""
        return 0 if self.step is None else self.step.cpus

    @property
    def began_at(self) -> int | None:
        return self.view.started_at if self.step is None else self.step.began_at

    @property
    def ran_s(self) -> int:
        began = self.began_at
        return 0 if began is None else max(0, self.view.scene.at - began)

    @property
    def limit_min(self) -> int | None:
        return None if self.step is None else self.step.limit_min

    @property
    def gres(self) -> str:
        """What it has of each node: `gres:gpu:2`."""
        if self.step is None or not self.step.gpus:
            return NULL
        return f"gres:gpu:{max(1, self.step.gpus // max(1, len(self.step.nodes)))}"

    @property
    def tres(self) -> str:
        return NULL if self.step is None else step_tres(self.step)


def job_name(view: JobView) -> str:
    """The job as its steps name it: `7`, `7_3`; a component of a heterogeneous job by its own number, as on 22.05."""
    return f"{view.array_id}_{view.task}" if view.task is not None else str(view.job.id)


def step_tres(step: Step, *, convert: bool = True) -> str:
    """`cpu=2,gres/gpu=1,mem=100M,node=1`."""
    memory = amounts.mebibytes(step.memory_mib, convert=convert) if step.memory_mib else "0"
    gpus = f"gres/gpu={step.gpus}," if step.gpus else ""
    return f"cpu={step.cpus},{gpus}mem={memory},node={len(step.nodes)}"


def running_steps(snapshot: Snapshot, scene: Scene, jobs: Iterable[Job] | None = None) -> Iterator[StepView]:
    """The steps of these jobs that run, or of all, as slurmctld has them: those without a number first, then by number."""
    for job in load_order(snapshot.jobs if jobs is None else jobs):
        if isinstance(job.state, Holding):
            view = JobView(job, scene)
            if scene.cluster.contains:
                yield StepView(view, unnumbered=EXTERN)
            if has_script(view):
                yield StepView(view)
            steps = snapshot.steps.get(root(job) if job.het is not None else job.id)
            if steps is not None:
                running = (part_of(job, steps.running[number]) for number in sorted(steps.running))
                yield from (StepView(view, step) for step in running if step is not None)


def part_of(job: Job, step: Step) -> Step | None:
    """What of a step runs on the job itself: of a heterogeneous job's, what runs on this component, if anything."""
    return step if job.het is None else step.on(job.het.offset)


def has_script(view: JobView) -> bool:
    """Whether a batch script of its own runs; later components of a heterogeneous job and allocations have none."""
    return view.spec.is_batch and not view.job.follows
