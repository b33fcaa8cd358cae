"""Bids on a market that fails in every way: one bid a name, facts once, no bill without its record."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import httpx
import pytest

from flowbatch.backends.mithril.wire import stamp
from flowbatch.core.events import (
    BidCharged,
    BidGone,
    BidKept,
    BidLeaving,
    BidLost,
    BidPlaced,
    BidRefused,
    BidWon,
    Configured,
    MarketSeen,
    NodeLost,
)
from flowbatch.errors import MarketAway, MarketFailed
from flowbatch.spec.market import MarketTerms
from flowbatch.units import DAY
from tests.backends.mithril.pretended import (
    A100,
    EAST,
    PROJECT,
    QUICK,
    STORE,
    WEST,
    Cluster,
    instance_type,
    tender,
    until,
)
from tests.node.jobs import key, message

NAME = f"flowbatch-{STORE}-7-1"


def run(story):
    """The story of one backend, which is closed at its end."""

    def told(cluster, *arguments):
        async def whole():
            try:
                await story(cluster, *arguments)
            finally:
                await cluster.backend.close()

        asyncio.run(whole())

    return told


# placing


def test_a_bid_is_placed_once_with_its_key_and_lease(market, cluster):
    one = tender()

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(one)
        await cluster.backend.place(one)
        await until(lambda: cluster.facts(BidPlaced))

    story(cluster)
    (bid,), (minted,), (ssh_key,) = market.bids.values(), market.keys.values(), market.ssh_keys
    assert [type(fact) for fact in cluster.facts()] == [BidPlaced]
    assert cluster.facts()[0].fid == bid["fid"]
    script = bid["launch_specification"].pop("startup_script")
    (body,) = [body for asked, body in market.asked if asked == "POST /v2/spot/bids"]
    body["launch_specification"].pop("startup_script", None)
    assert body == {
        "project": PROJECT, "region": WEST, "name": NAME, "instance_quantity": 1, "limit_price": "$8.00",
        "instance_type": A100, "launch_specification": {"volumes": [], "ssh_keys": [ssh_key["fid"]]},
    }  # fmt: skip
    assert market.headers[market.asked.index(("POST /v2/spot/bids", body))]["idempotency-key"] == NAME
    assert script.startswith("#!/bin/bash\n") and minted["secret"] in script
    assert minted["name"] == NAME
    assert minted["expires_at"] == stamp(one.bid.lease_ends_at + 30 * DAY)
    assert ssh_key["public_key"].startswith("ssh-ed25519 ")


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize(
    ("faults", "hidden"),
    [(["lost"], 0), (["lost"], 3), (["away"], 0), ([500], 0), ([503, "lost"], 2), ([429, "lost"], 0), (["lost", "lost"], 0)],
)  # fmt: skip
def test_an_answer_that_is_lost_makes_no_second_bid(market, cluster, faults, hidden, idempotent):
    market.idempotent = idempotent
    market.fail("POST /v2/spot/bids", *faults)

    @run
    async def story(cluster):
        await cluster.start()
        market.hidden = hidden
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))

    story(cluster)
    assert cluster.words() == ["BidPlaced"]
    assert [bid["fid"] for bid in market.live()] == [cluster.facts()[0].fid]
    bodies = [body for asked, body in market.asked if asked == "POST /v2/spot/bids"]
    assert all(body == bodies[0] for body in bodies), "the same bid each time, with the same key"


def test_a_bid_that_shows_late_is_the_only_one_left(market, cluster):
    """The market hid it for longer than it settles, and made a second one: it is ended, and its cost is the job's."""
    market.idempotent = False
    market.fail("POST /v2/spot/bids", "lost")

    @run
    async def story(cluster):
        await cluster.start()
        market.hidden = 8
        await cluster.backend.place(tender())
        await until(lambda: len(market.bids) == 2 and len(market.live()) == 1)
        await until(lambda: cluster.facts(BidPlaced))
        first, second = market.bids
        market.bills = {fid: [_span(3600)] for fid in (first, second)}
        await cluster.backend.withdraw(tender().key)
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final])

    story(cluster)
    assert cluster.words() == ["BidPlaced", "BidGone"]
    assert cluster.facts(BidCharged)[-1].micro_usd == 2 * 4_000_000


def test_a_no_is_told_in_the_markets_words(market, cluster):
    market.fail("POST /v2/spot/bids", 400, body={"detail": "limit price below minimum"})

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts() and not market.keys)

    story(cluster)
    (fact,) = cluster.facts()
    assert fact == BidRefused(fact.at, 7, 1, "limit price below minimum")


def test_a_bid_that_was_refused_is_not_sent_again_when_its_key_cannot_be_deleted(market, cluster):
    """Told once, as the last thing: the queue makes another bid then, and knows nothing of this one."""
    market.fail("POST /v2/spot/bids", 400, body={"detail": "limit price below minimum"})
    market.fail("DELETE /v2/api-keys", 403)

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidRefused, BidPlaced))
        sent = market.count("POST /v2/spot/bids")
        looks = market.count("GET /v2/spot/availability")
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 2)
        assert market.count("POST /v2/spot/bids") == sent
        assert len(cluster.words()) == 1, "refused, or placed: never the one after the other"

    story(cluster)


def test_one_machine_or_bill_that_cannot_be_asked_about_holds_up_no_other(market, cluster):
    @run
    async def story(cluster):
        first, second = market.add_bid(NAME), market.add_bid(f"flowbatch-{STORE}-8-1")
        tenders = [tender(job, phase="won", fid=bid["fid"]) for job, bid in ((7, first), (8, second))]
        for bid in (first, second):
            market.win(bid)
            market.bills[bid["fid"]] = [_span(3600)]
        market.fail(f"GET /v2/instances/pricing/history?project={PROJECT}&bid_fid={first['fid']}", *[404] * 5000)
        market.fail(f"GET /v2/instances/{first['instances'][0]}/status", *[404] * 5000)
        await cluster.start(*tenders)
        await until(lambda: any(fact.job_id == 8 for fact in cluster.facts(BidCharged)))
        market.notice(first, stamp(int(time.time()) + 300))
        market.notice(second, stamp(int(time.time()) + 300))
        await until(lambda: {fact.job_id for fact in cluster.facts(BidLeaving)} == {7, 8})

    story(cluster)


def test_a_name_that_is_taken_is_ours(market, cluster):
    market.fail("POST /v2/spot/bids", 400, body={"detail": "Bid name already used"})

    @run
    async def story(cluster):
        await cluster.start()
        market.hidden = 3
        there = market.add_bid(NAME)
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))
        assert cluster.facts()[0].fid == there["fid"]

    story(cluster)


def test_a_key_that_is_not_accepted_is_not_the_bids_fault(market, cluster):
    market.fail("POST /v2/spot/bids", 401, 401)

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts())

    story(cluster)
    assert cluster.words() == ["BidPlaced"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"region": EAST, "instance_type": "h100-80gb.sxm.8x"}, "h100-80gb.sxm.8x is not offered in us-east1-a"),
     ({"terms": MarketTerms(volumes=("data:/data",))}, "no volume data in us-central1-a")],
)  # fmt: skip
def test_what_the_market_does_not_have_is_not_asked_for(market, cluster, changes, words):
    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender(**changes))
        await until(lambda: cluster.facts())

    story(cluster)
    assert cluster.facts(BidRefused)[0].why == words
    assert not market.count("POST /v2/spot/bids")


def test_volumes_are_found_by_name(market, cluster):
    market.volumes = [
        {
            "fid": "vol_1",
            "name": "data",
            "region": WEST,
            "capacity_gb": 10,
            "interface": "Block",
            "created_at": stamp(0),
        }
    ]

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender(terms=MarketTerms(volumes=("data:/data",))))
        await until(lambda: cluster.facts(BidPlaced))

    story(cluster)
    assert market.bid_named(NAME)["launch_specification"]["volumes"] == ["vol_1"]


# after a restart


@pytest.mark.parametrize(
    ("phase", "status", "words"),
    [
        ("asked", "Open", ["BidPlaced"]), ("asked", "Allocated", ["BidPlaced", "BidWon"]), ("open", "Open", []),
        ("open", "Allocated", ["BidWon"]), ("open", "Terminated", ["BidGone"]), ("asked", "Terminated", ["BidGone"]),
        ("won", "Allocated", []), ("won", "Terminated", ["BidGone"]), ("won", None, ["BidGone"]), ("open", None, ["BidGone"]),
        ("leaving", "Allocated", ["BidKept"]), ("leaving", "Preempting", []),
        ("won", "Preempting", ["BidLeaving"]), ("withdrawn", "Terminated", ["BidGone"]), ("asked", None, []),
    ],
)  # fmt: skip
def test_what_became_of_each_bid_is_told_before_start_returns(market, cluster, phase, status, words):
    bid = market.add_bid(NAME, status) if status else None
    if status in ("Allocated", "Preempting"):
        market.win(bid)
    if status == "Preempting":
        market.notice(bid, stamp(2_000_000_000))
    known = None if phase == "asked" else bid["fid"] if bid else "bid_of_old"
    at = {"leaves_at": 2_000_000_000} if phase == "leaving" else {}

    @run
    async def story(cluster):
        await cluster.start(tender(phase=phase, fid=known, **at))
        assert cluster.words() == words

    story(cluster)
    assert not market.count("POST /v2/spot/bids")


def test_a_run_on_a_machine_that_said_so_itself_is_not_told_that_it_stays(market, cluster):
    """After a restart: the market has not noticed yet, and the machine has not been heard."""
    bid = market.add_bid(NAME, "Allocated")
    market.win(bid)

    @run
    async def story(cluster):
        await cluster.start(tender(phase="leaving", fid=bid["fid"], leaves_at=2_000_000_000), running=[key(7)])
        await until(lambda: ("at", "localhost:2222") in cluster.heard)
        assert not cluster.facts(BidKept)
        cluster.machines[-1].warn(None)
        await until(lambda: cluster.facts(BidKept))

    story(cluster)


def test_a_bid_that_was_perhaps_sent_is_looked_for_before_it_is_sent(market, cluster):
    @run
    async def story(cluster):
        await cluster.start(tender(phase="asked"))
        assert not cluster.facts()
        looks = market.count(f"GET /v2/spot/bids?project={PROJECT}&name={NAME}")
        market.hidden = 3
        market.add_bid(NAME)
        await cluster.backend.place(tender(phase="asked"))
        await until(lambda: cluster.facts())
        assert market.count(f"GET /v2/spot/bids?project={PROJECT}&name={NAME}") > looks + 1

    story(cluster)
    assert cluster.words() == ["BidPlaced"]
    assert not market.count("POST /v2/spot/bids")


def test_a_bid_that_is_gone_and_unpaid_gets_its_bill(market, cluster):
    bid = market.add_bid(NAME, "Terminated")
    market.bills[bid["fid"]] = [_span(1800), _span(900, cents=800)]

    @run
    async def story(cluster):
        await cluster.start(tender(phase="gone", fid=bid["fid"], spent_micro_usd=5))
        await until(lambda: cluster.facts())

    story(cluster)
    assert [(fact.micro_usd, fact.final) for fact in cluster.facts()] == [(4_000_000, True)]


def test_a_market_that_is_away_is_said_and_the_cluster_is_known_all_the_same(market, account, tmp_path):
    async def first(cluster):
        await cluster.start()

    run(first)(Cluster(account, tmp_path, httpx.MockTransport(market.handle)))
    market.down = True

    async def second(cluster):
        with pytest.raises(MarketAway):
            await cluster.start(tender(phase="open", fid="bid_x"))
        (known,) = cluster.facts(Configured)
        assert {node.cloud.instance_type for node in known.cluster.nodes} == {"a100-80gb.sxm.8x", "h100-80gb.sxm.8x"}
        assert cluster.backend.cluster == known.cluster
        market.down = False
        await cluster.backend.start(cluster.tell, ())
        assert cluster.facts(Configured) == [known]
        assert cluster.words() == ["BidGone"]

    run(second)(Cluster(account, tmp_path, httpx.MockTransport(market.handle)))


def test_another_policy_is_told_to_the_queue_at_once(cluster):
    @run
    async def story(cluster):
        await cluster.start()
        policy = cluster.backend.cluster.market
        other = policy.model_copy(update={"placements": 3, "grace_s": 1})
        before = len(cluster.facts(Configured))
        cluster.backend.adopt(policy)
        cluster.backend.adopt(other)
        await until(lambda: len(cluster.facts(Configured)) > before)
        (*_, told) = cluster.facts(Configured)
        assert len(cluster.facts(Configured)) == before + 1
        assert told.cluster.market == policy.model_copy(update={"placements": 3})
        assert told.cluster == cluster.backend.cluster and told.cluster.nodes

    story(cluster)


def test_a_project_that_is_not_there(market, account, tmp_path):
    async def story(cluster):
        with pytest.raises(MarketFailed, match="no project other") as caught:
            await cluster.start()
        assert caught.value.hint == "there are: main"

    run(story)(Cluster(replace(account, project="other"), tmp_path, httpx.MockTransport(market.handle)))


# what looks show


def test_the_life_of_a_bid_with_a_machine(market, cluster):
    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))
        bid = market.bid_named(NAME)
        market.win(bid, destination=None)
        await until(lambda: cluster.facts(BidWon))
        assert not cluster.heard
        await cluster.backend.launch(message(cluster.directory, "true", 7, machine=NAME))
        market.win(bid)
        await until(lambda: ("at", "localhost:2222") in cluster.heard)
        market.notice(bid, stamp(2_000_000_000))
        await until(lambda: cluster.facts(BidLeaving))
        market.notice(bid, stamp(2_000_000_100))
        await until(lambda: len(cluster.facts(BidLeaving)) == 2)
        market.win(bid)
        await until(lambda: cluster.facts(BidKept))
        market.notice(bid, stamp(time.time()))
        await until(lambda: len(cluster.facts(BidLeaving)) == 3)
        market.lose(bid)
        await until(lambda: cluster.facts(BidLost))
        market.win(bid)
        await until(lambda: len(cluster.facts(BidWon)) == 2)
        await until(lambda: cluster.machine_words()[-1] == "at")

    story(cluster)
    assert cluster.words() == [
        "BidPlaced", "BidWon", "BidLeaving", "BidLeaving", "BidKept", "BidLeaving", "BidLost", "BidWon",
    ]  # fmt: skip
    assert [fact.until for fact in cluster.facts(BidLeaving)][:2] == [2_000_000_000, 2_000_000_100]
    assert cluster.machine_words() == [
        "start", "launch", "at", "leave", "leave", "stay", "leave", "lost", "close", "start", "at", "close",
    ]  # fmt: skip


def test_a_machine_s_own_word_is_told_before_the_market_shows_it(market, cluster):
    """And is forgotten with the machine: the next one has said nothing."""

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))
        bid = market.bid_named(NAME)
        market.win(bid)
        await until(lambda: cluster.machines)
        cluster.machines[-1].warn(2_000_000_000)
        await until(lambda: cluster.facts(BidLeaving))
        cluster.machines[-1].warn(None)
        await until(lambda: cluster.facts(BidKept))
        cluster.machines[-1].warn(int(time.time()))
        await until(lambda: len(cluster.facts(BidLeaving)) == 2)
        market.lose(bid)
        await until(lambda: cluster.facts(BidLost))
        market.win(bid)
        await until(lambda: len(cluster.facts(BidWon)) == 2)

    story(cluster)
    assert cluster.words() == [
        "BidPlaced", "BidWon", "BidLeaving", "BidKept", "BidLeaving", "BidLost", "BidWon",
    ]  # fmt: skip
    assert cluster.facts(BidLeaving)[0].until == 2_000_000_000
    assert [word for word in cluster.machine_words() if word in ("leave", "stay", "lost")] == [
        "leave", "stay", "leave", "lost",
    ]  # fmt: skip


def test_the_key_of_the_script_is_replaced_once_the_machine_is_there(market, cluster):
    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))
        (first,) = market.keys.values()
        market.fail("DELETE /v2/api-keys", 500, 500, 500, 500, 500)
        market.win(market.bid_named(NAME))
        await until(lambda: first["fid"] not in market.keys)
        (second,) = market.keys.values()
        assert cluster.heard[-1] == ("rotate", second["fid"])
        (directory,) = (cluster.directory / "machines").iterdir()
        await until((directory / "rotated").exists)
        await cluster.backend.withdraw(tender().key)
        await until(lambda: not market.keys)

    story(cluster)


def test_another_instance_is_another_machine(market, cluster):
    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))
        bid = market.bid_named(NAME)
        market.win(bid, "one:1")
        await until(lambda: ("at", "one:1") in cluster.heard)
        (directory,) = (cluster.directory / "machines").iterdir()
        (directory / "host_key").write_text("of the first")
        market.instances.pop(bid["instances"].pop())
        market.win(bid, "two:2")
        await until(lambda: ("at", "two:2") in cluster.heard)
        assert not (directory / "host_key").exists()

    story(cluster)
    assert cluster.machine_words() == ["start", "at", "lost", "close", "start", "at", "close"]


def test_one_look_into_the_past_is_not_believed(market, cluster):
    """A false loss would start a running job elsewhere."""

    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        market.win(bid)
        await cluster.start(tender(phase="won", fid=bid["fid"]))
        looks = market.count("GET /v2/spot/availability")
        bid["status"] = "Open"
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 1)
        bid["status"] = "Allocated"
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 4)
        assert not cluster.facts()
        bid["status"] = "Open"
        await until(lambda: cluster.facts(BidLost))

    # the settling time must outlast the few looks above, however slow this computer is
    cluster.backend._desk.tempo = replace(QUICK, settle_s=0.5)
    story(cluster)


def test_a_status_that_no_list_has_changes_nothing(market, cluster):
    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        await cluster.start(tender(phase="open", fid=bid["fid"]))
        bid["status"] = "Dreaming"
        looks = market.count("GET /v2/spot/availability")
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 3)
        assert not cluster.facts()
        bid["status"] = "Terminated"
        await until(lambda: cluster.facts(BidGone))

    story(cluster)


def test_clocks_that_differ(market, cluster):
    market.skew_s = 3600

    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        market.win(bid)
        market.notice(bid, stamp(2_000_003_600))
        await cluster.start(tender(phase="won", fid=bid["fid"]))
        (fact,) = cluster.facts()
        assert fact.until == 2_000_000_000

    story(cluster)


# orders


def test_placements_go_to_the_machine_of_their_bid(market, cluster):
    @run
    async def story(cluster):
        bids = [market.add_bid(f"flowbatch-{STORE}-{job}-1") for job in (7, 8)]
        for bid in bids:
            market.win(bid, f"{bid['name']}:22")
        known = [tender(job, phase="won", fid=bid["fid"]) for job, bid in zip((7, 8), bids, strict=True)]
        await cluster.start(*known, running=[key(7), key(9)])
        assert ("start", NAME, (key(7),)) in cluster.heard
        assert [fact.job_id for fact in cluster.facts(NodeLost)] == [9]
        cluster.heard.clear()
        await cluster.backend.launch(message(cluster.directory, "true", 8, machine=f"flowbatch-{STORE}-8-1"))
        await cluster.backend.stop(key(7), "cancelled")
        await cluster.backend.deliver(key(8), 10, "batch")
        await cluster.backend.forget(key(8))
        assert [word for word in cluster.heard if word[0] not in ("start", "at")] == [
            ("launch", key(8)), ("stop", key(7), "cancelled"), ("deliver", key(8), 10, "batch"), ("forget", key(8)),
        ]  # fmt: skip
        await cluster.backend.launch(message(cluster.directory, "true", 5, machine="flowbatch-x-5-1"))
        assert [fact.job_id for fact in cluster.facts(NodeLost)] == [9, 5]

    story(cluster)


def test_a_change_is_made_once_and_only_where_it_differs(market, cluster):
    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        one = tender(phase="open", fid=bid["fid"], limit_micro_usd=10_000_000)
        await cluster.start(one)
        await cluster.backend.change(one)
        await cluster.backend.change(replace(one, bid=replace(one.bid, limit_micro_usd=12_345_678)))
        await until(lambda: bid["limit_price"] == "$12.34")
        await cluster.backend.change(replace(one, bid=replace(one.bid, limit_micro_usd=12_345_678, paused=True)))
        await until(lambda: bid["status"] == "Paused")
        await cluster.backend.change(replace(one, bid=replace(one.bid, limit_micro_usd=12_345_678)))
        await until(lambda: bid["status"] == "Open")

    story(cluster)
    changes = [body for asked, body in market.asked if asked.startswith("PATCH")]
    assert changes == [{"limit_price": "$12.34"}, {"paused": True}, {"paused": False}]


def test_a_higher_limit_that_the_market_refuses_leaves_the_bid(market, cluster):
    market.fail("PATCH", 400)

    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        await cluster.start(tender(phase="open", fid=bid["fid"]))
        await cluster.backend.change(tender(phase="open", fid=bid["fid"], limit_micro_usd=11_000_000))
        await until(lambda: market.count("PATCH"))
        market.win(bid)
        await until(lambda: cluster.facts(BidWon))

    story(cluster)
    assert market.count("PATCH") == 1


@pytest.mark.parametrize("change", [{"limit_micro_usd": 8_000_000}, {"limit_micro_usd": 10_000_000, "paused": True}])
def test_a_bid_that_could_cost_more_than_is_wished_is_ended(market, cluster, change):
    market.fail("PATCH", 400)

    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        await cluster.start(tender(phase="open", fid=bid["fid"], limit_micro_usd=10_000_000))
        await cluster.backend.change(tender(phase="open", fid=bid["fid"], **change))
        await until(lambda: cluster.facts(BidGone))
        assert not market.live()

    story(cluster)


def test_a_lower_limit_that_is_refused_while_there_is_a_machine_holds_for_the_next_one(market, cluster):
    market.fail("PATCH", 400)

    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        market.win(bid)
        await cluster.start(tender(phase="won", fid=bid["fid"], limit_micro_usd=10_000_000))
        await cluster.backend.change(tender(phase="won", fid=bid["fid"], limit_micro_usd=8_000_000))
        await until(lambda: market.count("PATCH"))
        assert market.live()
        market.lose(bid)
        await until(lambda: bid["limit_price"] == "$8.00")

    story(cluster)


# the end


def _span(seconds, cents=400, end=True):
    return {
        "price_cents": cents,
        "start_time": stamp(1_000_000),
        "end_time": stamp(1_000_000 + seconds) if end else None,
    }


@pytest.mark.parametrize("faults", [[], ["lost"], [500], ["away", 503], [429]])
def test_a_withdrawn_bid_is_gone_and_paid_and_its_key_too(market, cluster, faults):
    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))
        bid = market.bid_named(NAME)
        market.win(bid)
        market.bills[bid["fid"]] = [_span(3600)]
        market.fail("DELETE /v2/spot/bids", *faults)
        await cluster.backend.withdraw(tender().key)
        await cluster.backend.withdraw(tender().key)
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final])
        await until(lambda: not cluster.backend._pursuits)

    story(cluster)
    assert not market.live() and not market.keys
    assert cluster.facts(BidCharged)[-1].micro_usd == 4_000_000
    assert cluster.words()[-1] == "BidGone"


def test_withdrawing_waits_for_a_market_that_is_away(market, cluster):
    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        await cluster.start(tender(phase="open", fid=bid["fid"]))
        market.down = True
        await cluster.backend.withdraw(tender().key)
        asked = len(market.asked)
        await until(lambda: len(market.asked) > asked + 10)
        assert not cluster.facts()
        market.down = False
        await until(lambda: cluster.facts(BidGone))

    story(cluster)
    assert not market.live()


def test_withdrawn_before_it_is_known_whether_it_was_sent(market, cluster):
    market.fail("POST /v2/spot/bids", "lost")

    @run
    async def story(cluster):
        await cluster.start()
        market.hidden = 4
        await cluster.backend.place(tender())
        await until(lambda: market.count("POST /v2/spot/bids"))
        await cluster.backend.withdraw(tender().key)
        await until(lambda: cluster.facts(BidGone))
        await until(lambda: not market.live())

    story(cluster)
    assert market.count("POST /v2/spot/bids") == 1


def test_a_bid_that_somebody_else_ended(market, cluster):
    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        market.win(bid)
        market.bills[bid["fid"]] = [_span(10, end=True)]
        await cluster.start(tender(phase="won", fid=bid["fid"]), running=[key(7)])
        bid["status"] = "Terminated"
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final])

    story(cluster)
    assert cluster.words() == ["BidGone"]
    assert ("lost",) in cluster.heard


def test_a_bill_that_is_still_open_is_not_final(market, cluster):
    @run
    async def story(cluster):
        bid = market.add_bid(NAME, "Terminated")
        still = _span(0) | {"start_time": stamp(time.time() + 60), "end_time": None}
        market.bills[bid["fid"]] = [_span(3600), still]
        await cluster.start(tender(phase="gone", fid=bid["fid"]))
        await until(lambda: market.count("GET /v2/instances/pricing/history") > 4)
        assert not [fact for fact in cluster.facts(BidCharged) if fact.final]
        market.bills[bid["fid"]].pop()
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final])

    story(cluster)


def test_what_a_second_bid_has_cost_is_the_jobs_also_after_a_restart(market, cluster):
    @run
    async def story(cluster):
        bids = [market.add_bid(NAME, "Terminated") for _ in range(2)]
        market.bills = {bid["fid"]: [_span(3600)] for bid in bids}
        await cluster.start(tender(phase="gone", fid=bids[0]["fid"]))
        await until(lambda: [fact for fact in cluster.facts(BidCharged) if fact.final])

    story(cluster)
    assert cluster.facts(BidCharged)[-1].micro_usd == 8_000_000


def test_the_bill_grows_while_it_runs(market, cluster):
    @run
    async def story(cluster):
        bid = market.add_bid(NAME)
        market.win(bid)
        market.bills[bid["fid"]] = [_span(3600), {"price_cents": 1, "start_time": stamp(time.time()), "end_time": None}]
        await cluster.start(tender(phase="won", fid=bid["fid"]))
        await until(lambda: cluster.facts(BidCharged))
        market.bills[bid["fid"]][0] = _span(7200)
        await until(lambda: cluster.facts(BidCharged)[-1].micro_usd >= 8_000_000)

    story(cluster)
    assert not [fact for fact in cluster.facts(BidCharged) if fact.final]


def test_orphans_are_ended_and_strangers_left_alone(market, cluster):
    @run
    async def story(cluster):
        market.add_bid(f"flowbatch-{STORE}-99-1")
        stranger = market.add_bid("flowbatch-ffffffffffff-1-1")
        market.add_bid("somebody")
        await cluster.start()
        await until(lambda: len(market.live()) == 2)
        assert await cluster.backend.strangers() == [stranger["name"]]
        market.add_bid(f"flowbatch-{STORE}-98-2")
        await until(lambda: len(market.live()) == 2)

    story(cluster)


def test_a_fault_of_our_own_leaves_no_bid_alone(market, cluster, monkeypatch):
    faults = iter([KeyError("ours")] * 3)

    async def look(*arguments, **words):
        for fault in faults:
            raise fault
        return await bids(*arguments, **words)

    bids = cluster.backend._desk.client.bids

    @run
    async def story(cluster):
        await cluster.start()
        monkeypatch.setattr(cluster.backend._desk.client, "bids", look)
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))

    story(cluster)


def test_a_second_bid_is_looked_at_until_it_has_ended_and_no_longer(market, cluster):
    @run
    async def story(cluster):
        first, second = market.add_bid(NAME, "Allocated"), market.add_bid(NAME)
        await cluster.start(tender(phase="open", fid=first["fid"]))
        await until(lambda: second["status"] == "Terminated")
        looks, there = market.count("GET /v2/spot/availability"), f"GET /v2/spot/bids/{second['fid']}"
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 2)
        asked = market.count(there)
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 5)
        assert market.count(there) == asked
        assert first["status"] == "Allocated"

    story(cluster)


def test_a_bid_that_was_just_sent_is_not_gone_for_not_being_shown(market, cluster):
    @run
    async def story(cluster):
        await cluster.start(tender(phase="open", fid="bid_new", asked_at=int(time.time()) + 60))
        looks = market.count("GET /v2/spot/availability")
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 2)
        assert not cluster.facts()

    story(cluster)


# prices and calls


def test_a_clock_that_went_far_back_keeps_no_bid_young(market, cluster):
    @run
    async def story(cluster):
        await cluster.start(tender(phase="open", fid="bid_gone", asked_at=int(time.time()) + DAY))
        await until(lambda: cluster.facts(BidGone))

    story(cluster)


def test_prices_are_told_when_they_change(market, cluster):
    @run
    async def story(cluster):
        await cluster.start()
        (first,) = cluster.facts(MarketSeen)
        quote = first.quotes.quotes["a100-80gb.sxm.8x", EAST]
        assert (quote.price_micro_usd, quote.capacity) == (3_500_000, 4)
        await until(
            lambda: {q.floor_micro_usd for q in cluster.facts(MarketSeen)[-1].quotes.quotes.values()} == {1_000_000}
        )
        looks, told = market.count("GET /v2/spot/availability"), len(cluster.facts(MarketSeen))
        await until(lambda: market.count("GET /v2/spot/availability") > looks + 2)
        assert len(cluster.facts(MarketSeen)) == told
        market.auctions[2]["last_instance_price"] = "$1,234.50"
        await until(lambda: len(cluster.facts(MarketSeen)) > told)
        assert cluster.facts(MarketSeen)[-1].quotes.quotes["a100-80gb.sxm.8x", EAST].price_micro_usd == 1_234_500_000

    story(cluster)


def test_a_name_under_two_ids(market, cluster, caplog):
    """The id with the most to give is bid for, and it is said."""
    caplog.set_level("INFO")
    other = "it_XqgKWbhZ5gznAYsG"
    market.types.append(instance_type(other, "a100-80gb.sxm.8x", "A100"))
    market.auctions.append(market.auctions[1] | {"instance_type": other, "capacity": 9})

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))

    story(cluster)
    assert market.bid_named(NAME)["instance_type"] == other
    assert "a type has several ids in one region: that with the most capacity is taken" in caplog.messages


def test_calls_do_not_grow_with_the_jobs(market, cluster):
    """A round with 300 bids, 150 of them with machines, and 1,000 that ended long ago."""
    for n in range(1000):
        market.add_bid(f"old-{n}", "Terminated")
    tenders = []
    for job in range(300):
        bid = market.add_bid(f"flowbatch-{STORE}-{job}-1")
        if job % 2:
            market.win(bid)
        tenders.append(tender(job, phase="won" if job % 2 else "open", fid=bid["fid"]))

    @run
    async def story(cluster):
        await cluster.start(*tenders)
        market.asked.clear()
        await until(lambda: market.count("GET /v2/spot/availability") == 2)

    # bills are looked at once a minute, all together ten a round
    cluster.backend._desk.tempo = replace(QUICK, charge_s=60)
    story(cluster)
    first = [asked for asked, _ in market.asked]
    round_ = first[first.index(next(a for a in first if "availability" in a)) + 1 :]
    assert len([asked for asked in round_ if "spot/bids" in asked]) <= 4 + 2, "four listings, of two pages at most"
    assert len([asked for asked in round_ if asked.startswith("GET /v2/instances?")]) <= 4
    assert len([asked for asked in round_ if "pricing/history" in asked]) <= 10


def test_secrets_are_in_no_repr_and_no_log(market, cluster, caplog):
    caplog.set_level("DEBUG")
    market.fail("POST /v2/spot/bids", "lost", 500)

    @run
    async def story(cluster):
        await cluster.start()
        await cluster.backend.place(tender())
        await until(lambda: cluster.facts(BidPlaced))
        seen = [
            repr(cluster.backend._desk),
            *(repr(vars(one)) for one in cluster.backend._pursuits.values()),
            repr(cluster.told),
        ]
        seen += [f"{record.getMessage()} {vars(record)}" for record in caplog.records]
        minted = next(iter(market.keys.values()))
        assert not [text for text in seen if "SECRET" in text or minted["secret"] in text]

    story(cluster)
