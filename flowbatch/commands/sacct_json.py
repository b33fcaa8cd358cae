"""Jobs as `sacct --json` of 22.05 prints them: the fields of Slurm's OpenAPI dbv0.0.38 that have a value here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowbatch.commands import documents
from flowbatch.commands.job_fields import admin_comment
from flowbatch.commands.sacct_rows import Attempt
from flowbatch.core.states import ExitStatus

_NO_TIME = {"seconds": 0, "microseconds": 0}


def document(attempts: Iterable[Attempt]) -> dict[str, Any]:
    """The whole answer: every record that was chosen."""
    return documents.document("jobs", [_job(attempt) for attempt in attempts], accounting=True)


def _job(attempt: Attempt) -> dict[str, Any]:
    view, job, spec = attempt.view, attempt.view.job, attempt.view.spec
    ending = view.ending
    return {
        "account": spec.account or "",
        "comment": {"administrator": admin_comment(view) or None, "job": spec.comment, "system": None},
        "allocation_nodes": view.node_count if attempt.nodes is not None else 0,
        "array": {
            "job_id": view.array_id or 0,
            "limits": {"max": {"running": {"tasks": view.throttle}}},
            "task": None,
            "task_id": view.task,
        },
        "association": {
            "account": spec.account or "", "cluster": view.scene.cluster.name, "partition": None, "user": job.owner.name,
        },
        "cluster": view.scene.cluster.name,
        "constraints": view.wish.constraint_text or "",
        "container": None,
        "derived_exit_code": _status(ExitStatus()),
        "time": {
            **_times(attempt),
            "eligible": attempt.eligible_at or 0,
            "submission": attempt.submitted_at,
            "limit": view.time_limit_min,
        },
        "exit_code": _status(attempt.job_exit),
        "flags": [],
        "group": job.owner.group,
        "het": {"job_id": job.het.leader if job.het else 0, "job_offset": job.het.offset if job.het else None},
        "job_id": job.id,
        "name": spec.name,
        "mcs": {"label": ""},
        "nodes": attempt.nodes or "None assigned",
        "partition": view.partition,
        "priority": attempt.view.priority,
        "qos": view.qos or "",
        "required": {"CPUs": view.cpu_count, "memory": view.memory_mib},
        "kill_request_user": None if ending is None or ending.by_uid is None else ending.by_uid,
        "reservation": {"id": 0, "name": 0},
        "state": {"current": attempt.state, "reason": view.reason},
        "steps": [_step(attempt)] if attempt.nodes is not None else [],
        "user": job.owner.name,
        "wckey": {"wckey": spec.wckey or "", "flags": []},
        "working_directory": spec.work_dir,
    }  # fmt: skip


def _times(attempt: Attempt) -> dict[str, Any]:
    return {
        "elapsed": attempt.elapsed_s,
        "end": attempt.ended_at or 0,
        "start": attempt.started_at or 0,
        "suspended": attempt.suspended_s,
        "system": _NO_TIME,
        "total": _NO_TIME,
        "user": _NO_TIME,
    }


def _step(attempt: Attempt) -> dict[str, Any]:
    return {
        "nodes": {"list": [attempt.host], "count": 1, "range": attempt.host},
        "time": _times(attempt),
        "exit_code": _status(attempt.step_exit),
        "step": {"job_id": attempt.view.job.id, "id": "batch", "name": "batch"},
        "state": attempt.step_state,
        "tasks": {"count": 1},
    }


def _status(exit: ExitStatus) -> dict[str, Any]:
    if exit.signal:
        return {"status": "SIGNALED", "return_code": exit.code, "signal": {"signal_id": exit.signal}}
    return {"status": "ERROR" if exit.code else "SUCCESS", "return_code": exit.code}
