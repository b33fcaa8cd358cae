"""scontrol: shows and alters what is in the queue, as far as its users need it; the cluster's shape is slurm.conf's affair."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import dropwhile

from flowbatch import text
from flowbatch.commands.call import Call, Lines
from flowbatch.commands.command_options import VERSION, Stop, help_text
from flowbatch.commands.control import scontrol_controller, scontrol_jobs, scontrol_made, scontrol_steps, show_cluster
from flowbatch.commands.control.scontrol_alter import Complaint, alter
from flowbatch.commands.control.scontrol_options import OPERANDS, OPTIONS, Asked, of_cluster, read
from flowbatch.commands.control.scontrol_refused import REFUSED, refuse
from flowbatch.commands.control.scontrol_show import show
from flowbatch.commands.control.scontrol_update import update
from flowbatch.core.events import HoldAsked, ReleaseAsked, RequeueAsked
from flowbatch.core.ports import QueuePort
from flowbatch.slurm import codes
from flowbatch.slurm.errnos import NUMBERS

Verb = Callable[[Asked], Awaitable[int]]


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword: how much of its beginning is enough, what it does, how many words it takes (None: any number), and what
    is said of too few and of too many, with the keyword as it was written."""

    least: int
    verb: Verb
    fewest: int = 0
    most: int | None = None
    few: str = "too few arguments for keyword:{}"
    many: str = "too many arguments for keyword:{}"

    async def do(self, asked: Asked) -> int:
        """The exit code. Raises Stop."""
        count = len(asked.words) - 1
        if count < self.fewest:
            raise Stop(1, err=self.few.format(asked.words[0]) + "\n")
        if self.most is not None and count > self.most:
            raise Stop(1, err=self.many.format(asked.words[0]) + "\n")
        return await self.verb(asked)


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
    read is shown behind the prompt, as readline does without a terminal. The exit code is 1 if a command failed since the last
    `ping` that did not."""
    lines = Lines(asked.call)
    last: tuple[str, ...] = ()
    code = 0
    while True:
        asked.out("scontrol: ")
        await asked.call.out.drain()
        line = text.decode(await lines.next())
        asked.out(line.removesuffix("\n") + "\n")
        if not line:
            return code
        words = tuple(_WORD.findall(line))
        last = words = last if words == ("!!",) else words
        if not words:
            code = 1
            continue
        name = _named(words[0])
        try:
            done = await _do(replace(asked, words=words))
            code = done if name == "ping" else done or code
        except Stop as stop:
            asked.out(stop.out)
            asked.err(stop.err)
            code = stop.code or code
        else:
            asked = await _set(replace(asked, words=words), name)
        if name in ("exit", "quit"):
            return code


async def _set(asked: Asked, name: str) -> Asked:
    """With what a word at the prompt sets for those behind it. Raises Stop where it does not mean one cluster: the prompt ends."""
    if name == "cluster" and len(asked.words) > 1:
        return replace(asked, queue=await of_cluster(asked.call, asked.queue, asked.words[1]))
    return replace(asked, flags=asked.flags - _CONTRARY.get(name, set()) | ({name} & _SET))


_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|\S)+""")
"""A word of a line; quotes keep blanks in it, and stay."""

_SET = frozenset({"all", "details", "hide", "oneliner", "quiet", "verbose"})
_CONTRARY = {"quiet": {"verbose"}, "verbose": {"quiet"}, "all": {"hide"}, "hide": {"all"}}


def _named(word: str) -> str:
    """The keyword whose name, or enough of its beginning, this is; case does not matter. Empty for none."""
    small = word.lower()
    named = (name for name, one in _KEYWORDS.items() if name.startswith(small) and len(small) >= one.least)
    return next(named, "")


async def _do(asked: Asked) -> int:
    name = _named(asked.words[0])
    if not name:
        raise Stop(1, err=f"invalid keyword: {asked.words[0]}\n")
    return await _KEYWORDS[name].do(asked)


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
    """Before the jobs may stand `incomplete`, or its beginning, and `State=SpecialExit`, which is an ordinary hold here."""
    at, by = asked.queue.now(), asked.call.owner.uid
    jobs = list(dropwhile(lambda word: _incomplete(word) or word.lower() == "state=specialexit", asked.words[1:]))
    incomplete = any(map(_incomplete, asked.words[1 : len(asked.words) - len(jobs)]))
    return await alter(asked, lambda ref: RequeueAsked(at, by, (ref,), held, incomplete), Complaint(False), jobs)


def _incomplete(word: str) -> bool:
    return "incomplete".startswith(word.lower())


# The rest


async def _ping(asked: Asked) -> int:
    asked.out(show_cluster.ping(asked.call.owner.host))
    return 0


async def _version(asked: Asked) -> int:
    api = _API if "verbose" in asked.flags else ""
    return _told(asked, f"{VERSION}\n{api}", "too many arguments for version keyword\n")


async def _help(asked: Asked) -> int:
    return _told(asked, help_text("scontrol", OPERANDS, OPTIONS), "too many arguments for keyword:help\n")


def _told(asked: Asked, what: str, many: str) -> int:
    """Says it, whatever else was said."""
    wrong = len(asked.words) > 1
    asked.err(many if wrong else "")
    asked.out(what)
    return int(wrong)


async def _nothing(asked: Asked) -> int:
    """Settings of the prompt have no effect on a command line, and nothing is completing for long."""
    return 0


async def _errnumstr(asked: Asked) -> int:
    word = asked.words[1].strip()
    if word and not (word.isascii() and word.removeprefix("+").isdigit() and len(word) <= _MOST_DIGITS):
        raise Stop(1, err="numeric arguments required for keyword:errnumstr\n")
    number = int(word or 0)
    name = next((name for name, value in NUMBERS.items() if value == number), None)
    known = codes.message(name) if name else os.strerror(number)
    asked.out(f"{known if number else 'No error'}\n")
    return 0


_API = "slurm_api_version: 2490368, 38.0.0\n"
"""What `version` adds where more is to be said."""

_MOST_DIGITS = 9


_FEW = "too few arguments for {} keyword"
_ONE = "one arguments required for keyword:{}"

_KEYWORDS: Mapping[str, Keyword] = {
    "all": Keyword(2, _nothing),
    "cluster": Keyword(2, _nothing),
    "completing": Keyword(2, scontrol_jobs.completing, most=0),
    "details": Keyword(1, _nothing, most=0),
    "errnumstr": Keyword(2, _errnumstr, fewest=1, most=1, few=_ONE, many=_ONE),
    "exit": Keyword(2, _nothing, most=0),
    "help": Keyword(2, _help),
    "hide": Keyword(2, _nothing),
    "hold": Keyword(4, _hold, fewest=1),
    "holdu": Keyword(5, _uhold, fewest=1),
    "listpids": Keyword(1, scontrol_steps.listpids, most=2),
    "oneliner": Keyword(1, _nothing, most=0),
    "ping": Keyword(3, _ping, most=0),
    "quiet": Keyword(4, _nothing, most=0),
    "quit": Keyword(4, _nothing, most=0),
    "top": Keyword(3, scontrol_jobs.top, fewest=1, most=1),
    "reconfigure": Keyword(3, scontrol_controller.reconfigure, most=0),
    "schedloglevel": Keyword(3, scontrol_controller.schedloglevel, fewest=1, most=1),
    "setdebug": Keyword(2, scontrol_controller.setdebug, fewest=1, most=1),
    "setdebugflags": Keyword(9, scontrol_controller.setdebugflags, fewest=1, most=1),
    "shutdown": Keyword(8, scontrol_controller.shutdown, most=1),
    "create": Keyword(2, scontrol_made.create, fewest=1, few=_FEW),
    "delete": Keyword(1, scontrol_made.delete, fewest=1, few=_FEW),
    "release": Keyword(3, _release, fewest=1),
    "requeue": Keyword(3, _requeue, fewest=1),
    "requeuehold": Keyword(11, _requeuehold, fewest=1),
    "show": Keyword(3, show, fewest=1, most=2),
    "uhold": Keyword(5, _uhold, fewest=1),
    "update": Keyword(1, update, fewest=1, few=_FEW),
    "verbose": Keyword(4, _nothing, most=0, many="too many arguments for {} keyword"),
    "version": Keyword(4, _version),
    "resume": Keyword(3, scontrol_jobs.resume, fewest=1),
    "suspend": Keyword(2, scontrol_jobs.suspend, fewest=1),
    "notify": Keyword(1, scontrol_jobs.notify, fewest=2),
    "wait_job": Keyword(2, scontrol_jobs.wait_job, fewest=1, most=1),
    "write": Keyword(5, scontrol_jobs.write, fewest=1, most=3),
    **{
        name: Keyword(one.least, partial(refuse, name), fewest=int(bool(one.bare)), few=one.bare)
        for name, one in REFUSED.items()
    },
}
"""In the order in which beginnings that fit several are theirs."""
