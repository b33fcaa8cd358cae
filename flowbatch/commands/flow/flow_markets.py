"""`flow-markets`: how each cluster that rents its machines fares, as JSON, for `flow doctor`."""

from __future__ import annotations

from flowbatch.commands.call import Call
from flowbatch.commands.flow.flow_results import MarketHealth, as_json
from flowbatch.core.ports import QueuePort
from flowbatch.errors import FlowError


async def markets(call: Call, queue: QueuePort) -> int:
    """Prints a list of MarketHealth; asks each market now."""
    found = [await _health(call, name) for name in call.clusters.names]
    call.out.write(as_json([one for one in found if one is not None]))
    await call.out.drain()
    return 0


async def _health(call: Call, name: str) -> MarketHealth | None:
    """None for a cluster that rents nothing."""
    try:
        queue = await call.clusters.queue(name)
    except FlowError as error:
        return MarketHealth(name, error.message, error.hint)
    if queue.cluster.market is None:
        return None
    live = [job.bid for job in queue.placed().jobs if job.bid is not None]
    strangers: tuple[str, ...] = ()
    problem, hint = None, None
    try:
        strangers = tuple(await queue.strangers())
    except FlowError as error:
        problem, hint = error.message, error.hint
    return MarketHealth(
        name, problem, hint, len(live), max((bid.lease_ends_at for bid in live), default=None), strangers
    )
