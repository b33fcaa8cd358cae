"""The backend against the sandbox's own market, over real connections; every request is held against the published specification."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from flowbatch.backends.mithril.account import Account
from flowbatch.backends.mithril.api import Api
from flowbatch.backends.mithril.backend import MithrilBackend
from flowbatch.core.events import BidCharged, BidGone, BidKept, BidLeaving, BidLost, BidPlaced, BidWon
from flowbatch.spec.policy import MarketPolicy
from tests.backends.mithril.pretended import QUICK, STORE, Cluster, FakeMachine, tender, until
from tests.sandbox.web.conftest import DATA, Asker, Specification

REGION, TYPE = "us-central2-a", "h100-80gb.sxm.8x"
LIMIT = 24_000_000


class Held(httpx.AsyncHTTPTransport):
    """Real connections for requests that the specification knows."""

    def __init__(self, specification: Specification) -> None:
        super().__init__()
        self.specification = specification
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        operation = self.specification.operation(request.method, request.url.path)
        assert operation is not None, f"not published: {request.method} {request.url.path}"
        body = json.loads(request.content) if request.content else None
        self.specification.check_request(operation, dict(request.url.params), body)
        return await super().handle_async_request(request)


class AtHome(Cluster):
    """A backend of the sandbox's market."""

    def __init__(self, asker: Asker, directory: Path) -> None:
        self.asker = asker
        self.told, self.heard = [], []
        self.directory = directory
        asker.loop.run_until_complete(asker.serve())
        account = Account(str(asker._http.base_url), SecretStr(asker.key), asker.project)
        self.transport = Held(asker.specification)
        self.backend = MithrilBackend(
            "sandbox", account, MarketPolicy(), directory, STORE, tempo=QUICK,
            api=Api(account, QUICK, transport=self.transport),
            machines=lambda rental: FakeMachine(rental, self.heard),
        )  # fmt: skip

    def run(self, story) -> None:
        async def whole():
            try:
                await story
            finally:
                await self.backend.close()

        self.asker.loop.run_until_complete(asyncio.wait_for(whole(), 60))

    async def control(self, path: str, /, **body) -> None:
        answer = await self.asker._http.post(f"/sandbox/{path}", json=body, headers={"Authorization": "Bearer secret"})
        assert answer.status_code < 300, answer.text

    async def passes(self, seconds: int) -> None:
        """So much of the market's time, and its machines have done what they must."""
        await self.control("time", advance_s=seconds)
        await self.asker.driver.settle()

    async def ledger(self) -> dict[str, int]:
        answer = await self.asker._http.get("/sandbox/ledger", headers={"Authorization": "Bearer secret"})
        return {row["bid"]: row["micro_usd"] for row in answer.json()["bids"]}


@pytest.fixture
def sandbox(tmp_path: Path):
    asker = Asker(Specification((DATA / "mithril" / "openapi.json").read_text()), tmp_path / "volumes")
    yield AtHome(asker, tmp_path / "cluster")
    asker.close()


def offer(job_id: int = 7, **changes):
    return tender(job_id, region=REGION, instance_type=TYPE, limit_micro_usd=LIMIT, **changes)


def test_a_bid_from_its_placing_to_its_bill(sandbox):
    async def story():
        await sandbox.start()
        await sandbox.backend.place(offer())
        await until(lambda: sandbox.facts(BidPlaced))
        await sandbox.passes(130)
        await until(lambda: [word for word in sandbox.heard if word[0] == "at"])
        await sandbox.passes(3600)
        await until(lambda: sandbox.facts(BidCharged))
        name = str(offer().key)
        await sandbox.control("preempt", bid=name)
        await until(lambda: sandbox.facts(BidLeaving))
        await sandbox.passes(310)
        await until(lambda: sandbox.facts(BidLost))
        await sandbox.passes(130)
        await until(lambda: len(sandbox.facts(BidWon)) == 2)
        await sandbox.backend.withdraw(offer().key)
        await until(lambda: [fact for fact in sandbox.facts(BidCharged) if fact.final])
        (paid,) = (await sandbox.ledger()).values()
        assert sandbox.facts(BidCharged)[-1].micro_usd == paid > 0

    sandbox.run(story())
    assert sandbox.words() == ["BidPlaced", "BidWon", "BidLeaving", "BidLost", "BidWon", "BidGone"]
    now = sandbox.facts(BidLeaving)[0]
    assert 290 <= now.until - now.at <= 301, "by our clock, whatever the market's shows"


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "cut", "method": "POST"}, {"kind": "drop", "method": "POST"}, {"kind": "status", "status": 429, "count": 3},
        {"kind": "status", "status": 503, "count": 5}, {"kind": "cut", "count": 4, "spare": 1},
        {"kind": "stale", "path": "/v2/spot/bids*", "count": 6}, {"kind": "skew", "seconds": 7200, "count": 2, "spare": 1},
        {"kind": "cut", "method": "DELETE", "count": 2},
    ],
    ids=lambda fault: "-".join(str(value) for value in fault.values()),
)  # fmt: skip
def test_weather_makes_no_second_bid_and_no_wrong_bill(sandbox, fault):
    async def story():
        await sandbox.start()
        await sandbox.control("faults", **fault)
        await sandbox.backend.place(offer())
        await until(lambda: sandbox.facts(BidPlaced))
        await sandbox.passes(130)
        await until(lambda: sandbox.facts(BidWon))
        await sandbox.passes(600)
        await sandbox.backend.withdraw(offer().key)
        await until(lambda: [fact for fact in sandbox.facts(BidCharged) if fact.final], 30)
        bills = await sandbox.ledger()
        assert len(bills) == 1
        assert sandbox.facts(BidCharged)[-1].micro_usd == sum(bills.values())

    sandbox.run(story())
    assert sandbox.words() == ["BidPlaced", "BidWon", "BidGone"]


def test_a_notice_that_is_withdrawn(sandbox):
    async def story():
        await sandbox.start()
        await sandbox.backend.place(offer())
        await until(lambda: sandbox.facts(BidPlaced))
        await sandbox.passes(130)
        await until(lambda: sandbox.facts(BidWon))
        await sandbox.control("price", instance_type=TYPE, region=REGION, price="$30.00")
        await sandbox.passes(120)
        await until(lambda: sandbox.facts(BidLeaving))
        await sandbox.control("price", instance_type=TYPE, region=REGION, price=None)
        await sandbox.passes(120)
        await until(lambda: sandbox.facts(BidKept))

    sandbox.run(story())
    assert [word[0] for word in sandbox.heard if word[0] in ("leave", "stay")] == ["leave", "stay"]


def test_a_price_below_the_floor_is_refused_in_words(sandbox):
    async def story():
        await sandbox.start()
        await sandbox.backend.place(tender(region=REGION, instance_type=TYPE, limit_micro_usd=10_000))
        await until(lambda: sandbox.facts())

    sandbox.run(story())
    assert [type(fact).__name__ for fact in sandbox.facts()] == ["BidRefused"]
    assert "price" in sandbox.facts()[0].why


def test_an_ended_bid_in_the_console(sandbox):
    async def story():
        await sandbox.start()
        await sandbox.backend.place(offer())
        await until(lambda: sandbox.facts(BidPlaced))
        fid = sandbox.facts(BidPlaced)[0].fid
        headers = {"Authorization": f"Bearer {sandbox.asker.key}"}
        await sandbox.asker._http.delete(f"/v2/spot/bids/{fid}", headers=headers)
        await until(lambda: sandbox.facts(BidGone))
        await until(lambda: [fact for fact in sandbox.facts(BidCharged) if fact.final])

    sandbox.run(story())
    assert sandbox.facts(BidCharged)[-1].micro_usd == 0


def test_every_endpoint_of_the_client_is_answered_as_published(sandbox):
    """The typed client over the whole market: a word that no model knows, or a shape that has changed, shows here."""

    async def story():
        client, project = sandbox.backend._desk.client, sandbox.asker.project
        assert (await client.me()).fid.startswith("user_")
        assert [one.fid for one in await client.projects()] == [project]
        types, auctions = await client.instance_types(), await client.availability()
        assert {one.instance_type for one in auctions} <= {one.fid for one in types}
        one = next(auction for auction in auctions if auction.region == REGION)
        assert (await client.current_prices(one.instance_type, REGION)).spot_price_cents
        assert (await client.price_history([one.instance_type], REGION)).series
        assert await client.image_versions()
        assert await client.quotas(project)
        volume = await client.create_volume(project, "data", REGION, 10)
        assert [each.name for each in await client.volumes(project, REGION)] == ["data"]
        await client.delete_volume(volume.fid)
        script = await client.create_lifecycle_script(project, "hello", "#!/bin/bash\n")
        assert [each.fid for each in await client.lifecycle_scripts(project)] == [script.fid]
        await client.delete_lifecycle_script(script.fid)
        key = await client.create_ssh_key(
            project, "k", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGc2rgsv2VnYUi2MrhfjEFkrLN+Pt1Ck5w7hWGkoMXRM me"
        )
        await client.delete_ssh_key(key.fid)

    sandbox.run(story())
