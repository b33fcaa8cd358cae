"""Calls take turns, looks first; one answer serves all who asked before it was asked for."""

from __future__ import annotations

import asyncio

from flowbatch.backends.mithril.pace import AT_ONCE, FOR_LOOKS, HOUSEKEEPING, LOOKS, ORDERS, Pace, Shared, rank


def test_who_waits_goes_by_rank_and_then_by_arrival():
    served = []

    async def asks(name, of):
        rank.set(of)
        async with pace.turn():
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


async def takes(pace):
    async with pace.turn():
        return


def test_so_many_are_under_way_and_who_is_gone_gives_his_place_back():
    async def story():
        go, inside = asyncio.Event(), []

        async def waits():
            async with pace.turn():
                inside.append(1)
                await go.wait()

        orders = AT_ONCE - FOR_LOOKS
        tasks = [asyncio.ensure_future(waits()) for _ in range(orders + 3)]
        while len(inside) < orders:
            await asyncio.sleep(0)
        tasks[0].cancel()
        while len(inside) < orders + 1:
            await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert len(inside) == orders + 1
        rank.set(LOOKS)
        await takes(pace)  # however many orders hang
        tasks[1].cancel()
        tasks[-1].cancel()  # at the moment of his turn, perhaps
        go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        await takes(pace)

    pace = Pace(per_s=10_000, burst=100)
    asyncio.run(asyncio.wait_for(story(), 20))


def test_a_burst_goes_at_once_and_then_the_rate_holds():
    async def story():
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*(takes(pace) for _ in range(7)))
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
