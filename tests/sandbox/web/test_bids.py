"""Bids and their instances, from the first word to the bill."""

from __future__ import annotations

from typing import Any

import pytest

from flowbatch.sandbox.web import stamps

H100, REGION = "it_5ECSoHQjLBzrp5YM", "us-central2-a"


def test_a_bid_is_open_then_wins_and_its_machine_runs(market: Any) -> None:
    bid = market.bid(script="#!/bin/bash\necho hello\n")
    assert (bid["status"], bid["limit_price"], bid["instances"]) == ("Open", "$24.00", [])
    market.advance(130)
    won = market.get(f"/v2/spot/bids/{bid['fid']}")
    assert won["status"] == "Allocated"
    (instance,) = market.get("/v2/instances", project=market.project, bid_fid_in=bid["fid"])["data"]
    assert (instance["status"], instance["ssh_destination"]) == ("STATUS_RUNNING", "localhost:2201")
    order = market.machines.orders[instance["fid"]]
    assert order.startup_script == "#!/bin/bash\necho hello\n"
    assert [event["event_type"] for event in market.get(f"/v2/spot/bids/{bid['fid']}/history")["events"]] == [
        "Placed",
        "Allocated",
    ]


def test_what_runs_is_charged_at_the_clearing_price(market: Any) -> None:
    bid = market.running()
    (instance,) = bid["instances"]
    market.advance(3600)
    told = market.get("/v2/instances/pricing/history", project=market.project, bid_fid=bid["fid"])
    (event,) = told["instances"][0]["events"]
    assert (told["instances"][0]["instance_fid"], event["price_cents"]) == (instance, 300)
    ledger = market.get("/sandbox/ledger")
    assert ledger["faults"] == []
    assert ledger["micro_usd"] == market.world.market.ledger.of_bid(bid["fid"], market.world.now())
    assert ledger["micro_usd"] == 3_000_000


def test_a_bill_can_be_asked_for_a_stretch_of_time(market: Any) -> None:
    bid = market.running()
    begun = market.world.now()
    market.advance(3600)

    def events(start: int, end: int) -> list[tuple[str, str]]:
        times = {"start_time": stamps.written(start), "end_time": stamps.written(end)}
        told = market.get("/v2/instances/pricing/history", project=market.project, bid_fid=bid["fid"], **times)
        return [(event["start_time"], event["end_time"]) for event in told["instances"][0]["events"]]

    assert events(begun - 600, begun) == []
    assert events(begun - 600, begun + 60) == [(stamps.written(begun), stamps.written(begun + 60))]
    assert events(begun + 60, begun + 7200) == [(stamps.written(begun + 60), stamps.written(begun + 3600))]


def test_a_rival_preempts_with_notice_and_the_bid_is_won_back(market: Any) -> None:
    bid = market.running()
    (instance,) = bid["instances"]
    market.post("/sandbox/price", {"instance_type": "h100-80gb.sxm.8x", "region": REGION, "price": "$30.00"}, 200)
    market.advance(120)
    told = market.get(f"/v2/instances/{instance}/status")
    assert told["status"] == "STATUS_PREEMPTING"
    assert market.machines.done[-1] == ("notice", instance, told["end_time"])
    assert market.get(f"/v2/spot/bids/{bid['fid']}/status")["status"] == "Preempting"
    market.advance(300)
    assert market.machines.done[-1] == ("halt", instance)
    assert market.get(f"/v2/spot/bids/{bid['fid']}")["status"] == "Open"
    assert market.get("/v2/instances", project=market.project)["data"][0]["ssh_destination"] is None
    market.post("/sandbox/price", {"instance_type": H100, "region": REGION, "price": None}, 200)
    market.advance(240)
    assert market.machines.done[-1] == ("boot", instance)
    assert market.get(f"/v2/instances/{instance}/status")["status"] == "STATUS_RUNNING"


def test_a_preemption_by_hand_names_the_bid_by_its_name(market: Any) -> None:
    bid = market.running()
    told = market.post("/sandbox/preempt", {"bid": "train"}, 200)
    assert told == {"bid": bid["fid"], "status": "Preempting", "leaves_at": stamps.written(market.world.now() + 300)}


def test_a_raised_limit_in_the_notice_withdraws_it(market: Any) -> None:
    bid = market.running()
    market.post("/sandbox/price", {"instance_type": H100, "region": REGION, "price": "$30.00"}, 200)
    market.advance(120)
    assert (
        market.ask("PATCH", f"/v2/spot/bids/{bid['fid']}", {"limit_price": "$31.50"}).json()["limit_price"] == "$31.50"
    )
    market.advance(120)
    assert market.machines.done[-1] == ("notice", bid["instances"][0], "withdrawn")
    assert market.get(f"/v2/spot/bids/{bid['fid']}/status")["status"] == "Allocated"


def test_a_deleted_bid_ends_its_machines_and_its_charges(market: Any) -> None:
    bid = market.running()
    assert market.ask("DELETE", f"/v2/spot/bids/{bid['fid']}").status_code == 204
    assert market.ask("DELETE", f"/v2/spot/bids/{bid['fid']}").status_code == 204
    market.advance(0)
    assert market.machines.done[-1] == ("destroy", bid["instances"][0])
    cost = market.get("/sandbox/ledger")["micro_usd"]
    market.advance(3600)
    assert market.get("/sandbox/ledger")["micro_usd"] == cost
    assert market.get(f"/v2/spot/bids/{bid['fid']}")["deactivated_at"] is not None


def test_a_pause_stops_the_machine_and_a_resume_bids_again(market: Any) -> None:
    bid = market.running()
    path = f"/v2/spot/bids/{bid['fid']}"
    assert market.ask("PATCH", path, {"paused": True}).json()["status"] == "Paused"
    market.advance(0)
    assert market.machines.done[-1] == ("halt", bid["instances"][0])
    assert market.ask("PATCH", path, {"paused": False}).json()["status"] == "Open"
    market.advance(240)
    assert market.machines.done[-1] == ("boot", bid["instances"][0])


def test_a_machine_that_does_not_boot_is_in_error_and_costs_nothing(market: Any) -> None:
    market.machines.broken = True
    bid = market.running()
    assert market.get(f"/v2/instances/{bid['instances'][0]}/status")["status"] == "STATUS_ERROR"
    assert market.get("/sandbox/ledger")["micro_usd"] == 0
    assert market.get("/sandbox/status")["failed"] == {"train": "no namespaces here"}


@pytest.mark.parametrize(
    ("wrong", "status", "detail"),
    [
        ({"limit_price": "$0.01"}, 400, "limit price below minimum price $3.00"),
        ({"limit_price": "cheap"}, 400, "invalid limit price: 'cheap' is not an amount of dollars"),
        ({"limit_price": "$3.001"}, 400, "invalid limit price"),
        ({"instance_quantity": 0}, 400, "instance quantity must be at least 1"),
        ({"instance_quantity": 300}, 403, "Quota exceeded"),
        ({"region": "mars-north1"}, 404, "instance type it_5ECSoHQjLBzrp5YM is not offered in mars-north1"),
        ({"instance_type": "it_0000000000000000"}, 404, "is not offered"),
        ({"name": " "}, 400, "A bid needs a name"),
        ({"project": "proj_other"}, 404, "Project proj_other not found"),
        ({"ssh_keys": ["sshkey_none"]}, 400, "SSH key sshkey_none not found"),
        ({"volumes": ["vol_none"]}, 400, "Volume vol_none not found"),
        ({"script": "echo hello"}, 400, "Startup script must start with #!/bin/bash"),
        ({"script": "#!/bin/bash\n" + "x" * 10_000}, 400, "Startup script is 10012 characters; at most 10000"),
    ],
)  # fmt: skip
def test_a_bid_that_cannot_be_is_refused(market: Any, wrong: dict[str, Any], status: int, detail: str) -> None:
    told = market.refused("POST", "/v2/spot/bids", market.tender(**wrong))
    assert told[0] == status
    assert detail in told[1]
    assert market.get("/v2/spot/bids")["data"] == []


def test_a_script_of_ten_thousand_characters_is_taken(market: Any) -> None:
    market.bid(script="#!/bin/bash\n".ljust(10_000, "#"))


def test_what_is_missing_is_named_as_the_framework_does(market: Any) -> None:
    status, detail = market.refused("POST", "/v2/spot/bids", {"name": "x", "launch_specification": {"ssh_keys": 3}})
    assert status == 422
    assert {"loc": ["body", "project"], "msg": "Field required", "type": "missing"} in detail
    assert all(set(each) == {"loc", "msg", "type"} for each in detail)


def test_bids_are_listed_in_pages(market: Any) -> None:
    for number in range(5):
        market.bid(name=f"job-{number}")
        market.advance(1)
    names, cursor = [], None
    while True:
        more = {} if cursor is None else {"next_cursor": cursor}
        page = market.get("/v2/spot/bids", limit=2, sort_by="created_at", sort_dir="asc", **more)
        names.append([bid["name"] for bid in page["data"]])
        if (cursor := page["next_cursor"]) is None:
            break
    assert names == [["job-0", "job-1"], ["job-2", "job-3"], ["job-4"]]
    assert market.refused("GET", "/v2/spot/bids", next_cursor="rubbish") == (400, "Invalid next_cursor")


def test_bids_are_found_by_name_and_status(market: Any) -> None:
    first, _ = market.bid(name="one"), market.bid(name="two")
    market.ask("DELETE", f"/v2/spot/bids/{first['fid']}")
    assert [bid["name"] for bid in market.get("/v2/spot/bids", name="two")["data"]] == ["two"]
    assert [bid["name"] for bid in market.get("/v2/spot/bids", status="Terminated")["data"]] == ["one"]
    assert market.refused("GET", "/v2/spot/bids/two") == (404, "Bid two not found")


def test_instances_are_filtered_by_lists_with_commas(market: Any) -> None:
    bid = market.running()
    project = {"project": market.project}
    listed = market.get("/v2/instances", **project, status_in="STATUS_ERROR,STATUS_RUNNING", order_type_in="Bid")
    assert [each["bid"] for each in listed["data"]] == [bid["fid"]]
    assert market.get("/v2/instances", **project, status_in="STATUS_ERROR")["data"] == []
    assert market.get("/v2/instances", **project, bid_fid_in="bid_x,bid_y")["data"] == []
    status, detail = market.refused("GET", "/v2/instances", **project, status_in="RUNNING")
    assert (status, detail[0]["loc"]) == (422, ["query", "status_in"])


def test_an_instance_tells_what_it_went_through(market: Any) -> None:
    bid = market.running()
    told = market.get("/v2/instances/status/history", project=market.project, bid_fid=bid["fid"])
    assert [event["status"] for event in told["instances"][0]["events"]] == [
        "STATUS_NEW", "STATUS_CONFIRMED", "STATUS_INITIALIZING", "STATUS_STARTING", "STATUS_RUNNING",
    ]  # fmt: skip
    assert market.refused("GET", "/v2/instances/status/history", project=market.project)[0] == 400


def test_instances_of_a_bid_are_not_paused_one_by_one(market: Any) -> None:
    asked = {"instances": market.running()["instances"], "status": "STATUS_PAUSED"}
    assert market.refused("PATCH", "/v2/instances", asked)[0] == 501


def test_a_restart_boots_the_machine_again(market: Any) -> None:
    (instance,) = market.running()["instances"]
    market.machines.done.clear()
    assert market.post(f"/v2/instances/{instance}/restart", None, 202) == {"fid": instance, "status": "RESTARTING"}
    market.advance(0)
    assert market.machines.done == [("halt", instance), ("boot", instance)]
    assert market.get("/v2/instances", project=market.project)["data"][0]["ssh_destination"] == "localhost:2202"


def test_several_machines_know_each_other(market: Any) -> None:
    bid = market.bid(instance_quantity=3)
    market.advance(130)
    instances = market.get(f"/v2/spot/bids/{bid['fid']}")["instances"]
    orders = [market.machines.orders[fid] for fid in instances]
    assert orders[0].peers == ("train-1", "train-2", "train-3")
    assert {order.peers for order in orders} == {orders[0].peers}
