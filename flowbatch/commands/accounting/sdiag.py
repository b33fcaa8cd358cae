"""sdiag: how busy the controller is. Jobs are counted since midnight UTC, or since `-r`; what nobody measures here is 0."""

from __future__ import annotations

from dataclasses import asdict

from flowbatch.commands import plain_options
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.core.events import Refused
from flowbatch.core.ports import QueuePort
from flowbatch.core.ruling.wishes import Recount
from flowbatch.slurm import codes
from flowbatch.slurm.times import date_line

_UNCOUNTED = "requests are not counted"
OPTIONS = (
    CommandOption("all", "a", help="all of it (the default)"),
    CommandOption("reset", "r", help="count anew, from now on; for operators"),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of this cluster"),
    CommandOption("sort-by-id", "i", help="requests by number", verdict="recorded", reason=_UNCOUNTED),
    CommandOption("sort-by-time", "t", help="requests by time", verdict="recorded", reason=_UNCOUNTED),
    CommandOption("sort-by-time2", "T", help="requests by mean time", verdict="recorded", reason=_UNCOUNTED),
    *plain_options.ASKED,
)
_BAR = "*" * 55


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the statistics of each cluster."""
    try:
        said = plain_options.read("sdiag", "", OPTIONS, call.argv)
        for one in await plain_options.queues(call, queue, said, "sdiag"):
            if "reset" in said.flags:
                await _reset(call, one)
            else:
                call.out.write(_statistics(call, one))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _dated(call: Call, at: int) -> str:
    return f"{date_line(call.environ, at).rstrip()} ({at})"


async def _reset(call: Call, queue: QueuePort) -> None:
    reply = await queue.apply(Recount(queue.now(), call.owner.uid))
    if isinstance(reply, Refused):
        raise Stop(255, err=f"slurm_reset_statistics: {codes.message(reply.code)}\n")
    call.out.write("Reset scheduling statistics\n")


def _statistics(call: Call, queue: QueuePort) -> str:
    counted, now = queue.tally(), _dated(call, queue.now())
    return _TEXT.format(
        **{**asdict(counted), "since": _dated(call, counted.since)},
        bar=_BAR, now=now, at=now, pending=queue.count("pending"), running=queue.count("running"),
    )  # fmt: skip


_TEXT = """\
{bar}
sdiag output at {now}
Data since      {since}
{bar}
Server thread count:  1
Agent queue size:     0
Agent count:          0
Agent thread count:   0
DBD Agent queue size: 0

Jobs submitted: {submitted}
Jobs started:   {started}
Jobs completed: {completed}
Jobs canceled:  {cancelled}
Jobs failed:    {failed}

Job states ts:  {at}
Jobs pending:   {pending}
Jobs running:   {running}

Main schedule statistics (microseconds):
	Last cycle:   0
	Max cycle:    0
	Total cycles: 0
	Last queue length: {pending}

Backfilling stats
	Total backfilled jobs (since last slurm start): {backfilled}
	Total backfilled jobs (since last stats cycle start): {backfilled}
	Total backfilled heterogeneous job components: 0
	Total cycles: 0
	Last cycle when: N/A
	Last cycle: 0
	Max cycle:  0
	Last depth cycle: 0
	Last depth cycle (try sched): 0
	Last queue length: 0
	Last table size: 0

Latency for 1000 calls to gettimeofday(): 0 microseconds

Remote Procedure Call statistics by message type

Remote Procedure Call statistics by user

Pending RPC statistics
	No pending RPCs
"""
