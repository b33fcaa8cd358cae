"""The fields of squeue and sinfo 22.05: what `-o` calls by a letter and `-O` by a name, and what stands above the column.

A field's own name is its first `-O` name; it is also the key under which a listing looks up the value. The headers are
as a real squeue printed them, its slips included (`VIALBLE_SIBLINGS_RAW`).
"""

from __future__ import annotations

from dataclasses import dataclass

CUT_WORDS = frozenset({"UNLIMITED", "NOT_SET"})
NULL = "(null)"
"""An absent text, as C prints it: nothing at all where a column that stands left has no room for all of it."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field; `others` are further `-O` names of it, `letter` its `-o` type.

    `whole`: its values are never cut in a column that stands right, but for the words in `CUT_WORDS` and reasons.
    `whole_header`: nor is its header.
    """

    name: str
    header: str
    letter: str | None = None
    others: tuple[str, ...] = ()
    whole: bool = False
    whole_header: bool = False


JOB_FIELDS: tuple[Field, ...] = (
    Field("account", "ACCOUNT", "a"),
    Field("tres-per-node", "TRES_PER_NODE", "b", ("gres",)),
    Field("mincpus", "MIN_CPUS", "c"),
    Field("mintmpdisk", "MIN_TMP_DISK", "d"),
    Field("endtime", "END_TIME", "e"),
    Field("feature", "FEATURES", "f"),
    Field("groupname", "GROUP", "g"),
    Field("oversubscribe", "OVER_SUBSCRIBE", "h", ("shared",)),
    Field("jobarrayid", "JOBID", "i"),
    Field("name", "NAME", "j"),
    Field("comment", "COMMENT", "k"),
    Field("timelimit", "TIME_LIMIT", "l", whole=True),
    Field("minmemory", "MIN_MEMORY", "m"),
    Field("reqnodes", "REQ_NODES", "n", whole=True),
    Field("command", "COMMAND", "o"),
    Field("priority", "PRIORITY", "p"),
    Field("qos", "QOS", "q"),
    Field("reason", "REASON", "r"),
    Field("selectjobinfo", "", "s"),
    Field("statecompact", "ST", "t"),
    Field("username", "USER", "u"),
    Field("reservation", "RESERVATION", "v"),
    Field("wckey", "WCKEY", "w"),
    Field("%x", "EXC_NODES", "x", whole=True),
    Field("nice", "NICE", "y"),
    Field("sct", "S:C:T", "z"),
    Field("jobid", "JOBID", "A"),
    Field("batchhost", "EXEC_HOST", "B"),
    Field("numcpus", "CPUS", "C"),
    Field("numnodes", "NODES", "D"),
    Field("dependency", "DEPENDENCY", "E"),
    Field("arrayjobid", "ARRAY_JOB_ID", "F"),
    Field("groupid", "GROUP", "G"),
    Field("sockets", "SOCKETS_PER_NODE", "H"),
    Field("cores", "CORES_PER_SOCKET", "I"),
    Field("threads", "THREADS_PER_CORE", "J"),
    Field("arraytaskid", "ARRAY_TASK_ID", "K"),
    Field("timeleft", "TIME_LEFT", "L", whole=True),
    Field("timeused", "TIME", "M", whole=True),
    Field("nodelist", "NODELIST", "N", whole=True, whole_header=True),
    Field("contiguous", "CONTIGUOUS", "O"),
    Field("partition", "PARTITION", "P"),
    Field("prioritylong", "PRIORITY", "Q"),
    Field("reasonlist", "NODELIST(REASON)", "R", whole=True, whole_header=True),
    Field("starttime", "START_TIME", "S"),
    Field("state", "STATE", "T"),
    Field("userid", "UID", "U"),
    Field("submittime", "SUBMIT_TIME", "V"),
    Field("licenses", "LICENSES", "W"),
    Field("corespec", "CORE_SPEC", "X"),
    Field("schednodes", "SCHEDNODES", "Y", whole=True, whole_header=True),
    Field("workdir", "WORK_DIR", "Z"),
    Field("accruetime", "ACCRUE_TIME"),
    Field("admin_comment", "ADMIN_COMMENT"),
    Field("allocnodes", "ALLOC_NODES"),
    Field("allocsid", "ALLOC_SID"),
    Field("associd", "ASSOC_ID"),
    Field("batchflag", "BATCH_FLAG"),
    Field("boardspernode", "BOARDS_PER_NODE"),
    Field("burstbuffer", "BURST_BUFFER"),
    Field("burstbufferstate", "BURST_BUFFER_STATE"),
    Field("cluster", "CLUSTER"),
    Field("clusterfeature", "CLUSTER_FEATURES"),
    Field("container", "CONTAINER"),
    Field("cpus-per-task", "CPUS_PER_TASK", None, ("cpuspertask",)),
    Field("cpus-per-tres", "CPUS_PER_TRES"),
    Field("deadline", "DEADLINE"),
    Field("delayboot", "DELAY_BOOT"),
    Field("derivedec", "DERIVED_EC"),
    Field("eligibletime", "ELIGIBLE_TIME"),
    Field("exit_code", "EXIT_CODE"),
    Field("hetjobid", "HET_JOB_ID", None, ("packjobid",)),
    Field("hetjobidset", "HET_JOB_ID_SET", None, ("packjobidset",)),
    Field("hetjoboffset", "HET_JOB_OFFSET", None, ("packjoboffset",)),
    Field("lastschedeval", "LAST_SCHED_EVAL"),
    Field("maxcpus", "MAX_CPUS"),
    Field("maxnodes", "MAX_NODES"),
    Field("mcslabel", "MCSLABEL"),
    Field("mem-per-tres", "MEM_PER_TRES"),
    Field("mintime", "TIME_MIN"),
    Field("network", "NETWORK"),
    Field("ntperboard", "NTASKS_PER_BOARD"),
    Field("ntpercore", "NTASKS_PER_CORE"),
    Field("ntpernode", "NTASKS_PER_NODE"),
    Field("ntpersocket", "NTASKS_PER_SOCKET"),
    Field("numtasks", "TASKS"),
    Field("origin", "ORIGIN"),
    Field("originraw", "ORIGIN_RAW"),
    Field("pendingtime", "PENDING_TIME"),
    Field("preempttime", "PREEMPT_TIME"),
    Field("prefer", "PREFER"),
    Field("profile", "PROFILE"),
    Field("reboot", "REBOOT"),
    Field("reqswitch", "REQ_SWITCH"),
    Field("requeue", "REQUEUE"),
    Field("resizetime", "RESIZE_TIME", whole=True),
    Field("restartcnt", "RESTART_COUNT"),
    Field("siblingsactive", "ACTIVE_SIBLINGS"),
    Field("siblingsactiveraw", "ACTIVE_SIBLINGS_RAW"),
    Field("siblingsviable", "VIABLE_SIBLINGS"),
    Field("siblingsviableraw", "VIALBLE_SIBLINGS_RAW"),
    Field("sperboard", "SOCKETS_PER_BOARD"),
    Field("stderr", "STDERR"),
    Field("stdin", "STDIN"),
    Field("stdout", "STDOUT"),
    Field("system_comment", "SYSTEM_COMMENT"),
    Field("tres-alloc", "TRES_ALLOC", None, ("tres",)),
    Field("tres-bind", "TRES_BIND"),
    Field("tres-freq", "TRES_FREQ"),
    Field("tres-per-job", "TRES_PER_JOB"),
    Field("tres-per-socket", "TRES_PER_SOCKET"),
    Field("tres-per-task", "TRES_PER_TASK"),
    Field("wait4switch", "WAIT4SWITCH"),
)
"""Lettered ones first, in the order of `-o %all`. `EXC_NODES` has no name: squeue 22.05 forgot it."""

STEP_FIELDS: tuple[Field, ...] = (
    Field("gres", "TRES_PER_JOB", "b", ("tres-per-node",)),
    Field("stepid", "STEPID", "i"),
    Field("stepname", "NAME", "j"),
    Field("timelimit", "TIME_LIMIT", "l", whole=True),
    Field("username", "USER", "u"),
    Field("numtasks", "TASKS", "A"),
    Field("timeused", "TIME", "M", whole=True),
    Field("nodes", "NODELIST", "N", whole=True, whole_header=True),
    Field("partition", "PARTITION", "P"),
    Field("starttime", "START_TIME", "S"),
    Field("userid", "UID", "U"),
    Field("arrayjobid", "ARRAY_JOB_ID"),
    Field("arraytaskid", "ARRAY_TASK_ID"),
    Field("cluster", "CLUSTER"),
    Field("container", "CONTAINER"),
    Field("cpufreq", "CPU_FREQ"),
    Field("cpus-per-tres", "CPUS_PER_TRES"),
    Field("jobid", "JOB_ID"),
    Field("mem-per-tres", "MEM_PER_TRES"),
    Field("network", "NETWORK"),
    Field("numcpus", "NUM_CPUS"),
    Field("resvports", "RESERVED_PORTS"),
    Field("stepstate", "STATE"),
    Field("tres-bind", "TRES_BIND"),
    Field("tres-freq", "TRES_FREQ"),
    Field("tres-per-step", "TRES_PER_STEP", None, ("tres-per-job",)),
    Field("tres-per-socket", "TRES_PER_SOCKET"),
    Field("tres-per-task", "TRES_PER_TASK"),
)


NODE_FIELDS: tuple[Field, ...] = (
    Field("available", "AVAIL", "a"),
    Field("features_act", "ACTIVE_FEATURES", "b"),
    Field("cpus", "CPUS", "c"),
    Field("disk", "TMP_DISK", "d"),
    Field("freemem", "FREE_MEM", "e"),
    Field("features", "AVAIL_FEATURES", "f"),
    Field("groups", "GROUPS", "g"),
    Field("oversubscribe", "OVERSUBSCRIBE", "h", ("share",)),
    Field("time", "TIMELIMIT", "l"),
    Field("memory", "MEMORY", "m"),
    Field("nodehost", "HOSTNAMES", "n", whole_header=True),
    Field("nodeaddr", "NODE_ADDR", "o", whole_header=True),
    Field("prioritytier", "PRIO_TIER", "p"),
    Field("root", "ROOT", "r"),
    Field("size", "JOB_SIZE", "s"),
    Field("statecompact", "STATE", "t"),
    Field("user", "USER", "u"),
    Field("version", "VERSION", "v"),
    Field("weight", "WEIGHT", "w"),
    Field("socketcorethread", "S:C:T", "z"),
    Field("nodeai", "NODES(A/I)", "A"),
    Field("maxcpuspernode", "MAX_CPUS_PER_NODE", "B"),
    Field("cpusstate", "CPUS(A/I/O/T)", "C"),
    Field("nodes", "NODES", "D"),
    Field("reason", "REASON", "E"),
    Field("nodeaiot", "NODES(A/I/O/T)", "F"),
    Field("gres", "GRES", "G"),
    Field("timestamp", "TIMESTAMP", "H"),
    Field("priorityjobfactor", "PRIO_JOB_FACTOR", "I"),
    Field("defaulttime", "DEFAULTTIME", "L"),
    Field("preemptmode", "PREEMPT_MODE", "M"),
    Field("nodelist", "NODELIST", "N", whole_header=True),
    Field("cpusload", "CPU_LOAD", "O"),
    Field("partition", "PARTITION", "P"),
    Field("partitionname", "PARTITION", "R"),
    Field("allocnodes", "ALLOCNODES", "S"),
    Field("statelong", "STATE", "T"),
    Field("userlong", "USER", "U"),
    Field("cluster", "CLUSTER", "V"),
    Field("sockets", "SOCKETS", "X"),
    Field("cores", "CORES", "Y"),
    Field("threads", "THREADS", "Z"),
    Field("allocmem", "ALLOCMEM"),
    Field("comment", "COMMENT"),
    Field("extra", "EXTRA"),
    Field("gresused", "GRES_USED"),
    Field("port", "PORT"),
    Field("statecomplete", "STATECOMPLETE"),
)
"""What sinfo prints of a partition and the nodes in it."""


@dataclass(frozen=True, slots=True)
class Fields:
    """One of the tables with its indexes. `unknown_letter` and `unknown_name` are what the command says of a field that it
    does not know. `all_by_name`: `all` is every lettered field for -O too, with `capital_bar` behind those with a capital.
    `negative_width` stands behind a column of such a width; None: there is no such column, only its suffix."""

    all: tuple[Field, ...]
    by_letter: dict[str, Field]
    by_name: dict[str, Field]
    unknown_letter: str
    unknown_name: str
    all_by_name: bool = False
    capital_bar: str = "|"
    negative_width: str | None = " "


def _indexed(
    fields: tuple[Field, ...],
    letter: str,
    name: str,
    *,
    all_by_name: bool = False,
    bar: str = "|",
    negative: str | None = " ",
) -> Fields:
    letters = {field.letter: field for field in fields if field.letter}
    names = {name: field for field in fields if field.name[0] != "%" for name in (field.name, *field.others)}
    return Fields(fields, letters, names, letter, name, all_by_name, bar, negative)


_JOB = "squeue: error: Invalid job format specification: "
_STEP = "squeue: error: Invalid job step format specification: "

JOBS = _indexed(JOB_FIELDS, _JOB, _JOB)
STEPS = _indexed(STEP_FIELDS, _STEP, _STEP)
NODES = _indexed(
    NODE_FIELDS,
    "Invalid node format specification: ",
    "sinfo: error: Invalid job format specification: ",
    all_by_name=True,
    bar=" |",
    negative=None,
)
