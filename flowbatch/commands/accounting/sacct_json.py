"""Jobs as `sacct --json` of 22.05 prints them: the fields of Slurm's OpenAPI dbv0.0.38 that have a value here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flowbatch.commands import documents
from flowbatch.commands.accounting.sacct_rows import Attempt
from flowbatch.commands.accounting.sacct_steps import StepRecord, derived_exit, steps
from flowbatch.commands.listing.job_fields import admin_comment
from flowbatch.core.accounting.accounts import NORMAL
from flowbatch.core.states import ExitStatus


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
        "derived_exit_code": _status(derived_exit(attempt)),
        "time": {
            **_times(
                attempt, sum(step.system_ms for step in attempt.steps), sum(step.cpu_ms for step in attempt.steps)
            ),
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
        "qos": view.qos or NORMAL,
        "required": {"CPUs": view.cpu_count, "memory": view.memory_mib},
        "kill_request_user": None if ending is None or ending.by_uid is None else ending.by_uid,
        "reservation": {"id": 0, "name": 0},
        "state": {"current": attempt.state, "reason": view.reason},
        "steps": [_step(step) for step in steps(attempt)],
        "user": job.owner.name,
        "wckey": {"wckey": spec.wckey or "", "flags": []},
        "working_directory": spec.work_dir,
    }  # fmt: skip


def _times(record: Attempt | StepRecord, system_ms: int, cpu_ms: int) -> dict[str, Any]:
    return {
        "elapsed": record.elapsed_s,
        "end": record.ended_at or 0,
        "start": record.started_at or 0,
        "suspended": record.suspended_s if isinstance(record, Attempt) else record.attempt.suspended_s,
        "system": _time(system_ms),
        "total": _time(cpu_ms),
        "user": _time(cpu_ms - system_ms),
    }


def _time(milliseconds: int) -> dict[str, int]:
    return {"seconds": milliseconds // 1000, "microseconds": milliseconds % 1000 * 1000}


def _step(record: StepRecord) -> dict[str, Any]:
    ran = record.ran
    text = record.attempt.view.scene.nodes_text(record.nodes)
    counts = {"cpu": (1, record.cpus), "mem": (2, record.memory_mib), "node": (4, len(record.nodes))}
    return {
        "nodes": {"list": list(record.nodes), "count": len(record.nodes), "range": text},
        "tres": {
            "requested": {"max": [], "min": [], "average": [], "total": []},
            "consumed": {"max": [], "min": [], "average": [], "total": []},
            "allocated": [{"type": type, "name": None, "id": id, "count": n} for type, (id, n) in counts.items()],
        },
        "time": _times(record, ran.system_ms if ran else 0, ran.cpu_ms if ran else 0),
        "exit_code": _status(record.exit),
        "tasks": {"count": record.tasks},
        "pid": None,
        "CPU": {"requested_frequency": {"min": 0, "max": 0}, "governor": []},
        "kill_request_user": ran.cancelled_by if ran else None,
        "state": record.state.partition(" ")[0],
        "statistics": {"CPU": {"actual_frequency": 0}, "energy": {"consumed": 0}},
        "step": {
            "job_id": record.attempt.view.job.id,
            "het": {"component": None},
            "id": ran.number if ran else record.name_in_job,
            "name": record.name,
        },
        "task": {"distribution": record.layout},
    }


def _status(exit: ExitStatus) -> dict[str, Any]:
    if exit.signal:
        return {"status": "SIGNALED", "return_code": exit.code, "signal": {"signal_id": exit.signal}}
    return {"status": "ERROR" if exit.code else "SUCCESS", "return_code": exit.code}
