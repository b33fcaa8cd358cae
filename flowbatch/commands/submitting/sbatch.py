"""sbatch: a script becomes a job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from flowbatch.commands import beside, clusters
from flowbatch.commands.accounting.accounts import group_id, user_id
from flowbatch.commands.call import Call, CallerFile
from flowbatch.commands.command_options import Stop
from flowbatch.commands.submitting import sbatch_environment, sbatch_help
from flowbatch.commands.submitting.sbatch_script import CannotOpen, Found, TooLarge, find
from flowbatch.core.events import Accepted, HetSubmitted, Refused, Reply, Submitted, WouldStart
from flowbatch.core.jobs import Job, Owner
from flowbatch.core.ports import Payload, QueuePort
from flowbatch.core.states import Finished
from flowbatch.directives import build, market, sbatch
from flowbatch.directives.build import Origins
from flowbatch.directives.chosen import FileWanted, Surroundings
from flowbatch.directives.diagnosis import Diagnosis, DirectiveError
from flowbatch.directives.market import Market
from flowbatch.directives.sbatch import CommandLine, Submission
from flowbatch.directives.settings import Help
from flowbatch.errors import StoreFailed
from flowbatch.slurm import codes
from flowbatch.slurm.exits import exit_codes
from flowbatch.slurm.hostlist import fold
from flowbatch.slurm.times import TimeStyle
from flowbatch.spec.job import JobSpec

T = TypeVar("T")

RETRIES = 15
"""How often sbatch knocks at a full queue, each time a second later than before."""

LONG = 1 << 14
"""Texts of so many bytes are read in a fraction of a second at most."""

FILE_LIMIT = 1 << 20
"""No file of nodes or variables is read further."""


@dataclass(frozen=True, slots=True)
class Understood:
    """What was asked, as text was understood: the script, its options and the terms of the market."""

    found: Found
    submission: Submission
    market: Market


@dataclass(frozen=True, slots=True)
class Request:
    """All that is submitted, and all that was said about it."""

    submission: Submission
    market: Market
    spec: JobSpec
    payload: Payload = field(repr=False)
    others: tuple[JobSpec, ...] = ()
    """The later components of a heterogeneous job."""

    def event(self, at: int, owner: Owner, test_only: bool) -> Submitted | HetSubmitted:
        """What the queue is told."""
        if self.others:
            return HetSubmitted(at, owner, (self.spec, *self.others), test_only)
        return Submitted(at, owner, self.spec, test_only)


async def main(call: Call, queue: QueuePort) -> int:
    """Prints to the caller what sbatch would; its exit code."""
    try:
        request = await prepare(call, await understand(call, queue, call.argv))
    except DirectiveError as error:
        return _cannot(call, error)
    except Help as wanted:
        call.out.write(sbatch_help.text(wanted.option, queue.cluster))
        return wanted.exit_code
    _say(call, request.submission.said)
    return await submit(call, queue, request)


async def understand(call: Call, queue: QueuePort, argv: Sequence[str], flow: Sequence[str] = ()) -> Understood:
    """Reads everything that `argv` asks for, files included; `flow` are options of our own. Raises DirectiveError, Help."""
    around = surroundings(call, queue)
    line, around = await with_files(call, around, lambda a: sbatch.command_line(argv, a, call.environ))
    try:
        found = await find(call, line, _work_dir(call, line), queue.cluster.max_script_size)
    except CannotOpen as closed:
        raise _error(call, line, f"Unable to open file {closed.path}") from None
    except TooLarge:
        raise _too_large(call, line) from None
    submission, around = await with_files(
        call, around, lambda a: sbatch.read(line, found.raw, found.name, a, call.environ), len(found.raw)
    )
    return Understood(found, submission, market.read(submission.script, call.environ, flow))


async def prepare(call: Call, understood: Understood) -> Request:
    """What goes to the queue. Raises DirectiveError for what cannot be done here, and for files that cannot be read."""
    found, submission, line = understood.found, understood.submission, understood.submission.line
    origins = _origins(call, line, found)
    spec, *others = await _read(
        call,
        len(found.raw),
        lambda: [build.job(one.chosen, origins, understood.market.terms) for one in submission.components],
    )
    spec, *others = (one.model_copy(update={"submit_line": call.line}) for one in (spec, *others))
    for use in (use for one in submission.components for use in build.refused(one.chosen)):
        raise _error(call, line, f"flowbatch: --{use.option.name}: {use.option.reason}", submission.said)
    return Request(submission, understood.market, spec, await _payload(call, submission, spec, found), tuple(others))


async def submit(call: Call, queue: QueuePort, request: Request) -> int:
    """Brings the request to the queue and tells the caller what became of it; the exit code."""
    submission = request.submission
    test_only = submission.asks_for("test-only")
    try:
        queue = await where(call, queue, request)
    except Stop as stop:
        call.err.write(stop.err)
        return stop.code
    reply = await ask(call, queue, request, test_only)
    if isinstance(reply, WouldStart):
        if not submission.quiet:
            _say(call, [f"sbatch: {would_start(call, queue, reply)}"])
        return 0
    if not isinstance(reply, Accepted):
        refusal = reply if isinstance(reply, Refused) else Refused("SLURM_UNEXPECTED_MSG_ERROR")
        return _refused(call, refusal, test_only)
    _report(call, submission, queue, reply)
    await call.out.drain()
    if submission.asks_for("wait"):
        return worst(await queue.finished(reply.job_id))
    return 0


def surroundings(call: Call, queue: QueuePort) -> Surroundings:
    """What values mean on behalf of this caller."""
    return Surroundings(
        now=queue.now(),
        zone=call.environ.get("TZ"),
        cwd=call.cwd,
        uid=call.owner.uid,
        host_file=call.environ.get("SLURM_HOSTFILE"),
        user=user_id,
        group=group_id,
    )


def worst(jobs: Sequence[Job]) -> int:
    """The exit code of --wait: the greatest of the tasks', 1 for one that a signal ended."""
    endings = [job.state.ending.exit for job in jobs if isinstance(job.state, Finished)]
    return max((1 if ending.signal else ending.code for ending in endings), default=0)


async def with_files(
    call: Call, around: Surroundings, run: Callable[[Surroundings], T], size: int = 0
) -> tuple[T, Surroundings]:
    """What `run` gives once it has the caller's files that it wants; and the surroundings with them. `size`: how much it reads
    besides the call's words."""
    while True:
        try:
            return await _read(call, size, partial(run, around)), around
        except FileWanted as wanted:
            content: bytes | int
            try:
                content = await call.read(wanted.path, FILE_LIMIT)
            except CallerFile as error:
                content = error.errno
            around = replace(around, files={**around.files, wanted.path: content})


async def _read(call: Call, size: int, read: Callable[[], T]) -> T:
    return await beside.done(size + sum(map(len, call.argv)) > LONG, read)


def _work_dir(call: Call, line: CommandLine) -> str | None:
    """--chdir of the command line, which is also where the script is looked for."""
    said = [use.text for group in line.groups for use in group if use.option.name == "chdir"]
    if not said or said[-1] is None:
        return None
    return said[-1] if said[-1].startswith("/") else f"{call.cwd}/{said[-1]}"


def _origins(call: Call, line: CommandLine, found: Found) -> Origins:
    return Origins(call.cwd, found.command, line.arguments, line.wrap is not None)


async def _payload(call: Call, submission: Submission, spec: JobSpec, found: Found) -> Payload:
    named = submission.chosen.get("export-file")
    from_file = await _export_file(call, submission, named) if named else None
    mask = sbatch_environment.umask(call.environ, submission.chosen.get("umask"), call.umask)
    return Payload(
        script=found.raw,
        environment=sbatch_environment.environment(call.environ, spec.export, from_file),
        limits=dict(call.limits),
        umask=mask,
    )


async def _export_file(call: Call, submission: Submission, named: str) -> bytes:
    """What --export-file names: a file, or a descriptor of the caller's."""
    try:
        return await call.read(f"/dev/fd/{named}" if named.isdecimal() else named, FILE_LIMIT)
    except CallerFile:
        sentence = f"Could not open user environment file {named}"
        fault = Diagnosis(sentence, (f"sbatch: error: {sentence}",), 1, submission.chosen.origin("export-file"))
        raise DirectiveError(fault, submission.said) from None


async def where(call: Call, queue: QueuePort, request: Request) -> QueuePort:
    """The queue it goes to: of the clusters that -M names the one that would start it first, else the current one, `queue`.
    Raises Stop, in sbatch's words, for what keeps sbatch itself from asking a controller."""
    try:
        queues = await clusters.chosen(call, queue, request.submission.chosen.get("clusters"), "sbatch")
    except Stop as stop:
        raise Stop(exit_codes(call.environ, "sbatch").error, err=stop.err) from None
    return queues[0] if len(queues) == 1 else await _earliest(call, queues, request)


async def _earliest(call: Call, queues: Sequence[QueuePort], request: Request) -> QueuePort:
    """The cluster that expects to start it first; of equals the current one, as slurmctld has it, else the first. Raises Stop
    if none would take it."""
    starts: list[tuple[int, QueuePort]] = []
    refusal = ""
    for queue in queues:
        reply = await ask(call, queue, request, test_only=True)
        if isinstance(reply, WouldStart):
            starts.append((reply.at, queue))
        elif isinstance(reply, Refused):
            refusal = codes.message(reply.code)
            problem = f"Problem with submit to cluster {queue.cluster.name}: {refusal}"
            _say(call, [f"sbatch: error: {line}" for line in (*reply.lines, problem)])
    if starts:
        return min(starts, key=lambda start: start[0])[1]
    lines = (
        "Can't run on any of the specified clusters",
        f"There is a problem talking to the database: {refusal}.  Only local cluster communication is available, remove "
        "--cluster from your command line or contact your admin to resolve the problem.",
    )
    raise Stop(exit_codes(call.environ, "sbatch").error, err="".join(f"sbatch: error: {line}\n" for line in lines))


async def ask(call: Call, queue: QueuePort, request: Request, test_only: bool) -> Reply:
    """The controller's answer; asked again, as sbatch does, while the queue is full."""
    for pause_s in range(1, RETRIES + 1):
        try:
            reply = await queue.apply(request.event(queue.now(), call.owner, test_only), request.payload)
        except StoreFailed:
            return Refused("ESLURM_WRITING_TO_FILE")
        if not isinstance(reply, Refused) or reply.code != "EAGAIN":
            return reply
        if pause_s == 1:
            _say(call, [f"sbatch: error: {codes.SUBMIT_RETRIES}"])
        await asyncio.sleep(pause_s)
    return Refused("EAGAIN")


def _report(call: Call, submission: Submission, queue: QueuePort, reply: Accepted) -> None:
    """The lines after a job was accepted."""
    call.out.write(accepted(submission, queue, reply.job_id))
    if call.tty[2]:
        _say(call, [f"sbatch: flowbatch: {note}" for note in reply.notes])


def accepted(submission: Submission, queue: QueuePort, job_id: int) -> str:
    """What sbatch prints for an accepted job: a line for people, a number for --parsable, nothing for --quiet; with -M, they
    name its cluster."""
    cluster = queue.cluster.name if submission.chosen.get("clusters") is not None else None
    if submission.quiet:
        return ""
    if submission.asks_for("parsable"):
        return f"{job_id};{cluster}\n" if cluster else f"{job_id}\n"
    where = f" on cluster {cluster}" if cluster else ""
    return f"Submitted batch job {job_id}{where}\n"


def would_start(call: Call, queue: QueuePort, reply: WouldStart) -> str:
    """When and where; of components, which may start in several partitions, 22.05 says less."""
    style = TimeStyle.of(call.environ, queue.now())
    start = f"Job {reply.job_id} to start at {style.stamp(reply.at)} using {reply.cpus} processors on"
    nodes = fold(reply.nodes)
    return f"{start} nodes {nodes} in partition {reply.partition}" if reply.partition else f"{start} {nodes}"


def _refused(call: Call, reply: Refused, test_only: bool) -> int:
    """The controller's refusal in sbatch's words; some faults sbatch finds by itself, without asking."""
    _say(call, [f"sbatch: error: {line}" for line in reply.lines])
    sentence = codes.message(reply.code)
    if reply.code in codes.FOUND_BY_CLIENT:
        _say(call, [f"sbatch: error: {sentence}"])
    elif test_only:
        _say(call, [f"allocation failure: {sentence}"])
    else:
        _say(call, [f"sbatch: error: Batch job submission failed: {sentence}"])
    if reply.hint and call.tty[2]:
        _say(call, [f"sbatch: flowbatch: {reply.hint}"])
    found_here = reply.code in codes.FOUND_BY_CLIENT
    return 1 if test_only and not found_here else exit_codes(call.environ, "sbatch").error


def _cannot(call: Call, error: DirectiveError) -> int:
    """sbatch's own lines, and on a terminal where the fault stands and what to do."""
    _say(call, error.said)
    fault = error.diagnosis
    if call.tty[2] and fault.origin and fault.origin.place == "script":
        call.err.write(fault.screen("sbatch: flowbatch") + "\n")
    elif call.tty[2] and fault.hint:
        _say(call, [f"sbatch: flowbatch: {fault.hint}"])
    return error.exit_code


def _error(call: Call, line: CommandLine, sentence: str, said: Sequence[str] | None = None) -> DirectiveError:
    exit_code = exit_codes(call.environ, "sbatch").error
    fault = Diagnosis(sentence, (f"sbatch: error: {sentence}",), exit_code)
    return DirectiveError(fault, line.said if said is None else said)


def _too_large(call: Call, line: CommandLine) -> DirectiveError:
    """In the words of a refusal: slurmctld gives it, whom sbatch sends the script."""
    sentence = codes.message("ESLURM_PATHNAME_TOO_LONG")
    if "test-only" in line.tried:
        return DirectiveError(Diagnosis(sentence, (f"allocation failure: {sentence}",), 1), line.said)
    return _error(call, line, f"Batch job submission failed: {sentence}")


def _say(call: Call, lines: Sequence[str]) -> None:
    for line in lines:
        call.err.write(line + "\n")
