"""`scontrol show job`: one record, field by field, in the order and words of 22.05."""

from __future__ import annotations

import os
from itertools import groupby

from flowbatch.commands.listing.job_fields import (
    admin_comment,
    allocated_tres,
    bind_text,
    cpus_per_tres,
    dependency_text,
    frequency_text,
    gres_text,
    het_ids,
    memory_per_tres,
    requested_tres,
    requeues,
    sharing,
    stream,
    tasks_text,
)
from flowbatch.commands.listing.job_json import gres_indices
from flowbatch.commands.listing.job_view import JobView
from flowbatch.core.states import ExitStatus, NodeShare
from flowbatch.directives.values import frequency
from flowbatch.slurm import amounts, hostlist, indices, patterns
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.patterns import NO_INDEX, Names
from flowbatch.slurm.times import TimeStyle, clock, minutes_clock

_NO_EXIT = ExitStatus()


def record(
    view: JobView, times: TimeStyle, *, bits: int, details: bool, one_line: bool, derived: ExitStatus = _NO_EXIT
) -> str:
    """The record with its closing blank lines; on one line with its line end. `derived`: the worst exit status of its steps."""
    lines = _lines(view, times, bits, details, derived)
    if one_line:
        return " ".join(lines) + " \n"
    return "\n   ".join([*lines, ""]) + "\n\n"


def _lines(view: JobView, times: TimeStyle, bits: int, details: bool, derived: ExitStatus) -> list[str]:
    job, spec, wish = view.job, view.spec, view.wish
    owner = job.owner

    def stamp(at: int | None, missing: str = "Unknown") -> str:
        return times.stamp(at, missing)

    held = view.allocation
    lines = [
        f"JobId={job.id} {_array(view, bits)}{_component(view)}JobName={spec.name}",
        *_given(HetJobIdSet=het_ids(view)),
        f"UserId={owner.name}({owner.uid}) GroupId={owner.group}({owner.gid}) MCS_label={view.recorded.get('mcs-label', 'N/A')}",
        f"Priority={view.priority} Nice={spec.nice} Account={spec.account or NULL} QOS={view.qos or NULL}",
        f"JobState={view.state} Reason={view.reason.replace(' ', '_')} Dependency={dependency_text(view) or NULL}",
        f"Requeue={int(requeues(view))} Restarts={job.restarts} BatchFlag={int(view.spec.is_batch)} Reboot={int(spec.reboot)} "
        f"ExitCode={view.exit.code}:{view.exit.signal}",
        *([f"DerivedExitCode={derived.code}:{derived.signal}"] if details else []),
        f"RunTime={clock(view.time_used_s)} TimeLimit={minutes_clock(view.time_limit_min)} "
        f"TimeMin={clock(view.time_min_s) if view.time_min_s else 'N/A'}",
        f"SubmitTime={stamp(job.submitted_at)} EligibleTime={stamp(job.eligible_at)}",
        f"AccrueTime={stamp(view.accrues_at)}",
        f"StartTime={stamp(view.start_time)} EndTime={stamp(view.end_time)} Deadline={stamp(spec.deadline, 'N/A')}",
        *([f"CronJob=Yes CrontabSpec=\"{spec.cron.text}\""] if spec.cron is not None else []),
        f"SuspendTime={stamp(view.pause.at if view.pause else None, 'None')} "
        f"SecsPreSuspend={view.pause.ran_s if view.pause else 0} LastSchedEval={stamp(job.last_evaluated_at or job.submitted_at)} "
        f"Scheduler={job.scheduled_by or 'Main'}",
        f"Partition={view.partition} AllocNode:Sid={owner.host}:{owner.sid}",
        f"ReqNodeList={view.scene.nodes_text(wish.nodelist) or NULL} "
        f"ExcNodeList={view.scene.nodes_text(wish.exclude) or NULL}",
        f"NodeList={view.nodes}" + (f" SchedNodeList={view.planned_nodes}" if view.planned_nodes else ""),
        *([f"BatchHost={view.batch_host}"] if view.batch_host else []),
        f"NumNodes={_nodes(view)} NumCPUs={view.cpu_count} NumTasks={view.task_count or 'N/A'} "
        f"CPUs/Task={view.cpus_per_task} ReqB:S:C:T=0:0:{wish.cores_per_socket or '*'}:{wish.threads_per_core or '*'}",
        f"TRES={allocated_tres(view) or requested_tres(view)}",
        f"Socks/Node={wish.sockets_per_node or '*'} NtasksPerN:B:S:C={wish.ntasks_per_node or 0}:0:"
        f"{wish.ntasks_per_socket or '*'}:{wish.ntasks_per_core or '*'} CoreSpec=*",
        *(_devices(held.shares) if details and held else []),
        f"MinCPUsNode={view.cpus_per_node} {_memory(view)} MinTmpDiskNode={amounts.mebibytes(wish.tmp_mib or 0)}",
        f"Features={wish.constraint_text or NULL} DelayBoot={clock(view.delay_boot_s)}",
        *_given(ClusterFeatures=view.recorded.get("cluster-constraint"), Prefer=wish.prefer_text),
        *_given(Reservation=spec.reservation),
        f"OverSubscribe={sharing(view)} Contiguous={int(wish.contiguous)} Licenses={wish.licenses_text or NULL} "
        f"Network={view.recorded.get('network') or NULL}",
        f"Command={view.command or NULL}",
        f"WorkDir={spec.work_dir}",
        *([f"AdminComment={admin_comment(view)} "] if admin_comment(view) else []),
        *([f"Comment={spec.comment} "] if spec.comment else []),
        *(_streams(view) if view.spec.is_batch else []),
        *([f"Switches={view.switches[0]}@{clock(view.switches[1])}"] if spec.switches else []),
        *([f"BurstBuffer={view.recorded['bb']}"] if "bb" in view.recorded else []),
        *_frequencies(view.recorded.get("cpu-freq", "")),
        f"Power={view.recorded.get('power', '').replace('unset', '')}",
        *_flags(view),
        *_given(
            CpusPerTres=cpus_per_tres(view),
            MemPerTres=memory_per_tres(view),
            TresBind=bind_text(view),
            TresFreq=frequency_text(view),
            TresPerJob=gres_text(wish.gres.per_job),
            TresPerNode=gres_text(wish.gres.per_node),
            TresPerSocket=gres_text(wish.gres.per_socket),
            TresPerTask=gres_text(wish.gres.per_task),
        ),
    ]  # fmt: skip
    if spec.mail.types:
        lines.append(f"MailUser={spec.mail.user or owner.name} MailType={','.join(spec.mail.types)}")
    if wish.ntasks_per_gpu:
        lines.append(f"NtasksPerTRES={wish.ntasks_per_gpu}")
    return lines


def _frequencies(asked: str) -> list[str]:
    """`--cpu-freq` as sbatch lists it (`Low-High:Performance`): each part in words, a limit with a blank behind it."""
    limits, _, governor = asked.partition(":")
    least, _, most = limits.rpartition("-")
    if most.isalpha() and most not in frequency.LEVELS:
        most, governor = "", most
    parts = [f"CPU_min_freq={least} " if least else "", f"CPU_max_freq={most} " if most else ""]
    line = "".join([*parts, f"Governor={governor}" if governor else ""])
    return [line] if line else []


def _flags(view: JobView) -> list[str]:
    """What 22.05 prints without a blank between."""
    binds = {"enforce-binding": "GresEnforceBind=Yes", "disable-binding": "GresEnforceBind=No"}
    kills = {True: "KillOInInvalidDependent=Yes", False: "KillOInInvalidDependent=No", None: ""}
    said = binds.get(view.recorded.get("gres-flags", ""), "") + kills[view.spec.kill_on_invalid_dep]
    said += "SpreadJob=Yes" if view.wish.spread_job else ""
    return [said] if said else []


def _streams(view: JobView) -> list[str]:
    files = view.spec.files
    return [
        f"StdErr={_stream(view, files.error or files.output)}",
        f"StdIn={stream(view, files.input) if files.input else os.devnull}",
        f"StdOut={_stream(view, files.output)}",
    ]


def _given(**texts: str | None) -> list[str]:
    """`Key=text` for what is there at all."""
    return [f"{key}={text}" for key, text in texts.items() if text]


def _array(view: JobView, bits: int) -> str:
    if view.array_id is None:
        return ""
    tasks = (tasks_text(view, bits) or NO_INDEX) if view.task is None else view.task
    throttle = f"ArrayTaskThrottle={view.throttle} " if view.throttle else ""
    return f"ArrayJobId={view.array_id} ArrayTaskId={tasks} {throttle}"


def _component(view: JobView) -> str:
    het = view.job.het
    return f"HetJobId={het.leader} HetJobOffset={het.offset} " if het is not None else ""


def _nodes(view: JobView) -> str:
    if view.pending and view.max_nodes:
        return f"{view.need.min_nodes if view.wish.nodes else view.node_count}-{view.max_nodes}"
    return str(view.node_count)


def _memory(view: JobView) -> str:
    memory = view.need.memory
    per = "CPU" if memory is not None and memory.per == "cpu" else "Node"
    return f"MinMemory{per}={amounts.mebibytes(view.memory_mib)}"


def _stream(view: JobView, pattern: str | None) -> str:
    job = view.job
    index = view.task if view.task is not None else NO_INDEX if view.rest is not None else None
    names = Names(job.id, view.spec.name, job.owner.name, job.owner.host, view.array_id, index)
    return patterns.listed(patterns.absolute(pattern, view.spec.work_dir, names), names)


def _devices(shares: tuple[NodeShare, ...]) -> list[str]:
    """The gres of the whole job, and what it holds on which nodes; nodes that hold the same stand together."""
    totals: dict[str, int] = {}
    for share in shares:
        for name, kind, devices in share.gres:
            key = f"{name}:{kind}" if kind else name
            totals[key] = totals.get(key, 0) + len(devices)
    whole = ",".join(f"{name}:{count}" for name, count in totals.items())
    lines = [f"JOB_GRES={whole or NULL}"]
    for _, same in groupby(shares, key=lambda share: (share.cpu_ids, share.memory_mib, share.gres)):
        group = list(same)
        nodes = hostlist.fold_sorted(share.node for share in group)
        first = group[0]
        lines.append(
            f"  Nodes={nodes} CPU_IDs={indices.ranges(first.cpu_ids)} Mem={first.memory_mib} GRES={gres_indices(first)}"
        )
    return lines
