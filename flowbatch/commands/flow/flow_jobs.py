"""`flow status` and what waits for jobs: `flow-jobs [--json] [--all]`, `flow-job [--json] JOB`, `flow-wait JOB`; each with
`--clusters=NAMES`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tabulate import tabulate

from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_argv import Argv
from flowbatch.commands.flow.flow_bids import Market
from flowbatch.commands.flow.flow_clusters import holder, queues
from flowbatch.commands.flow.flow_records import in_order, records, status
from flowbatch.commands.flow.flow_results import JobStatus, MarketStatus, as_json
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.ports import QueuePort
from flowbatch.core.states import Finished
from flowbatch.errors import FlowError
from flowbatch.slurm.hostlist import fold
from flowbatch.slurm.times import TimeStyle, minutes_short_clock, short_clock, zone
from flowbatch.units import Instant, dollars, rounded

TASK_LOOK_S = 0.5
"""How often one task of an array is looked at; only whole jobs tell when they are over."""

NARROWEST = 60
"""Columns below which no table is squeezed."""


async def jobs(call: Call, queue: QueuePort) -> int:
    """Prints the queues, oldest job first."""
    said = Argv.of(call.argv)
    try:
        listed = await queues(call, queue, said.clusters)
    except FlowError as error:
        return refused(call, error)
    shown = [job for one in listed for job in await _listed(one, ever="all" in said.flags)]
    if "json" in said.flags:
        call.out.write(as_json(shown))
    else:
        call.out.write(table(shown, queue.now(), call.columns, several=len(listed) > 1) if shown else "no jobs\n")
    await call.out.drain()
    return 0


async def _listed(queue: QueuePort, *, ever: bool) -> list[JobStatus]:
    snapshot = queue.snapshot()
    found = await queue.history() if ever else snapshot.jobs
    scene, market = Scene.of(snapshot), Market.of(snapshot)
    return [status(job, scene, market) for job in in_order(found)]


async def job(call: Call, queue: QueuePort) -> int:
    """Prints one job with its story, or the table of an array's tasks."""
    said = Argv.of(call.argv)
    try:
        one, found = await holder(call, queue, said.clusters, said.operands[0])
    except FlowError as error:
        return refused(call, error)
    snapshot = one.snapshot()
    scene, market = Scene.of(snapshot), Market.of(snapshot)
    shown = [status(job, scene, market, await one.story(job.id)) for job in found]
    if "json" in said.flags:
        call.out.write(as_json(shown))
    elif len(shown) == 1:
        call.out.write(detail(shown[0], TimeStyle(zone(call.environ.get("TZ")), Instant(one.now()))))
    else:
        call.out.write(table(shown, one.now(), call.columns))
    await call.out.drain()
    return 0


async def wait(call: Call, queue: QueuePort) -> int:
    """Prints the job's records, as JSON, once all are over."""
    said = Argv.of(call.argv)
    name = said.operands[0]
    try:
        one, found = await holder(call, queue, said.clusters, name)
        if found[0].array_id is None or "_" not in name:
            await one.finished(found[0].id)
            found = await records(one, name)
        while not all(isinstance(job.state, Finished) for job in found):
            await asyncio.sleep(TASK_LOOK_S)
            found = await records(one, name)
    except FlowError as error:
        return refused(call, error)
    snapshot = one.snapshot()
    scene, market = Scene.of(snapshot), Market.of(snapshot)
    call.out.write(as_json([status(job, scene, market) for job in found]))
    await call.out.drain()
    return 0


def refused(call: Call, error: FlowError) -> int:
    """Says why not, and what to do, as `flow` does; the exit code."""
    call.err.write(error.screen("flow") + "\n")
    return error.exit_code


def table(shown: Sequence[JobStatus], now: int, columns: int, *, several: bool = False) -> str:
    """One line a job; on a terminal, names give way so that lines fit. `several`: clusters, then each job says its own."""
    places = [column for column, _ in COLUMNS if column != "CLUSTER" or several]
    rows = [[cell(one, now) for column, cell in COLUMNS if column in places] for one in shown]
    name = places.index("NAME")
    widest = max(len(row[name]) for row in rows)
    text = _lines(places, rows)
    excess = max(map(len, text.splitlines())) - columns
    if columns >= NARROWEST and excess > 0:
        room = max(8, widest - excess)
        text = _lines(places, [[*row[:name], _short(row[name], room), *row[name + 1 :]] for row in rows])
    return text


def _lines(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    align = ["right" if header in ("TIME", "LIMIT", "CPUS") else "left" for header in headers]
    return tabulate(rows, headers, tablefmt="plain", disable_numparse=True, colalign=align) + "\n"


def _where(job: JobStatus) -> str:
    """Where it is; why it is not, or what goes on there."""
    why = (job.market.says if job.market else None) or job.reason
    return (fold(job.nodes) + (f" ({why})" if why else "")).strip()


Cell = Callable[[JobStatus, int], str]
COLUMNS: tuple[tuple[str, Cell], ...] = (
    ("CLUSTER", lambda job, now: job.cluster or ""),
    ("JOB", lambda job, now: job.id),
    ("NAME", lambda job, now: job.name),
    ("STATE", lambda job, now: job.state),
    ("TIME", lambda job, now: short_clock(_ran(job, now))),
    ("LIMIT", lambda job, now: minutes_short_clock(job.time_limit_min)),
    ("CPUS", lambda job, now: str(job.cpus or "")),
    ("WHERE (WHY)", lambda job, now: _where(job)),
)


def _ran(job: JobStatus, now: int) -> int:
    return 0 if job.started_at is None else max(0, (now if job.ended_at is None else job.ended_at) - job.started_at)


def _short(text: str, room: int) -> str:
    return text if len(text) <= room else text[: room - 1] + "…"


def detail(job: JobStatus, style: TimeStyle) -> str:
    """One job: what it is, where it writes, and what happened to it."""
    exit_code = "" if job.exit_code is None else f"{job.exit_code}:{job.signal}"
    bill = job.market if job.market and job.market.bids else None
    facts = {
        "job": f"{job.id}  {job.name}",
        "cluster": job.cluster or "" if job.market else "",
        "state": job.state + (f" ({job.reason})" if job.reason else ""),
        "market": (job.market.says if job.market and not job.finished else None) or "",
        "cost": "" if bill is None else cost(bill),
        "exit code": exit_code,
        "user": job.user,
        "where": fold(job.nodes)
        and f"{fold(job.nodes)}, {job.cpus} CPU{'' if job.cpus == 1 else 's'}, partition {job.partition}",
        "submitted": style.stamp(job.submitted_at, ""),
        "started": style.stamp(job.started_at, ""),
        "ended": style.stamp(job.ended_at, ""),
        "ran": "" if job.started_at is None else short_clock(_ran(job, style.now)),
        "limit": minutes_short_clock(job.time_limit_min),
        "restarts": str(job.restarts or ""),
        "command": job.command or "",
        "directory": job.work_dir,
        "output": job.stdout or "",
        "errors": job.stderr if job.stderr and job.stderr != job.stdout else "",
    }
    lines = [f"{name:10} {value}" for name, value in facts.items() if value]
    lines += [f"{'note':10} {note}" for note in job.notes]
    lines += ["", *_bids(bill, style)] if bill else []
    lines += ["", *(f"{style.stamp(at)}  {what}" for at, what in job.story)] if job.story else []
    return "\n".join(lines) + "\n"


def cost(bill: MarketStatus) -> str:
    """`$0.52, final`, `$0.12 so far, $4.10 at most, of a budget of $5.00`."""
    budget = "" if bill.budget_micro_usd is None else f", of a budget of {dollars(bill.budget_micro_usd)}"
    if bill.settled:
        return f"{rounded(bill.spent_micro_usd)}, final{budget}"
    return f"{rounded(bill.spent_micro_usd)} so far, {rounded(bill.worst_micro_usd)} at most{budget}"


def _bids(bill: MarketStatus, style: TimeStyle) -> list[str]:
    """Every bid that was made, as a table."""
    headers = ("BID", "ID", "PHASE", "TYPE", "REGION", "CAP/H", "PRICE/H", "WINS", "COST", "ASKED")
    rows = [
        (
            bid.number, bid.fid or "", bid.phase, bid.instance_type, bid.region, dollars(bid.limit_micro_usd),
            "" if bid.price_micro_usd is None else dollars(bid.price_micro_usd), bid.wins,
            rounded(bid.spent_micro_usd) + ("" if bid.settled else " so far"), style.stamp(bid.asked_at),
        )
        for bid in bill.bids
    ]  # fmt: skip
    said = [f"bid {bid.number}: the market refused it: {bid.why}" for bid in bill.bids if bid.why]
    return [*tabulate(rows, headers, tablefmt="plain", disable_numparse=True).splitlines(), *said]
