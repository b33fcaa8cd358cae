"""Which CPUs a task is bound to and which GPUs it sees; srun(1) --cpu-bind and --gpu-bind."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from flowbatch.node.granting import Part, Share
from flowbatch.node.srun.wanted import CpuBind, GpuBind, Wanted

UNSUPPORTED = "srun: cluster configuration lacks support for cpu binding"


def can_bind(shares: Sequence[Share], slurm_conf: str | None) -> bool:
    """Whether the job's CPUs are this machine's: they have names, each once, and the kernel knows them all. A site with a
    slurm.conf binds if that says so (TaskPlugin), as with Slurm."""
    if slurm_conf is not None and not _has_affinity(slurm_conf):
        return False
    ids = [one for share in shares for one in share.cpu_ids]
    known = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set()
    return bool(ids) and len(set(ids)) == len(ids) and set(ids) <= known


def _has_affinity(slurm_conf: str) -> bool:
    try:
        text = Path(slurm_conf).read_text(errors="surrogateescape")
    except OSError:
        return False
    return re.search(r"^\s*TaskPlugin\s*=[^#\n]*affinity", text, re.IGNORECASE | re.MULTILINE) is not None


def cpus_of(bind: CpuBind, part: Part, local: int) -> frozenset[int] | None:
    """The CPUs of one task, the `local`-th on its node; None leaves it where srun is."""
    ids, tasks = part.cpu_ids, len(part.ranks)
    if bind.kind in ("", "none") or not ids:
        return None
    if bind.kind == "map_cpu":
        return frozenset({bind.ids[local % len(bind.ids)]})
    if bind.kind == "mask_cpu":
        mask = bind.ids[local % len(bind.ids)]
        return frozenset(bit for bit in range(mask.bit_length()) if mask >> bit & 1)
    if bind.kind in ("rank", "cores", "threads"):
        each = max(1, len(ids) // tasks)
        return frozenset(ids[(local * each + at) % len(ids)] for at in range(each))
    return frozenset(ids)  # sockets and memory domains are not told apart


@contextlib.contextmanager
def bound(cpus: frozenset[int] | None) -> Iterator[None]:
    """What is started meanwhile runs on these CPUs alone. Raises OSError for CPUs that are not there."""
    if cpus is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cpus)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_line(bind: CpuBind, host: str, rank: int, local: int, pid: int, cpus: frozenset[int] | None) -> str:
    """What `--cpu-bind=verbose` tells of a task."""
    mask = sum(1 << one for one in (cpus if cpus is not None else os.sched_getaffinity(0)))
    kind = {"": "NONE", "none": "NONE", "map_cpu": "MAP ", "mask_cpu": "MASK"}.get(bind.kind, "MASK")
    return f"cpu-bind={kind} - {host}, task {rank:>2} {local:>2} [{pid}]: mask {mask:#x} set"


def gpu_binding(wanted: Wanted) -> GpuBind | None:
    """What was said, or what --gpus-per-task means."""
    if wanted.gpu_bind is None and wanted.gpus_per_task:
        return GpuBind("per_task", f"per_task:{wanted.gpus_per_task}", (wanted.gpus_per_task,))
    return wanted.gpu_bind


def visible(bind: GpuBind | None, part: Part, local: int) -> tuple[int, ...]:
    """The GPUs that the `local`-th task of a node sees."""
    gpus = part.gpus
    if bind is None or bind.kind == "closest" or not gpus or (bind.kind == "per_task" and len(part.ranks) == 1):
        return gpus
    if bind.kind == "none":
        return ()
    number = bind.numbers[local % len(bind.numbers)]
    if bind.kind == "single":
        return (gpus[local // number % len(gpus)],)
    if bind.kind == "per_task":
        return gpus[local * number : (local + 1) * number]
    if bind.kind == "map_gpu":
        return tuple(gpu for gpu in gpus if gpu == number) or gpus
    return tuple(gpu for gpu in gpus if number >> gpu & 1) or gpus


def gpu_line(part: Part, seen: Sequence[int]) -> str:
    """What `--gpu-bind=verbose` tells of a task."""
    listed = ",".join(map(str, seen))
    usable, held = (sum(1 << gpu for gpu in some) for some in (seen, part.gpus))
    return f"gpu-bind: usable_gres={usable:#x}; bit_alloc={held:#x}; local_inx=0; global_list={listed}; local_list={listed}"
