"""What scontrol does with jobs that run: suspend, resume, notify, wait_job, write batch_script."""

from __future__ import annotations

import asyncio

from flowbatch import text
from flowbatch.commands.command_options import Stop
from flowbatch.commands.control.scontrol_alter import INVALID, Complaint, alter
from flowbatch.commands.control.scontrol_options import Asked
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.events import JobRef, NotifyAsked, SuspendAsked
from flowbatch.core.jobs import Job
from flowbatch.core.ruling.wishes import TopAsked
from flowbatch.core.states import Completing
from flowbatch.directives.script import Script
from flowbatch.slurm import codes, hostlist
from flowbatch.slurm.integers import leading
from flowbatch.slurm.times import clock

LOOK_S = 0.2
"""How often wait_job looks."""

WORD_BYTES, SCRIPT_BYTES = 100_000, 1_500_000
"""So long may an argument of a program be, and so much all of them together, with room for the environment."""

WRITING = """\
id=$1 to=$2; shift 2
if ( : >"$to" ) 2>/dev/null && printf %s "$@" >"$to"; then
    printf 'batch script for job %s written to %s\\n' "$id" "$to"
    exit 0
fi
why='Permission denied'
[ -d "$to" ] && why='Is a directory'
case $to in */*) [ -e "${to%/*}/" ] || why='No such file or directory' ;; esac
printf 'failed to open file `%s`: %s\\n' "$to" "$why" >&2
"""
"""What the caller becomes to write a script: the file is the caller's, as it sees it."""

_STRANGER = "SLURM_UNEXPECTED_MSG_ERROR"


async def suspend(asked: Asked) -> int:
    return await _suspend(asked, resume=False)


async def resume(asked: Asked) -> int:
    return await _suspend(asked, resume=True)


async def _suspend(asked: Asked, *, resume: bool) -> int:
    if asked.queue.cluster.market is not None and len(asked.words) > 1:
        asked.err(
            "scontrol: error: a rented machine costs the same whether its jobs run or not: cancel or requeue them\n"
        )
    at, by = asked.queue.now(), asked.call.owner.uid
    complaint = Complaint(suspends=False, stranger=_STRANGER, component="ESLURM_NOT_WHOLE_HET_JOB")
    return await alter(asked, lambda ref: SuspendAsked(at, by, (ref,), resume), complaint, asked.words[1:])


async def notify(asked: Asked) -> int:
    """The words behind the job's id are a line in its output."""
    word = asked.words[1]
    job_id = leading(word.partition(".")[0])
    if not job_id:
        raise Stop(1, err=f"Invalid job_id {word}job notify failure: No error\n")
    event = NotifyAsked(asked.queue.now(), asked.call.owner.uid, (JobRef(job_id),), " ".join(asked.words[2:]))
    reply = await asked.queue.apply(event)
    code = reply[0].code if isinstance(reply, tuple) else INVALID
    if code is not None:
        raise Stop(1, err=f"job notify failure: {codes.message(code)}\n")
    return 0


async def top(asked: Asked) -> int:
    """The jobs, in this order, go before the others of their owners."""
    words = [word for word in asked.words[1].split(",") if word]
    stranger = next((word for word in words if not word.isdecimal() or not int(word)), None)
    if stranger is not None:
        raise Stop(1, err=f"{codes.message(INVALID)} for job {asked.words[1]}\n")
    event = TopAsked(asked.queue.now(), asked.call.owner.uid, tuple(map(int, words)))
    reply = await asked.queue.apply(event)
    code = reply[0].code if isinstance(reply, tuple) and reply else None
    if code is not None:
        raise Stop(1, err=f"{codes.message(code)} for job {asked.words[1]}\n")
    return 0


async def completing(asked: Asked) -> int:
    """The jobs that were told to stop and whose processes may live, and where."""
    times = asked.style.times
    for job in asked.queue.snapshot().jobs:
        if isinstance(state := job.state, Completing):
            since = max(0, asked.queue.now() - state.since)
            nodes = hostlist.fold_sorted(state.allocation.nodes)
            asked.out(
                f"JobId={job.id} EndTime={times.stamp(state.since)} CompletingTime={clock(since)} "
                f"Nodes(COMPLETING)={nodes} \n"
            )
    return 0


async def wait_job(asked: Asked) -> int:
    """Returns once the job's nodes are ready and it runs; 1 if it never will, or does not now."""
    job_id = leading(asked.words[1])
    if not job_id:
        raise Stop(1, err=f"Invalid job_id {asked.words[1]}")
    while True:
        snapshot = asked.queue.snapshot((job_id,))
        job = next((job for job in snapshot.jobs if job.id == job_id), None)
        if job is None:
            raise Stop(1, err=f"scontrol: Problem running job {job_id}\n")
        state = JobView(job, Scene.of(snapshot)).state
        if state in ("RUNNING", "SUSPENDED"):
            asked.err(f"scontrol: Nodes are ready for job {job_id}\n")
            return 0
        if state != "CONFIGURING":
            raise Stop(1, err=f"scontrol: Job {job_id} no longer running\n")
        await asyncio.sleep(LOOK_S)


async def write(asked: Asked) -> int:
    """`write batch_script ID [FILE|-]`: the script as it was submitted; what cannot be had is no failure, as on 22.05."""
    words = asked.words[1:]
    if words[0].lower() != "batch_script":
        raise Stop(1, err=f"invalid write argument:{words[0]}\n")
    if len(words) < 2:
        return 0
    job_id = leading(words[1])
    job = next((job for job in asked.queue.snapshot((job_id,)).jobs if job.id == job_id), None)
    script = await _script(asked, job)
    to = words[2] if len(words) > 2 else f"slurm-{words[1]}.sh"
    if to == "-":
        asked.call.out.write(script)
        return 0
    if len(script) > SCRIPT_BYTES:
        raise Stop(1, err=f"scontrol: error: a script of {len(script)} bytes: give `-` and redirect the output\n")
    parts = [text.decode(script[at : at + WORD_BYTES]) for at in range(0, len(script), WORD_BYTES)]
    asked.call.become(("/bin/sh", "-c", WRITING, "scontrol", words[1], to, *parts))
    return 0


async def _script(asked: Asked, job: Job | None) -> bytes:
    """Raises Stop where the caller may not have it."""
    allowed = job is not None and asked.call.owner.uid in (0, job.owner.uid)
    payload = await asked.queue.payload(job.id) if job is not None and allowed else None
    if payload is None:
        code = "ESLURM_USER_ID_MISSING" if job is not None and not allowed else INVALID
        raise Stop(0, err=f"job script retrieval failed: {codes.message(code)}\n")
    if job is not None and not job.spec.is_batch:
        raise Stop(0, err=f"job script retrieval failed: {codes.message('ESLURM_JOB_SCRIPT_MISSING')}\n")
    if job is not None and job.het is not None and job.follows:
        return Script(payload.script).of_component(job.het.offset)
    return payload.script
