"""Calls take turns, looks first; one answer serves all who asked before it was asked for."""

from __future__ import annotations

import asyncio

from flowbatch.backends.mithril.pace import HOUSEKEEPING, LOOKS, ORDERS, Pace, Shared, rank


def test_who_waits_goes_by_rank_and_then_by_arrival():
    served = []

    async def asks(name, of):
        rank.set(of)
        await pace.turn()
        served.append(name)

    async def story():
        await asks("at once", ORDERS)
        ranks = {"tidy": HOUSEKEEPING, "bid": ORDERS, "gone": ORDERS, "bid 2": ORDERS, "look": LOOKS}
        tasks = [asyncio.ensure_future(asks(name, of)) for name, of in ranks.items()]
        await asyncio.sleep(0)
        tasks[2].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    pace = Pace(per_s=50, burst=1)
    asyncio.run(asyncio.wait_for(story(), 20))
    assert served == ["at once", "look", "bid", "bid 2", "tidy"]


def test_a_burst_goes_at_once_and_then_the_rate_holds():
    async def story():
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(pace.turn() for _ in range(7)))
        return asyncio.get_running_loop().time() - began

    pace = Pace(per_s=20, burst=3)
    assert asyncio.run(asyncio.wait_for(story(), 20)) >= 4 / 20 * 0.95


def test_one_answer_serves_all_who_came_before_it_was_asked_for():
    async def story():
        asked = []
        go = asyncio.Event()

        async def ask():
            asked.append(len(asked))
            await go.wait()
            return asked[-1]

        shared = Shared(ask)
        first = asyncio.ensure_future(shared.answer())
        await asyncio.sleep(0)
        later = [asyncio.ensure_future(shared.answer()) for _ in range(5)]
        await asyncio.sleep(0)
        go.set()
        assert await first == 0
        assert await asyncio.gather(*later) == [1] * 5

    asyncio.run(asyncio.wait_for(story(), 20))


def test_who_asks_after_a_failure_asks_again():
    async def story():
        async def ask():
            if not failed:
                failed.append(1)
                raise OSError("away")
            return 7

        failed = []
        shared = Shared(ask)
        said = await asyncio.gather(shared.answer(), shared.answer(), return_exceptions=True)
        assert isinstance(said[0], OSError) and said[1] == 7

    asyncio.run(asyncio.wait_for(story(), 20))
