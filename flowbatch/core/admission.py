"""May this job enter the queue? slurmctld's checks, in its order, with its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from flowbatch.core.events import Refused, Submitted
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec


class AdmissionContext(Protocol):
    """What admission must know of the queue."""

    def job_exists(self, job_id: int) -> bool:
        """Whether the queue has a record (or an array) with this number."""

    def job_count(self) -> int:
        """How many records the queue holds, an array's unstarted tasks counted each (MaxJobCount)."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The job may enter. `spec` is what enters (defaults of the cluster filled in where Slurm fills them at submission),
    `partitions` are resolved names, never empty; `notes` one sentence each of what was obliged or is only recorded."""

    spec: JobSpec
    partitions: tuple[str, ...]
    notes: tuple[str, ...] = ()


def admit(cluster: ClusterSpec, event: Submitted, context: AdmissionContext) -> Admitted | Refused:
    """The verdict on a submission; changes nothing."""
    spec = event.spec
    for name in spec.partitions:
        if cluster.partition(name) is None:
            return Refused("ESLURM_INVALID_PARTITION_NAME", (f"invalid partition specified: {name}",))
    default = cluster.default_partition
    names = spec.partitions or ((default.name,) if default else ())
    if not names:
        return Refused("ESLURM_DEFAULT_PARTITION_NOT_SET")
    return Admitted(spec, names)
