"""The one table of the options of sbatch, srun and salloc, as 22.05 has them; no logic but looking up.

Rows stand in the order in which Slurm's own table has them: getopt names the candidates of an ambiguous prefix in this
order, and `sbatch -v` lists the defined options in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from flowbatch.slurm.getopt import Arity, OptionRow, Table

Verdict = Literal["honoured", "emulated", "recorded", "refused"]
Command = Literal["sbatch", "salloc", "srun"]

COMMAND: Final = "sbatch"
"""Whose words this room reads."""

BATCH: frozenset[Command] = frozenset({"sbatch"})
ALLOC: frozenset[Command] = frozenset({"salloc"})
RUN: frozenset[Command] = frozenset({"srun"})


@dataclass(frozen=True, slots=True)
class Option:
    """One long option. `language` is how its value is read (`settings`), `field` where in JobSpec it goes.

    `verdict` says what becomes of it here and `reason` why, in one sentence. `carried`: what one component of a
    heterogeneous job says holds for the later ones. `key`: the option that this is another name of.
    `since`: the release that brought it, where that is later than 22.05: unknown then, and so unknown here.
    """

    name: str
    language: str
    verdict: Verdict
    reason: str
    short: str | None = None
    arity: Arity = "required"
    field: str = ""
    commands: frozenset[Command] = BATCH | ALLOC | RUN
    carried: bool = False
    key: str = ""
    since: str | None = None
    nameless: bool = False
    """No word of the command line says it, only a variable or a #PBS line; sbatch lists it as `(null)`."""

    @property
    def row(self) -> OptionRow:
        return OptionRow(self.key or self.name, self.name, self.short, self.arity)


# fmt: off
OPTIONS: tuple[Option, ...] = (
    Option("accel-bind", "text", "recorded", "steps bind no accelerators", commands=RUN),
    Option("account", "text", "recorded", "kept and shown with the job; this cluster charges nobody", short="A", field="account", carried=True),
    Option("acctg-freq", "interval", "recorded", "usage is measured when the job ends, not sampled", field="recorded", carried=True),
    Option("array", "text", "honoured", "one record until its tasks start, throttle included", short="a", field="array", commands=BATCH, carried=True),
    Option("bcast", "text", "recorded", "files of a step are already where it runs", arity="optional", commands=RUN),
    Option("bcast-exclude", "text", "recorded", "files of a step are already where it runs", commands=RUN),
    Option("batch", "text", "recorded", "the batch script runs on the first node of the allocation", field="recorded", commands=BATCH, carried=True),
    Option("begin", "instant", "honoured", "the job does not start earlier", short="b", field="begin", carried=True),
    Option("bell", "flag", "honoured", "a terminal's bell is rung once the allocation is there", arity="none", commands=ALLOC),
    Option("bb", "text", "recorded", "no burst buffer here: ignored, as by Slurm without the plugin", field="recorded"),
    Option("bbf", "text", "recorded", "no burst buffer here: ignored, as by Slurm without the plugin", field="recorded"),
    Option("cluster-constraint", "text", "recorded", "clusters carry no features here", field="recorded", carried=True),
    Option("chdir", "text", "honoured", "the job's working directory", short="D", field="work_dir", carried=True),
    Option("cluster", "text", "honoured", "names the cluster that runs the job; `local` is this machine", field="clusters", carried=True, key="clusters"),
    Option("clusters", "text", "honoured", "names the cluster that runs the job; `local` is this machine", short="M", field="clusters", carried=True),
    Option("comment", "text", "honoured", "kept and shown with the job", field="comment", carried=True),
    Option("compress", "text", "recorded", "nothing is broadcast", arity="optional", commands=RUN),
    Option("container", "text", "refused", "there is no OCI runtime here, and outside its container the job would be another job", carried=True),
    Option("context", "text", "recorded", "no SELinux context is set", field="recorded", carried=True),
    Option("contiguous", "flag", "honoured", "nodes of an allocation are neighbours", arity="none", field="resources.contiguous"),
    Option("constraint", "text", "honoured", "only nodes with these features are used", short="C", field="resources.constraint"),
    Option("core-spec", "cores", "recorded", "no cores are set apart, as in Slurm without AllowSpecResourcesUsage", short="S", field="recorded"),
    Option("cores-per-socket", "number", "honoured", "only nodes with such sockets are used", field="resources.cores_per_socket"),
    Option("cpu-bind", "text", "recorded", "steps are not bound to CPUs", commands=RUN),
    Option("cpu_bind", "text", "recorded", "steps are not bound to CPUs", commands=RUN, key="cpu-bind"),
    Option("cpu-freq", "cpu_freq", "recorded", "the frequency of the CPUs is left alone", field="recorded"),
    Option("cpus-per-gpu", "number", "honoured", "CPUs are counted for each GPU", field="resources.cpus_per_gpu"),
    Option("cpus-per-task", "number", "honoured", "CPUs are counted for each task", short="c", field="resources.cpus_per_task"),
    Option("deadline", "instant", "honoured", "a job that cannot end in time is removed", field="deadline", carried=True),
    Option("debugger-test", "flag", "recorded", "no debugger attaches", arity="none", commands=RUN),
    Option("delay-boot", "minutes", "recorded", "no node is rebooted for a feature", field="recorded", carried=True),
    Option("dependency", "text", "honoured", "the job waits for the others", short="d", field="dependency", carried=True),
    Option("disable-status", "flag", "recorded", "an interrupt ends the step", short="X", arity="none", commands=RUN),
    Option("distribution", "distribution", "recorded", "tasks are placed in blocks", short="m", field="distribution"),
    Option("epilog", "text", "recorded", "no epilog is run", commands=RUN),
    Option("error", "text", "honoured", "where standard error goes", short="e", field="files.error", commands=BATCH | RUN, carried=True),
    Option("exact", "flag", "honoured", "a step takes no more than it asks for", arity="none", commands=RUN),
    Option("exclude", "text", "honoured", "these nodes are not used", short="x", field="resources.exclude", carried=True),
    Option("exclusive", "exclusive", "honoured", "the nodes are shared with nobody else (=user and =mcs: all jobs here are one user's)", arity="optional", field="resources.exclusive"),
    Option("export", "text", "honoured", "what of the environment the job gets", field="export", commands=BATCH | RUN, carried=True),
    Option("export-file", "text", "honoured", "variables of a file are set in the job's environment", field="export", commands=BATCH, carried=True),
    Option("extra-node-info", "node_info", "honoured", "only nodes of this shape are used", short="B", field="resources"),
    Option("get-user-env", "user_env", "honoured", "the job starts from a login environment; how long it may take is not the option's to say here", arity="optional", field="get_user_env", commands=BATCH | ALLOC, carried=True),
    Option("gid", "gid", "refused", "a job runs as its submitter", carried=True),
    Option("gpu-bind", "gpu_bind", "recorded", "all GPUs of a node are seen by all its tasks", field="recorded"),
    Option("gpu-freq", "gpu_freq", "recorded", "the frequency of the GPUs is left alone", field="recorded"),
    Option("gpus", "text", "honoured", "GPUs are counted for the whole job", short="G", field="resources.gres"),
    Option("gpus-per-node", "text", "honoured", "GPUs are counted for each node", field="resources.gres"),
    Option("gpus-per-socket", "text", "honoured", "GPUs are counted for each socket", field="resources.gres"),
    Option("gpus-per-task", "text", "honoured", "GPUs are counted for each task", field="resources.gres"),
    Option("gres", "gres", "honoured", "countable resources of each node", field="resources.gres"),
    Option("gres-flags", "gres_flags", "recorded", "GPUs and CPUs are not bound to each other", field="recorded"),
    Option("help", "early", "honoured", "prints a summary and ends", short="h", arity="none"),
    Option("het-group", "text", "honoured", "names the components a step runs on", commands=RUN),
    Option("hint", "hint", "honoured", "one thread of each core, or one core of each socket, as by --threads-per-core and --cores-per-socket", field="recorded", carried=True),
    Option("hold", "flag", "honoured", "the job waits until it is released", short="H", arity="none", field="hold", carried=True),
    Option("ignore-pbs", "flag", "honoured", "#PBS and #BSUB lines are not read", arity="none", commands=BATCH, carried=True),
    Option("immediate", "immediate", "honoured", "gives up if resources are not free now", short="I", arity="optional", commands=ALLOC | RUN),
    Option("input", "text", "honoured", "where standard input comes from", short="i", field="files.input", commands=BATCH | RUN, carried=True),
    Option("interactive", "flag", "honoured", "a step of salloc's own", arity="none", commands=RUN),
    Option("jobid", "text", "honoured", "the step runs in this allocation", commands=RUN),
    Option("job-name", "text", "honoured", "the job's name", short="J", field="name", carried=True),
    Option("kill-command", "kill_command", "honoured", "the signal for the user's command", short="K", arity="optional", commands=ALLOC),
    Option("kill-on-bad-exit", "text", "honoured", "a failed task ends the step", short="K", arity="optional", commands=RUN),
    Option("kill-on-invalid-dep", "yes_no", "honoured", "what becomes of a job whose dependency cannot be fulfilled", field="kill_on_invalid_dep", commands=BATCH, carried=True),
    Option("label", "flag", "honoured", "each line carries its task's number", short="l", arity="none", commands=RUN),
    Option("licenses", "text", "honoured", "licenses are counted over all jobs", short="L", field="resources.licenses"),
    Option("mail-type", "mail", "honoured", "mail is sent at these moments", field="mail"),
    Option("mail-user", "text", "honoured", "to whom mail is sent", field="mail"),
    Option("mcs-label", "text", "recorded", "there is no multi-category security here", field="recorded", carried=True),
    Option("mem", "memory", "honoured", "memory of each node", field="resources.memory", carried=True),
    Option("mem-bind", "mem_bind", "recorded", "memory is not bound to a socket", field="recorded"),
    Option("mem-per-cpu", "memory", "honoured", "memory for each CPU", field="resources.memory"),
    Option("mem-per-gpu", "memory", "honoured", "memory for each GPU", field="resources.memory"),
    Option("mincpus", "number", "honoured", "only nodes with so many CPUs are used", field="resources.mincpus"),
    Option("mpi", "text", "recorded", "tasks get PMI's variables from the launcher alone", commands=RUN),
    Option("msg-timeout", "number", "recorded", "messages travel within one machine", commands=RUN),
    Option("multi-prog", "flag", "honoured", "tasks run different programs", arity="none", commands=RUN),
    Option("network", "text", "recorded", "there is no switch to configure", field="recorded"),
    Option("nice", "nice", "honoured", "lowers the job's priority", arity="optional", field="nice", carried=True),
    Option("no-allocate", "flag", "refused", "only Slurm's own user may run without an allocation", short="Z", arity="none", commands=RUN),
    Option("no-bell", "flag", "honoured", "no bell is rung, however long the wait was", arity="none", commands=ALLOC),
    Option("no-kill", "no_kill", "recorded", "a job that loses a node ends, or is queued again", short="k", arity="optional", field="no_kill", carried=True),
    Option("no-requeue", "flag", "honoured", "a job that lost its node is not queued again", arity="none", field="requeue", commands=BATCH, carried=True),
    Option("no-shell", "flag", "honoured", "salloc leaves the allocation and ends", arity="none", commands=ALLOC, carried=True),
    Option("nodefile", "text", "honoured", "only the nodes named in the file are used", short="F", field="resources.nodelist"),
    Option("nodelist", "text", "honoured", "these nodes are used", short="w", field="resources.nodelist"),
    Option("nodes", "nodes", "honoured", "how many nodes", short="N", field="resources.nodes"),
    Option("ntasks", "number", "honoured", "how many tasks", short="n", field="resources.ntasks"),
    Option("ntasks-per-core", "number", "honoured", "at most so many tasks on a core", field="resources.ntasks_per_core"),
    Option("ntasks-per-gpu", "number", "honoured", "tasks are counted for each GPU", field="resources.ntasks_per_gpu"),
    Option("ntasks-per-node", "number", "honoured", "at most so many tasks on a node", field="resources.ntasks_per_node"),
    Option("ntasks-per-socket", "number", "honoured", "at most so many tasks on a socket", field="resources.ntasks_per_socket"),
    Option("ntasks-per-tres", "number", "honoured", "another word for --ntasks-per-gpu", field="resources.ntasks_per_gpu"),
    Option("open-mode", "open_mode", "honoured", "whether output files are truncated", field="files.open_mode", commands=BATCH | RUN, carried=True),
    Option("output", "text", "honoured", "where standard output goes", short="o", field="files.output", commands=BATCH | RUN, carried=True),
    Option("overcommit", "flag", "honoured", "several tasks may share a CPU", short="O", arity="none", field="resources.overcommit"),
    Option("overlap", "text", "honoured", "steps may share their CPUs", arity="optional", commands=RUN),
    Option("oversubscribe", "flag", "honoured", "the nodes may be shared", short="s", arity="none", field="resources.oversubscribe"),
    Option("pack-group", "text", "honoured", "the old name of --het-group", commands=RUN, key="het-group"),
    Option("parsable", "flag", "honoured", "prints the job id alone", arity="none", commands=BATCH, carried=True),
    Option("partition", "text", "honoured", "where the job may run", short="p", field="partitions"),
    Option("power", "power", "recorded", "power is not managed", field="recorded"),
    Option("prefer", "text", "recorded", "wanted features do not steer the placement", field="resources.prefer_text", carried=True),
    Option("preserve-env", "flag", "honoured", "SLURM_NNODES and SLURM_NTASKS stay as they are", short="E", arity="none", commands=RUN),
    Option("priority", "priority", "honoured", "the priority of a job of root's; from others, and 0, it is passed over, as in Slurm", field="priority", carried=True),
    Option("profile", "profile", "recorded", "no profile is written", field="recorded", carried=True),
    Option("prolog", "text", "recorded", "no prolog is run", commands=RUN),
    Option("propagate", "text", "honoured", "which resource limits the job takes along", arity="optional", field="propagate", commands=BATCH | RUN, carried=True),
    Option("pty", "flag", "honoured", "task zero gets a terminal", arity="none", commands=RUN),
    Option("qos", "text", "recorded", "kept and shown with the job; no limits hang on it", short="q", field="qos", carried=True),
    Option("quiet", "early", "honoured", "prints nothing but errors", short="Q", arity="none", carried=True),
    Option("quit-on-interrupt", "flag", "honoured", "one interrupt ends the step", arity="none", commands=RUN),
    Option("reboot", "flag", "recorded", "virtual nodes have nothing to reboot", arity="none", field="reboot", carried=True),
    Option("relative", "number", "honoured", "the step begins on this node of the allocation", short="r", commands=RUN),
    Option("req-switch", "max_switches", "recorded", "all nodes hang on one switch", field="switches", commands=BATCH, key="switches", nameless=True),
    Option("requeue", "flag", "honoured", "a job that lost its node is queued again", arity="none", field="requeue", commands=BATCH, carried=True),
    Option("reservation", "text", "honoured", "on the market there are none: every name is refused there, as by Slurm", field="reservation", carried=True),
    Option("resv-ports", "text", "recorded", "ports are not reserved", arity="optional", commands=RUN),
    Option("send-libs", "text", "recorded", "libraries of a step are already where it runs", arity="optional", commands=RUN),
    Option("signal", "signal", "honoured", "sent before the time limit", field="signal", carried=True),
    Option("slurmd-debug", "text", "recorded", "the node's log has one level", commands=RUN),
    Option("sockets-per-node", "number", "honoured", "only nodes with so many sockets are used", field="resources.sockets_per_node"),
    Option("spread-job", "flag", "honoured", "as many nodes are taken as there are tasks", arity="none", field="resources.spread_job"),
    Option("wait-for-switch", "switch_wait", "recorded", "all nodes hang on one switch", field="switches", commands=BATCH, key="switches", nameless=True),
    Option("switches", "switches", "recorded", "all nodes hang on one switch", field="switches"),
    Option("threads", "number", "recorded", "the launcher uses the threads it needs", short="T", commands=RUN),
    Option("task-epilog", "text", "recorded", "no task epilog is run", commands=RUN),
    Option("task-prolog", "text", "recorded", "no task prolog is run", commands=RUN),
    Option("tasks-per-node", "number", "honoured", "at most so many tasks on a node", field="resources.ntasks_per_node", key="ntasks-per-node"),
    Option("test-only", "flag", "honoured", "says when the job would start, and submits nothing", arity="none", commands=BATCH | RUN, carried=True),
    Option("thread-spec", "cores", "recorded", "no threads are set apart, as in Slurm without AllowSpecResourcesUsage", field="recorded"),
    Option("threads-per-core", "number", "honoured", "only nodes with so many threads a core are used", field="resources.threads_per_core"),
    Option("time", "time", "honoured", "the job ends there, signal first", short="t", field="time_limit_min", carried=True),
    Option("time-min", "time", "recorded", "no limit is lowered for an earlier start; a --deadline must leave this much", field="time_min_min", carried=True),
    Option("tmp", "memory", "honoured", "only nodes with so much local disk are used", field="resources.tmp_mib"),
    Option("uid", "uid", "refused", "a job runs as its submitter", carried=True),
    Option("unbuffered", "flag", "honoured", "output is passed on as it comes", short="u", arity="none", commands=RUN),
    Option("use-min-nodes", "flag", "honoured", "of a range of node counts the least is taken where it does", arity="none", field="resources.use_min_nodes"),
    Option("usage", "early", "honoured", "prints a synopsis and ends", arity="none"),
    Option("verbose", "early", "honoured", "prints the options as they were understood", short="v", arity="none", carried=True),
    Option("version", "early", "honoured", "prints the version and ends", short="V", arity="none"),
    Option("wait", "flag", "honoured", "waits for the job and ends with its exit code", short="W", arity="none", commands=BATCH, carried=True),
    Option("wait", "number", "honoured", "how long after the first task's end the others are waited for", short="W", commands=RUN),
    Option("wait-all-nodes", "all_nodes", "emulated", "all nodes are ready before the script starts, whatever is asked", field="wait_all_nodes", commands=BATCH | ALLOC, carried=True),
    Option("wckey", "text", "recorded", "kept and shown with the job", field="wckey", carried=True),
    Option("whole", "flag", "honoured", "a step takes all the allocation's CPUs", arity="none", commands=RUN),
    Option("wrap", "early", "honoured", "the command is the script", commands=BATCH),
    Option("umask", "text", "honoured", "the mask of the job's output files", commands=BATCH, carried=True, nameless=True),
    Option("x11", "text", "refused", "X11 is not forwarded", arity="optional", commands=ALLOC | RUN),
)
"""Every option that 22.05 knows."""

LATER: tuple[Option, ...] = (
    Option("autocomplete", "text", "refused", "newer than 22.05", since="22.05.9"),
    Option("tres-per-task", "text", "refused", "newer than 22.05: say --gpus-per-task or --cpus-per-task", since="23.02"),
    Option("tres-bind", "text", "refused", "newer than 22.05: say --gpu-bind", since="23.02"),
    Option("container-id", "text", "refused", "newer than 22.05, and there is no OCI runtime here", since="23.02"),
    Option("extra", "text", "refused", "newer than 22.05, which reads it as --extra-node-info: say --comment", since="23.02"),
    Option("external-launcher", "flag", "refused", "newer than 22.05", arity="none", commands=RUN, since="23.11"),
    Option("resv-ports", "text", "refused", "newer than 22.05 for sbatch and salloc", arity="optional", commands=BATCH | ALLOC, since="24.05"),
    Option("oom-kill-step", "text", "refused", "newer than 22.05: the whole job ends when it is out of memory", arity="optional", since="24.05"),
    Option("segment", "text", "refused", "newer than 22.05: there are no topology blocks here", since="24.05"),
    Option("stepmgr", "flag", "refused", "newer than 22.05: steps are managed on their node anyway", arity="none", since="24.05"),
    Option("external", "flag", "refused", "newer than 22.05", arity="none", since="24.11"),
    Option("consolidate-segments", "flag", "refused", "newer than 22.05: there are no topology blocks here", arity="none", since="25.05"),
    Option("spread-segments", "flag", "refused", "newer than 22.05: there are no topology blocks here", arity="none", since="25.05"),
)
"""Options of later releases, for a refusal that says more than getopt's. They never stand in a getopt table."""
# fmt: on

ENVIRONMENT: Mapping[Command, tuple[tuple[str, str], ...]] = {
    "sbatch": (
        ("SBATCH_ACCOUNT", "account"),
        ("SBATCH_ARRAY_INX", "array"),
        ("SBATCH_ACCTG_FREQ", "acctg-freq"),
        ("SBATCH_BATCH", "batch"),
        ("SBATCH_BURST_BUFFER", "bb"),
        ("SBATCH_CLUSTER_CONSTRAINT", "cluster-constraint"),
        ("SBATCH_CLUSTERS", "clusters"),
        ("SLURM_CLUSTERS", "clusters"),
        ("SBATCH_CONTAINER", "container"),
        ("SBATCH_CONSTRAINT", "constraint"),
        ("SBATCH_CORE_SPEC", "core-spec"),
        ("SBATCH_CPU_FREQ_REQ", "cpu-freq"),
        ("SBATCH_CPUS_PER_GPU", "cpus-per-gpu"),
        ("SBATCH_DEBUG", "verbose"),
        ("SBATCH_DELAY_BOOT", "delay-boot"),
        ("SBATCH_DISTRIBUTION", "distribution"),
        ("SBATCH_EXCLUSIVE", "exclusive"),
        ("SBATCH_EXPORT", "export"),
        ("SBATCH_GET_USER_ENV", "get-user-env"),
        ("SBATCH_GRES", "gres"),
        ("SBATCH_GRES_FLAGS", "gres-flags"),
        ("SBATCH_GPUS", "gpus"),
        ("SBATCH_GPU_BIND", "gpu-bind"),
        ("SBATCH_GPU_FREQ", "gpu-freq"),
        ("SBATCH_GPUS_PER_NODE", "gpus-per-node"),
        ("SBATCH_GPUS_PER_SOCKET", "gpus-per-socket"),
        ("SBATCH_GPUS_PER_TASK", "gpus-per-task"),
        ("SLURM_HINT", "hint"),
        ("SBATCH_HINT", "hint"),
        ("SBATCH_JOB_NAME", "job-name"),
        ("SBATCH_MEM_BIND", "mem-bind"),
        ("SBATCH_MEM_PER_CPU", "mem-per-cpu"),
        ("SBATCH_MEM_PER_GPU", "mem-per-gpu"),
        ("SBATCH_MEM_PER_NODE", "mem"),
        ("SBATCH_NETWORK", "network"),
        ("SBATCH_NO_KILL", "no-kill"),
        ("SBATCH_NO_REQUEUE", "no-requeue"),
        ("SBATCH_OPEN_MODE", "open-mode"),
        ("SBATCH_OVERCOMMIT", "overcommit"),
        ("SBATCH_PARTITION", "partition"),
        ("SBATCH_POWER", "power"),
        ("SBATCH_PROFILE", "profile"),
        ("SBATCH_QOS", "qos"),
        ("SBATCH_REQ_SWITCH", "req-switch"),
        ("SBATCH_REQUEUE", "requeue"),
        ("SBATCH_RESERVATION", "reservation"),
        ("SBATCH_SIGNAL", "signal"),
        ("SBATCH_SPREAD_JOB", "spread-job"),
        ("SBATCH_THREAD_SPEC", "thread-spec"),
        ("SBATCH_THREADS_PER_CORE", "threads-per-core"),
        ("SBATCH_TIMELIMIT", "time"),
        ("SBATCH_USE_MIN_NODES", "use-min-nodes"),
        ("SBATCH_WAIT", "wait"),
        ("SBATCH_WAIT_ALL_NODES", "wait-all-nodes"),
        ("SBATCH_WAIT4SWITCH", "wait-for-switch"),
        ("SBATCH_WCKEY", "wckey"),
        ("SBATCH_ERROR", "error"),
        ("SBATCH_INPUT", "input"),
        ("SBATCH_OUTPUT", "output"),
    ),
    "salloc": (
        ("SALLOC_ACCOUNT", "account"),
        ("SALLOC_ACCTG_FREQ", "acctg-freq"),
        ("SALLOC_BELL", "bell"),
        ("SALLOC_BURST_BUFFER", "bb"),
        ("SALLOC_CLUSTER_CONSTRAINT", "cluster-constraint"),
        ("SALLOC_CLUSTERS", "clusters"),
        ("SLURM_CLUSTERS", "clusters"),
        ("SALLOC_CONSTRAINT", "constraint"),
        ("SALLOC_CONTAINER", "container"),
        ("SALLOC_CORE_SPEC", "core-spec"),
        ("SALLOC_CPU_FREQ_REQ", "cpu-freq"),
        ("SALLOC_CPUS_PER_GPU", "cpus-per-gpu"),
        ("SALLOC_DEBUG", "verbose"),
        ("SALLOC_DELAY_BOOT", "delay-boot"),
        ("SALLOC_EXCLUSIVE", "exclusive"),
        ("SALLOC_GPUS", "gpus"),
        ("SALLOC_GPU_BIND", "gpu-bind"),
        ("SALLOC_GPU_FREQ", "gpu-freq"),
        ("SALLOC_GPUS_PER_NODE", "gpus-per-node"),
        ("SALLOC_GPUS_PER_SOCKET", "gpus-per-socket"),
        ("SALLOC_GPUS_PER_TASK", "gpus-per-task"),
        ("SALLOC_GRES", "gres"),
        ("SALLOC_GRES_FLAGS", "gres-flags"),
        ("SALLOC_IMMEDIATE", "immediate"),
        ("SLURM_HINT", "hint"),
        ("SALLOC_HINT", "hint"),
        ("SALLOC_KILL_CMD", "kill-command"),
        ("SALLOC_MEM_BIND", "mem-bind"),
        ("SALLOC_MEM_PER_CPU", "mem-per-cpu"),
        ("SALLOC_MEM_PER_GPU", "mem-per-gpu"),
        ("SALLOC_MEM_PER_NODE", "mem"),
        ("SALLOC_NETWORK", "network"),
        ("SALLOC_NO_BELL", "no-bell"),
        ("SALLOC_NO_KILL", "no-kill"),
        ("SALLOC_OVERCOMMIT", "overcommit"),
        ("SALLOC_PARTITION", "partition"),
        ("SALLOC_POWER", "power"),
        ("SALLOC_PROFILE", "profile"),
        ("SALLOC_QOS", "qos"),
        ("SALLOC_REQ_SWITCH", "switches"),
        ("SALLOC_RESERVATION", "reservation"),
        ("SALLOC_SIGNAL", "signal"),
        ("SALLOC_SPREAD_JOB", "spread-job"),
        ("SALLOC_THREAD_SPEC", "thread-spec"),
        ("SALLOC_THREADS_PER_CORE", "threads-per-core"),
        ("SALLOC_TIMELIMIT", "time"),
        ("SALLOC_USE_MIN_NODES", "use-min-nodes"),
        ("SALLOC_WAIT_ALL_NODES", "wait-all-nodes"),
        ("SALLOC_WCKEY", "wckey"),
    ),
    "srun": (
        ("SLURM_ACCOUNT", "account"),
        ("SLURM_ACCTG_FREQ", "acctg-freq"),
        ("SLURM_BURST_BUFFER", "bb"),
        ("SLURM_CLUSTERS", "clusters"),
        ("SLURM_CLUSTER_CONSTRAINT", "cluster-constraint"),
        ("SLURM_CONSTRAINT", "constraint"),
        ("SLURM_CORE_SPEC", "core-spec"),
        ("SLURM_CPU_FREQ_REQ", "cpu-freq"),
        ("SLURM_CPUS_PER_GPU", "cpus-per-gpu"),
        ("SRUN_CPUS_PER_TASK", "cpus-per-task"),
        ("SLURM_DEBUG", "verbose"),
        ("SLURM_DELAY_BOOT", "delay-boot"),
        ("SLURM_DEPENDENCY", "dependency"),
        ("SLURM_DISTRIBUTION", "distribution"),
        ("SLURM_EXCLUSIVE", "exclusive"),
        ("SLURM_GPUS", "gpus"),
        ("SLURM_GPU_BIND", "gpu-bind"),
        ("SLURM_GPU_FREQ", "gpu-freq"),
        ("SLURM_GPUS_PER_NODE", "gpus-per-node"),
        ("SLURM_GPUS_PER_SOCKET", "gpus-per-socket"),
        ("SLURM_GPUS_PER_TASK", "gpus-per-task"),
        ("SLURM_GRES", "gres"),
        ("SLURM_GRES_FLAGS", "gres-flags"),
        ("SLURM_HINT", "hint"),
        ("SLURM_IMMEDIATE", "immediate"),
        ("SLURM_JOB_NAME", "job-name"),
        ("SLURM_MEM_BIND", "mem-bind"),
        ("SLURM_MEM_PER_CPU", "mem-per-cpu"),
        ("SLURM_MEM_PER_GPU", "mem-per-gpu"),
        ("SLURM_MEM_PER_NODE", "mem"),
        ("SLURM_NETWORK", "network"),
        ("SLURM_NNODES", "nodes"),
        ("SLURM_JOB_NUM_NODES", "nodes"),
        ("SLURM_NO_KILL", "no-kill"),
        ("SLURM_NPROCS", "ntasks"),
        ("SLURM_NTASKS", "ntasks"),
        ("SLURM_NTASKS_PER_CORE", "ntasks-per-core"),
        ("SLURM_NTASKS_PER_GPU", "ntasks-per-gpu"),
        ("SLURM_NTASKS_PER_NODE", "ntasks-per-node"),
        ("SLURM_NTASKS_PER_SOCKET", "ntasks-per-socket"),
        ("SLURM_OVERCOMMIT", "overcommit"),
        ("SLURM_PARTITION", "partition"),
        ("SLURM_POWER", "power"),
        ("SLURM_PROFILE", "profile"),
        ("SLURM_QOS", "qos"),
        ("SLURM_REMOTE_CWD", "chdir"),
        ("SLURM_REQ_SWITCH", "switches"),
        ("SLURM_RESERVATION", "reservation"),
        ("SLURM_SIGNAL", "signal"),
        ("SLURM_SPREAD_JOB", "spread-job"),
        ("SLURM_THREAD_SPEC", "thread-spec"),
        ("SLURM_THREADS_PER_CORE", "threads-per-core"),
        ("SLURM_TIMELIMIT", "time"),
        ("SLURM_USE_MIN_NODES", "use-min-nodes"),
        ("SLURM_WCKEY", "wckey"),
        ("SLURM_WORKING_DIR", "chdir"),
    ),
}
"""The variables that stand for options, in the order in which the command reads them (SBATCH_IGNORE_PBS is read before). Of srun's,
those that say something of an allocation; the step's own are read where it runs (`node/srun/options.py`)."""

_BY_NAME: Mapping[tuple[str, Command], Option] = {
    (option.name, command): option for option in OPTIONS for command in option.commands
}


def option(name: str, command: Command = "sbatch") -> Option:
    """The option of that long name. Raises KeyError."""
    return _BY_NAME[name, command]


def later(name: str, command: Command = "sbatch") -> Option | None:
    """The option of a later release that has this name."""
    return next((one for one in LATER if one.name == name and command in one.commands), None)


def variables(name: str, command: Command = "sbatch") -> tuple[str, ...]:
    """The environment variables that stand for an option."""
    return tuple(variable for variable, of in ENVIRONMENT.get(command, ()) if of == name)


TABLES: Mapping[Command, Table] = {
    "sbatch": Table(one.row for one in OPTIONS if not one.nameless and "sbatch" in one.commands),
    "salloc": Table(one.row for one in OPTIONS if "salloc" in one.commands),
    "srun": Table(one.row for one in OPTIONS if "srun" in one.commands),
}
"""getopt's table of each command."""
