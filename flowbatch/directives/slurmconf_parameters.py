"""The parameters of slurm.conf and gres.conf that have an effect here: how each is read, and what it means."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flowbatch.directives.values import gres, hostlist, licenses, time
from flowbatch.spec.cluster import GresDevice
from flowbatch.spec.job import UNLIMITED

Fields = Mapping[str, Any]
"""Fields of a spec by name; "other" holds what of a value has no effect."""


class Parameter(NamedTuple):
    """A word of the file, how it fills fields (ValueError and ValueSyntax: it cannot be understood), and what it means."""

    name: str
    read: Callable[[str], Fields]
    meaning: str


# how values are read


def _as(name: str, read: Callable[[str], Any]) -> Callable[[str], Fields]:
    return lambda text: {name: read(text)}


def _ignored(_text: str) -> Fields:
    return {}


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise ValueError("not a number")
    return int(text)


def _script_size(text: str) -> int:
    """A longer script fits into no message to a node (`node/server.py`), where a byte may take six."""
    size = _number(text)
    if not 0 < size <= LONGEST_SCRIPT:
        raise ValueError(f"not from 1 to {LONGEST_SCRIPT}")
    return size


def _most(text: str) -> int | None:
    return None if text.upper() in ("UNLIMITED", "INFINITE") else _number(text)


def _mib(text: str) -> int | None:
    """MiB; 0 is no limit, as none said."""
    return _most(text) or None


def _flag(text: str) -> bool:
    try:
        return {
            "yes": True,
            "up": True,
            "true": True,
            "1": True,
            "no": False,
            "down": False,
            "false": False,
            "0": False,
        }[text.lower()]
    except KeyError:
        raise ValueError("neither YES nor NO") from None


def _minutes(text: str) -> int | None:
    if text.upper() == "NONE":
        return None
    minutes = time.minutes(text)
    return None if minutes == UNLIMITED else minutes


def _one_of(**words: Any) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        if text.upper() not in words:
            raise ValueError(f"none of {', '.join(words)}")
        return words[text.upper()]

    return read


def _list(text: str) -> tuple[str, ...]:
    return tuple(part for part in text.split(",") if part)


def _allowed(text: str) -> tuple[str, ...] | None:
    return None if text.upper() == "ALL" else _list(text)


def _settings(**known: tuple[str, Callable[[str], Any]]) -> Callable[[str], Fields]:
    """A list of `name` and `name=value`: the known ones fill fields, the rest is other."""

    def read(text: str) -> Fields:
        fields: dict[str, Any] = {}
        rest = []
        for part in _list(text):
            name, _, value = part.partition("=")
            if name.lower() in known:
                target, convert = known[name.lower()]
                fields[target] = convert(value)
            else:
                rest.append(part)
        return fields | ({"other": ",".join(rest)} if rest else {})

    return read


_IMPLIED = {
    "associations": ("associations",), "1": ("associations",), "limits": ("associations", "limits"),
    "2": ("associations", "limits"), "qos": ("associations", "qos"), "safe": ("associations", "limits", "safe"),
    "wckeys": ("associations", "wckeys"), "all": ("associations", "limits", "qos", "safe", "wckeys"),
    "none": (), "0": (), "nojobs": (), "nosteps": (),
}  # fmt: skip
"""What each word of AccountingStorageEnforce enforces."""


def _enforced(text: str) -> tuple[str, ...]:
    words = _list(text.lower())
    if any(word not in _IMPLIED for word in words):
        raise ValueError("not among associations, limits, qos, safe, wckeys, all")
    return tuple(dict.fromkeys(one for word in words for one in _IMPLIED[word]))


def _select_type(text: str) -> Fields:
    whole = text.lower() not in ("select/cons_tres", "select/cons_res")
    return {"whole_nodes": whole} | ({"other": text} if whole and text.lower() != "select/linear" else {})


def _select(text: str) -> Fields:
    words = [word.upper() for word in _list(text)]
    units = [word for word in words if word.startswith("CR_") and word.removesuffix("_MEMORY") in _UNITS]
    rest = ",".join(word for word in words if word not in units)
    if not units:
        return {"other": rest} if rest else {}
    unit = units[-1]
    found: dict[str, Any] = {"select_cores": not unit.startswith("CR_CPU"), "select_memory": unit.endswith("_MEMORY")}
    return found | ({"other": rest} if rest else {})


_UNITS = ("CR_CPU", "CR_CORE", "CR_SOCKET", "CR")


def _devices(text: str) -> tuple[GresDevice, ...]:
    wanted = gres.parse(_WITHOUT_SOCKETS.sub("", text)) if text else ()
    return tuple(GresDevice(name=one.name, type=one.type, count=one.count) for one in wanted)


_WITHOUT_SOCKETS = re.compile(r"\([^)]*\)|:no_consume")


def _oversubscribe(text: str) -> str:
    word, _, jobs = text.upper().partition(":")
    if jobs:
        _number(jobs)
    return str(_one_of(NO="NO", YES="YES", FORCE="FORCE", EXCLUSIVE="EXCLUSIVE")(word))


def _priority(text: str) -> Fields:
    return {"priority_tier": _number(text), "priority_job_factor": _number(text)}


_NODE_STATES = {
    "UNKNOWN": "UNKNOWN", "IDLE": "UNKNOWN", "CLOUD": "UNKNOWN", "DOWN": "DOWN", "DRAIN": "DRAIN", "FAIL": "DRAIN",
    "FAILING": "DRAIN", "FUTURE": "FUTURE",
}  # fmt: skip


def _prolog(text: str) -> Fields:
    """X11 implies Contain (man slurm.conf, 22.05)."""
    words = [word for word in text.split(",") if word]
    other = ",".join(word for word in words if word.lower() != "contain")
    found: dict[str, Any] = {"contains": True} if {"contain", "x11"} & {word.lower() for word in words} else {}
    return found | ({"other": other} if other else {})


def _launch(text: str) -> Fields:
    words = [word for word in text.split(",") if word]
    other = ",".join(word for word in words if word != INTERACTIVE)
    found: dict[str, Any] = {INTERACTIVE: True} if INTERACTIVE in words else {}
    return found | ({"other": other} if other else {})


LONGEST_SCRIPT = 32 << 20
GPUS = "gres/gpu"
INTERACTIVE = "use_interactive_step"
NO_GATHERING = "jobacct_gather/none"


CLUSTER = (
    Parameter("ClusterName", _as("name", str.lower), "the name of the cluster"),
    Parameter("MaxArraySize", _as("max_array_size", _number), "task numbers of arrays stay below it"),
    Parameter("MaxJobCount", _as("max_job_count", _number), "jobs that are remembered at once"),
    Parameter("MinJobAge", _as("min_job_age_s", _number), "seconds for which a finished job stays visible"),
    Parameter("KillWait", _as("kill_wait_s", _number), "seconds between SIGTERM and SIGKILL"),
    Parameter("LaunchParameters", _launch, "use_interactive_step: salloc's shell is a step"),
    Parameter("InteractiveStepOptions", _as("interactive_step_options", str), "the options of that step's srun"),
    Parameter(
        "PrologFlags", _prolog, "Contain: jobs have a step `.extern`, which no process from elsewhere is put into"
    ),
    Parameter(
        "JobAcctGatherType",
        _as("gathers", lambda text: text.lower() not in ("", NO_GATHERING)),
        "any but none: sstat measures what runs",
    ),
    Parameter("FirstJobId", _as("first_job_id", _number), "the number of the first job"),
    Parameter(
        "EnforcePartLimits",
        _as("enforce_part_limits", _one_of(NO="NO", ANY="ANY", ALL="ALL", YES="ALL")),
        "whether a job beyond its partition's limits is refused at once (NO: it waits)",
    ),
    Parameter(
        "AccountingStorageEnforce",
        _as("accounting_enforce", _enforced),
        "associations, limits, qos, safe or all: what of accounts is enforced",
    ),
    Parameter(
        "AccountingStorageTRES",
        _as("tracks_gpus", lambda text: GPUS in text.lower().split(",")),
        "gres/gpu: GPUs stand in TRES, CfgTRES and AllocTRES; others have no effect",
    ),
    Parameter("JobRequeue", _as("job_requeue", _flag), "whether jobs may be requeued that do not say"),
    Parameter("DefMemPerCPU", _as("def_mem_per_cpu", _mib), "MiB for each CPU of a job that does not say"),
    Parameter("DefMemPerNode", _as("def_mem_per_node", _mib), "MiB on each node of a job that does not say"),
    Parameter("MaxMemPerCPU", _as("max_mem_per_cpu", _mib), "the most that a job may say"),
    Parameter("MaxMemPerNode", _as("max_mem_per_node", _mib), "the most that a job may say"),
    Parameter(
        "Licenses",
        lambda text: {"licenses": tuple((one.name, one.count) for one in licenses.parse(text))},
        "licences and how many of each there are",
    ),
    Parameter(
        "SelectType",
        _select_type,
        "select/cons_tres or select/cons_res; select/linear, which is Slurm's default, makes every partition EXCLUSIVE",
    ),
    Parameter(
        "SelectTypeParameters",
        _select,
        "CR_CPU, CR_Core, CR_Socket, each with or without _Memory, and CR_Memory; CR_Core_Memory if left out",
    ),
    Parameter(
        "SchedulerType",
        lambda text: {"backfill": _one_of(**{"SCHED/BACKFILL": True, "SCHED/BUILTIN": False})(text)},
        "sched/backfill or sched/builtin",
    ),
    Parameter(
        "SchedulerParameters",
        _settings(
            batch_sched_delay=("batch_sched_delay_s", _number),
            default_queue_depth=("default_queue_depth", _number),
            max_script_size=("max_script_size", _script_size),
            sched_interval=("sched_interval_s", _number),
        ),
        "batch_sched_delay, sched_interval (seconds), default_queue_depth (jobs) and max_script_size (bytes, 32 MiB at most); others have no effect",
    ),
    Parameter(
        "DependencyParameters",
        _settings(kill_invalid_depend=("kill_on_invalid_dep", lambda _text: True)),
        "kill_invalid_depend: a job whose dependency cannot come true is cancelled",
    ),
    Parameter("OverTimeLimit", _as("over_time_limit_min", _number), "minutes that a job may run beyond its limit"),
    Parameter("JobFileAppend", _as("job_file_append", _flag), "whether output files are appended to after a requeue"),
    Parameter("MailProg", _as("mail_prog", str), "the program that sends mail"),
    Parameter("MailDomain", _as("mail_domain", str), "what stands behind the @ of users"),
    Parameter("GresTypes", _as("gres_types", _list), "names of generic resources"),
)

NODE = (
    Parameter("NodeName", _ignored, "the nodes of this line (`n[1-4]`), or DEFAULT for the lines that follow"),
    Parameter("CPUs", _as("cpus", _number), "CPUs; if left out, sockets times cores times threads"),
    Parameter("Procs", _as("cpus", _number), "the same"),
    Parameter("Boards", _as("boards", _number), "boards"),
    Parameter("Sockets", _as("sockets", _number), "sockets; if left out, as CPUs, cores and threads say"),
    Parameter("SocketsPerBoard", _as("sockets_per_board", _number), "sockets on each board"),
    Parameter("CoresPerSocket", _as("cores_per_socket", _number), "cores of each socket"),
    Parameter("ThreadsPerCore", _as("threads_per_core", _number), "threads of each core"),
    Parameter("RealMemory", _as("real_memory", _number), "MiB of memory"),
    Parameter("TmpDisk", _as("tmp_disk", _number), "MiB of temporary disk"),
    Parameter("Features", _as("features", _list), "features for --constraint"),
    Parameter("Feature", _as("features", _list), "the same"),
    Parameter("Gres", _as("gres", _devices), "generic resources (`gpu:h100:8`)"),
    Parameter("Weight", _as("weight", _number), "nodes of less weight are taken first"),
    Parameter(
        "State",
        _as("state", _one_of(**_NODE_STATES)),
        "DOWN, DRAIN and FUTURE nodes take no jobs",
    ),
    *(Parameter(name, _ignored, "where real slurmds would be: passed over") for name in ("NodeHostname", "NodeAddr")),
    *(Parameter(name, _ignored, "the same") for name in ("BcastAddr", "Port")),
)

PARTITION = (
    Parameter("PartitionName", _ignored, "the partition, or DEFAULT for the lines that follow"),
    Parameter("Nodes", _as("nodes", str), "its nodes (`n[1-4]`), or ALL"),
    Parameter("Default", _as("default", _flag), "whether jobs go here that do not say"),
    Parameter("MaxTime", _as("max_time_min", _minutes), "the longest time limit"),
    Parameter("DefaultTime", _as("default_time_min", _minutes), "the time limit of a job that does not say"),
    Parameter("MaxNodes", _as("max_nodes", _most), "the most nodes of a job"),
    Parameter("MinNodes", _as("min_nodes", _number), "the least nodes of a job"),
    Parameter(
        "MaxCPUsPerNode", _as("max_cpus_per_node", _most), "CPUs of each node that the partition's jobs may have"
    ),
    Parameter("DefMemPerCPU", _as("def_mem_per_cpu", _mib), "as above, for this partition"),
    Parameter("DefMemPerNode", _as("def_mem_per_node", _mib), "as above, for this partition"),
    Parameter("MaxMemPerCPU", _as("max_mem_per_cpu", _mib), "as above, for this partition"),
    Parameter("MaxMemPerNode", _as("max_mem_per_node", _mib), "as above, for this partition"),
    Parameter(
        "OverSubscribe", _as("over_subscribe", _oversubscribe), "NO, YES, FORCE, EXCLUSIVE (a `:N` is passed over)"
    ),
    Parameter("Shared", _as("over_subscribe", _oversubscribe), "the same"),
    Parameter("PriorityTier", _as("priority_tier", _number), "jobs of a higher tier are looked at first"),
    Parameter(
        "PriorityJobFactor",
        _as("priority_job_factor", _number),
        "shown; a job's priority does not depend on it, as with priority/basic",
    ),
    Parameter("Priority", _priority, "both"),
    Parameter("State", _as("state", _one_of(UP="UP", DOWN="DOWN", DRAIN="DRAIN", INACTIVE="INACTIVE")), "its state"),
    Parameter("Hidden", _as("hidden", _flag), "whether listings leave it out"),
    Parameter("RootOnly", _as("root_only", _flag), "whether only root may submit to it"),
    Parameter("AllowAccounts", _as("allow_accounts", _allowed), "accounts that may use it, or ALL"),
    Parameter("AllowQos", _as("allow_qos", _allowed), "shown; nothing hangs on a quality of service here"),
)

GRES = (
    Parameter("NodeName", _ignored, "nodes that this line is for; left out, all that have the resource"),
    Parameter("Name", _as("name", str), "the resource"),
    Parameter("Type", _as("type", str), "its type"),
    Parameter("File", _as("files", hostlist.parse), "device files (`/dev/nvidia[0-7]`)"),
    Parameter("Count", _as("count", _number), "passed over: the count is slurm.conf's"),
)
