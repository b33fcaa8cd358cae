"""sdiag: how busy the controller is. Jobs are counted since midnight; what nobody measures here is 0."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flowbatch.commands import plain_options
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import CommandOption, Stop
from flowbatch.commands.job_view import JobView, Scene
from flowbatch.core.ports import QueuePort
from flowbatch.slurm.times import date_line, zone

_UNCOUNTED = "requests are not counted"
OPTIONS = (
    CommandOption("all", "a", help="all of it (the default)"),
    CommandOption(
        "reset", "r", help="count anew", verdict="refused", reason="the counts are the store's, since midnight"
    ),
    CommandOption("cluster", None, "required", key="clusters"),
    CommandOption("clusters", "M", "required", "of this cluster"),
    CommandOption("sort-by-id", "i", help="requests by number", verdict="recorded", reason=_UNCOUNTED),
    CommandOption("sort-by-time", "t", help="requests by time", verdict="recorded", reason=_UNCOUNTED),
    CommandOption("sort-by-time2", "T", help="requests by mean time", verdict="recorded", reason=_UNCOUNTED),
    *plain_options.ASKED,
)
MOST = 200_000
"""Jobs that are counted; more in one day are not."""
_BAR = "*" * 55


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the statistics of each cluster."""
    try:
        said = plain_options.read("sdiag", "", OPTIONS, call.argv)
        if "reset" in said.flags:
            raise Stop(1, err="sdiag: error: nothing to reset: jobs are counted since midnight, from the store\n")
        for one in await plain_options.queues(call, queue, said, "sdiag"):
            call.out.write(await _statistics(call, one))
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _dated(call: Call, at: int) -> str:
    return f"{date_line(call.environ, at).rstrip()} ({at})"


async def _statistics(call: Call, queue: QueuePort) -> str:
    snapshot = queue.snapshot()
    here = zone(call.environ.get("TZ"))
    midnight = datetime.fromtimestamp(snapshot.at, here).replace(hour=0, minute=0, second=0, microsecond=0)
    since = int(midnight.timestamp())
    scene = Scene.of(snapshot)
    today = [JobView(job, scene) for job in await queue.history(None, MOST, since)]
    queued = [JobView(job, scene) for job in snapshot.jobs]
    waiting, running = (sum(getattr(view, state) for view in queued) for state in ("pending", "running"))
    return _TEXT.format(
        bar=_BAR, now=_dated(call, snapshot.at), since=_dated(call, since),
        submitted=sum(view.job.submitted_at >= since for view in today),
        started=sum((view.started_at or 0) >= since for view in today),
        **_ends(today, since), pending=waiting, running=running, at=_dated(call, snapshot.at),
        backfilled=sum(view.job.scheduled_by == "Backfill" and (view.started_at or 0) >= since for view in today),
    )  # fmt: skip


def _ends(views: Sequence[JobView], since: int) -> dict[str, int]:
    """How many jobs ended how, since then."""
    states = [view.state for view in views if view.finished and (view.end_time or 0) >= since]
    completed, cancelled = states.count("COMPLETED"), states.count("CANCELLED")
    return {"completed": completed, "cancelled": cancelled, "failed": len(states) - completed - cancelled}


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
