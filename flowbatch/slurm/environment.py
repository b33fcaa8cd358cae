"""The environment of a batch script: what sbatch, slurmctld and slurmstepd 22.05 put into it, from a job's facts.

Recorded from real Slurm (`tests/data/environments/`); sbatch(1) "OUTPUT ENVIRONMENT VARIABLES" names most of them.
Two things differ, by design: `SLURM_CONF` is there only if the site has a slurm.conf, and `SLURM_WORKING_CLUSTER`
names port 0, since no program may reach a controller of ours over the network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from flowbatch.protocol.plain import known
from flowbatch.slurm import components
from flowbatch.text import encode

Environment = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a batch script's environment tells of its job. Text is by `flowbatch.text`, memory in MiB.

    `nodes`, `cpus_per_node` and `tasks_per_node` go together, in node order; the batch script runs on the first.
    """

    cluster: str
    job_id: int
    name: str
    user: str
    uid: int
    gid: int
    partition: str
    nodelist: str
    """All nodes, folded as squeue shows them (`n[1-2]`)."""
    nodes: tuple[str, ...]
    cpus_per_node: tuple[int, ...]
    tasks_per_node: tuple[int, ...]
    submit_dir: str
    submit_host: str
    ntasks: int | None = None
    """Tasks of the job, if they were asked for: `-n`, or counted from `--ntasks-per-node`, `--ntasks-per-gpu` or `-B`."""
    options: Mapping[str, str] = field(default_factory=dict)
    """The options that were given, by long name, with the value that `sbatch -v` shows; `OPTIONS` lists the ones that matter."""
    account: str | None = None
    qos: str | None = None
    reservation: str | None = None
    mem_per_node_mib: int | None = None
    mem_per_cpu_mib: int | None = None
    mem_per_gpu_mib: int | None = None
    gpus: tuple[int, ...] | None = None
    """The job's GPUs on its first node, by index; None on a cluster that does not manage GPUs (the user's variables stay)."""
    array_id: int | None = None
    array_index: int | None = None
    array_count: int = 0
    array_min: int = 0
    array_max: int = 0
    array_step: int = 1
    restarts: int = 0
    nice: int = 0
    """The niceness of the submitting shell."""
    login_environment: bool = False
    """The environment starts from a login shell's (`--get-user-env`, and every `--export` but ALL alone)."""
    slurm_conf: str | None = None
    het: tuple[JobFacts, ...] = ()
    """All components of a heterogeneous job, whose first this is."""

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> JobFacts:
        """The facts in a launch message's JSON; a key that this version does not know is left out."""
        return cls(**known(cls, plain) | {"het": tuple(map(cls.of, plain.get("het", ())))})


OPTIONS = {
    "acctg-freq": "SLURM_ACCTG_FREQ",
    "container": "SLURM_CONTAINER",
    "cpu-freq": "SLURM_CPU_FREQ_REQ",
    "cpus-per-gpu": "SLURM_CPUS_PER_GPU",
    "cpus-per-task": "SLURM_CPUS_PER_TASK",
    "dependency": "SLURM_JOB_DEPENDENCY",
    "distribution": "SLURM_DISTRIBUTION",
    "export": "SLURM_EXPORT_ENV",
    "gpu-bind": "SLURM_GPU_BIND",
    "gpu-freq": "SLURM_GPU_FREQ",
    "gpus": "SLURM_GPUS",
    "gpus-per-node": "SLURM_GPUS_PER_NODE",
    "gpus-per-socket": "SLURM_GPUS_PER_SOCKET",
    "gpus-per-task": "SLURM_GPUS_PER_TASK",
    "hint": "SLURM_HINT",
    "mem-bind": "SLURM_MEM_BIND",
    "ntasks-per-core": "SLURM_NTASKS_PER_CORE",
    "ntasks-per-gpu": "SLURM_NTASKS_PER_GPU",
    "ntasks-per-node": "SLURM_NTASKS_PER_NODE",
    "ntasks-per-socket": "SLURM_NTASKS_PER_SOCKET",
    "open-mode": "SLURM_OPEN_MODE",
    "overcommit": "SLURM_OVERCOMMIT",
    "profile": "SLURM_PROFILE",
    "threads-per-core": "SLURM_THREADS_PER_CORE",
}
"""Options that sbatch hands to the script, and under which name."""

IMPLIED = {
    ("overcommit", "set"): {"SLURM_OVERCOMMIT": "1"},
    ("mem-bind", None): {"SLURM_MEM_BIND_VERBOSE": "quiet"},
    ("hint", "nomultithread"): {"SLURM_THREADS_PER_CORE": "1"},
    ("hint", "compute_bound"): {"SLURM_THREADS_PER_CORE": "1"},
    ("hint", "memory_bound"): {"SLURM_THREADS_PER_CORE": "1"},
    ("hint", "multithread"): {"SLURM_NTASKS_PER_CORE": "65535"},
}
"""What a given option (with this word in its value, or with any: None) says besides its own variable, or instead."""

GPU_VARIABLES = ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK", "GPU_DEVICE_ORDINAL")

_NOT_INHERITED = (b"SLURM_UMASK=", b"SLURM_RLIMIT_")
_RPC_VERSION, _SELECT_PLUGIN = 9728, 109
"""Slurm 22.05's protocol version and the number of its plugin cons_tres, the tail of SLURM_WORKING_CLUSTER."""
_WORKING, _NOWHERE = "SLURM_WORKING_CLUSTER", ":localhost:0:"


def batch_environment(
    submitted: Iterable[bytes], facts: JobFacts, login: Mapping[bytes, bytes] | None = None
) -> Environment:
    """The whole environment: the login shell's, the user's above it, Slurm's own above both.

    A name keeps the place it had first, as with setenv(3). `SLURM_TASK_PID` is not in it: only the process knows.
    """
    result = dict(login or {})
    for word in submitted:
        name, equals, value = word.partition(b"=")
        if equals and name and not word.startswith(_NOT_INHERITED):
            result[name] = value
    if facts.gpus is not None:
        for users in (*GPU_VARIABLES, "SLURM_JOB_GPUS"):
            result.pop(users.encode(), None)
    told = [*_from_sbatch(facts), *_from_slurmctld(facts), *_from_slurmstepd(facts)]
    if facts.het:
        told = [*components.leaders(told), *components.numbered([_of_component(one) for one in facts.het])]
    for variable, text in told:
        result[variable.encode()] = encode(text)
    result.setdefault(b"TMPDIR", b"/tmp")
    if b"SLURM_CPUS_PER_TASK" in result:
        result[b"SLURM_CPUS_PER_TASK"] = facts.options.get("cpus-per-task", "1").encode()
    return result


def _from_sbatch(facts: JobFacts) -> Iterator[tuple[str, str]]:
    """What the command itself adds before it submits."""
    if facts.slurm_conf is not None:
        yield "SLURM_CONF", facts.slurm_conf
    yield "SLURM_JOB_NAME", facts.name
    for option, value in facts.options.items():
        yield from _from_option(facts, option, value)
    if facts.ntasks is not None:
        yield from _both("SLURM_NPROCS", "SLURM_NTASKS", str(facts.ntasks))
    yield "SLURM_PRIO_PROCESS", str(facts.nice)
    yield "SLURM_SUBMIT_DIR", facts.submit_dir
    yield "SLURM_SUBMIT_HOST", facts.submit_host
    if facts.login_environment:
        yield "SLURM_GET_USER_ENV", "1"


def _of_component(facts: JobFacts) -> list[tuple[str, str]]:
    return [*_from_sbatch(facts), *_from_slurmctld(facts), ("SLURM_TASKS_PER_NODE", folded(facts.tasks_per_node))]


def _from_option(facts: JobFacts, option: str, value: str) -> Iterator[tuple[str, str]]:
    kind, _, size = value.partition("=")
    if option == "distribution" and kind == "plane":
        yield from (("SLURM_DISTRIBUTION", kind), ("SLURM_DIST_PLANESIZE", size))
    elif option in OPTIONS and (option, value.upper()) != ("export", "ALL"):
        yield OPTIONS[option], value
    if option == "distribution" and kind == "arbitrary":
        yield "SLURM_ARBITRARY_NODELIST", facts.nodelist
    for wanted in (*value.lower().split(","), None):
        yield from IMPLIED.get((option, wanted), {}).items()


def _from_slurmctld(facts: JobFacts) -> Iterator[tuple[str, str]]:
    """What the controller knows: ids, nodes, memory."""
    if facts.array_id is not None and facts.array_index is not None:
        yield "SLURM_ARRAY_TASK_COUNT", str(facts.array_count)
        yield "SLURM_ARRAY_TASK_MIN", str(facts.array_min)
        yield "SLURM_ARRAY_TASK_MAX", str(facts.array_max)
        yield "SLURM_ARRAY_TASK_STEP", str(facts.array_step)
        yield "SLURM_ARRAY_JOB_ID", str(facts.array_id)
        yield "SLURM_ARRAY_TASK_ID", str(facts.array_index)
    yield "SLURM_CLUSTER_NAME", facts.cluster
    yield from _both("SLURM_JOB_ID", "SLURM_JOBID", str(facts.job_id))
    yield from _both("SLURM_JOB_NUM_NODES", "SLURM_NNODES", str(len(facts.nodes)))
    yield from _both("SLURM_JOB_NODELIST", "SLURM_NODELIST", facts.nodelist)
    yield "SLURM_JOB_PARTITION", facts.partition
    yield "SLURM_NODE_ALIASES", "(null)"
    yield "SLURM_JOB_CPUS_PER_NODE", folded(facts.cpus_per_node)
    yield "ENVIRONMENT", "BATCH"
    yield "HOSTNAME", facts.nodes[0]
    if not facts.options.get("distribution", "").startswith("arbitrary"):
        yield "SLURM_TASKS_PER_NODE", folded(facts.tasks_per_node)
    optional = {
        "SLURM_JOB_ACCOUNT": facts.account,
        "SLURM_JOB_QOS": facts.qos,
        "SLURM_JOB_RESERVATION": facts.reservation,
        "SLURM_MEM_PER_CPU": facts.mem_per_cpu_mib,
        "SLURM_MEM_PER_GPU": facts.mem_per_gpu_mib,
        "SLURM_MEM_PER_NODE": facts.mem_per_node_mib,
    }
    yield from ((name, str(value)) for name, value in optional.items() if value)


def _from_slurmstepd(facts: JobFacts) -> Iterator[tuple[str, str]]:
    """What the node adds where the script starts."""
    if facts.gpus:
        devices = ",".join(map(str, facts.gpus))
        yield "SLURM_GPUS_ON_NODE", str(len(facts.gpus))
        yield from ((name, devices) for name in ("SLURM_JOB_GPUS", *GPU_VARIABLES))
    yield "SLURM_TOPOLOGY_ADDR", facts.nodes[0]
    yield "SLURM_TOPOLOGY_ADDR_PATTERN", "node"
    yield "SLURM_CPUS_ON_NODE", str(facts.cpus_per_node[0])
    for rank in ("SLURM_NODEID", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_GTIDS"):
        yield rank, "0"
    yield "SLURM_JOB_UID", str(facts.uid)
    yield "SLURM_JOB_USER", facts.user
    yield _WORKING, f"{facts.cluster}{_NOWHERE}{_RPC_VERSION}:{_SELECT_PLUGIN}"
    yield "SLURM_JOB_GID", str(facts.gid)
    if facts.restarts:
        yield "SLURM_RESTART_COUNT", str(facts.restarts)
    yield "SLURMD_NODENAME", facts.nodes[0]


def in_job(environ: Mapping[str, str]) -> bool:
    """Whether it is the environment of a batch script or a task of ours: real Slurm names its controller's port."""
    return _NOWHERE in environ.get(_WORKING, "")


BATCH_ALONE = frozenset({
    "ENVIRONMENT", "HOSTNAME", "SLURMD_NODENAME", "SLURM_CPUS_ON_NODE", "SLURM_GPUS_ON_NODE", "SLURM_GTIDS", "SLURM_JOB_GID",
    "SLURM_JOB_GPUS", "SLURM_JOB_UID", "SLURM_JOB_USER", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_PRIO_PROCESS", "SLURM_PROCID",
    "SLURM_RESTART_COUNT", "SLURM_TASK_PID", "SLURM_TOPOLOGY_ADDR", "SLURM_TOPOLOGY_ADDR_PATTERN", "SLURM_WORKING_CLUSTER", "TMPDIR", *GPU_VARIABLES,
})  # fmt: skip
"""What a batch script has and salloc's command has not."""


NO_STEPS = frozenset({
    "ENVIRONMENT", "HOSTNAME", "SLURM_JOB_GPUS", "SLURM_NODE_ALIASES", "SLURM_MEM_PER_CPU", "SLURM_MEM_PER_GPU", "SLURM_MEM_PER_NODE", "SLURM_GPUS_PER_NODE",
})  # fmt: skip
"""What a batch script has, and the tasks of an srun outside a job have not."""


def allocation_variables(batch: Mapping[str, str], *, for_step: bool = False) -> dict[str, str]:
    """What salloc gives its command, of the variables that a batch script of the job would have; or what srun gives the step
    that is all of its job."""
    if not for_step and "SLURM_HET_SIZE" in batch:
        return components.allocated(batch)
    without = NO_STEPS if for_step else BATCH_ALONE
    return {name: value for name, value in batch.items() if name not in without}


def _both(name: str, alias: str, value: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (name, value), (alias, value)


def folded(counts: Iterable[int]) -> str:
    """Numbers of neighbouring nodes as Slurm writes them: `4(x2),1`."""
    runs = ((count, sum(1 for _ in run)) for count, run in groupby(counts))
    return ",".join(str(count) if times == 1 else f"{count}(x{times})" for count, times in runs)


def unfolded(text: str) -> list[int]:
    """The numbers that `folded` wrote."""
    pairs = (word.rstrip(")").partition("(x") for word in text.split(",") if word)
    return [int(count) for count, _, times in pairs for _ in range(int(times or 1))]


def words(environment: Mapping[bytes, bytes]) -> list[bytes]:
    """`NAME=value` words, as execve(2) takes them."""
    return [name + b"=" + value for name, value in environment.items()]
