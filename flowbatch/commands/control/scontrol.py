"""scontrol: shows and alters what is in the queue, as far as its users need it; the cluster's shape is slurm.conf's affair."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from flowbatch import text
from flowbatch.commands.call import Call, Lines
from flowbatch.commands.command_options import VERSION, Stop, help_text
from flowbatch.commands.control import scontrol_controller, scontrol_jobs, scontrol_made, show_cluster
from flowbatch.commands.control.scancel_options import read_target
from flowbatch.commands.control.scontrol_alter import Complaint, alter
from flowbatch.commands.control.scontrol_options import OPERANDS, OPTIONS, Asked, read
from flowbatch.commands.control.scontrol_refused import REFUSED, refuse
from flowbatch.commands.control.scontrol_show import show
from flowbatch.commands.control.scontrol_update import update
from flowbatch.core.events import HoldAsked, ReleaseAsked, RequeueAsked
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Running
from flowbatch.directives.values.integers import leading
from flowbatch.slurm import codes
from flowbatch.slurm.errnos import NUMBERS

Verb = Callable[[Asked], Awaitable[int]]


async def main(call: Call, queue: QueuePort) -> int:
    """Does what the keyword says; the exit code."""
    try:
        asked = await read(call, queue)
        if not asked.words:
            return await _interactive(asked)
        return await _do(asked)
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


async def _interactive(asked: Asked) -> int:
    """One command a line of the caller's standard input, until `exit` or its end; `!!` is the last one again. What is
    read is shown behind the prompt, as readline does without a terminal. The exit code is that of the last failure."""
    lines, flags = Lines(asked.call), asked.flags
    last: tuple[str, ...] = ()
    code = 0
    while True:
        asked.out("scontrol: ")
        await asked.call.out.drain()
        line = text.decode(await lines.next())
        asked.out(line.removesuffix("\n") + "\n")
        if not line:
            return code
        words = tuple(line.split())
        last = words = last if words == ("!!",) else words
        if words and words[0] in ("exit", "quit", "q", "e"):
            return code
        if words and words[0] in ("oneliner", "details", "all", "hide", "quiet", "verbose"):
            flags |= {words[0]}
        elif words:
            try:
                code = await _do(replace(asked, words=words, flags=flags)) or code
            except Stop as stop:
                asked.out(stop.out)
                asked.err(stop.err)
                code = stop.code or code


async def _do(asked: Asked) -> int:
    """The verb whose name, or enough of its beginning, is the first word; case does not matter."""
    word = asked.words[0].lower()
    for name, (least, verb) in _VERBS.items():
        if name.startswith(word) and len(word) >= least:
            return await verb(asked)
    raise Stop(1, err=f"invalid keyword: {asked.words[0]}\n")


# What alters jobs


async def _hold(asked: Asked) -> int:
    at, by = asked.queue.now(), asked.call.owner.uid
    return await alter(asked, lambda ref: HoldAsked(at, by, (ref,)), Complaint(True), asked.words[1:])


async def _uhold(asked: Asked) -> int:
    """A hold that the job's owner may release."""
    at, by = asked.queue.now(), asked.call.owner.uid
    return await alter(asked, lambda ref: HoldAsked(at, by, (ref,), True), Complaint(True), asked.words[1:])


async def _release(asked: Asked) -> int:
    at, by = asked.queue.now(), asked.call.owner.uid
    return await alter(asked, lambda ref: ReleaseAsked(at, by, (ref,)), Complaint(True), asked.words[1:])


async def _requeue(asked: Asked) -> int:
    return await _requeue_as(asked, held=False)


async def _requeuehold(asked: Asked) -> int:
    return await _requeue_as(asked, held=True)


async def _requeue_as(asked: Asked, *, held: bool) -> int:
    """`incomplete` leaves alone what does not run; `State=SpecialExit` is an ordinary hold here."""
    at, by = asked.queue.now(), asked.call.owner.uid
    words = [word for word in asked.words[1:] if word.lower() not in ("incomplete", "state=specialexit")]
    if len(words) < len(asked.words) - 1 and asked.words[1].lower() == "incomplete":
        jobs = asked.queue.snapshot().jobs
        active = {id for job in jobs if isinstance(job.state, Running) for id in (job.id, job.array_id)}
        below = asked.queue.cluster.max_array_size
        words = [word for word in words if (target := read_target(word, below)) is None or target.job_id in active]
        if not words:
            return 0
    return await alter(asked, lambda ref: RequeueAsked(at, by, (ref,), held), Complaint(False), words)


# The rest


async def _ping(asked: Asked) -> int:
    asked.out(show_cluster.ping(asked.call.owner.host))
    return 0


async def _version(asked: Asked) -> int:
    asked.out(VERSION + "\n")
    return 0


async def _help(asked: Asked) -> int:
    asked.out(help_text("scontrol", OPERANDS, OPTIONS))
    return 0


async def _nothing(asked: Asked) -> int:
    """Settings of the prompt have no effect on a command line, and nothing is completing for long."""
    return 0


async def _errnumstr(asked: Asked) -> int:
    if len(asked.words) < 2:
        raise Stop(1, err="one arguments required for keyword:errnumstr\n")
    number = leading(asked.words[1])
    if number == 0:
        asked.out("No error\n")
        return 0
    name = next((name for name, value in NUMBERS.items() if value == number), None)
    asked.out(f"{codes.message(name) if name else f'Unknown error {number}'}\n")
    return 0


_VERBS: Mapping[str, tuple[int, Verb]] = {
    "all": (1, _nothing),
    "cluster": (2, _nothing),
    "completing": (2, scontrol_jobs.completing),
    "details": (1, _nothing),
    "errnumstr": (2, _errnumstr),
    "exit": (2, _nothing),
    "help": (2, _help),
    "hide": (2, _nothing),
    "hold": (4, _hold),
    "holdu": (5, _uhold),
    "oneliner": (1, _nothing),
    "ping": (3, _ping),
    "quiet": (4, _nothing),
    "quit": (4, _nothing),
    "top": (1, scontrol_jobs.top),
    "reconfigure": (3, scontrol_controller.reconfigure),
    "schedloglevel": (3, scontrol_controller.schedloglevel),
    "setdebug": (2, scontrol_controller.setdebug),
    "setdebugflags": (9, scontrol_controller.setdebugflags),
    "shutdown": (8, scontrol_controller.shutdown),
    "create": (2, scontrol_made.create),
    "delete": (1, scontrol_made.delete),
    "release": (3, _release),
    "requeue": (3, _requeue),
    "requeuehold": (8, _requeuehold),
    "show": (3, show),
    "uhold": (5, _uhold),
    "update": (1, update),
    "verbose": (4, _nothing),
    "version": (4, _version),
    "resume": (3, scontrol_jobs.resume),
    "suspend": (2, scontrol_jobs.suspend),
    "notify": (1, scontrol_jobs.notify),
    "wait_job": (2, scontrol_jobs.wait_job),
    "write": (5, scontrol_jobs.write),
    **{name: (len(name), refuse) for name in REFUSED},
}
"""The keywords: each with how much of its beginning is enough."""
