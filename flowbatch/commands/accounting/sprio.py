"""sprio: what a job's priority is made of; here, as with priority/basic, it is its place in the queue and made of nothing."""

from __future__ import annotations

from flowbatch.commands import plain_options
from flowbatch.commands.accounting.accounts import user_id
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.core.ports import QueuePort

_BASIC = "the priority is a job's place in the queue"
OPTIONS = (
    CommandOption("federation", help="of the federation", verdict="recorded", reason="there is no federation"),
    CommandOption("noheader", "h", help="no header line", verdict="recorded", reason=_BASIC),
    CommandOption("jobs", "j", "optional", "these jobs", verdict="recorded", reason=_BASIC),
    CommandOption("local", help="of this cluster", verdict="recorded", reason="there is no federation"),
    CommandOption("long", "l", help="all factors", verdict="recorded", reason=_BASIC),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of this cluster"),
    CommandOption("norm", "n", help="factors between 0 and 1", verdict="recorded", reason=_BASIC),
    CommandOption("format", "o", "required", "columns by letter", verdict="recorded", reason=_BASIC),
    CommandOption("partition", "p", "required", "jobs of these partitions", verdict="recorded", reason=_BASIC),
    CommandOption("sibling", help="of the federation", verdict="recorded", reason="there is no federation"),
    CommandOption("sort", "S", "required", "order by these letters", verdict="recorded", reason=_BASIC),
    CommandOption("user", "u", "required", "jobs of these users", verdict="recorded", reason=_BASIC),
    CommandOption("verbose", "v", help="say what was asked", verdict="recorded", reason=_BASIC),
    CommandOption("weights", "w", help="the factors' weights", verdict="recorded", reason=_BASIC),
    *plain_options.ASKED,
)
USAGE = """\
Usage: sprio [-j jid[s]] [-u user_name[s]] [-o format] [-p partitions]
   [--federation] [--local] [--sibling] [--usage] [-hlnvVw]
"""
NOT_SUPPORTED = """\
You are not running a supported priority plugin
(priority/basic).
Only 'priority/multifactor' is supported.
"""


async def main(call: Call, queue: QueuePort) -> int:
    """Says that there are no factors."""
    try:
        said = plain_options.read("sprio", "", OPTIONS, call.argv, detached=True)
        if said.operands:
            raise Stop(1, out=USAGE, err=f"sprio: error: Unrecognized option: {said.operands[0]}\n")
        for word in filter(None, said.words.get("jobs", "").split(",")):
            if not (word.isascii() and word.isdigit() and int(word[:10])):
                raise Stop(1, err=f"sprio: error: Invalid job id: {word}\n")
        for word in filter(None, said.words.get("user", "").split(",")):
            if user_id(word) is None:
                call.err.write(f"sprio: error: Invalid user: {word}\n\n")
        await plain_options.queues(call, queue, said, "sprio")
        raise Stop(1, err=NOT_SUPPORTED)
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code
