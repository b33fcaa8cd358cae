"""squeue: what is in the queue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from flowbatch.commands import beside, clusters, documents
from flowbatch.commands.call import Call
from flowbatch.commands.columns import columns_of
from flowbatch.commands.command_options import Stop
from flowbatch.commands.listing import job_json, squeue_order, squeue_steps
from flowbatch.commands.listing.job_fields import VALUES, Style, always, style_of
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.commands.listing.squeue_options import Wanted, column_format, read
from flowbatch.commands.listing.squeue_rows import chosen_nodes, expanded, is_known, joined, rows
from flowbatch.commands.listing.squeue_verbose import words
from flowbatch.core.ports import QueuePort, Snapshot
from flowbatch.slurm import fields, listing
from flowbatch.slurm.listing import Column
from flowbatch.slurm.times import date_line, is_time_format


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the listing to the caller; its exit code."""
    try:
        wanted = read(call.argv, call.environ, call.owner.uid)
        call.err.write(wanted.notes)
        queues = await clusters.chosen(call, queue, wanted.words.get("clusters"), "squeue", wanted.clusters_from)
        while True:
            code = await _print(call, queues, wanted)
            if not wanted.iterate_s:
                return code
            call.out.write("\n")
            await call.out.drain()
            await asyncio.sleep(wanted.iterate_s)
    except Stop as stop:
        return _stopped(call, stop)


def _stopped(call: Call, stop: Stop) -> int:
    call.out.write(stop.out)
    call.err.write(stop.err)
    return stop.code


async def _print(call: Call, queues: Sequence[QueuePort], wanted: Wanted) -> int:
    """One listing of each cluster; the exit code. What cannot be listed of one does not keep the others from it. Raises Stop."""
    is_document = bool(documents.FLAGS & wanted.flags)
    ids = None if is_document or wanted.jobs is None else {one.job_id for one in wanted.jobs}
    snapshots = [queue.snapshot(ids) for queue in queues]
    if is_document:
        call.out.write(await asyncio.to_thread(_document, snapshots, wanted))
        return 0
    format_text, by_name = column_format(wanted, call.environ)
    code = 0
    shown = "clusters" in wanted.words and "noheader" not in wanted.flags
    for snapshot, heading in zip(snapshots, clusters.headings(snapshots), strict=True):
        call.out.write(heading if shown else "")
        try:
            await _listing(call, snapshot, wanted, format_text, by_name)
        except Stop as stop:
            code = _stopped(call, stop)
    return code


async def _listing(call: Call, snapshot: Snapshot, wanted: Wanted, format_text: str, by_name: bool) -> None:
    """The listing of one cluster. Raises Stop."""
    if "nodelist" in wanted.words:
        chosen_nodes(snapshot.cluster, wanted.words["nodelist"])
    if wanted.verbose:
        call.out.write(words(wanted, wanted.words.get("format")))
    style = _style(call, snapshot, wanted)
    if "noheader" not in wanted.flags and ("long" in wanted.flags or wanted.iterate_s or wanted.verbose):
        call.out.write(date_line(call.environ, snapshot.at))
    steps = "steps" in wanted.flags or "steps" in wanted.words
    if wanted.jobs is not None and len(wanted.jobs) == 1 and not steps and not is_known(snapshot.jobs, wanted.jobs[0]):
        raise Stop(1, err="slurm_load_jobs error: Invalid job id specified\n")
    columns, notes = columns_of("squeue", format_text, by_name, fields.STEPS if steps else fields.JOBS)
    call.err.write(notes)
    if wanted.verbose:
        call.out.write(f"last_update_time={snapshot.at} records={len(snapshot.jobs)}\n")
    if "noheader" not in wanted.flags:
        call.out.write(listing.header(columns) + "\n")
    text, complaints = await beside.done(
        len(snapshot.jobs) > beside.MANY, _body, snapshot, wanted, columns, style, steps
    )
    call.err.write(complaints)
    call.out.write(text)


def _document(snapshots: Iterable[Snapshot], wanted: Wanted) -> str:
    """One document, whatever clusters were named: each job names its own."""
    views = (
        JobView(job, scene)
        for snapshot, scene in ((snapshot, Scene.of(snapshot)) for snapshot in snapshots)
        for job in squeue_order.load_order(snapshot.jobs)
    )  # fmt: skip
    return documents.written(job_json.document(views), wanted.flags)


def _style(call: Call, snapshot: Snapshot, wanted: Wanted) -> Style:
    said = call.environ.get("SLURM_TIME_FORMAT", "standard")
    if not is_time_format(said):
        call.err.write(f"squeue: error: invalid SLURM_TIME_FORMAT = '{said}'\n")
    return style_of(call.environ, snapshot.at, convert="noconvert" not in wanted.flags)


def _body(snapshot: Snapshot, wanted: Wanted, columns: Sequence[Column], style: Style, steps: bool) -> tuple[str, str]:
    """All lines, and complaints about the order. Raises Stop."""
    scene = Scene.of(snapshot)
    if steps:
        return squeue_steps.lines(snapshot, scene, wanted, columns, style)
    order = wanted.words.get("sort")
    if order is None:
        order = squeue_order.START_ORDER if "start" in wanted.flags else squeue_order.JOB_ORDER
    views, notes = squeue_order.sort(rows(snapshot.jobs, scene, wanted), order)
    if "array" in wanted.flags:
        views = list(expanded(views))
    elif "array-unique" not in wanted.flags:
        views = joined(views)
    values = [VALUES[column.key] if column.key else always("") for column in columns]
    return listing.lines(columns, ([value(view, style) for value in values] for view in views)), notes
