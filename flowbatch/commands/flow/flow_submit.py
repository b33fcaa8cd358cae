"""`flow-submit [--strict] [--waive=NAME ...] -- WORD...`: submits as sbatch does, with faults for a reader's eyes."""

from __future__ import annotations

from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.commands.flow.flow_request import Asked, explained, loss_screen, losses, request, target
from flowbatch.commands.flow.flow_results import Submission, as_json
from flowbatch.commands.submitting import sbatch, sbatch_help
from flowbatch.commands.submitting.sbatch import Request, Understood
from flowbatch.core.events import Accepted, Refused, WouldStart
from flowbatch.core.ports import QueuePort
from flowbatch.directives.chosen import Chosen
from flowbatch.directives.diagnosis import Diagnosis, DirectiveError, Origin
from flowbatch.directives.settings import Help
from flowbatch.slurm import codes

COMMAND = "flow submit"

SPEAKS_OF = {
    "ESLURM_DEPENDENCY": ("dependency",),
    "ESLURM_INVALID_ACCOUNT": ("account",),
    "ESLURM_INVALID_ARRAY": ("array",),
    "ESLURM_INVALID_FEATURE": ("constraint",),
    "ESLURM_INVALID_GRES": ("gres", "gpus", "gpus-per-node", "gpus-per-task", "gpus-per-socket"),
    "ESLURM_INVALID_LICENSES": ("licenses",),
    "ESLURM_INVALID_NODE_COUNT": ("nodes",),
    "ESLURM_INVALID_NODE_NAME": ("nodelist", "exclude"),
    "ESLURM_INVALID_PARTITION_NAME": ("partition",),
    "ESLURM_INVALID_QOS": ("qos",),
    "ESLURM_INVALID_TASK_MEMORY": ("mem", "mem-per-cpu", "mem-per-gpu"),
    "ESLURM_INVALID_TIME_LIMIT": ("time", "time-min"),
    "ESLURM_INVALID_TIME_VALUE": ("deadline", "begin"),
    "ESLURM_RESERVATION_INVALID": ("reservation",),
    "ESLURM_TOO_MANY_REQUESTED_CPUS": ("cpus-per-task", "ntasks"),
}
"""The options that a refusal of the controller is about, where that is certain."""


async def submit(call: Call, queue: QueuePort) -> int:
    """Prints one Submission; a fault as a screen, with the exit code that sbatch would have."""
    try:
        asked = Asked.of(call.argv)
        understood = await request(call, queue, asked.words)
        if asked.strict and (
            lost := losses(explained((await target(call, queue, understood)).cluster, understood), asked.waived)
        ):
            call.err.write(loss_screen(COMMAND, lost))
            return 1
        wanted = named(understood, await sbatch.prepare(call, understood))
    except DirectiveError as error:
        call.err.write(error.diagnosis.screen(COMMAND) + "\n")
        return error.exit_code
    except Help as help_:
        call.out.write(as_json(Submission(None, sbatch_help.text(help_.option, queue.cluster).rstrip("\n"), False, ())))
        return help_.exit_code
    call.err.write("".join(line + "\n" for line in wanted.submission.said))
    return await _ask(call, queue, wanted)


def named(understood: Understood, wanted: Request) -> Request:
    """A command that was given no name is called after its program, not `wrap`."""
    command = understood.submission.line.wrap
    if command is None or "job-name" in understood.submission.chosen or not command.split():
        return wanted
    name = command.split()[0].rpartition("/")[2]
    return Request(wanted.submission, wanted.market, wanted.spec.model_copy(update={"name": name}), wanted.payload)


async def _ask(call: Call, queue: QueuePort, wanted: Request) -> int:
    """Brings it to the queue, and says what became of it."""
    chosen, test_only = wanted.submission.chosen, wanted.submission.asks_for("test-only")
    try:
        queue = await sbatch.where(call, queue, wanted)
    except Stop as stop:
        call.err.write(in_our_name(COMMAND, stop))
        return 1
    reply = await sbatch.ask(call, queue, wanted, test_only)
    match reply:
        case Accepted(job_id, notes):
            line = sbatch.accepted(wanted.submission, queue, job_id).rstrip("\n") or None
            result = Submission(job_id, line, wanted.submission.asks_for("wait"), notes, queue.cluster.name)
        case WouldStart():
            result = Submission(None, sbatch.would_start(call, queue, reply), False, ())
        case Refused():
            call.err.write(refusal(reply, chosen).screen(COMMAND) + "\n")
            return 1
        case _:
            raise TypeError(reply)
    call.out.write(as_json(result))
    await call.out.drain()
    return 0


def in_our_name(command: str, stop: Stop) -> str:
    """What sbatch would say, as `flow` does."""
    return stop.err.replace("sbatch: error: flowbatch", command).replace("sbatch: error", command)


def refusal(reply: Refused, chosen: Chosen) -> Diagnosis:
    """The controller's refusal, with the place of the option that it speaks of."""
    more = f" ({'; '.join(reply.lines)})" if reply.lines else ""
    return Diagnosis(codes.message(reply.code) + more, (), 1, _origin(reply.code, chosen), reply.hint)


def _origin(code: str, chosen: Chosen) -> Origin | None:
    return next((chosen.origin(name) for name in SPEAKS_OF.get(code, ()) if name in chosen), None)
