"""What one srun asks for, once its words and its environment are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flowbatch.node.dealing import Distribution


class CannotRun(Exception):
    """srun ends before a step begins: `line` is what it prints, `code` its exit code; None: the one that SLURM_EXIT_ERROR replaces."""

    def __init__(self, line: str, code: int | None = None) -> None:
        super().__init__(line)
        self.line = line
        self.code = code


@dataclass(frozen=True, slots=True)
class Nodes:
    """`-N 2` is 2 to 2. `said`: on the command line, not by the job's environment."""

    least: int
    most: int
    said: bool = True


@dataclass(frozen=True, slots=True)
class CpuBind:
    """How tasks are bound to CPUs: `kind` is empty for no word about it; `ids` are CPUs or masks of map_cpu and mask_cpu."""

    kind: str = ""
    ids: tuple[int, ...] = ()
    list: str = ""
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class GpuBind:
    """Which of a step's GPUs a task sees. `said`: the words as SLURMD_TRES_BIND has them, without `gpu:`."""

    kind: Literal["closest", "none", "single", "map_gpu", "mask_gpu", "per_task"]
    said: str
    numbers: tuple[int, ...] = ()
    verbose: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """One step. A value of None: nobody said anything."""

    command: tuple[str, ...] = ()
    job_id: int | None = None
    job_name: str | None = None
    het_group: str | None = None
    tasks: int | None = None
    tasks_per_node: int | None = None
    tasks_per_gpu: int | None = None
    tasks_per_core: int | None = None
    tasks_per_socket: int | None = None
    nodes: Nodes | None = None
    nodelist: tuple[str, ...] = ()
    nodefile: str | None = None
    exclude: tuple[str, ...] = ()
    relative: int | None = None
    distribution: Distribution | None = None
    no_allocate: bool = False
    cpus_per_task: int | None = None
    cpus_per_gpu: int | None = None
    threads_per_core: int | None = None
    threads: int | None = None
    gpus: int | None = None
    gpus_per_node: int | None = None
    gpus_per_task: int | None = None
    gpu_bind: GpuBind | None = None
    cpu_bind: CpuBind | None = None
    mem_bind: str | None = None
    memory_mib: int | None = None
    memory_per_cpu_mib: int | None = None
    memory_per_gpu_mib: int | None = None
    cpu_freq: str | None = None
    gpu_freq: str | None = None
    hint: str | None = None
    exact: bool = False
    overlap: bool = False
    overcommit: bool = False
    immediate: bool = False
    interactive: bool = False
    limit_min: int | None = None
    label: bool = False
    unbuffered: bool = False
    pty: bool = False
    input: str | None = None
    output: str | None = None
    error: str | None = None
    open_mode: Literal["append", "truncate"] | None = None
    chdir: str | None = None
    export: str | None = None
    preserve_env: bool = False
    mpi: str | None = None
    bcast: str | None = None
    prolog: str | None = None
    epilog: str | None = None
    task_prolog: str | None = None
    task_epilog: str | None = None
    multi_prog: bool = False
    kill_on_bad_exit: bool = False
    wait_s: int = 0
    disable_status: bool = False
    quit_on_interrupt: bool = False
    test_only: bool = False
    quiet: int = 0
    verbose: int = 0
    ask: Literal["help", "usage", "version"] | None = None
    given: tuple[str, ...] = ()
    """The long names of the options on the command line."""
    remarks: tuple[str, ...] = ()
    """What srun has to say about its words before it does anything."""
