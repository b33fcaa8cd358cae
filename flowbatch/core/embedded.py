"""The cluster that one machine is when nobody wrote a slurm.conf."""

from __future__ import annotations

from itertools import groupby
from typing import Protocol

from flowbatch.spec.cluster import ClusterSpec, GresDevice, NodeSpec, PartitionSpec

NAME = "local"
PARTITION = "debug"

MAX_ARRAY_SIZE = 1_000_001
"""Indices up to a million: ten times the largest array that is promised to be quick; a set of them is 125 kB."""

MAX_JOB_COUNT = 2_000_000
"""Tasks count each, so that the largest array leaves room for other work."""


class MachineFacts(Protocol):
    """What must be known of a machine. Memory and disk in MiB; `gpus` are models, in index order."""

    @property
    def hostname(self) -> str: ...
    @property
    def cpus(self) -> int: ...
    @property
    def memory_mib(self) -> int: ...
    @property
    def tmp_mib(self) -> int: ...
    @property
    def gpus(self) -> tuple[str, ...]: ...


def embedded(machine: MachineFacts) -> ClusterSpec:
    """One node named after the machine with all it has, in one partition; obliging about names, never about resources.

    A job that says nothing about memory gets its CPUs' part of it, so that as many jobs fit as there are CPUs. What
    the machine can never give is refused at once: nobody is there to change a limit of a partition.
    """
    node = NodeSpec(
        name=machine.hostname,
        cpus=machine.cpus,
        cores_per_socket=machine.cpus,
        real_memory=machine.memory_mib,
        tmp_disk=machine.tmp_mib,
        gres=_gres(machine.gpus),
    )
    return ClusterSpec(
        name=NAME,
        nodes=(node,),
        partitions=(PartitionSpec(name=PARTITION, nodes=(node.name,), default=True),),
        obliging=True,
        max_array_size=MAX_ARRAY_SIZE,
        max_job_count=MAX_JOB_COUNT,
        enforce_part_limits="ALL",
        def_mem_per_cpu=max(1, machine.memory_mib // machine.cpus),
        select_memory=True,
        gres_types=("gpu",),
        gathers=True,
    )


def _gres(models: tuple[str, ...]) -> tuple[GresDevice, ...]:
    """GPUs of one model that follow one another are one entry, so that numbers stay those of the machine."""
    found: list[GresDevice] = []
    for model, indices in groupby(range(len(models)), key=models.__getitem__):
        files = tuple(f"/dev/nvidia{index}" for index in indices)
        found.append(GresDevice(name="gpu", type=model, count=len(files), files=files))
    return tuple(found)
