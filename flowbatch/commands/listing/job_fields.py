"""Every field of `squeue -o` and `-O` as text: what slurm/fields.py names, taken from a JobView."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flowbatch.commands.listing.job_view import MAX_PRIORITY, NO_VALUE, JobView
from flowbatch.commands.listing.node_view import gpus_of
from flowbatch.core import endings
from flowbatch.core.jobs import Waiting
from flowbatch.slurm import amounts, codes, indices
from flowbatch.slurm.fields import NULL
from flowbatch.slurm.times import TimeStyle, minutes_short_clock, short_clock
from flowbatch.spec.dependency import Dependency
from flowbatch.spec.resources import Gres
from flowbatch.units import dollars

_NOT_APPLICABLE, _ANY = "N/A", "*"
_SHORT_ID = 31
"""How much of `7_[1-3,5]` squeue shows unless SLURM_BITSTR_LEN is set."""


@dataclass(frozen=True)
class Style:
    """How one caller wants values printed. `bits` is the room for a set of task indices, `long_ids`: all of it in ids too."""

    times: TimeStyle
    convert: bool = True
    bits: int = 64
    long_ids: bool = False


def style_of(environ: Mapping[str, str], at: int, *, convert: bool = True) -> Style:
    """How the caller's variables say it: TZ, SLURM_TIME_FORMAT (standard where it is none) and SLURM_BITSTR_LEN."""
    return Style(
        TimeStyle.of(environ, at),
        convert=convert,
        bits=indices.length_limit(environ),
        long_ids="SLURM_BITSTR_LEN" in environ,
    )


Value = Callable[[JobView, Style], str]


def _null(text: str | None) -> str:
    return text if text else NULL


def _or_not(text: str) -> str:
    return text or _NOT_APPLICABLE


def _asterisk(number: int | None) -> str:
    return str(number) if number else _ANY


def _recorded(option: str) -> Value:
    return lambda view, style: _null(view.recorded.get(option))


def always(text: str) -> Value:
    """The same for every job."""
    return lambda view, style: text


def _flag(flag: bool) -> str:
    return "1" if flag else "0"


def gres_text(requests: tuple[Gres, ...]) -> str:
    """What a kind of gres request looks like in job records: `gres:gpu:h100:2`."""
    return amounts.gres((one.name, one.type, one.count) for one in requests)


def dependency_text(view: JobView) -> str:
    """The terms that are left, each with how it stands: `afterok:54(unfulfilled)`; empty for none."""
    asked = view.spec.dependency
    between = "?" if isinstance(asked, Dependency) and asked.any else ","
    return between.join(_term_text(one) for one in view.waiting)


def _term_text(waiting: Waiting) -> str:
    term = waiting.term
    job = f":{term.job_id}" if term.job_id else ""
    task = f"_{term.task}" if term.task is not None else "_*" if waiting.array else ""
    delay = f"+{term.delay_minutes}" if term.delay_minutes else ""
    return f"{term.kind}{job}{task}{delay}({'failed' if waiting.failed else 'unfulfilled'})"


def tasks_text(view: JobView, limit: int) -> str:
    """The indices of an array's rest with its throttle: `7,9%2`; empty once nothing is left of it."""
    rest = view.rest
    if rest is None or not rest.pending:
        return ""
    throttle = f"%{rest.throttle}" if rest.throttle else ""
    return indices.text(rest.pending.runs(), limit) + throttle


def job_id_text(view: JobView, style: Style) -> str:
    """The id as users name it: `7`, `7_3`, `7_[4-9%2]`, `7+1`."""
    if view.job.array is None and view.job.het is None:
        return str(view.job.id)
    if view.task is not None:
        return f"{view.array_id}_{view.task}"
    if view.job.het is not None:
        return f"{view.job.het.leader}+{view.job.het.offset}"
    tasks = tasks_text(view, style.bits)
    if not tasks:
        return str(view.job.id)
    text = f"{view.job.id}_[{tasks}]"
    return text if style.long_ids else text[:_SHORT_ID]


def het_ids(view: JobView) -> str:
    """The ids of all components of a heterogeneous job: `7-9`; empty for other jobs."""
    return indices.ranges(view.job.het.ids) if view.job.het is not None else ""


def _array_task_id(view: JobView, style: Style) -> str:
    return str(view.task) if view.task is not None else tasks_text(view, style.bits) or _NOT_APPLICABLE


def requested_tres(view: JobView) -> str:
    """What was asked for, as one text of trackable resources."""
    return view.form.tres(view.cpu_count)


def allocated_tres(view: JobView) -> str:
    """What is held; empty before a start. Memory counts where the cluster gives it away."""
    held = view.allocation
    if held is None:
        return ""
    cluster = view.scene.cluster
    memory = sum(share.memory_mib for share in held.shares) if cluster.select_memory else 0
    gpus = gpus_of(held.shares) if cluster.tracks_gpus else 0
    return amounts.tres(cpu=held.cpus, mib=memory, node=len(held.shares), billing=held.cpus, gpus=gpus)


def sharing(view: JobView) -> str:
    """OverSubscribe: NO, YES, USER, MCS or OK."""
    if view.wish.exclusive == "node" or view.spec.reboot:
        return "NO"
    if view.wish.exclusive is not None:
        return view.wish.exclusive.upper()
    partition = view.scene.partitions.get(view.job.partitions[0]) if view.job.partitions else None
    shared = view.wish.oversubscribe or (partition is not None and partition.over_subscribe == "FORCE")
    return "YES" if shared else "OK"


def stream(view: JobView, pattern: str | None) -> str:
    """A pattern as a path from the root, not expanded; `none` is the null device."""
    if pattern is None:
        return os.path.join(view.spec.work_dir, f"slurm-{view.job.id}.out")
    return os.devnull if pattern.lower() == "none" else os.path.join(view.spec.work_dir, pattern)


def _batch_host(view: JobView, style: Style) -> str:
    """Of a job without a script, the host where it was asked for."""
    return (view.batch_host if view.spec.is_batch else view.job.owner.host) or "n/a"


def _stderr(view: JobView, style: Style) -> str:
    if not view.spec.is_batch:
        return NOT_THERE
    return stream(view, view.spec.files.error or view.spec.files.output)


NOT_THERE = "N/A"


def _stdin(view: JobView, style: Style) -> str:
    if not view.spec.is_batch:
        return NULL
    return os.devnull if view.spec.files.input is None else stream(view, view.spec.files.input)


def _end_time(view: JobView, style: Style) -> str:
    if view.end_time:
        return style.times.stamp(view.end_time)
    return "NONE" if view.start_time else _NOT_APPLICABLE


def _reason_list(view: JobView, style: Style) -> str:
    """Why it waits or failed, else where it is."""
    if view.pending or view.state in _EXPLAINED:
        return f"({view.reason})"
    return view.nodes


_EXPLAINED = ("TIMEOUT", "FAILED", "OUT_OF_MEMORY", "DEADLINE")


def _memory(mib: int, style: Style) -> str:
    return amounts.mebibytes(mib, convert=style.convert)


def spent_micro_usd(view: JobView) -> int:
    """What all bids of a job have cost."""
    return sum(bid.spent_micro_usd for bid in view.job.bids)


def admin_comment(view: JobView) -> str:
    """What a job on the market has cost over all of its placements, and what it bids: `cost=$1.25,bid=$2.00/h,region=us-a`.
    `unsettled` stands there until the bill is final. Else what an administrator noted."""
    bids = view.job.bids
    if not bids:
        return view.spec.admin_comment or ""
    words = [f"cost={dollars(spent_micro_usd(view))}"]
    words += [] if all(bid.settled for bid in bids) else ["unsettled"]
    last = bids[-1]
    if last.live:
        words += [
            f"bid={dollars(last.limit_micro_usd)}/h",
            f"instance_type={last.instance_type}",
            f"region={last.region}",
        ]
    return ",".join(words)


def profile_words(view: JobView) -> list[str]:
    """`--profile` as Slurm names its kinds: Energy, Task, Lustre, Network."""
    said = view.recorded.get("profile", "")
    return [word.capitalize() for word in said.split(",") if word]


VALUES: Mapping[str, Value] = {
    "account": lambda view, style: _null(view.spec.account),
    "tres-per-node": lambda view, style: _or_not(gres_text(view.wish.gres.per_node)),
    "mincpus": lambda view, style: str(view.cpus_per_node),
    "mintmpdisk": lambda view, style: _memory(view.wish.tmp_mib or 0, style),
    "endtime": _end_time,
    "feature": lambda view, style: _null(view.wish.constraint_text),
    "groupname": lambda view, style: view.job.owner.group,
    "oversubscribe": lambda view, style: sharing(view),
    "jobarrayid": job_id_text,
    "name": lambda view, style: view.spec.name,
    "comment": lambda view, style: NULL if view.spec.comment is None else view.spec.comment,
    "timelimit": lambda view, style: minutes_short_clock(view.time_limit_min),
    "minmemory": lambda view, style: _memory(view.memory_mib, style),
    "reqnodes": lambda view, style: view.scene.nodes_text(view.wish.nodelist),
    "command": lambda view, style: _null(view.command),
    "priority": lambda view, style: f"{view.priority / MAX_PRIORITY:.14f}",
    "qos": lambda view, style: _null(view.qos),
    "reason": lambda view, style: view.reason,
    "selectjobinfo": always(""),
    "statecompact": lambda view, style: codes.STATES[view.state],
    "username": lambda view, style: view.job.owner.name,
    "reservation": lambda view, style: _null(view.spec.reservation),
    "wckey": lambda view, style: _null(view.spec.wckey),
    "%x": lambda view, style: view.scene.nodes_text(view.wish.exclude),
    "nice": lambda view, style: str(view.spec.nice),
    "sct": lambda view, style: ":".join(map(_asterisk, _geometry(view))),
    "jobid": lambda view, style: str(view.job.id),
    "batchhost": _batch_host,
    "numcpus": lambda view, style: str(view.cpu_count),
    "numnodes": lambda view, style: str(view.node_count),
    "dependency": lambda view, style: _null(dependency_text(view)),
    "arrayjobid": lambda view, style: str(view.array_id or view.job.id),
    "groupid": lambda view, style: str(view.job.owner.gid),
    "sockets": lambda view, style: _asterisk(view.wish.sockets_per_node),
    "cores": lambda view, style: _asterisk(view.wish.cores_per_socket),
    "threads": lambda view, style: _asterisk(view.wish.threads_per_core),
    "arraytaskid": _array_task_id,
    "timeleft": lambda view, style: short_clock(view.time_left_s),
    "timeused": lambda view, style: short_clock(view.time_used_s),
    "nodelist": lambda view, style: view.nodes,
    "contiguous": lambda view, style: _flag(view.wish.contiguous),
    "partition": lambda view, style: view.partition,
    "prioritylong": lambda view, style: str(view.priority),
    "reasonlist": _reason_list,
    "starttime": lambda view, style: style.times.stamp(view.start_time),
    "state": lambda view, style: view.state,
    "userid": lambda view, style: str(view.job.owner.uid),
    "submittime": lambda view, style: style.times.stamp(view.job.submitted_at),
    "licenses": lambda view, style: _null(view.wish.licenses_text),
    "corespec": lambda view, style: _NOT_APPLICABLE,
    "schednodes": lambda view, style: _null(view.planned_nodes),
    "workdir": lambda view, style: view.spec.work_dir,
    "accruetime": lambda view, style: style.times.stamp(view.accrues_at),
    "admin_comment": lambda view, style: _null(admin_comment(view)),
    "allocnodes": lambda view, style: view.job.owner.host,
    "allocsid": lambda view, style: str(view.job.owner.sid),
    "associd": always("0"),
    "batchflag": lambda view, style: str(int(view.spec.is_batch)),
    "boardspernode": always("0"),
    "burstbuffer": _recorded("bb"),
    "burstbufferstate": always(NULL),
    "cluster": lambda view, style: view.scene.cluster.name,
    "clusterfeature": _recorded("cluster-constraint"),
    "container": _recorded("container"),
    "cpus-per-task": lambda view, style: str(view.cpus_per_task),
    "cpus-per-tres": lambda view, style: _or_not(cpus_per_tres(view)),
    "deadline": lambda view, style: style.times.stamp(view.spec.deadline),
    "delayboot": lambda view, style: short_clock(view.delay_boot_s),
    "derivedec": always("0"),
    "eligibletime": lambda view, style: style.times.stamp(view.job.eligible_at),
    "exit_code": lambda view, style: str(wait_status(view)),
    "hetjobid": lambda view, style: str(view.job.het.leader) if view.job.het else _NOT_APPLICABLE,
    "hetjobidset": lambda view, style: het_ids(view) or _NOT_APPLICABLE,
    "hetjoboffset": lambda view, style: str(view.job.het.offset) if view.job.het else _NOT_APPLICABLE,
    "lastschedeval": lambda view, style: style.times.stamp(view.job.last_evaluated_at),
    "maxcpus": lambda view, style: str(view.cpu_count),
    "maxnodes": lambda view, style: str(view.max_nodes or view.node_count),
    "mcslabel": _recorded("mcs-label"),
    "mem-per-tres": lambda view, style: _or_not(memory_per_tres(view)),
    "mintime": lambda view, style: short_clock(view.time_min_s),
    "network": _recorded("network"),
    "ntperboard": always("0"),
    "ntpercore": lambda view, style: _or_not(str(view.wish.ntasks_per_core or "")),
    "ntpernode": lambda view, style: str(view.wish.ntasks_per_node or 0),
    "ntpersocket": lambda view, style: _or_not(str(view.wish.ntasks_per_socket or "")),
    "numtasks": lambda view, style: str(view.task_count or NO_VALUE),
    "origin": always("NA"),
    "originraw": always("NA"),
    "pendingtime": lambda view, style: str(view.pending_s),
    "preempttime": always(_NOT_APPLICABLE),
    "prefer": lambda view, style: _null(view.wish.prefer_text),
    "profile": lambda view, style: ",".join(profile_words(view)) or "NotSet",
    "reboot": lambda view, style: _flag(view.spec.reboot),
    "reqswitch": lambda view, style: str(view.switches[0]),
    "requeue": lambda view, style: _flag(requeues(view)),
    "resizetime": always(_NOT_APPLICABLE),
    "restartcnt": lambda view, style: str(view.job.restarts),
    "siblingsactive": always("NA"),
    "siblingsactiveraw": always("NA"),
    "siblingsviable": always("NA"),
    "siblingsviableraw": always("NA"),
    "sperboard": always("0"),
    "stderr": _stderr,
    "stdin": _stdin,
    "stdout": lambda view, style: stream(view, view.spec.files.output),
    "system_comment": always(NULL),
    "tres-alloc": lambda view, style: allocated_tres(view) or requested_tres(view),
    "tres-bind": lambda view, style: _or_not(bind_text(view)),
    "tres-freq": lambda view, style: _or_not(frequency_text(view)),
    "tres-per-job": lambda view, style: _or_not(gres_text(view.wish.gres.per_job)),
    "tres-per-socket": lambda view, style: _or_not(gres_text(view.wish.gres.per_socket)),
    "tres-per-task": lambda view, style: _or_not(gres_text(view.wish.gres.per_task)),
    "wait4switch": lambda view, style: short_clock(view.switches[1]),
}


def _geometry(view: JobView) -> tuple[int | None, int | None, int | None]:
    return view.wish.sockets_per_node, view.wish.cores_per_socket, view.wish.threads_per_core


def cpus_per_tres(view: JobView) -> str:
    """`gres:gpu:2` for --cpus-per-gpu=2."""
    return f"gres:gpu:{view.wish.cpus_per_gpu}" if view.wish.cpus_per_gpu else ""


def memory_per_tres(view: JobView) -> str:
    """`gres:gpu:100` for --mem-per-gpu=100."""
    memory = view.wish.memory
    return f"gres:gpu:{memory.mib}" if memory is not None and memory.per == "gpu" else ""


def bind_text(view: JobView) -> str:
    said = view.recorded.get("gpu-bind")
    return f"gpu:{said}" if said else ""


def frequency_text(view: JobView) -> str:
    said = view.recorded.get("gpu-freq")
    return f"gpu:{said}" if said else ""


def wait_status(view: JobView) -> int:
    """The exit status as wait(2) has it, which is what Slurm keeps."""
    exit = view.exit
    if (exit.code, exit.signal) == (0, _IO_ERROR & 0x7F):
        return _IO_ERROR
    return exit.code << 8 | exit.signal


_IO_ERROR = 4021
"""Slurm's error number of output files that cannot be opened; read as a wait status it is the signal 53 of `0:53`."""


def requeues(view: JobView) -> bool:
    return endings.requeues(view.scene.cluster, view.job)
