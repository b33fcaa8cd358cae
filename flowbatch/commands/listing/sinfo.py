"""sinfo: partitions and nodes, and what state they are in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from flowbatch.commands import beside, clusters, documents
from flowbatch.commands.call import Call
from flowbatch.commands.columns import columns_of
from flowbatch.commands.command_options import Stop
from flowbatch.commands.control import show_reservation
from flowbatch.commands.listing import node_json
from flowbatch.commands.listing.job_fields import style_of
from flowbatch.commands.listing.node_view import views
from flowbatch.commands.listing.sinfo_fields import VALUES, likeness
from flowbatch.commands.listing.sinfo_options import Wanted, column_format, read
from flowbatch.commands.listing.sinfo_rows import Row, rows, sort
from flowbatch.core.ports import QueuePort, Snapshot
from flowbatch.slurm import fields, listing
from flowbatch.slurm.listing import Column
from flowbatch.slurm.times import date_line


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the listing to the caller; its exit code."""
    try:
        wanted = read(call.argv, call.environ, call.owner.uid)
        queues = await clusters.chosen(call, queue, wanted.words.get("clusters"), "sinfo", wanted.clusters_from)
        while True:
            await _print(call, queues, wanted)
            if not wanted.iterate_s:
                return 0
            call.out.write("\n")
            await call.out.drain()
            await asyncio.sleep(wanted.iterate_s)
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


async def _print(call: Call, queues: Sequence[QueuePort], wanted: Wanted) -> None:
    """One listing of each cluster."""
    snapshots = [queue.placed() for queue in queues]
    if documents.FLAGS & wanted.flags:
        data = await asyncio.to_thread(_document, snapshots, call.owner.host)
        call.out.write(await asyncio.to_thread(documents.written, data, wanted.flags))
        return
    if "reservation" in wanted.flags:
        for snapshot in snapshots:
            call.out.write(_reservations(call, snapshot, headed="noheader" not in wanted.flags))
        return
    headed = "noheader" not in wanted.flags
    dated = headed and ("long" in wanted.flags or wanted.iterate_s)
    for snapshot, heading in zip(snapshots, clusters.headings(snapshots), strict=True):
        call.out.write(heading if headed and "clusters" in wanted.words else "")
        call.out.write(date_line(call.environ, snapshot.at) if dated else "")
        text, notes = await beside.done(len(snapshot.cluster.nodes) > beside.MANY, _listing, call, snapshot, wanted)
        call.err.write(notes)
        call.out.write(text)


def _reservations(call: Call, snapshot: Snapshot, *, headed: bool) -> str:
    found = snapshot.rulings.reservations
    if not found:
        return "No reservations in the system\n"
    return show_reservation.listing(found, snapshot.at, style_of(call.environ, snapshot.at).times, headed=headed)


def _document(snapshots: Iterable[Snapshot], host: str) -> dict[str, object]:
    nodes = [(node, snapshot.cluster) for snapshot in snapshots for node in views(snapshot)]
    return node_json.document(nodes, host)


def _listing(call: Call, snapshot: Snapshot, wanted: Wanted) -> tuple[str, str]:
    """The header and all lines, and complaints about the format."""
    format = column_format(wanted, call.environ)
    host = call.owner.host
    columns, notes = columns_of("sinfo", format.text, format.by_name, fields.NODES)
    names = [column.key for column in columns if column.key]
    alike = likeness(names, exact="exact" in wanted.flags, nodewise=wanted.nodewise, host=host)
    nodes = views(snapshot, style_of(call.environ, snapshot.at).times)
    found = sort(rows(snapshot.cluster, nodes, wanted, alike, host), wanted.order)
    columns = [_measured(column, found) if column.key in format.measured else column for column in columns]
    values = [_value(column) for column in columns]
    head = "" if "noheader" in wanted.flags else listing.header(columns) + "\n"
    return head + listing.lines(columns, ([value(row) for value in values] for row in found)), notes


def _measured(column: Column, found: Sequence[Row]) -> Column:
    """The column, as wide as what stands in it."""
    longest = max((len(VALUES[column.key](row)) for row in found), default=0) if column.key else 0
    return replace(column, width=max(column.room, longest))


def _value(column: Column) -> Callable[[Row], str]:
    """What a column shows of a row. The asterisk of the default partition is kept where its name is cut."""
    if column.key is None:
        return lambda row: ""
    if column.key == "partition" and column.room:
        return lambda row: row.partition.name[: column.room - row.partition.default] + "*" * row.partition.default
    return VALUES[column.key]
