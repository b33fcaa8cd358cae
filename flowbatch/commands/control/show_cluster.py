"""`scontrol show node|partition|config|licenses`: the cluster, as 22.05 words it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.node_view import NodeView, gpus_on
from flowbatch.commands.listing.sinfo_fields import shared_by
from flowbatch.core.ports import Snapshot
from flowbatch.slurm import amounts, hostlist
from flowbatch.slurm.times import TimeStyle, clock
from flowbatch.spec.cluster import ClusterSpec, PartitionSpec
from flowbatch.units import MINUTE

_NULL = "(null)"


def block(lines: Sequence[str], *, one_line: bool) -> str:
    """A record's lines as scontrol lays them out."""
    if one_line:
        return " ".join(lines) + "\n"
    return "\n   ".join(lines) + "\n\n"


def node(cluster: ClusterSpec, view: NodeView, host: str, times: TimeStyle) -> list[str]:
    """One node. What nobody measures here (load, free memory, boot time) is said to be unknown, in Slurm's words; a machine of
    the market that is not there has neither an architecture nor a version."""
    spec = view.spec
    partitions = ",".join(part.name for part in cluster.partitions if spec.name in part.nodes)
    address = spec.name if spec.cloud is not None else host
    return [
        f"NodeName={spec.name} {'Arch=x86_64 ' if view.present else ''}CoresPerSocket={spec.cores_per_socket} ",
        f"CPUAlloc={view.cpus_held} CPUEfctv={spec.cpus} CPUTot={spec.cpus} CPULoad=N/A",
        f"AvailableFeatures={view.features}",
        f"ActiveFeatures={view.active_features}",
        f"Gres={view.gres}",
        f"NodeAddr={address} NodeHostName={address} {'Version=22.05.8' if view.present else ''}",
        *(["OS=Linux "] if view.present else []),
        f"RealMemory={spec.real_memory} AllocMem={view.memory_held_mib} FreeMem=N/A Sockets={spec.sockets} Boards={spec.boards}",
        f"State={'+'.join(view.state.words)} ThreadsPerCore={spec.threads_per_core} TmpDisk={spec.tmp_disk} "
        f"Weight={spec.weight} Owner=N/A MCS_label=N/A",
        f"Partitions={partitions} ",
        "BootTime=None SlurmdStartTime=None",
        "LastBusyTime=Unknown",
        f"CfgTRES={view.tres}",
        f"AllocTRES={view.tres_held}",
        "CapWatts=n/a",
        "CurrentWatts=0 AveWatts=0",
        "ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s",
        *([f"Reason={spec.reason} [{spec.reason_by}@{times.stamp(spec.reason_at)}]"] if spec.reason else []),
        *([f"Comment={view.comment}"] if view.comment else []),
        *([f"Extra={view.extra}"] if view.extra else []),
    ]


def partition(cluster: ClusterSpec, spec: PartitionSpec) -> list[str]:
    """One partition."""
    nodes = [found for name in spec.nodes if (found := cluster.node(name)) is not None]
    cpus, memory = sum(one.cpus for one in nodes), sum(one.real_memory for one in nodes)
    gpus = sum(map(gpus_on, nodes)) if cluster.tracks_gpus else 0
    return [
        f"PartitionName={spec.name}",
        f"AllowGroups=ALL AllowAccounts={_names(spec.allow_accounts)} AllowQos={_names(spec.allow_qos)}",
        f"AllocNodes=ALL Default={_yes(spec.default)} QoS=N/A",
        f"DefaultTime={_limit(spec.default_time_min, 'NONE')} DisableRootJobs=NO ExclusiveUser=NO GraceTime=0 "
        f"Hidden={_yes(spec.hidden)}",
        f"MaxNodes={_number(spec.max_nodes)} MaxTime={_limit(spec.max_time_min, 'UNLIMITED')} MinNodes={spec.min_nodes} "
        f"LLN=NO MaxCPUsPerNode={_number(spec.max_cpus_per_node)}",
        f"Nodes={hostlist.fold_sorted(spec.nodes) or _NULL}",
        f"PriorityJobFactor={spec.priority_job_factor} PriorityTier={spec.priority_tier} RootOnly={_yes(spec.root_only)} "
        f"ReqResv=NO OverSubscribe={shared_by(spec)}",
        "OverTimeLimit=NONE PreemptMode=OFF",
        f"State={spec.state} TotalCPUs={cpus} TotalNodes={len(nodes)} SelectTypeParameters=NONE",
        f"JobDefaults={_NULL}",
        f"{_memory('Def', spec.def_mem_per_cpu, spec.def_mem_per_node)} "
        f"{_memory('Max', spec.max_mem_per_cpu, spec.max_mem_per_node)}",
        f"TRES={amounts.tres(cpu=cpus, mib=memory, node=len(nodes), billing=cpus, gpus=gpus) or _NULL}",
    ]


def _names(names: Sequence[str] | None) -> str:
    return "ALL" if names is None else ",".join(names)


def _yes(flag: bool) -> str:
    return "YES" if flag else "NO"


def _limit(minutes: int | None, missing: str) -> str:
    return missing if minutes is None else clock(minutes * MINUTE)


def _number(count: int | None) -> str:
    return "UNLIMITED" if count is None else str(count)


def _memory(which: str, per_cpu: int | None, per_node: int | None) -> str:
    if per_cpu:
        return f"{which}MemPerCPU={per_cpu}"
    return f"{which}MemPerNode={per_node or 'UNLIMITED'}"


def config(cluster: ClusterSpec, at: int, times: TimeStyle, host: str) -> str:
    """The parameters that have an effect here, by name, and how the controller does."""
    parameters = config_values(cluster)
    lines = [f"{name:<23} = {parameters[name]}" for name in sorted(parameters, key=str.lower)]
    head = f"Configuration data as of {times.stamp(at)}\n"
    return head + "\n".join(lines) + f"\n\n{ping(host)}"


def ping(host: str) -> str:
    return f"Slurmctld(primary) at {host} is UP\n"


_TRACKED = ("cpu", "mem", "energy", "node", "billing", "fs/disk", "vmem", "pages")


def config_values(cluster: ClusterSpec) -> Mapping[str, str]:
    """slurm.conf's own names."""
    memory = "_Memory" if cluster.select_memory else ""
    return {
        "AccountingStorageTRES": ",".join(_TRACKED + ("gres/gpu",) * cluster.tracks_gpus),
        "AccountingStorageType": "accounting_storage/none",
        "ClusterName": cluster.name,
        **_memory_limits("Def", cluster.def_mem_per_cpu, cluster.def_mem_per_node),
        "EnforcePartLimits": cluster.enforce_part_limits,
        "FirstJobId": str(cluster.first_job_id),
        "GresTypes": ",".join(cluster.gres_types) or _NULL,
        "JobFileAppend": str(int(cluster.job_file_append)),
        "JobRequeue": str(int(cluster.job_requeue)),
        "KillWait": f"{cluster.kill_wait_s} sec",
        "Licenses": ",".join(f"{name}:{count}" for name, count in cluster.licenses) or _NULL,
        "MailProg": cluster.mail_prog or "/bin/mail",
        "MailDomain": cluster.mail_domain or _NULL,
        "MaxArraySize": str(cluster.max_array_size),
        "MaxJobCount": str(cluster.max_job_count),
        **_memory_limits("Max", cluster.max_mem_per_cpu, cluster.max_mem_per_node),
        "MinJobAge": f"{cluster.min_job_age_s} sec",
        "OverTimeLimit": f"{cluster.over_time_limit_min} min",
        "PreemptMode": "OFF",
        "PreemptType": "preempt/none",
        "PriorityType": "priority/basic",
        "ReturnToService": "0",
        "SchedulerParameters": ",".join(
            (
                f"batch_sched_delay={cluster.batch_sched_delay_s}",
                f"default_queue_depth={cluster.default_queue_depth}",
                f"max_script_size={cluster.max_script_size}",
                f"sched_interval={cluster.sched_interval_s}",
            )
        ),
        "SchedulerType": "sched/backfill" if cluster.backfill else "sched/builtin",
        "SelectType": "select/cons_tres",
        "SelectTypeParameters": f"{'CR_CORE' if cluster.select_cores else 'CR_CPU'}{memory}".upper(),
        "SLURM_VERSION": "22.05.8",
    }


def _memory_limits(which: str, per_cpu: int | None, per_node: int | None) -> dict[str, str]:
    """The one that holds: for each CPU, else on each node."""
    return {f"{which}MemPerCPU": str(per_cpu)} if per_cpu else {f"{which}MemPerNode": _number(per_node)}


def licenses(snapshot: Snapshot, views: Sequence[JobView], *, only: str | None, one_line: bool) -> str:
    """How many there are of each (or of one), how many running jobs have, and how many reservations keep now."""
    used: dict[str, int] = {}
    reserved: dict[str, int] = {}
    for one in snapshot.rulings.reservations:
        for name, count in one.licenses if one.active(snapshot.at) else ():
            reserved[name] = reserved.get(name, 0) + count
    for view in views:
        for name, count in view.need.licenses if view.allocation and not view.finished else ():
            used[name] = used.get(name, 0) + count
    between = " " if one_line else "\n    "
    return "".join(
        f"LicenseName={name}{between}Total={total} Used={used.get(name, 0)} Free={total - used.get(name, 0)} "
        f"Reserved={reserved.get(name, 0)} Remote=no\n"
        for name, total in sorted(snapshot.cluster.licenses)
        if only in (None, name)
    )
