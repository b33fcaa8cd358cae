"""What salloc and srun have in common outside a job: a job without a script is asked for and waited for, and then it is the caller's.

The words are recorded from 22.05. Whatever ends the wait otherwise (a signal, a caller that hangs up) cancels the job.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from flowbatch.commands import clusters
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.commands.submitting import sbatch
from flowbatch.core.events import Accepted, CancelAsked, HetSubmitted, JobRef, Refused, Submitted, WouldStart
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Condition, Payload, QueuePort
from flowbatch.core.states import Pending, Running
from flowbatch.directives import build
from flowbatch.directives.allocation import Wish
from flowbatch.directives.build import Origins
from flowbatch.errors import StoreFailed
from flowbatch.slurm import codes
from flowbatch.slurm.exits import exit_codes
from flowbatch.spec.job import JobSpec
from flowbatch.spec.market import MarketTerms

SOON_S = 10.0
"""A job that no scheduling pass has looked at by then is told to wait."""

ELSEWHERE = (
    "flowbatch: the nodes of cluster {} are not where you are: {} cannot use them from here",
    "flowbatch: sbatch -M {} --wait --wrap 'COMMAND' runs one command there and waits for it",
)

TOLD: Mapping[str, str] = {
    "JobHeldUser": "ESLURM_JOB_HELD",
    "JobHeldAdmin": "ESLURM_JOB_HELD",
    "ReqNodeNotAvail": "ESLURM_NODE_NOT_AVAIL",
    "PartitionConfig": "ESLURM_REQUESTED_PART_CONFIG_UNAVAILABLE",
    "PartitionNodeLimit": "ESLURM_REQUESTED_PART_CONFIG_UNAVAILABLE",
    "PartitionTimeLimit": "ESLURM_REQUESTED_PART_CONFIG_UNAVAILABLE",
}
"""The reasons for which slurmctld says more than that the job waits."""


@dataclass(frozen=True, slots=True)
class Words:
    """How a command speaks of its allocation; `{}` is the job's number, `{message}` a Slurm error's."""

    command: str
    refused: str
    waits: tuple[str, ...]
    granted_late: str
    granted: str | None
    revoked: str
    aborted: str
    """What follows `revoked` after a signal."""
    late: str
    """The error of --immediate=SECONDS."""

    def line(self, text: str, job_id: int = 0) -> str:
        return f"{self.command}: {text.format(job_id)}\n"

    def error(self, text: str) -> str:
        return f"{self.command}: error: {text}\n"


SALLOC = Words(
    "salloc", "Job submit/allocate failed: {message}", ("Pending job allocation {}", "job {} queued and waiting for resources"),
    "job {} has been allocated resources", "Granted job allocation {}", "Job allocation {} has been revoked.",
    "Job aborted due to signal", "Connection timed out",
)  # fmt: skip
SRUN = Words(
    "srun", "Unable to allocate resources: {message}", ("job {} queued and waiting for resources",),
    "job {} has been allocated resources", None, "Job allocation {} has been revoked",
    "Force Terminated JobId={}", "Requested nodes are busy",
)  # fmt: skip
UNABLE = "Unable to allocate resources: {message}"


async def home(call: Call, queue: QueuePort, wish: Wish, words: Words) -> QueuePort:
    """The queue of the cluster that was named, else the current one. Raises Stop where its nodes cannot be held from here."""
    queue = (await clusters.chosen(call, queue, wish.chosen.get("clusters"), words.command))[0]
    if not queue.programs:
        name = queue.cluster.name
        lines = [ELSEWHERE[0].format(name, words.command), ELSEWHERE[1].format(name)]
        raise Stop(exit_codes(call.environ, words.command).error, err="".join(map(words.error, lines)))
    return queue


def specs(call: Call, wish: Wish, words: Words) -> list[JobSpec]:
    """What is asked for, one a component; one without a command runs that of the next. Raises Stop for what is refused here."""
    found: list[JobSpec] = []
    command: str | None = None
    for component in reversed(wish.components):
        command = component.words[0] if component.words else command
        origins = Origins(call.cwd, command, kind="srun") if words is SRUN else Origins(call.cwd, kind="salloc")
        for use in build.refused(component.chosen):
            raise Stop(1, err=words.error(f"flowbatch: --{use.option.name}: {use.option.reason}"))
        found.insert(0, build.job(component.chosen, origins, MarketTerms()))
    unattended = any(spec.unattended for spec in found)  # whichever component said so
    alike = {"submit_line": call.line, "unattended": unattended}
    return [spec.model_copy(update=alike) for spec in found]


async def would_start(call: Call, queue: QueuePort, wish: Wish, asked: Sequence[JobSpec], words: Words) -> int:
    """--test-only: when the job would start is said, of each component as if it were alone. Raises Stop where it never would."""
    for number, spec in enumerate(asked):
        await _would_start(call, queue, wish, spec, words, number)
    return 0


async def _would_start(call: Call, queue: QueuePort, wish: Wish, spec: JobSpec, words: Words, number: int) -> None:
    reply = await _asked(call, queue, Submitted(queue.now(), call.owner, spec, test_only=True))
    if not isinstance(reply, WouldStart):
        refused = _refused(reply)
        never = f"allocation failure: {codes.message(refused.code)}\n"
        raise Stop(1, err="".join([*map(words.error, refused.lines), never]))
    if not wish.quiet:
        told = sbatch.would_start(call, queue, replace(reply, job_id=reply.job_id + number))
        call.err.write(f"{words.command}: {told}\n")


async def allocate(call: Call, queue: QueuePort, wish: Wish, asked: Sequence[JobSpec], words: Words) -> int:
    """The number of a job that runs and is the caller's to hold; of several components the first's. Raises Stop, and no job is left."""
    seconds = wish.chosen.get("immediate")
    at, together = queue.now(), len(asked) > 1
    event = (
        HetSubmitted(at, call.owner, tuple(asked), immediate=seconds == 1)
        if together
        else Submitted(at, call.owner, asked[0], immediate=seconds == 1)
    )
    reply = await _asked(call, queue, event)
    if not isinstance(reply, Accepted):
        raise Stop(
            _code(call, words, reply, immediate=bool(seconds)), err=_refusal(call, reply, words, immediate=seconds == 1)
        )
    if call.tty[2]:
        call.err.write("".join(words.line(f"flowbatch: {note}") for note in reply.notes))
    wait = _Wait(call, queue, words, reply.job_id, quiet=wish.quiet, together=together)
    try:
        await wait.until_granted(seconds if seconds and seconds > 1 else None)
    except (Stop, asyncio.CancelledError):
        await queue.apply(CancelAsked(queue.now(), call.owner.uid, (JobRef(reply.job_id),)))
        raise
    return reply.job_id


async def _asked(call: Call, queue: QueuePort, event: Submitted | HetSubmitted) -> object:
    try:
        return await queue.apply(event, Payload(b"", (), {}, call.umask))
    except StoreFailed:
        return Refused("ESLURM_WRITING_TO_FILE")


def _code(call: Call, words: Words, reply: object, *, immediate: bool) -> int:
    """The exit code of a refusal; a site may have named one for --immediate."""
    own = exit_codes(call.environ, words.command)
    return own.immediate if immediate and _refused(reply).code == "ESLURM_NODES_BUSY" else own.error


def _refusal(call: Call, reply: object, words: Words, *, immediate: bool) -> str:
    refused = _refused(reply)
    message = codes.message(refused.code)
    closing = UNABLE if immediate and refused.code == "ESLURM_NODES_BUSY" else words.refused
    said = message if refused.code in codes.FOUND_BY_CLIENT else closing.format(message=message)
    lines = [*map(words.error, refused.lines), words.error(said)]
    if refused.hint and call.tty[2]:
        lines.append(words.line(f"flowbatch: {refused.hint}"))
    return "".join(lines)


def _refused(reply: object) -> Refused:
    return reply if isinstance(reply, Refused) else Refused("SLURM_UNEXPECTED_MSG_ERROR")


@dataclass(frozen=True, slots=True)
class _Wait:
    """One job between its acceptance and its start."""

    call: Call
    queue: QueuePort
    words: Words
    job_id: int
    quiet: bool
    together: bool
    """It has several components: 22.05 never starts those at once, and says so."""

    async def until_granted(self, seconds: int | None) -> None:
        """The job runs and its holder waits. Raises Stop where it never will, or not within so many seconds."""
        first = await self._until(_judged, SOON_S)
        waits = self.together or first is None or isinstance(first.state, Pending)
        if waits:
            self._tell_waiting(first)
        job = await self._until(_launched, seconds)
        if job is None:
            own = exit_codes(self.call.environ, self.words.command)
            raise Stop(own.immediate, err=self.words.error(UNABLE.format(message=self.words.late)))
        if not _launched(job):
            raise Stop(exit_codes(self.call.environ, self.words.command).error, err=self._lost())
        if waits:
            self._say(self.words.granted_late)
        if self.words.granted is not None:
            self._say(self.words.granted)

    async def _until(self, condition: Condition, seconds: float | None) -> Job | None:
        """The record of which the condition holds, or that is over; None after so many seconds. Raises Stop after a signal."""
        seen = asyncio.ensure_future(self.queue.until(self.job_id, condition))
        heard = asyncio.ensure_future(self.call.signal())
        try:
            await asyncio.wait({seen, heard}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if seen.done():
                return seen.result()
            if heard.done():
                raise Stop(exit_codes(self.call.environ, self.words.command).error, err=self._aborted())
            return None
        finally:
            seen.cancel()
            heard.cancel()

    def _tell_waiting(self, job: Job | None) -> None:
        reason = job.state.reason if job is not None and isinstance(job.state, Pending) else ""
        code = TOLD.get(reason.partition(",")[0])
        if code is not None:
            self._say(codes.message(code))
        for text in self.words.waits:
            self._say(text)

    def _say(self, text: str) -> None:
        if not self.quiet:
            self.call.err.write(self.words.line(text, self.job_id))

    def _lost(self) -> str:
        """Somebody cancelled it, or it could not be started."""
        message = codes.message("ESLURM_ALREADY_DONE")
        cancelled = "" if self.quiet else self.words.line("Job has been cancelled")
        return cancelled + self.words.error(self.words.refused.format(message=message))

    def _aborted(self) -> str:
        told = (self.words.revoked, self.words.aborted)
        return "" if self.quiet else "".join(self.words.line(text, self.job_id) for text in told)


def _judged(job: Job) -> bool:
    """Whether it is known what it waits for, if it does."""
    return not isinstance(job.state, Pending) or job.state.reason != "None"


def _launched(job: Job) -> bool:
    return isinstance(job.state, Running) and job.state.launched
