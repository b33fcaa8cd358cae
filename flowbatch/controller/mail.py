"""Mails of --mail-type: Slurm's subjects, and the way out (MailProg, an SMTP host, or sendmail)."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import smtplib
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage

from flowbatch.core.jobs import ArrayRest, ArrayTask, Job
from flowbatch.core.states import Finished, Running, lasted_s
from flowbatch.node.threads import in_thread
from flowbatch.slurm.times import clock
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.text import encode

MAIL_WITHIN_S = 60
SLOTS, SLOT_WITHIN_S = 4, 3600
"""So many mails are on their way by SMTP at once; a further one waits so long for its turn."""

SENDMAIL = "/usr/sbin/sendmail"
MAIL = ("mail", "mailx")

TOLD = {
    "BEGIN": "Began",
    "END": "Ended",
    "FAIL": "Failed",
    "REQUEUE": "Requeued",
    "STAGE_OUT": "Staged Out",
    "TIME_LIMIT": "Reached time limit",
    "TIME_LIMIT_90": "Reached 90% of time limit",
    "TIME_LIMIT_80": "Reached 80% of time limit",
    "TIME_LIMIT_50": "Reached 50% of time limit",
    "INVALID_DEPEND": "Invalid dependency",
}
"""What happened, in slurmctld's words (recorded from 22.05 with a MailProg that writes down its arguments)."""

log = logging.getLogger("flowbatch.mail")


def subject(job: Job, kind: str, at: int, tasks: Sequence[Job] = ()) -> str:
    """`Slurm Job_id=7 Name=x Ended, Run time 00:00:01, COMPLETED, ExitCode 0`; of an array with its `tasks` summed up."""
    told = TOLD[kind]
    if job.array_id is not None and "ARRAY_TASKS" not in job.spec.mail.types:
        summary = _summary(tasks) if kind in ("END", "FAIL") else ""
        return f"Slurm Array Summary Job_id={job.array_id}_* ({job.array_id}) Name={job.spec.name} {told}{summary}"
    name = f"Job_id={job.id}"
    if isinstance(job.array, ArrayTask):
        name = f"Array Task Job_id={job.array.array_id}_{job.array.index} ({job.id})"
    return f"Slurm {name} Name={job.spec.name} {told}{_times(job, kind, at)}{_ending(job, kind)}"


def _times(job: Job, kind: str, at: int) -> str:
    state = job.state
    if kind == "BEGIN":
        began = state.started_at if isinstance(state, Running) else at
        return f", Queued time {clock(max(0, began - (job.eligible_at or job.submitted_at)))}"
    if kind == "INVALID_DEPEND":
        return ""
    return f", Run time {clock(max(0, lasted_s(state, at)))}"


def _ending(job: Job, kind: str) -> str:
    if not isinstance(job.state, Finished) or kind not in ("END", "FAIL"):
        return ""
    ending = job.state.ending
    return f", {ending.outcome}" + ("" if ending.exit.signal else f", ExitCode {ending.exit.code}")


def _summary(tasks: Sequence[Job]) -> str:
    """`, Mixed, ExitCode [0-1]`: one word for all outcomes, and the range of codes, or the highest signal."""
    endings = [task.state.ending for task in tasks if isinstance(task.state, Finished)]
    if not endings:
        return ""
    outcomes = {ending.outcome for ending in endings}
    signal = max(ending.exit.signal for ending in endings)
    codes = [ending.exit.code for ending in endings]
    word = "Mixed" if signal or len(outcomes) > 1 else outcomes.pop()
    return f", {word}, " + (f"MaxSignal [{signal}]" if signal else f"ExitCode [{min(codes)}-{max(codes)}]")


def variables(job: Job, kind: str, cluster: ClusterSpec) -> dict[str, str]:
    """What MailProg finds in its environment, as slurmctld sets it."""
    said = {
        "SLURM_CLUSTER_NAME": cluster.name,
        "SLURM_JOB_ID": str(job.id),
        "SLURM_JOBID": str(job.id),
        "SLURM_JOB_NAME": job.spec.name,
        "SLURM_JOB_MAIL_TYPE": TOLD[kind],
        "SLURM_JOB_PARTITION": ",".join(job.partitions),
        "SLURM_JOB_RESTART_COUNT": str(job.restarts),
        "SLURM_JOB_STATE": job.state.ending.outcome if isinstance(job.state, Finished) else job.state.kind.upper(),
        "SLURM_JOB_UID": str(job.owner.uid),
        "SLURM_JOB_USER": job.owner.name,
        "SLURM_JOB_GID": str(job.owner.gid),
        "SLURM_JOB_GROUP": job.owner.group,
        "SLURM_JOB_WORK_DIR": job.spec.work_dir,
    }
    if isinstance(job.array, ArrayTask):
        said |= {"SLURM_ARRAY_JOB_ID": str(job.array.array_id), "SLURM_ARRAY_TASK_ID": str(job.array.index)}
    elif isinstance(job.array, ArrayRest):
        said["SLURM_ARRAY_JOB_ID"] = str(job.id)
    return said


@dataclass(frozen=True)
class Mailer:
    """Sends mails; one that cannot be sent is logged, and nothing waits for it."""

    cluster: ClusterSpec
    smtp: tuple[str, int] | None = None
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(SLOTS))

    async def send(self, job: Job, kind: str, words: str) -> None:
        """Tries once, at most MAIL_WITHIN_S seconds from its turn on."""
        user = job.spec.mail.user or job.owner.name
        if self.cluster.mail_domain and "@" not in user:
            user = f"{user}@{self.cluster.mail_domain}"
        try:
            if self.smtp is not None:
                await self._by_smtp(self.smtp, _mail(user, words))
            else:
                await self._by_program(job, kind, user, words)
        except (OSError, RuntimeError, smtplib.SMTPException, asyncio.TimeoutError) as error:  # RuntimeError: no thread
            log.warning("mail not sent", extra={"fields": {"job": job.id, "to": user, "why": repr(error)}})

    async def _by_smtp(self, to: tuple[str, int], mail: EmailMessage) -> None:
        """A server that never comes to an end keeps one of the slots, as it keeps a thread; no later mail gets another for it."""
        await asyncio.wait_for(self._slots.acquire(), SLOT_WITHIN_S)
        sending = asyncio.ensure_future(in_thread(_sent, to, mail))
        sending.add_done_callback(lambda _: self._slots.release())
        await asyncio.wait_for(asyncio.shield(sending), MAIL_WITHIN_S)

    async def _by_program(self, job: Job, kind: str, user: str, words: str) -> None:
        program = self.cluster.mail_prog or next(filter(None, map(shutil.which, MAIL)), None)
        environ = os.environ | variables(job, kind, self.cluster)
        if program is not None:
            await _run([program, "-s", words, user], b"", environ)
        elif os.access(SENDMAIL, os.X_OK):
            await _run([SENDMAIL, "-t", "-i"], _mail(user, words).as_bytes(), environ)
        else:
            raise FileNotFoundError("no mail program on this machine; set MailProg in slurm.conf, or FLOW_SMTP")


def _sent(to: tuple[str, int], mail: EmailMessage) -> None:
    with smtplib.SMTP(*to, timeout=MAIL_WITHIN_S) as server:
        server.send_message(mail)


def _mail(user: str, words: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = "slurm"
    mail["To"] = _one_line(user)
    mail["Subject"] = _one_line(words)
    return mail


def _one_line(text: str) -> str:
    """A job's name may hold a line's end, which would begin another header."""
    return " ".join(text.splitlines())


async def _run(command: list[str], stdin: bytes, environ: dict[str, str]) -> None:
    """Runs a mail program to its end. Raises OSError if it cannot be started or says that it failed."""
    raw = {encode(name): encode(value) for name, value in environ.items()}
    child = await asyncio.create_subprocess_exec(
        *map(encode, command), env=raw, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        await asyncio.wait_for(child.communicate(stdin), MAIL_WITHIN_S)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        raise OSError(f"{command[0]} ended with exit code {child.returncode}")
