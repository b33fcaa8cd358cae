"""Jobs as `--json` and `--yaml` of 22.05 print them: the fields of Slurm's OpenAPI v0.0.38, in its order and types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from flowbatch.commands import documents
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
    profile_words,
    requested_tres,
    requeues,
    sharing,
    stream,
    tasks_text,
    wait_status,
)
from flowbatch.commands.listing.job_view import JobView
from flowbatch.core.states import NodeShare
from flowbatch.slurm import codes, indices
from flowbatch.units import MINUTE

_DEFAULT_BITS = 64
_NEVER_S = 4294967236
"""How far behind its start 22.05 puts the end of an unlimited job: an unsigned accident that clients have seen."""


def document(views: Iterable[JobView]) -> dict[str, Any]:
    """The whole answer: every job in the queue, whatever was asked for."""
    return documents.document("jobs", [record(view) for view in views])


def record(view: JobView) -> dict[str, Any]:
    """One job. What belongs to a placement (`job_resources`) is there only once there was one."""
    return {key: value(view) for key, value in _VALUES.items() if key != "job_resources" or view.allocation is not None}


def _flags(view: JobView) -> list[str]:
    given = {
        "KILL_INV_DEP": bool(view.spec.kill_on_invalid_dep),
        "JOB_CPUS_SET": view.wish.cpus_per_task is not None,
        "JOB_WAS_RUNNING": view.running,
        "JOB_MEM_SET": view.wish.memory is not None and view.wish.memory.per != "gpu",
        "TRES_STR_CALC": view.finished and view.started_at is not None,
    }
    return [name for name, is_set in given.items() if is_set]


def _billable(view: JobView) -> float | None:
    return float(view.cpu_count) if view.allocation or view.job.restarts else None


def _end_time(view: JobView) -> int:
    if view.end_time:
        return view.end_time
    return view.start_time + _NEVER_S if view.start_time else 0


def _reason(view: JobView) -> str:
    return view.reason if view.reason in codes.REASONS else view.job.held or "None"


def _description(view: JobView) -> str:
    return "" if view.reason in codes.REASONS else view.reason


def _shared(view: JobView) -> str | None:
    return {"NO": "none", "YES": "shared", "USER": "user", "MCS": "mcs", "OK": None}[sharing(view)]


def _output(view: JobView, pattern: str | None) -> str:
    return stream(view, pattern) if pattern is not None else ""


def _per(view: JobView, per: str) -> int | None:
    memory = view.wish.memory
    return memory.mib if memory is not None and memory.per == per and memory.mib else None


def _gres_detail(view: JobView) -> list[str]:
    held = view.allocation
    return [gres_indices(share) for share in held.shares if share.gres] if held and not view.finished else []


def gres_indices(share: NodeShare) -> str:
    """What a job holds on one node: `gpu:h100:2(IDX:0-1)`."""
    return ",".join(
        f"{name}:{kind + ':' if kind else ''}{len(devices)}(IDX:{indices.ranges(devices)})"
        for name, kind, devices in share.gres
    )


def _job_resources(view: JobView) -> dict[str, Any]:
    held = view.allocation
    if held is None:
        return {}
    return {
        "nodes": view.nodes,
        "allocated_cores": held.cpus,
        "allocated_hosts": len(held.shares),
        "allocated_nodes": [_node_resources(view, share) for share in held.shares],
    }


def _node_resources(view: JobView, share: NodeShare) -> dict[str, Any]:
    node = view.scene.cluster.node(share.node)
    threads, cores = (node.threads_per_core, node.cores_per_socket) if node else (1, 1)
    sockets: dict[str, dict[str, dict[str, str]]] = {}
    for cpu in share.cpu_ids:
        socket, core = divmod(cpu // threads, cores)
        sockets.setdefault(str(socket), {"cores": {}})["cores"][str(core)] = "allocated"
    return {
        "sockets": sockets, "nodename": share.node, "cpus_used": 0, "memory_used": 0, "memory_allocated": share.memory_mib,
    }  # fmt: skip


Json = Callable[[JobView], Any]


def _always(value: Any) -> Json:
    return lambda view: value


def _recorded(option: str) -> Json:
    return lambda view: view.recorded.get(option, "")


_VALUES: Mapping[str, Json] = {
    "account": lambda view: view.spec.account or "",
    "accrue_time": lambda view: view.accrues_at or 0,
    "admin_comment": admin_comment,
    "array_job_id": lambda view: view.array_id or 0,
    "array_task_id": lambda view: view.task,
    "array_max_tasks": lambda view: view.throttle,
    "array_task_string": lambda view: tasks_text(view, _DEFAULT_BITS),
    "association_id": _always(0),
    "batch_features": _always(""),
    "batch_flag": lambda view: view.spec.is_batch,
    "batch_host": lambda view: view.batch_host or "",
    "flags": _flags,
    "burst_buffer": _recorded("bb"),
    "burst_buffer_state": _always(""),
    "cluster": lambda view: view.scene.cluster.name,
    "cluster_features": _recorded("cluster-constraint"),
    "command": lambda view: view.command or "",
    "comment": lambda view: view.spec.comment or "",
    "container": _recorded("container"),
    "contiguous": lambda view: view.wish.contiguous,
    "core_spec": _always(None),
    "thread_spec": _always(None),
    "cores_per_socket": lambda view: view.wish.cores_per_socket,
    "billable_tres": _billable,
    "cpus_per_task": _always(None),
    "cpu_frequency_minimum": _always(None),
    "cpu_frequency_maximum": _always(None),
    "cpu_frequency_governor": _always(None),
    "cpus_per_tres": cpus_per_tres,
    "deadline": lambda view: view.spec.deadline or 0,
    "delay_boot": lambda view: view.delay_boot_s,
    "dependency": dependency_text,
    "derived_exit_code": _always(0),
    "eligible_time": lambda view: view.job.eligible_at or 0,
    "end_time": _end_time,
    "excluded_nodes": lambda view: view.scene.nodes_text(view.wish.exclude),
    "exit_code": wait_status,
    "features": lambda view: view.wish.constraint_text or "",
    "federation_origin": _always(""),
    "federation_siblings_active": _always(""),
    "federation_siblings_viable": _always(""),
    "gres_detail": _gres_detail,
    "group_id": lambda view: view.job.owner.gid,
    "group_name": lambda view: view.job.owner.group,
    "job_id": lambda view: view.job.id,
    "job_resources": _job_resources,
    "job_state": lambda view: view.state,
    "last_sched_evaluation": lambda view: view.job.last_evaluated_at or 0,
    "licenses": lambda view: view.wish.licenses_text or "",
    "max_cpus": _always(0),
    "max_nodes": lambda view: view.max_nodes,
    "mcs_label": _recorded("mcs-label"),
    "memory_per_tres": memory_per_tres,
    "name": lambda view: view.spec.name,
    "nodes": lambda view: view.nodes,
    "nice": lambda view: view.spec.nice or None,
    "tasks_per_core": lambda view: view.wish.ntasks_per_core,
    "tasks_per_node": lambda view: view.wish.ntasks_per_node or 0,
    "tasks_per_socket": lambda view: view.wish.ntasks_per_socket,
    "tasks_per_board": _always(0),
    "cpus": lambda view: view.cpu_count if view.task_count else None,
    "node_count": lambda view: view.node_count,
    "tasks": lambda view: view.task_count,
    "het_job_id": lambda view: view.job.het.leader if view.job.het else 0,
    "het_job_id_set": het_ids,
    "het_job_offset": lambda view: view.job.het.offset if view.job.het else 0,
    "partition": lambda view: view.partition,
    "prefer": lambda view: view.wish.prefer_text or "",
    "memory_per_node": lambda view: _per(view, "node"),
    "memory_per_cpu": lambda view: _per(view, "cpu"),
    "minimum_cpus_per_node": lambda view: view.cpus_per_node,
    "minimum_tmp_disk_per_node": lambda view: view.wish.tmp_mib or 0,
    "preempt_time": _always(0),
    "pre_sus_time": _always(0),
    "priority": lambda view: view.priority,
    "profile": lambda view: profile_words(view) or None,
    "qos": lambda view: view.qos or "",
    "reboot": lambda view: view.spec.reboot,
    "required_nodes": lambda view: view.scene.nodes_text(view.wish.nodelist),
    "requeue": requeues,
    "resize_time": _always(0),
    "restart_cnt": lambda view: view.job.restarts,
    "resv_name": lambda view: view.spec.reservation or "",
    "shared": _shared,
    "show_flags": _always(["SHOW_ALL", "SHOW_DETAIL", "SHOW_LOCAL"]),
    "sockets_per_board": _always(0),
    "sockets_per_node": lambda view: view.wish.sockets_per_node,
    "start_time": lambda view: view.start_time or 0,
    "state_description": _description,
    "state_reason": _reason,
    "standard_error": lambda view: _output(view, view.spec.files.error),
    "standard_input": lambda view: _output(view, view.spec.files.input) or ("/dev/null" if view.spec.is_batch else ""),
    "standard_output": lambda view: _output(view, view.spec.files.output),
    "submit_time": lambda view: view.job.submitted_at,
    "suspend_time": lambda view: view.pause.at if view.pause else 0,
    "system_comment": _always(""),
    "time_limit": lambda view: view.time_limit_min,
    "time_minimum": lambda view: view.time_min_s // MINUTE,
    "threads_per_core": lambda view: view.wish.threads_per_core,
    "tres_bind": bind_text,
    "tres_freq": frequency_text,
    "tres_per_job": lambda view: gres_text(view.wish.gres.per_job),
    "tres_per_node": lambda view: gres_text(view.wish.gres.per_node),
    "tres_per_socket": lambda view: gres_text(view.wish.gres.per_socket),
    "tres_per_task": lambda view: gres_text(view.wish.gres.per_task),
    "tres_req_str": requested_tres,
    "tres_alloc_str": allocated_tres,
    "user_id": lambda view: view.job.owner.uid,
    "user_name": lambda view: view.job.owner.name,
    "wckey": lambda view: view.spec.wckey or "",
    "current_working_directory": lambda view: view.spec.work_dir,
}
