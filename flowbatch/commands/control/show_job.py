"""`scontrol show job`: one record, field by field, in the order and words of 22.05."""

from __future__ import annotations

import os
from dataclasses import dataclass
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
from flowbatch.spec.job import JobSpec


@dataclass(frozen=True, slots=True)
class _Said:
    """The lines of a record that follow from what was asked alone, between those that are the job's own."""

    label: str
    account: str
    batch: str
    least_time: str
    deadline: str
    cron: tuple[str, ...]
    nodes: str
    cpus: str
    sockets: str
    wish: tuple[str, ...]
    comment: tuple[str, ...]
    rest: tuple[str, ...]


class Sheet:
    """Writes the records of one answer as one caller wants them; what jobs of one specification share is written once."""

    def __init__(self, times: TimeStyle, *, bits: int, details: bool, one_line: bool) -> None:
        self._times = times
        self._bits = bits
        self._details = details
        self._one_line = one_line
        self._said: dict[tuple[int, str], tuple[JobSpec, _Said]] = {}
        """By the specification's address, which stays its while it stands beside, and the first partition."""

    def record(self, view: JobView, derived: ExitStatus) -> str:
        """The record with its closing blank lines; on one line with its line end. `derived`: the worst exit status of its steps."""
        lines = self._lines(view, self._said_of(view), derived)
        if self._one_line:
            return " ".join(lines) + " \n"
        return "\n   ".join(lines) + "\n   \n\n"

    def _said_of(self, view: JobView) -> _Said:
        key = id(view.spec), view.job.partitions[0] if view.job.partitions else ""
        if key not in self._said:
            self._said[key] = view.spec, _said(view, self._times)
        return self._said[key][1]

    def _lines(self, view: JobView, said: _Said, derived: ExitStatus) -> list[str]:
        job, owner, stamp, exit = view.job, view.job.owner, self._times.stamp, view.exit
        held, pause, start = view.allocation, view.pause, view.start_time
        cost = admin_comment(view)
        return [
            f"JobId={job.id} {_array(view, self._bits)}{_component(view)}JobName={view.spec.name}",
            *_given(HetJobIdSet=het_ids(view)),
            f"UserId={owner.name}({owner.uid}) GroupId={owner.group}({owner.gid}) {said.label}",
            f"Priority={view.priority} {said.account}",
            f"JobState={view.state} Reason={view.reason.replace(' ', '_')} Dependency={dependency_text(view) or NULL}",
            f"Requeue={int(requeues(view))} Restarts={job.restarts} {said.batch} ExitCode={exit.code}:{exit.signal}",
            *([f"DerivedExitCode={derived.code}:{derived.signal}"] if self._details else []),
            f"RunTime={clock(view.time_used_s)} TimeLimit={minutes_clock(view.time_limit_min)} {said.least_time}",
            f"SubmitTime={stamp(job.submitted_at, _UNKNOWN)} EligibleTime={stamp(job.eligible_at, _UNKNOWN)}",
            f"AccrueTime={stamp(view.accrues_at, _UNKNOWN)}",
            f"StartTime={stamp(start, _UNKNOWN)} EndTime={stamp(view.end_time, _UNKNOWN)} {said.deadline}",
            *said.cron,
            f"SuspendTime={stamp(pause.at if pause else None, 'None')} SecsPreSuspend={pause.ran_s if pause else 0} "
            f"LastSchedEval={stamp(job.last_evaluated_at or job.submitted_at, _UNKNOWN)} Scheduler={job.scheduled_by or 'Main'}",
            f"Partition={view.partition} AllocNode:Sid={owner.host}:{owner.sid}",
            said.nodes,
            f"NodeList={view.nodes}" + (f" SchedNodeList={view.planned_nodes}" if view.planned_nodes else ""),
            *([f"BatchHost={view.batch_host}"] if view.batch_host else []),
            f"NumNodes={_nodes(view)} NumCPUs={view.cpu_count} NumTasks={view.task_count or 'N/A'} {said.cpus}",
            f"TRES={allocated_tres(view) or requested_tres(view)}",
            said.sockets,
            *(_devices(held.shares) if self._details and held else []),
            *said.wish,
            *([f"AdminComment={cost} "] if cost else []),
            *said.comment,
            *(_streams(view) if view.spec.is_batch else []),
            *said.rest,
            *_mail(view),
            *_tasks_per_gpu(view),
        ]  # fmt: skip


_UNKNOWN = "Unknown"


def _said(view: JobView, times: TimeStyle) -> _Said:
    spec, wish, recorded = view.spec, view.wish, view.recorded
    return _Said(
        label=f"MCS_label={recorded.get('mcs-label', 'N/A')}",
        account=f"Nice={spec.nice} Account={spec.account or NULL} QOS={view.qos or NULL}",
        batch=f"BatchFlag={int(spec.is_batch)} Reboot={int(spec.reboot)}",
        least_time=f"TimeMin={clock(view.time_min_s) if view.time_min_s else 'N/A'}",
        deadline=f"Deadline={times.stamp(spec.deadline, 'N/A')}",
        cron=(f'CronJob=Yes CrontabSpec="{spec.cron.text}"',) if spec.cron is not None else (),
        nodes=f"ReqNodeList={view.scene.nodes_text(wish.nodelist) or NULL} ExcNodeList={view.scene.nodes_text(wish.exclude) or NULL}",
        cpus=f"CPUs/Task={view.cpus_per_task} ReqB:S:C:T=0:0:{wish.cores_per_socket or '*'}:{wish.threads_per_core or '*'}",
        sockets=f"Socks/Node={wish.sockets_per_node or '*'} NtasksPerN:B:S:C={wish.ntasks_per_node or 0}:0:"
        f"{wish.ntasks_per_socket or '*'}:{wish.ntasks_per_core or '*'} CoreSpec=*",
        wish=(
            f"MinCPUsNode={view.cpus_per_node} {_memory(view)} MinTmpDiskNode={amounts.mebibytes(wish.tmp_mib or 0)}",
            f"Features={wish.constraint_text or NULL} DelayBoot={clock(view.delay_boot_s)}",
            *_given(ClusterFeatures=recorded.get("cluster-constraint"), Prefer=wish.prefer_text),
            *_given(Reservation=spec.reservation),
            f"OverSubscribe={sharing(view)} Contiguous={int(wish.contiguous)} Licenses={wish.licenses_text or NULL} "
            f"Network={recorded.get('network') or NULL}",
            f"Command={view.command or NULL}",
            f"WorkDir={spec.work_dir}",
        ),
        comment=(f"Comment={spec.comment} ",) if spec.comment else (),
        rest=(
            *([f"Switches={view.switches[0]}@{clock(view.switches[1])}"] if spec.switches else []),
            *([f"BurstBuffer={recorded['bb']}"] if "bb" in recorded else []),
            *_frequencies(recorded.get("cpu-freq", "")),
            f"Power={recorded.get('power', '').replace('unset', '')}",
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
        ),
    )  # fmt: skip


def _mail(view: JobView) -> list[str]:
    mail = view.spec.mail
    return [f"MailUser={mail.user or view.job.owner.name} MailType={','.join(mail.types)}"] if mail.types else []


def _tasks_per_gpu(view: JobView) -> list[str]:
    return [f"NtasksPerTRES={view.wish.ntasks_per_gpu}"] if view.wish.ntasks_per_gpu else []


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
    output = _stream(view, files.output)
    return [
        f"StdErr={_stream(view, files.error) if files.error else output}",
        f"StdIn={stream(view, files.input) if files.input else os.devnull}",
        f"StdOut={output}",
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
