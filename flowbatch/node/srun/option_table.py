"""Every option of srun 22.05 inside an allocation: how its value is read, and what becomes of it. No logic but looking up.

Rows stand in the order in which getopt names the candidates of an ambiguous prefix. `honoured`: as in Slurm, which for an
option that only shapes an allocation means no effect. `refused`: srun ends with a message that names it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flowbatch.slurm.getopt import Arity, OptionRow, Table

Verdict = Literal["honoured", "emulated", "recorded", "refused"]


@dataclass(frozen=True, slots=True)
class StepOption:
    """One option. `reads`: a word of `readers.READERS`; `field`: where in `Wanted` its value goes; `variables`: what of srun's
    environment says the same, the weakest first. `value`: what `reads` needs to know besides."""

    long: str
    reads: str
    what: str
    short: str | None = None
    arity: Arity = "required"
    verdict: Verdict = "honoured"
    field: str = ""
    variables: tuple[str, ...] = ()
    value: str = ""
    alias: bool = False
    """Another name of the row before it."""

    @property
    def row(self) -> OptionRow:
        return OptionRow(self.field or self.long, self.long, self.short, self.arity)


ALLOCATED = "shapes an allocation: no effect on a step, as in Slurm"

# fmt: off
OPTIONS: tuple[StepOption, ...] = (
    StepOption("accel-bind", "letters", "no tasks are bound to devices by nearness: there is no topology of devices", verdict="recorded", value="gnv"),
    StepOption("account", "any", ALLOCATED, "A", variables=("SLURM_ACCOUNT",)),
    StepOption("acctg-freq", "frequencies", "usage is measured when a task ends, not sampled", verdict="recorded", variables=("SLURM_ACCTG_FREQ",)),
    StepOption("bcast", "text", "the program is copied to this path, or to the step's own name for it, and runs from there", arity="optional", field="bcast", variables=("SLURM_BCAST",)),
    StepOption("bcast-exclude", "any", "shared objects are where they are: nothing is copied but the program", verdict="recorded", variables=("SLURM_BCAST_EXCLUDE",)),
    StepOption("begin", "begin", "said to be ignored, as by Slurm", "b"),
    StepOption("bb", "any", ALLOCATED, variables=("SLURM_BURST_BUFFER",)),
    StepOption("bbf", "any", ALLOCATED),
    StepOption("cluster-constraint", "any", ALLOCATED),
    StepOption("chdir", "text", "where the tasks begin; /tmp with a word about it where that cannot be", "D", field="chdir", variables=("SLURM_REMOTE_CWD", "SLURM_WORKING_DIR")),
    StepOption("cluster", "any", "the job's cluster runs its steps"),
    StepOption("clusters", "any", "the job's cluster runs its steps", "M", variables=("SLURM_CLUSTERS",), alias=True),
    StepOption("comment", "any", ALLOCATED),
    StepOption("compress", "compression", "the program is copied on this machine, uncompressed", arity="optional", verdict="recorded", variables=("SLURM_COMPRESS",)),
    StepOption("container", "refuse", "there is no OCI runtime here, and outside its container the step would be another one", verdict="refused", variables=("SRUN_CONTAINER",)),
    StepOption("context", "any", ALLOCATED),
    StepOption("contiguous", "any", ALLOCATED, arity="none"),
    StepOption("constraint", "any", "a job's nodes are what they are: no effect on a step", "C", verdict="recorded", variables=("SLURM_CONSTRAINT",)),
    StepOption("core-spec", "any", ALLOCATED, "S", variables=("SLURM_CORE_SPEC",)),
    StepOption("cores-per-socket", "number", ALLOCATED),
    StepOption("cpu-bind", "cpu_bind", "tasks are bound where the job's CPUs are this machine's; elsewhere srun says that it cannot", field="cpu_bind", variables=("SLURM_CPU_BIND",)),
    StepOption("cpu_bind", "cpu_bind", "another name of it", field="cpu_bind", alias=True),
    StepOption("cpu-freq", "cpu_freq", "handed on to the tasks; no frequency is set", verdict="recorded", field="cpu_freq", variables=("SLURM_CPU_FREQ_REQ",)),
    StepOption("cpus-per-gpu", "number", "the step gets so many CPUs for each of its GPUs", field="cpus_per_gpu", variables=("SLURM_CPUS_PER_GPU",)),
    StepOption("cpus-per-task", "number", "each task has so many CPUs, and the step no more than that", "c", field="cpus_per_task", variables=("SRUN_CPUS_PER_TASK",)),
    StepOption("deadline", "any", ALLOCATED),
    StepOption("debugger-test", "refuse", "for debuggers of Slurm itself", arity="none", verdict="refused"),
    StepOption("delay-boot", "any", ALLOCATED, variables=("SLURM_DELAY_BOOT",)),
    StepOption("dependency", "any", ALLOCATED, "d", variables=("SLURM_DEPENDENCY",)),
    StepOption("disable-status", "flag", "Ctrl-C goes to the tasks at once; two within a second end them", "X", "none", field="disable_status", variables=("SLURM_DISABLE_STATUS",)),
    StepOption("distribution", "distribution", "which task runs on which node: block, cyclic, plane=N, arbitrary, with Pack and NoPack; what it says of sockets and cores has no effect", "m", field="distribution", variables=("SLURM_DISTRIBUTION",)),
    StepOption("epilog", "text", "runs here when the step is over; a code that is not 0 is told", field="epilog", variables=("SLURM_EPILOG",)),
    StepOption("error", "text", "where standard error goes: a file (%j %J %s %t %n %N %u %x %A %a), a task's number, all, none", "e", field="error", variables=("SLURM_STDERRMODE",)),
    StepOption("exact", "flag", "the step takes no more CPUs than its tasks need", arity="none", field="exact", variables=("SLURM_EXACT",)),
    StepOption("exclude", "hosts", "nodes that the step is not to use", "x", field="exclude"),
    StepOption("exclusive", "exclusive", "as --exact", arity="optional", field="exact", variables=("SLURM_EXCLUSIVE",)),
    StepOption("export", "text", "which variables the tasks get: ALL, NONE, names, NAME=value", field="export", variables=("SLURM_EXPORT_ENV", "SRUN_EXPORT_ENV")),
    StepOption("extra-node-info", "any", "threads of a core are not told apart here", "B", verdict="recorded"),
    StepOption("gid", "refuse", "a step runs as its caller", verdict="refused"),
    StepOption("gpu-bind", "gpu_bind", "which of the step's GPUs each task sees: none, single, map_gpu, mask_gpu, per_task; closest is all of them", field="gpu_bind", variables=("SLURM_GPU_BIND",)),
    StepOption("gpu-freq", "gpu_freq", "no frequency is set", verdict="recorded", field="gpu_freq", variables=("SLURM_GPU_FREQ",)),
    StepOption("gpus", "gpus", "the step has so many of the job's GPUs, over all of its nodes", "G", field="gpus", variables=("SLURM_GPUS",)),
    StepOption("gpus-per-node", "gpus", "so many on each of its nodes", field="gpus_per_node", variables=("SLURM_GPUS_PER_NODE",)),
    StepOption("gpus-per-socket", "gpus", "a node is one socket: so many on each node", verdict="emulated", field="gpus_per_node", variables=("SLURM_GPUS_PER_SOCKET",)),
    StepOption("gpus-per-task", "gpus", "each task has GPUs of its own", field="gpus_per_task", variables=("SLURM_GPUS_PER_TASK",)),
    StepOption("gres", "gres", "GPUs as --gpus-per-node; `none` for none at all", field="gres", variables=("SLURM_GRES", "SLURM_STEP_GRES")),
    StepOption("gres-flags", "words", ALLOCATED, variables=("SLURM_GRES_FLAGS",), value="disable-binding enforce-binding"),
    StepOption("help", "ask", "prints the options", "h", "none", field="ask"),
    StepOption("het-group", "het_group", "the components of a heterogeneous job that the step runs on", field="het_group"),
    StepOption("hint", "hint", "handed on; threads of a core are not told apart here", verdict="recorded", field="hint", variables=("SLURM_HINT",)),
    StepOption("hold", "any", ALLOCATED, "H", "none"),
    StepOption("immediate", "immediate", "the step is not waited for longer", "I", "optional", field="immediate", variables=("SLURM_IMMEDIATE",)),
    StepOption("input", "text", "what standard input is: a file (patterns as --output), a task's number, all, none", "i", field="input", variables=("SLURM_STDINMODE",)),
    StepOption("interactive", "interactive", "the shell of salloc: one task on the job's first node, which takes nothing from other steps", arity="none", field="overlap"),
    StepOption("jobid", "job_id", "the job whose step it is", field="job_id", variables=("SLURM_JOBID", "SLURM_JOB_ID")),
    StepOption("job-name", "text", "the step's name", "J", field="job_name"),
    StepOption("kill-on-bad-exit", "kill", "the first task that fails ends the step", "K", "optional", field="kill_on_bad_exit", variables=("SLURM_KILL_BAD_EXIT",)),
    StepOption("label", "flag", "each line begins with its task's number", "l", "none", field="label", variables=("SLURM_LABELIO",)),
    StepOption("licenses", "any", ALLOCATED, "L"),
    StepOption("mail-type", "mail", ALLOCATED),
    StepOption("mail-user", "any", ALLOCATED),
    StepOption("mcs-label", "any", ALLOCATED),
    StepOption("mem", "memory", "on each node; steps side by side share out what the job has, where memory is counted", field="memory_mib", variables=("SLURM_MEM_PER_NODE",)),
    StepOption("mem-bind", "mem_bind", "handed on; no memory is bound", verdict="recorded", field="mem_bind", variables=("SLURM_MEM_BIND",)),
    StepOption("mem-per-cpu", "memory", "for each CPU of the step", field="memory_per_cpu_mib", variables=("SLURM_MEM_PER_CPU",)),
    StepOption("mem-per-gpu", "memory", "not counted for steps", verdict="recorded", field="memory_per_gpu_mib", variables=("SLURM_MEM_PER_GPU",)),
    StepOption("mincpus", "number", ALLOCATED),
    StepOption("mpi", "text", "none; pmi2 for programs that speak PMI-1 or PMI-2 (MPICH, Intel MPI, MVAPICH); pmix (Open MPI) where libpmix is; others are not found, as without their plugin", field="mpi", variables=("SLURM_MPI_TYPE",)),
    StepOption("msg-timeout", "any", "nothing here waits for Slurm's messages"),
    StepOption("multi-prog", "flag", "a file says what each task runs", arity="none", field="multi_prog"),
    StepOption("network", "any", ALLOCATED, variables=("SLURM_NETWORK",)),
    StepOption("nice", "any", ALLOCATED, arity="optional"),
    StepOption("no-allocate", "flag", "only for Slurm's own user, who has no place here", "Z", "none", verdict="refused", field="no_allocate"),
    StepOption("no-kill", "any", "a node that fails ends its tasks", "k", "optional", verdict="recorded", variables=("SLURM_NO_KILL",)),
    StepOption("nodefile", "text", "--nodelist from a file", "F", field="nodefile"),
    StepOption("nodelist", "hosts", "nodes that the step is to use", "w", field="nodelist"),
    StepOption("nodes", "nodes", "how many of the job's nodes", "N", field="nodes", variables=("SLURM_NNODES", "SLURM_JOB_NUM_NODES")),
    StepOption("ntasks", "number", "how many tasks", "n", field="tasks", variables=("SLURM_NPROCS", "SLURM_NTASKS")),
    StepOption("ntasks-per-core", "number", "handed on; threads of a core are not told apart here", verdict="recorded", field="tasks_per_core", variables=("SLURM_NTASKS_PER_CORE",)),
    StepOption("ntasks-per-gpu", "number", "as many tasks as GPUs times this", field="tasks_per_gpu", variables=("SLURM_NTASKS_PER_GPU",)),
    StepOption("ntasks-per-node", "number", "as many tasks on each node, where that agrees with --ntasks", field="tasks_per_node", variables=("SLURM_NTASKS_PER_NODE",)),
    StepOption("ntasks-per-socket", "number", "sockets are not told apart here", verdict="recorded", field="tasks_per_socket", variables=("SLURM_NTASKS_PER_SOCKET",)),
    StepOption("ntasks-per-tres", "number", "as --ntasks-per-gpu", field="tasks_per_gpu"),
    StepOption("open-mode", "open_mode", "append to output files, or truncate them", field="open_mode", variables=("SLURM_OPEN_MODE",)),
    StepOption("output", "text", "where standard output goes, as --error", "o", field="output", variables=("SLURM_STDOUTMODE",)),
    StepOption("overcommit", "flag", "tasks may be more than CPUs", "O", "none", field="overcommit", variables=("SLURM_OVERCOMMIT",)),
    StepOption("overlap", "flag", "the step takes nothing from others", arity="optional", field="overlap", variables=("SLURM_OVERLAP",)),
    StepOption("oversubscribe", "any", ALLOCATED, "s", "none"),
    StepOption("pack-group", "het_group", "the old name of --het-group", field="het_group", alias=True),
    StepOption("partition", "any", ALLOCATED, "p", variables=("SLURM_PARTITION",)),
    StepOption("power", "power", ALLOCATED, variables=("SLURM_POWER",)),
    StepOption("prefer", "any", ALLOCATED),
    StepOption("preserve-env", "flag", "the job's numbers of nodes and tasks stay in the environment", "E", "none", field="preserve_env"),
    StepOption("priority", "any", ALLOCATED),
    StepOption("profile", "profile", "nothing is profiled", verdict="recorded", variables=("SLURM_PROFILE",)),
    StepOption("prolog", "text", "runs here before the step begins", field="prolog", variables=("SLURM_PROLOG",)),
    StepOption("propagate", "rlimits", "tasks are children of srun: they have its limits", arity="optional", verdict="recorded"),
    StepOption("pty", "flag", "task 0 runs in a terminal of its own, which srun's shows", arity="none", field="pty"),
    StepOption("qos", "any", ALLOCATED, "q", variables=("SLURM_QOS",)),
    StepOption("quiet", "count", "srun says less; twice: nothing", "Q", "none", field="quiet"),
    StepOption("quit-on-interrupt", "flag", "one Ctrl-C ends the step", arity="none", field="quit_on_interrupt"),
    StepOption("reboot", "any", ALLOCATED, arity="none"),
    StepOption("relative", "natural", "the step's first node, counted in the job's", "r", field="relative"),
    StepOption("reservation", "any", ALLOCATED, variables=("SLURM_RESERVATION",)),
    StepOption("resv-ports", "any", "no ports are set apart", arity="optional", verdict="recorded", variables=("SLURM_RESV_PORTS",)),
    StepOption("send-libs", "any", "shared objects are where they are", arity="optional", verdict="recorded", variables=("SLURM_SEND_LIBS",)),
    StepOption("signal", "signal", ALLOCATED, variables=("SLURM_SIGNAL",)),
    StepOption("slurmd-debug", "any", "there is no daemon of the step that could tell more", verdict="recorded", variables=("SLURMD_DEBUG",)),
    StepOption("sockets-per-node", "number", ALLOCATED),
    StepOption("spread-job", "any", ALLOCATED, arity="none", variables=("SLURM_SPREAD_JOB",)),
    StepOption("switches", "any", ALLOCATED, variables=("SLURM_REQ_SWITCH",)),
    StepOption("threads", "number", "there is no fan-out to bound", "T", field="threads", variables=("SLURM_THREADS",)),
    StepOption("task-epilog", "text", "runs after each task, with its environment", field="task_epilog", variables=("SLURM_TASK_EPILOG",)),
    StepOption("task-prolog", "text", "runs before each task; its lines `export`, `unset` and `print` have their effect", field="task_prolog", variables=("SLURM_TASK_PROLOG",)),
    StepOption("tasks-per-node", "number", "the old name of --ntasks-per-node", field="tasks_per_node", alias=True),
    StepOption("test-only", "flag", "the step is not run", arity="none", field="test_only"),
    StepOption("thread-spec", "any", ALLOCATED, variables=("SLURM_THREAD_SPEC",)),
    StepOption("threads-per-core", "number", "handed on; threads of a core are not told apart here, and the step is exact", verdict="recorded", field="threads_per_core", variables=("SLURM_THREADS_PER_CORE",)),
    StepOption("time", "minutes", "the step ends after so long", "t", field="limit_min", variables=("SLURM_TIMELIMIT",)),
    StepOption("time-min", "any", ALLOCATED),
    StepOption("tmp", "any", ALLOCATED),
    StepOption("uid", "refuse", "a step runs as its caller", verdict="refused"),
    StepOption("unbuffered", "flag", "what a task writes is passed on at once, as always here", "u", "none", field="unbuffered", variables=("SLURM_UNBUFFEREDIO",)),
    StepOption("use-min-nodes", "any", ALLOCATED, arity="none", variables=("SLURM_USE_MIN_NODES",)),
    StepOption("usage", "ask", "prints the options' names", arity="none", field="ask"),
    StepOption("verbose", "count", "tells what was asked, where tasks run, and how each ends", "v", "none", field="verbose", variables=("SLURM_DEBUG",)),
    StepOption("version", "ask", "prints the version", "V", "none", field="ask"),
    StepOption("wait", "seconds", "how long after the first task's end the others may go on", "W", field="wait_s", variables=("SLURM_WAIT",)),
    StepOption("wckey", "any", ALLOCATED, variables=("SLURM_WCKEY",)),
    StepOption("whole", "whole", "the step takes all of its nodes, as it does anyway", arity="none", field="exact"),
    StepOption("x11", "refuse", "no display is forwarded", arity="optional", verdict="refused"),
)
# fmt: on
TABLE = Table([option.row for option in OPTIONS])
BY_LONG = {option.long: option for option in OPTIONS}
