"""Asking: what is asked again and what is not, whose words an error has, and that no key is ever seen."""

from __future__ import annotations

import asyncio
import logging
import traceback
from email.utils import formatdate

import httpx
import pytest

from flowbatch.backends.mithril import wire
from flowbatch.backends.mithril.account import Account, Secret, without_keys
from flowbatch.backends.mithril.api import Api, Declined, Unanswered
from flowbatch.errors import ConfigError, MarketAway, MarketFailed
from flowbatch.units import HOUR

KEY = "fkey_0123456789abcdefSECRET"
NEW_BID = wire.NewBid(
    project="proj_1", region="us-central1-a", name="flowbatch-s-1-1", instance_quantity=1, limit_price="$8.00",
    launch_specification=wire.LaunchSpecification(ssh_keys=("sshkey_1",), startup_script="#!/bin/bash\necho fkey_inside"),
    instance_type="it_5ECSoHQjLBzrp5YM",
)  # fmt: skip


def test_the_body_of_a_bid_is_the_vendors(market, client):
    asyncio.run(client.create_bid(NEW_BID))
    (asked, body), headers = market.asked[0], market.headers[0]
    assert asked == "POST /v2/spot/bids"
    assert body == {
        "project": "proj_1", "region": "us-central1-a", "name": "flowbatch-s-1-1", "instance_quantity": 1,
        "limit_price": "$8.00", "instance_type": "it_5ECSoHQjLBzrp5YM",
        "launch_specification": {
            "ssh_keys": ["sshkey_1"], "startup_script": "#!/bin/bash\necho fkey_inside", "volumes": [],
        },
    }  # fmt: skip
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["idempotency-key"] == "flowbatch-s-1-1"
    assert headers["user-agent"].startswith("flowbatch/")


@pytest.mark.parametrize("fault", ["away", "lost", 429, 500, 503])
def test_a_get_is_asked_again(market, client, fault):
    market.fail("GET /v2/projects", fault, fault)
    assert [project.name for project in asyncio.run(client.projects())] == ["main"]
    assert len(market.asked) == 3
    ids = [headers["x-client-request-id"] for headers in market.headers]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("fault", ["lost", 500, 502, 504, 408])
def test_a_bid_that_may_have_arrived_is_not_sent_again(market, client, fault):
    market.fail("POST /v2/spot/bids", fault)
    with pytest.raises(Unanswered):
        asyncio.run(client.create_bid(NEW_BID))
    assert len(market.asked) == 1


@pytest.mark.parametrize("fault", ["away", 429])
def test_a_bid_that_did_not_arrive_is_sent_again(market, client, fault):
    market.fail("POST /v2/spot/bids", fault)
    asyncio.run(client.create_bid(NEW_BID))
    assert len(market.asked) == 2


def test_a_market_that_never_answers_is_away(market, client):
    market.down = True
    with pytest.raises(MarketAway, match="GET /v2/projects: All connection attempts failed"):
        asyncio.run(client.projects())
    assert len(market.asked) == 4


def test_more_patience_than_reasonable_is_not_had(market, client):
    market.fail("GET /v2/projects", 429, headers={"Retry-After": "3600"})
    with pytest.raises(MarketAway, match="too many requests"):
        asyncio.run(client.projects())
    assert len(market.asked) == 1


@pytest.mark.parametrize("said", ["1", formatdate(1_000_000_001, usegmt=True)])
def test_retry_after_is_obeyed(market, account, monkeypatch, said):
    waits = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        await real(0)

    class Then:
        def now(self):
            return 1_000_000_000

    async def go():
        api = Api(account, clock=Then(), transport=httpx.MockTransport(market.handle))
        market.fail("GET", 429, headers={"Retry-After": said})
        monkeypatch.setattr(asyncio, "sleep", sleep)
        await api.ask("GET", "/v2/projects")

    asyncio.run(go())
    assert max(waits) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"detail": "limit price below minimum"}, "limit price below minimum"),
        (
            {"detail": [{"loc": ["body", "name"], "msg": "too long", "type": "x", "input": "fkey_x"}]},
            "body.name: too long",
        ),
        ({"error": "strange"}, "{'error': 'strange'}"),
        ("plain", "plain"),
        ({"detail": "no key fkey_abcdef here"}, "no key fkey_*** here"),
    ],
)
def test_the_markets_own_words(market, client, body, words):
    market.fail("POST", 400, body=body, headers={"x-request-id": "r-17"})
    with pytest.raises(Declined) as caught:
        asyncio.run(client.create_bid(NEW_BID))
    error = caught.value
    assert isinstance(error, MarketFailed)
    assert (error.status, error.words, error.request_id) == (400, words, "r-17")
    assert error.message == f"the market refused POST /v2/spot/bids: {words} (request r-17)"


@pytest.mark.parametrize("status", [301, 401, 402, 403, 404, 409, 422, 501])
def test_a_no_is_a_no(market, client, status):
    market.fail("GET", status)
    with pytest.raises(Declined, match=f"fault {status}"):
        asyncio.run(client.projects())
    assert len(market.asked) == 1


def test_an_answer_in_other_words_is_no_answer(market, client):
    market.fail("GET", 200, body=[{"fid": 7, "name": ["fkey_inside"]}])
    with pytest.raises(MarketAway, match=r"0\.fid: Input should be a valid string") as caught:
        asyncio.run(client.projects())
    assert "fkey_inside" not in str(caught.value)
    market.fail("POST", 201, body={"name": "half"})
    with pytest.raises(Unanswered):
        asyncio.run(client.create_bid(NEW_BID))


def test_all_pages_and_the_exact_name(market, client):
    market.page = 2
    for n in range(5):
        market.add_bid(f"b-{n}", "Terminated" if n == 3 else "Open")
    assert [bid.name for bid in asyncio.run(client.bids("p"))] == ["b-4", "b-3", "b-2", "b-1", "b-0"]
    assert [bid.name for bid in asyncio.run(client.bids("p", status="Terminated"))] == ["b-3"]
    assert [bid.name for bid in asyncio.run(client.bids("p", name="b-2"))] == ["b-2"]


def test_a_listing_without_end_is_given_up(market, client, monkeypatch):
    monkeypatch.setattr("flowbatch.backends.mithril.client.MOST_PAGES", 3)
    market.page = 1
    for n in range(5):
        market.add_bid(f"b-{n}")
    with pytest.raises(MarketAway, match="no end"):
        asyncio.run(client.bids("p"))


def test_a_strange_status_spoils_no_listing(market, client):
    market.add_bid("b-1", "Dreaming")
    market.add_bid("b-2")
    bids = asyncio.run(client.bids("p"))
    assert [(bid.status, wire.strange(bid.status)) for bid in bids] == [("Open", False), ("Dreaming", True)]


def test_the_markets_clock_is_translated(market, client):
    market.skew_s = HOUR

    async def go():
        await client.projects()
        await client.projects()
        key = await client.create_api_key("k", 1_000_000_000)
        return key, client.instant(key.expires_at)

    key, ours = asyncio.run(go())
    assert abs(wire.instant(key.expires_at) - 1_000_000_000 - HOUR) <= 1
    assert ours == 1_000_000_000


def test_clocks_that_nearly_agree_are_left_alone(market, client, api):
    market.skew_s = 5

    async def go():
        for _ in range(3):
            await client.projects()
        assert api.ahead_s == 0
        for skew_s in (-3600, 5):
            market.skew_s = skew_s
            await client.projects()
            assert api.ahead_s == 0, "one answer with another date"

    asyncio.run(go())


@pytest.mark.parametrize(
    ("url", "words"),
    [("http://api.mithril.ai", "unencrypted"), ("http://10.0.0.1:80", "unencrypted"), ("ftp://x", "not the address"), ("x", "not")],
)  # fmt: skip
def test_where_a_key_is_not_sent(url, words):
    with pytest.raises(ConfigError, match=words):
        Account(url, Secret(KEY), "main")


@pytest.mark.parametrize(
    "url", ["https://api.mithril.ai", "http://127.0.0.2:8931", "http://[::1]:80", "http://localhost:1"]
)
def test_where_it_is_sent(url):
    assert Account(url, Secret(KEY), "main").loopback == (not url.startswith("https"))


def test_no_key_is_ever_seen(market, account, caplog):
    """Not in what is logged at any level, said by an error or shown by a traceback."""
    caplog.set_level(logging.DEBUG)
    seen = [repr(account), str(account), repr(NEW_BID)]

    async def go():
        for fault in ("away", "lost", 500, 401):
            api = Api(account, transport=httpx.MockTransport(market.handle))
            seen.append(repr(api))
            market.faults.clear()
            market.fail("POST", fault, fault, fault, fault, body={"detail": f"bad key {KEY}"})
            try:
                await api.ask("POST", "/v2/api-keys", body={"name": "n"})
            except (MarketAway, MarketFailed):
                seen.append(traceback.format_exc())
            await api.close()

    asyncio.run(go())
    seen += [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
    assert len(seen) > 8
    assert not [text for text in seen if "SECRET" in text or "fkey_inside" in text]
    assert without_keys(f"x {KEY}, y") == "x fkey_***, y"
