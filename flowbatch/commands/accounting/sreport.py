"""sreport: what a cluster, its accounts and its users took over a stretch of time, reckoned from the store's history of jobs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from flowbatch.commands import plain_options
from flowbatch.commands.accounting import sreport_sizes, sreport_usage
from flowbatch.commands.accounting.sreport_request import OPTIONS, Report, report_of
from flowbatch.commands.accounting.sreport_spans import Row, spans_of
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.core.ports import QueuePort
from flowbatch.slurm import print_fields
from flowbatch.slurm.print_fields import Column
from flowbatch.slurm.times import standard, zone

__all__ = ["OPTIONS", "main"]

_LINE = "-" * 80


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the report."""
    try:
        said = plain_options.read("sreport", "REPORT", OPTIONS, call.argv)
        report, complaints = report_of(call, said, queue.cluster, queue.now())
        words = {"clusters": call.environ["SREPORT_CLUSTER"]} if call.environ.get("SREPORT_CLUSTER") else {}
        words |= dict(said.words) | ({"clusters": "all"} if report.all_clusters or "all_clusters" in said.flags else {})
        named = plain_options.Said(said.flags, words, said.operands)
        columns, rows = await _table(await plain_options.queues(call, queue, named, "sreport"), report)
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code
    call.err.write(complaints)
    texts = [[row.get(column.header, "") for column in columns] for row in rows]
    header = "noheader" not in said.flags
    call.out.write(_heading(call, report) if header else "")
    if {"parsable", "parsable2"} & said.flags:
        call.out.write(print_fields.parsable(columns, texts, header=header, closed="parsable2" not in said.flags))
    else:
        call.out.write(print_fields.lines(columns, texts, header=header))
    return 1 if complaints else 0


async def _table(queues: Sequence[QueuePort], report: Report) -> tuple[list[Column], list[Row]]:
    """The columns, which may depend on what there is, and the rows of all clusters."""
    found = [await spans_of(queue, report) for queue in queues]
    if report.kind.sizes:
        return sreport_sizes.table(report, found)
    rows = [row for spans in found for row in sreport_usage.rows(report, spans)]
    return list(report.columns), rows


def _heading(call: Call, report: Report) -> str:
    here = zone(call.environ.get("TZ"))
    first, last = (standard(datetime.fromtimestamp(at, here)) for at in (report.start, report.end - 1))
    title = report.kind.title.format(most=report.most)
    seconds = f" ({report.end - report.start} secs)" if report.kind.seconds else ""
    return f"{_LINE}\n{title} {first} - {last}{seconds}\n{report.unit_line}\n{_LINE}\n"
