"""`flow-pricing [--region=NAME] [--json] [--clusters=NAMES] [TYPE]`: what machines of the market cost now."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from tabulate import tabulate

from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_argv import Argv
from flowbatch.commands.flow.flow_bids import ago
from flowbatch.commands.flow.flow_clusters import queues
from flowbatch.commands.flow.flow_jobs import refused
from flowbatch.commands.flow.flow_results import Price, Prices, as_json
from flowbatch.core.market import caps
from flowbatch.core.market.cloud import names_type
from flowbatch.core.market.plans import places
from flowbatch.core.ports import QueuePort, Snapshot
from flowbatch.errors import FlowError, NotThere
from flowbatch.spec.job import JobSpec
from flowbatch.units import dollars

SEEN_WITHIN_S = 15.0
LOOK_S = 0.1
NOTHING_SAID = JobSpec(name="", work_dir="/")


async def pricing(call: Call, queue: QueuePort) -> int:
    """Prints a table, the cheapest GPU first, or one Prices."""
    said = Argv.of(call.argv)
    wanted, region = next(iter(said.operands), None), said.values.get("region")
    try:
        rented = await markets(call, queue, said.clusters)
        seen = [await snapshot(one) for one in rented]
        rows = sorted((row for one in seen for row in _rows(one, wanted, region)), key=_dear)
        if not rows:
            what = " ".join(filter(None, (wanted, region and f"in {region}"))) or "anything"
            raise NotThere(f"the market does not offer {what}", hint="flow pricing lists all of it")
    except FlowError as error:
        return refused(call, error)
    prices = Prices(min((one.quotes.at for one in seen if one.quotes is not None), default=None), tuple(rows))
    call.out.write(as_json(prices) if "json" in said.flags else table(prices, queue.now(), several=len(seen) > 1))
    await call.out.drain()
    return 0


async def markets(call: Call, queue: QueuePort, names: str | None) -> list[QueuePort]:
    """The clusters that rent their machines: those of -M; else the current one, or those that were used, or any that there is.
    Raises NotThere, FlowError."""
    found = [one for one in await queues(call, queue, names) if one.cluster.market is not None]
    if queue in found and names is None:
        return [queue]
    if not found and names is None:
        others = [await call.clusters.queue(name) for name in call.clusters.names if name != queue.cluster.name]
        found = [one for one in others if one.cluster.market is not None]
    if not found:
        raise NotThere("there is no market here", hint="flow sandbox start for a rehearsal, flow setup for an account")
    return found


async def snapshot(queue: QueuePort) -> Snapshot:
    """The market's queue, once the market has shown its prices, or does not in time."""
    for _ in range(int(SEEN_WITHIN_S / LOOK_S)):
        found = queue.snapshot()
        if found.quotes is not None:
            return found
        await asyncio.sleep(LOOK_S)
    return queue.snapshot()


def table(prices: Prices, now: int, *, several: bool = False) -> str:
    headers = [*(["CLUSTER"] * several), "TYPE", "GPUS", "REGION", "PRICE/H", "PER GPU", "FLOOR", "FREE", "DEFAULT CAP"]
    body = [
        [
            *([row.cluster] * several), row.instance_type, f"{row.gpus} {row.gpu}" if row.gpu else "", row.region,
            _money(row.price_micro_usd), _money(row.per_gpu_micro_usd), _money(row.floor_micro_usd),
            "" if row.capacity is None else str(row.capacity), dollars(row.cap_micro_usd),
        ]
        for row in prices.rows
    ]  # fmt: skip
    money = ("PRICE/H", "PER GPU", "FLOOR", "FREE", "DEFAULT CAP")
    align = ["right" if header in money else "left" for header in headers]
    seen = "the market was not seen yet" if prices.at is None else f"the last change was {ago(now - prices.at)} ago"
    return tabulate(body, headers, tablefmt="plain", disable_numparse=True, colalign=align) + f"\n\n{seen}\n"


def _rows(seen: Snapshot, wanted: str | None, region: str | None) -> Iterator[Price]:
    policy = seen.cluster.market
    default = seen.cluster.default_partition
    if policy is None or default is None:
        return
    quotes = {} if seen.quotes is None else seen.quotes.quotes
    for place, nodes in places(seen.cluster).items():
        node, cloud, quote = nodes[0], nodes[0].cloud, quotes.get(place)
        if cloud is None or (wanted and not names_type(wanted, cloud)) or (region and cloud.region != region):
            continue
        price = None if quote is None else quote.price_micro_usd
        yield Price(
            cluster=seen.cluster.name, instance_type=cloud.instance_type, region=cloud.region, gpu=cloud.gpu,
            gpus=cloud.gpus, cpus=node.cpus, memory_mib=node.real_memory, price_micro_usd=price,
            per_gpu_micro_usd=None if price is None or not cloud.gpus else price // cloud.gpus,
            floor_micro_usd=None if quote is None else quote.floor_micro_usd or None,
            capacity=None if quote is None else quote.capacity,
            cap_micro_usd=caps.cap(policy, NOTHING_SAID, default.name, cloud),
        )  # fmt: skip


def _dear(row: Price) -> tuple[bool, int, str, str]:
    """What one has for one's money: the price of a GPU, of a machine without any."""
    price = row.per_gpu_micro_usd if row.per_gpu_micro_usd is not None else row.price_micro_usd
    return price is None, price or 0, row.instance_type, row.region


def _money(micro_usd: int | None) -> str:
    return "" if micro_usd is None else dollars(micro_usd)
