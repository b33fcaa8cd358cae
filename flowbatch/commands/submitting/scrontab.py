"""scrontab: a table of jobs that are due again and again. A new table's jobs are submitted held, then the table takes the place of
the old one in one step: whatever dies meanwhile, no job is there twice, and none is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from weakref import WeakValueDictionary

from flowbatch.commands import plain_options
from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.call import Call, CallerFile
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.commands.submitting.sbatch import surroundings
from flowbatch.core.due import next_due
from flowbatch.core.events import Accepted, CrontabAsked, Refused, Submitted
from flowbatch.core.jobs import Owner
from flowbatch.core.ports import Payload, QueuePort
from flowbatch.core.states import Finished
from flowbatch.directives import build, crontab, sbatch
from flowbatch.directives.build import Origins
from flowbatch.directives.chosen import Chosen, FileWanted, Surroundings
from flowbatch.directives.crontab import CrontabFault, Entry
from flowbatch.directives.diagnosis import DirectiveError
from flowbatch.directives.settings import Help
from flowbatch.slurm import codes
from flowbatch.spec.cluster import ClusterSpec
from flowbatch.spec.job import JobSpec
from flowbatch.spec.market import MarketTerms
from flowbatch.text import decode, encode

OPTIONS = (
    CommandOption("edit", "e", help="edit the table, with EDITOR"),
    CommandOption("list", "l", help="print the table"),
    CommandOption("remove", "r", help="have no table any more"),
    CommandOption("user", "u", "required", "whose table"),
    CommandOption("verbose", "v", help="say more", verdict="recorded", reason="there is nothing more to say"),
)
_TURNS: WeakValueDictionary[tuple[str, int], asyncio.Lock] = WeakValueDictionary()
"""Of one owner's tables on one cluster, one is replaced at a time: two would cancel each other's jobs."""

USAGE = """\
usage:\tscrontab [-u user] file
\tscrontab [-u user] [ -e | -l | -r | -v]
\t-e\tEdit user's crontab (default action if stdin is a TTY)
\t-l\tList user's crontab
\t-r\tDelete user's crontab
\t-u\tUser to edit crontab for
"""
ERRORS = "There are errors in your crontab.\n"
INVALID = "Invalid option found in #SCRON line: "
FORBIDDEN = ("array", "clusters", "export-file", "help", "parsable", "test-only", "usage", "version", "wait", "wrap")
"""Options that a job of a crontab cannot have."""
LARGEST = 1 << 20
PATH = "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
EDITING = """\
t=$(mktemp) || exit 1
trap 'rm -f "$t"' EXIT
"$0" "$@" -l >"$t" || echo '# MIN HOUR DAY MONTH WEEKDAY COMMAND; options in lines that begin with #SCRON' >"$t"
${EDITOR:-${VISUAL:-vi}} "$t" && "$0" "$@" "$t"
"""
"""What `-e` runs where the caller is; $0 is scrontab."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`owner`: whose table; `file` None: none was named."""

    owner: Owner
    act: str
    file: str | None


async def main(call: Call, queue: QueuePort) -> int:
    """Lists, removes or replaces the table."""
    try:
        asked = _asked(call)
        if not _enabled(queue.cluster):
            raise Stop(1, err="scrontab: fatal: scrontab is disabled on this cluster\n")
        if asked.act == "list":
            call.out.write(_listed(queue, asked.owner))
        elif asked.act == "remove":
            await queue.apply(CrontabAsked(queue.now(), call.owner.uid, asked.owner, None))
        elif asked.act == "edit":
            _edit(call, asked)
        else:
            await _replace(call, queue, asked)
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _asked(call: Call) -> Asked:
    """Raises Stop."""
    try:
        said = plain_options.read("scrontab", "", OPTIONS, call.argv)
    except Stop:
        raise Stop(1, err=USAGE) from None
    act = next((one for one in ("remove", "list", "edit") if one in said.flags), "")
    if len(said.operands) > 1 or (said.operands and act):
        raise Stop(1, err=USAGE)
    owner = _owner(call, said.words.get("user"))
    file = said.operands[0] if said.operands else None
    return Asked(owner, act or ("edit" if file is None and call.tty[0] else "replace"), file)


def _enabled(cluster: ClusterSpec) -> bool:
    """A slurm.conf must say so (ScronParameters=enable), as on 22.05; without one it is."""
    said = dict(cluster.other).get("ScronParameters", "")
    return cluster.obliging or "enable" in said.lower().split(",")


def _owner(call: Call, name: str | None) -> Owner:
    """Raises Stop for a user that is not there, or another one than the caller where he is not root."""
    if name is None or name == call.owner.name:
        return call.owner
    uid = user_id(name)
    if uid is None:
        raise Stop(1, err=f"scrontab: fatal: Could not find user {name}\n")
    if call.owner.uid != 0:
        raise Stop(1, err="scrontab: fatal: Only root can use the -u option\n")
    raise Stop(
        1, err="scrontab: error: jobs run as whoever runs the controller: other users have tables of their own\n"
    )


def _listed(queue: QueuePort, owner: Owner) -> str:
    """The table, with the jobs that were cancelled put out of use. Raises Stop where there is none."""
    found = queue.snapshot().rulings.crontabs.get(str(owner.uid))
    if found is None:
        raise Stop(1, out=f"no crontab for {owner.name}\n")
    jobs = {job.id for job in queue.snapshot().jobs if not isinstance(job.state, Finished)}
    gone = {number for first, last, id in found.lines if id not in jobs for number in range(first, last + 1)}
    return crontab.disabled(found.text, gone)


def _edit(call: Call, asked: Asked) -> None:
    if not call.tty[0]:
        raise Stop(1, err="scrontab: fatal: Standard input is not a TTY\n")
    call.become(("/bin/sh", "-c", EDITING, "scrontab"))


async def _replace(call: Call, queue: QueuePort, asked: Asked) -> None:
    """Every job of the new table is tried first; nothing changes where one is refused. Raises Stop."""
    text = await _text(call, asked.file)
    async with _TURNS.setdefault((queue.cluster.name, asked.owner.uid), asyncio.Lock()):
        await _replace_with(call, queue, asked, text)


async def _replace_with(call: Call, queue: QueuePort, asked: Asked, text: str) -> None:
    try:
        entries = crontab.parse(text, call.environ.get("TZ"))
        specs = [_spec(call, queue, asked.owner, entry) for entry in entries]
    except CrontabFault as fault:
        lines = "".join(f"scrontab: error: {line}\n" for line in fault.lines)
        raise Stop(1, out=ERRORS, err=lines) from None
    for entry, spec in zip(entries, specs, strict=True):
        tried = await queue.apply(Submitted(queue.now(), asked.owner, spec, test_only=True))
        _accepted(tried, entry)
    made = None
    try:
        made = (text, await _submitted(call, queue, asked, entries, specs))
    finally:  # also where a job is refused, or nobody waits any more: what was submitted for nothing goes
        stands = queue.snapshot().rulings.crontabs.get(str(asked.owner.uid))  # now: another may have come meanwhile
        table = made or ((stands.text, stands.lines) if stands else (None,))
        await queue.apply(CrontabAsked(queue.now(), call.owner.uid, asked.owner, *table))


async def _submitted(
    call: Call, queue: QueuePort, asked: Asked, entries: Sequence[Entry], specs: Sequence[JobSpec]
) -> tuple[tuple[int, int, int], ...]:
    """Each entry's job, held: (first line, last line, its number). Raises Stop."""
    lines_of: list[tuple[int, int, int]] = []
    for entry, spec in zip(entries, specs, strict=True):
        held = spec.model_copy(update={"hold": True})
        payload = Payload(encode(entry.script), _environment(asked.owner, spec, entry), call.limits, call.umask)
        reply = await queue.apply(Submitted(queue.now(), asked.owner, held), payload)
        _accepted(reply, entry)
        if isinstance(reply, Accepted):
            lines_of.append((entry.first, entry.last, reply.job_id))
    return tuple(lines_of)


async def _text(call: Call, file: str | None) -> str:
    try:
        return decode((await call.read(file or "-", LARGEST))[:LARGEST])
    except CallerFile:
        raise Stop(1, err=f"scrontab: fatal: failed to open {file}\n") from None


def _accepted(reply: object, entry: Entry) -> None:
    if isinstance(reply, Refused):
        where = f"line {entry.last}" if entry.first == entry.last else f"lines {entry.first}-{entry.last}"
        said = "".join(f"The error message was: {line}\n" for line in reply.lines)
        raise Stop(1, out=(
            f"There was an issue with the job submission on {where}\n"
            f"The error code return was: {codes.MESSAGES[reply.code]}\n{said}"
        ))  # fmt: skip


def _spec(call: Call, queue: QueuePort, owner: Owner, entry: Entry) -> JobSpec:
    """The job as it will be submitted. Raises CrontabFault."""
    home = call.environ.get("HOME", "/") if owner == call.owner else "/"
    around = replace(surroundings(call, queue), cwd=home)
    chosen = _settled(entry.words, around, home)
    spec = build.job(chosen, Origins(home, entry.command, (), wrapped=True), MarketTerms())
    due = next_due(entry.cron, queue.now())
    if due is None:
        raise CrontabFault(crontab.BROKEN)
    own = {} if chosen.get("job-name") else {"name": entry.name}
    return spec.model_copy(update={"cron": entry.cron, "begin": due, "command": entry.command, "requeue": True} | own)


def _settled(words: Sequence[str], around: Surroundings, home: str) -> Chosen:
    """The options' settings. Raises CrontabFault that names the word."""
    try:
        alone = sbatch.command_line(words, around, {})
        if alone.script is not None:
            raise CrontabFault(INVALID + alone.script)
        for use in (use for group in alone.groups for use in group):
            if use.option.name in FORBIDDEN:
                raise CrontabFault(INVALID + _word(words, use.option.name))
        line = sbatch.command_line((*words, "--wrap", "true"), around, {})
        submission = sbatch.read(line, b"#!/bin/sh\n", "wrap", around, {})
    except (Help, FileWanted) as other:
        raise CrontabFault(INVALID + (words[-1] if words else "")) from other
    except DirectiveError as error:
        raise CrontabFault(*_told(error), INVALID + (words[-1] if words else "")) from error
    return submission.components[0].chosen


def _word(words: Sequence[str], option: str) -> str:
    """The word that said this option."""
    return next((word for word in words if option.startswith(word.strip("-").partition("=")[0])), f"--{option}")


_GETOPT = ("unrecognized option", "invalid option", "requires an argument", "doesn't allow an argument", "Try ")


def _told(error: DirectiveError) -> list[str]:
    """What sbatch says of a value; of an option that is none, scrontab names the word alone."""
    lines = [line.removeprefix("sbatch: error: ") for line in error.diagnosis.lines]
    return [line for line in lines if not any(word in line for word in _GETOPT)]


def _environment(owner: Owner, spec: JobSpec, entry: Entry) -> tuple[bytes, ...]:
    """As cron gives it, with the table's own variables."""
    words = {"HOME": spec.work_dir, "LOGNAME": owner.name, "USER": owner.name, "SHELL": "/bin/sh", "PATH": PATH}
    words |= {"SLURM_GET_USER_ENV": "1"} | dict(entry.variables)
    return tuple(encode(f"{name}={value}") for name, value in words.items())
