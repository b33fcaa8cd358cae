"""`flow-cost [--by=job|account|day] [--since=DAY] [--json] [--clusters=NAMES]`: what jobs on the market have cost.

By the market's own charges, over all bids and placements of a job, to the micro-dollar; a day is one in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date

from tabulate import tabulate

from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_argv import Argv
from flowbatch.commands.flow.flow_clusters import queues
from flowbatch.commands.flow.flow_jobs import refused
from flowbatch.commands.flow.flow_records import in_order, job_name
from flowbatch.commands.flow.flow_results import Cost, Costs, as_json
from flowbatch.commands.listing.job_view import JobView
from flowbatch.commands.listing.scene import Scene
from flowbatch.core.bids import Bid
from flowbatch.core.jobs import Job
from flowbatch.core.market.budgets import own
from flowbatch.core.past import Past
from flowbatch.core.ports import QueuePort
from flowbatch.errors import FlowError, NotThere
from flowbatch.units import DAY, rounded

ALL = 2_000_000
"""More jobs than a store has."""

EPOCH = date(1970, 1, 1).toordinal()
SUMS = ("job", "account", "day")
NOBODY = "(none)"
"""The account of jobs without one."""

_BACK = re.compile(r"([0-9]{1,5})d")


async def cost(call: Call, queue: QueuePort) -> int:
    """Prints a table with its total, or one Costs."""
    said = Argv.of(call.argv)
    try:
        by = said.values.get("by", "job")
        if by not in SUMS:
            raise NotThere(f"--by={by}: there is no such sum", hint=f"one of {', '.join(SUMS)}")
        since = first_day(said.values.get("since"), queue.now() // DAY)
        listed = [one for one in await queues(call, queue, said.clusters) if one.cluster.market is not None]
    except FlowError as error:
        return refused(call, error)
    rows = [row for one in listed for row in await _rows(one, by, since)]
    costs = Costs(
        by=by, since=day_name(since) if since else None, micro_usd=sum(row.micro_usd for row in rows),
        settled=all(row.settled for row in rows), rows=tuple(rows),
    )  # fmt: skip
    call.out.write(as_json(costs) if "json" in said.flags else table(costs, several=len(listed) > 1))
    await call.out.drain()
    return 0


def first_day(text: str | None, today: int) -> int:
    """Days since 1970 of `2026-11-20`, `today`, `7d` (a week back); 0 where nothing was said. Raises NotThere."""
    if text is None:
        return 0
    if text == "today":
        return today
    if back := _BACK.fullmatch(text):
        return max(0, today - int(back[1]))
    try:
        return date.fromisoformat(text).toordinal() - EPOCH
    except ValueError:
        raise NotThere(f"--since={text}: no day", hint="2026-11-20, today, or 7d for a week back") from None


def day_name(day: int) -> str:
    """`2026-11-20`."""
    return date.fromordinal(day + EPOCH).isoformat()


def table(costs: Costs, *, several: bool = False) -> str:
    """One line each, and the total; `so far` where the market's bill is not final."""
    if not costs.rows:
        return "nothing was rented" + (f" since {costs.since}" if costs.since else "") + "\n"
    shown = [
        (header, cell)
        for header, cell in COLUMNS
        if (header != "CLUSTER" or several) and (header not in OF_JOBS or costs.by == "job")
    ]
    body = [[cell(row) for _, cell in shown] for row in costs.rows]
    total = [*[""] * (len(shown) - 2), rounded(costs.micro_usd), "" if costs.settled else "so far"]
    headers = [costs.by.upper() if header == "WHAT" else header for header, _ in shown]
    align = ["right" if header in ("BIDS", "RUNS", "COST") else "left" for header in headers]
    lines = tabulate([*body, ["TOTAL", *total[1:]]], headers, tablefmt="plain", disable_numparse=True, colalign=align)
    return "".join(line.rstrip() + "\n" for line in lines.splitlines())


def _more(row: Cost) -> str:
    if row.settled:
        return ""
    return f"so far, {rounded(row.worst_micro_usd)} at most" if row.worst_micro_usd else "so far"


COLUMNS: tuple[tuple[str, Callable[[Cost], str]], ...] = (
    ("WHAT", lambda row: row.what),
    ("CLUSTER", lambda row: row.cluster),
    ("NAME", lambda row: row.name or ""),
    ("ACCOUNT", lambda row: row.account or ""),
    ("STATE", lambda row: row.state or ""),
    ("BIDS", lambda row: str(row.bids)),
    ("RUNS", lambda row: str(row.wins)),
    ("COST", lambda row: rounded(row.micro_usd)),
    ("", _more),
)
OF_JOBS = ("NAME", "ACCOUNT", "STATE")


async def _rows(queue: QueuePort, by: str, since: int) -> list[Cost]:
    """The sums of one cluster, in order."""
    scene = Scene.of(queue.snapshot())
    rented = in_order(job for job in await queue.history(None, ALL, Past(since=since * DAY)) if job.bids)
    if by == "job":
        return [_job(job, scene, since) for job in rented]
    groups: dict[str, list[tuple[Bid, int]]] = {}
    for job in rented:
        for bid in job.bids:
            for day, micro_usd in bid.by_day:
                if day >= since:
                    what = day_name(day) if by == "day" else job.spec.account or NOBODY
                    groups.setdefault(what, []).append((bid, micro_usd))
    return [_sum(queue.cluster.name, what, groups[what]) for what in sorted(groups)]


def _job(job: Job, scene: Scene, since: int) -> Cost:
    return Cost(
        cluster=scene.cluster.name, what=job_name(job),
        micro_usd=sum(micro_usd for bid in job.bids for day, micro_usd in bid.by_day if day >= since),
        settled=all(bid.settled for bid in job.bids), bids=len(job.bids), wins=sum(bid.wins for bid in job.bids),
        worst_micro_usd=own(job), name=job.spec.name, account=job.spec.account, state=JobView(job, scene).state,
    )  # fmt: skip


def _sum(cluster: str, what: str, parts: Sequence[tuple[Bid, int]]) -> Cost:
    bids = {id(bid): bid for bid, _ in parts}.values()
    return Cost(
        cluster=cluster, what=what, micro_usd=sum(micro_usd for _, micro_usd in parts),
        settled=all(bid.settled for bid in bids), bids=len(bids), wins=sum(bid.wins for bid in bids),
    )  # fmt: skip
