"""sacct: what became of jobs, also of those that left the queue; from the store, without a database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from flowbatch import text
from flowbatch.commands import beside, clusters, documents
from flowbatch.commands.accounting import sacct_fields, sacct_json
from flowbatch.commands.accounting.sacct_fields import Column, Printing
from flowbatch.commands.accounting.sacct_filters import ONCE_MORE, Test, named, past, tests
from flowbatch.commands.accounting.sacct_options import Wanted, cluster_words, read, settle
from flowbatch.commands.accounting.sacct_rows import Attempt, Story, chosen, current, earlier, with_steps
from flowbatch.commands.accounting.sacct_steps import rows
from flowbatch.commands.call import Call
from flowbatch.commands.command_options import Stop
from flowbatch.commands.listing.job_fields import job_id_text, style_of
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.jobs import Job
from flowbatch.core.ports import Payload, QueuePort
from flowbatch.core.steps import Step, StepKey
from flowbatch.slurm.times import date_line

MOST = 2_000_000
"""More records than a cluster keeps of its largest array."""


async def main(call: Call, queue: QueuePort) -> int:
    """Prints the listing to the caller; its exit code."""
    try:
        wanted = read(call.argv, call.environ, call.owner.uid, queue.now())
        columns = sacct_fields.columns(wanted.columns)
        if isinstance(columns, str):
            raise Stop(1, err=f'sacct: error: Invalid field requested: "{columns}"\n')
        settle(wanted)
        queues = await clusters.chosen(call, queue, *_named(wanted, call))
        if "verbose" in wanted.flags:
            call.err.write(_window(wanted, call))
        if {"batch-script", "env-vars"} & wanted.flags:
            await _payloads(call, queues, wanted)
            return 0
        attempts = [attempt for one in queues for attempt in await _attempts(one, wanted)]
        call.out.write(
            await beside.done(len(attempts) > beside.MANY, _listing, call, wanted, attempts, columns, queue.now())
        )
        return 0
    except Stop as stop:
        call.out.write(stop.out)
        call.err.write(stop.err)
        return stop.code


def _named(wanted: Wanted, call: Call) -> tuple[str | None, str, str]:
    names, where = cluster_words(wanted, call.environ)
    return names, "sacct", where


def _window(wanted: Wanted, call: Call) -> str:
    start, end = (date_line(call.environ, at).strip() if at else "Epoch 0" for at in (wanted.start, wanted.end))
    return f"sacct: Jobs Eligible in the time window from {start} to {end}\n"


async def _attempts(queue: QueuePort, wanted: Wanted) -> list[Attempt]:
    """The placements that are asked for, of every job that is."""
    if "associations" in wanted.words:
        return []  # without accounting's database no job has one
    asked = past(wanted)
    records = await queue.history(named(wanted.jobs) if wanted.jobs is not None else None, MOST, asked)
    if wanted.whole and wanted.jobs is not None:
        known = {job.id for job in records}
        leaders = {job.het.leader for job in records if job.het is not None}
        records = [*records, *(job for job in await queue.history(sorted(leaders), MOST, asked) if job.id not in known)]
    scene = Scene.of(queue.snapshot(()))
    kept = await beside.done(len(records) > beside.MANY, _kept, records, scene, tests(wanted))
    ran: defaultdict[int, list[tuple[StepKey, Step]]] = defaultdict(list)
    for key, step in await queue.step_history(sorted({_runs(view.job) for view in kept})):
        ran[key.job_id].append((key, step))
    looks_back = "duplicates" in wanted.flags or bool(ONCE_MORE & (wanted.states or frozenset()))
    stories = {view.job.id: await queue.story(view.job.id) for view in kept if looks_back and view.job.restarts}
    return await beside.done(len(kept) > beside.MANY, _chosen, kept, wanted, stories, ran)


def _kept(records: Iterable[Job], scene: Scene, tests: Sequence[Test]) -> list[JobView]:
    """Those of the records that pass all tests."""
    views = (JobView(job, scene) for job in records)
    return [view for view in views if all(test(view) for test in tests)]


def _chosen(
    views: Iterable[JobView],
    wanted: Wanted,
    stories: Mapping[int, Story],
    ran: Mapping[int, Sequence[tuple[StepKey, Step]]],
) -> list[Attempt]:
    """The placements of these jobs that are asked for. `stories`: of those that were placed before, `ran`: their steps."""
    found: list[Attempt] = []
    for view in views:
        before = earlier(view, stories[view.job.id]) if view.job.id in stories else ()
        found += chosen(with_steps((*before, current(view)), ran.get(_runs(view.job), ())), wanted)
    return found


def _runs(job: Job) -> int:
    """The job that its steps are known by: a component's are its leader's."""
    return job.id if job.het is None else job.het.leader


def _listing(call: Call, wanted: Wanted, attempts: Sequence[Attempt], columns: Sequence[Column], now: int) -> str:
    flags = wanted.flags
    if documents.FLAGS & flags:
        data = sacct_json.document(sorted(attempts, key=lambda attempt: attempt.place))
        return documents.written(data, flags)
    style = style_of(call.environ, now, convert="noconvert" not in flags)
    printing = Printing(style, wanted.words["units"][:1] if "units" in wanted.words else None)
    listed = rows(attempts, wanted)
    header = "noheader" not in flags
    if {"parsable", "parsable2"} & flags:
        between = wanted.words.get("delimiter", "|")
        closed = "parsable2" not in flags
        return sacct_fields.parsable(columns, listed, printing, header=header, between=between, closed=closed)
    return sacct_fields.lines(columns, listed, printing, header=header)


async def _payloads(call: Call, queues: Sequence[QueuePort], wanted: Wanted) -> None:
    """The scripts or environments of the jobs of --jobs, as far as the store still has them. Raises Stop."""
    scripts = "batch-script" in wanted.flags
    if wanted.jobs is None:
        what = "job scripts" if scripts else "job environment"
        raise Stop(
            1, err=f"sacct: fatal: When requesting {what} you must also request specific jobs with the '-j' option.\n"
        )
    head = "Batch Script for {}" if scripts else "Environment used for {} (must be batch to display)"
    style = style_of(call.environ, queues[0].now())
    for queue in queues:
        for attempt in await _attempts(queue, wanted):
            job = attempt.view.job
            allowed = call.owner.uid in (0, job.owner.uid)
            payload = await queue.payload(job.id) if allowed else None
            name = job_id_text(attempt.view, style)
            call.out.write(f"{head.format(name)}\n{'-' * 80}\n")
            call.out.write(_body(payload, scripts))
            call.out.write("\n")


def _body(payload: Payload | None, scripts: bool) -> str:
    if payload is None:
        return "NONE\n"
    if scripts:
        return text.decode(payload.script)
    return "".join(text.decode(word) + "\n" for word in payload.environment)
