"""The backend against the sandbox's own market."""

from __future__ import annotations

import pytest

from flowbatch.core.events import BidCharged, BidGone, BidKept, BidLeaving, BidLost, BidPlaced, BidWon
from tests.backends.mithril.athome import REGION, TYPE
from tests.backends.mithril.pretended import until


@pytest.fixture
def cluster(sandbox):
    return sandbox.cluster()


def test_a_bid_from_its_placing_to_its_bill(sandbox, cluster):
    async def story():
        await cluster.start()
        await cluster.backend.place(sandbox.offer())
        await until(lambda: cluster.facts(BidPlaced))
        await sandbox.passes(130)
        await until(lambda: [word for word in cluster.heard if word[0] == "at"])
        await sandbox.passes(3600)
        await until(lambda: cluster.facts(BidCharged))
        name = str(sandbox.offer().key)
        await sandbox.control("preempt", bid=name)
        await until(lambda: cluster.facts(BidLeaving))
        await sandbox.passes(310)
        await until(lambda: cluster.facts(BidLost))
        await sandbox.passes(130)
        await until(lambda: len(cluster.facts(BidWon)) == 2)
        await cluster.backend.withdraw(sandbox.offer().key)
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final])
        assert cluster.facts(BidCharged)[-1].micro_usd == await sandbox.paid() > 0

    sandbox.run(story())
    assert cluster.words() == ["BidPlaced", "BidWon", "BidLeaving", "BidLost", "BidWon", "BidGone"]
    now = cluster.facts(BidLeaving)[0]
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
def test_weather_makes_no_second_bid_and_no_wrong_bill(sandbox, cluster, fault):
    async def story():
        await cluster.start()
        await sandbox.control("faults", **fault)
        await cluster.backend.place(sandbox.offer())
        await until(lambda: cluster.facts(BidPlaced))
        await sandbox.passes(130)
        await until(lambda: cluster.facts(BidWon))
        await sandbox.passes(600)
        await cluster.backend.withdraw(sandbox.offer().key)
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final], 30)
        assert len(await sandbox.ledger()) == 1
        assert cluster.facts(BidCharged)[-1].micro_usd == await sandbox.paid()

    sandbox.run(story())
    assert cluster.words() == ["BidPlaced", "BidWon", "BidGone"]


def test_a_notice_that_is_withdrawn(sandbox, cluster):
    async def story():
        await cluster.start()
        await cluster.backend.place(sandbox.offer())
        await until(lambda: cluster.facts(BidPlaced))
        await sandbox.passes(130)
        await until(lambda: cluster.facts(BidWon))
        await sandbox.control("price", instance_type=TYPE, region=REGION, price="$30.00")
        await sandbox.passes(120)
        await until(lambda: cluster.facts(BidLeaving))
        await sandbox.control("price", instance_type=TYPE, region=REGION, price=None)
        await sandbox.passes(120)
        await until(lambda: cluster.facts(BidKept))

    sandbox.run(story())
    assert [word[0] for word in cluster.heard if word[0] in ("leave", "stay")] == ["leave", "stay"]


def test_a_price_below_the_floor_is_refused_in_words(sandbox, cluster):
    async def story():
        await cluster.start()
        await cluster.backend.place(sandbox.offer(limit_micro_usd=10_000))
        await until(lambda: cluster.facts())

    sandbox.run(story())
    assert [type(fact).__name__ for fact in cluster.facts()] == ["BidRefused"]
    assert "price" in cluster.facts()[0].why


def test_an_ended_bid_in_the_console(sandbox, cluster):
    async def story():
        await cluster.start()
        await cluster.backend.place(sandbox.offer())
        await until(lambda: cluster.facts(BidPlaced))
        await sandbox.end(str(sandbox.offer().key))
        await until(lambda: cluster.facts(BidGone))
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final])

    sandbox.run(story())
    assert cluster.facts(BidCharged)[-1].micro_usd == 0


def test_every_endpoint_of_the_client_is_answered_as_published(sandbox, cluster):
    """The typed client over the whole market: a word that no model knows, or a shape that has changed, shows here."""

    async def story():
        client, project = cluster.backend._desk.client, sandbox.project
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
