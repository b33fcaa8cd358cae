"""What every backend of a market promises (`backends/contract.py`, MarketBackend): each test runs against a market that is
pretended and against the sandbox's own."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from flowbatch.backends.mithril.account import Account
from flowbatch.backends.mithril.wire import stamp
from flowbatch.core.events import BidCharged, BidGone, BidLeaving, BidPlaced, BidWon, NodeLost
from tests.backends.mithril.athome import AtHome
from tests.backends.mithril.pretended import KEY, STORE, Cluster, FakeMarket, tender, until
from tests.node.jobs import key, message

NAME = f"flowbatch-{STORE}-7-1"


class Pretended:
    """A market that the test holds in its hands."""

    def __init__(self, directory) -> None:
        self._directory = directory / "cluster"
        self._market = FakeMarket()
        self._clusters: list[Cluster] = []

    def cluster(self) -> Cluster:
        account = Account("http://127.0.0.1:1", SecretStr(KEY), "main")
        self._clusters.append(Cluster(account, self._directory, httpx.MockTransport(self._market.handle)))
        return self._clusters[-1]

    def run(self, story: Coroutine[Any, Any, None]) -> None:
        async def whole() -> None:
            try:
                await story
            finally:
                for cluster in self._clusters:
                    await cluster.backend.close()

        asyncio.run(whole())

    def close(self) -> None:
        pass

    offer = staticmethod(tender)

    async def live(self) -> list[str]:
        return [bid["name"] for bid in self._market.live()]

    async def paid(self) -> int:
        return 4_000_000 * len(self._market.bills)

    async def win(self, name: str) -> None:
        bid = self._market.bid_named(name)
        self._market.win(bid)
        span = {"price_cents": 400, "start_time": stamp(1_000_000), "end_time": stamp(1_003_600)}
        self._market.bills[bid["fid"]] = [span]

    async def leave(self, name: str) -> None:
        self._market.notice(self._market.bid_named(name), stamp(2_000_000_000))

    async def stranger(self, name: str) -> None:
        self._market.add_bid(name)

    async def end(self, name: str) -> None:
        self._market.bid_named(name)["status"] = "Terminated"


@pytest.fixture(params=[Pretended, AtHome], ids=["pretended", "sandbox"])
def market(request, tmp_path):
    market = request.param(tmp_path)
    yield market
    market.close()


def bills(cluster: Cluster) -> list[int]:
    return [fact.micro_usd for fact in cluster.facts(BidCharged) if fact.final]


async def placed(market, **changes) -> tuple[Cluster, str]:
    """A cluster whose bid is on the market."""
    cluster = await market.cluster().start()
    await cluster.backend.place(market.offer(**changes))
    await until(lambda: cluster.facts(BidPlaced))
    return cluster, cluster.facts(BidPlaced)[0].fid


def test_a_wish_may_be_said_twice_and_holds_once(market):
    async def story():
        cluster, _ = await placed(market)
        await cluster.backend.place(market.offer())
        assert await market.live() == [NAME]
        await cluster.backend.withdraw(market.offer().key)
        await cluster.backend.withdraw(market.offer().key)
        await until(lambda: bills(cluster))
        assert await market.live() == []
        assert cluster.words() == ["BidPlaced", "BidGone"]
        await cluster.backend.withdraw(market.offer().key)

    market.run(story())


def test_what_was_placed_is_found_again(market):
    """The controller died before it had heard that its bid is there; the order is given again."""

    async def story():
        first, fid = await placed(market)
        await first.backend.close()
        second = await market.cluster().start(market.offer())
        assert [fact.fid for fact in second.facts(BidPlaced)] == [fid]
        await second.backend.place(market.offer())
        await second.backend.withdraw(market.offer().key)
        await until(lambda: second.facts(BidGone))
        assert await market.live() == []

    market.run(story())


def test_what_is_not_there_and_asked_for_is_placed_after_a_restart(market):
    async def story():
        cluster = await market.cluster().start(market.offer())
        assert not cluster.facts()
        await cluster.backend.place(market.offer())
        await until(lambda: cluster.facts(BidPlaced))
        assert await market.live() == [NAME]

    market.run(story())


def test_what_happened_meanwhile_is_told_before_start_returns(market):
    async def story():
        first, fid = await placed(market)
        await first.backend.close()
        await market.win(NAME)
        second = await market.cluster().start(market.offer(phase="open", fid=fid))
        assert [type(fact) for fact in second.facts()][:1] == [BidWon]
        await second.backend.close()
        await market.leave(NAME)
        third = await market.cluster().start(market.offer(phase="won", fid=fid))
        assert [type(fact) for fact in third.facts()][:1] == [BidLeaving]
        await third.backend.close()
        await market.end(NAME)
        fourth = await market.cluster().start(market.offer(phase="leaving", leaves_at=1, fid=fid), running=[key(7)])
        assert [type(fact) for fact in fourth.facts()][:1] == [BidGone]
        await until(lambda: bills(fourth))
        assert bills(fourth) == [await market.paid()]

    market.run(story())


@pytest.mark.parametrize("phase", ["withdrawn", "gone"])
def test_an_end_that_was_ordered_comes_about_after_a_restart(market, phase):
    async def story():
        first, fid = await placed(market)
        await market.win(NAME)
        await until(lambda: first.facts(BidWon))
        await first.backend.close()
        if phase == "gone":
            await market.end(NAME)
        second = await market.cluster().start(market.offer(phase=phase, fid=fid))
        await until(lambda: bills(second))
        assert await market.live() == []
        assert bills(second) == [await market.paid()]
        assert ("BidGone" in second.words()) == (phase == "withdrawn")

    market.run(story())


def test_a_bid_without_a_record_is_ended_and_others_are_left(market):
    async def story():
        await market.stranger(f"flowbatch-{STORE}-99-1")
        await market.stranger("flowbatch-ffffffffffff-1-1")
        cluster = await market.cluster().start()
        for _ in range(1000):
            if await market.live() == ["flowbatch-ffffffffffff-1-1"]:
                break
            await asyncio.sleep(0.005)
        assert await cluster.backend.strangers() == ["flowbatch-ffffffffffff-1-1"]

    market.run(story())


def test_placements_without_a_machine_are_lost(market, tmp_path):
    async def story():
        cluster = await market.cluster().start(running=[key(3)])
        assert [fact.job_id for fact in cluster.facts(NodeLost)] == [3]
        await cluster.backend.launch(message(tmp_path, "true", 4, machine=f"flowbatch-{STORE}-4-1"))
        await cluster.backend.stop(key(5), "cancelled")
        await cluster.backend.forget(key(3))
        assert [fact.job_id for fact in cluster.facts(NodeLost)] == [3, 4, 5]

    market.run(story())


def test_a_market_tells_its_shape_and_its_prices(market):
    async def story():
        cluster = await market.cluster().start()
        kinds = [type(fact).__name__ for fact in cluster.told]
        assert kinds == ["Configured", "MarketSeen"]
        shape, seen = cluster.told
        places = {(node.cloud.instance_type, node.cloud.region) for node in shape.cluster.nodes}
        assert places == set(seen.quotes.quotes)
        assert cluster.backend.cluster == shape.cluster

    market.run(story())
