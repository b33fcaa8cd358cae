"""Machines that are booked ahead."""

from __future__ import annotations

from typing import Any

import pytest

from flowbatch.sandbox.web import stamps

H100, REGION = "it_5ECSoHQjLBzrp5YM", "us-central2-a"
HOUR = 3600


def asked(market: Any, *, after_s: int = 0, hours: int = 4, **other: Any) -> dict[str, Any]:
    start = market.world.now() + after_s
    return {
        "project": market.project, "instance_type": H100, "region": REGION, "start_time": stamps.written(start),
        "end_time": stamps.written(start + hours * HOUR), "instance_quantity": 2, "name": "training",
        "launch_specification": {"volumes": [], "ssh_keys": [], "startup_script": "#!/bin/bash\n"}, **other,
    }  # fmt: skip


def booked(market: Any, **other: Any) -> Any:
    made = market.post("/v2/reservation", asked(market, **other))
    market.advance(0)
    return made


def test_a_quote_multiplies_hours_and_machines(market: Any) -> None:
    standard, flexible = market.get(
        "/v2/reservation/quote", project=market.project, instance_type=H100, region=REGION,
        start_time=stamps.written(market.world.now()), end_time=stamps.written(market.world.now() + 10 * HOUR), quantity=2,
    )["offers"]  # fmt: skip
    assert (standard["unit_price"], standard["total_price"], standard["option_premium"]) == (
        "$18.00",
        "$360.00",
        "$0.00",
    )
    assert (flexible["unit_price"], flexible["option_premium"]) == ("$21.60", "$72.00")


def test_a_reservation_is_pending_then_active_then_ended(market: Any) -> None:
    made = booked(market, after_s=HOUR)
    assert (made["status"], made["total_price"], made["instances"]) == ("Pending", "$144.00", [])
    market.advance(HOUR)
    (listed,) = market.get("/v2/reservation", project=market.project)["data"]
    assert listed["status"] == "Active"
    found = market.get(
        "/v2/instances", project=market.project, reservation_fid_in=made["fid"], order_type_in="Reservation"
    )
    assert [each["status"] for each in found["data"]] == ["STATUS_RUNNING"] * 2
    assert {each["reservation"] for each in found["data"]} == {made["fid"]}
    assert market.get(f"/v2/instances/{listed['instances'][0]}/status")["end_time"] == made["end_time"]
    market.advance(4 * HOUR)
    assert market.get(f"/v2/reservation/{made['fid']}")["status"] == "Ended"
    assert market.machines.done[-2:] == [("destroy", fid) for fid in listed["instances"]]
    kinds = [event["event_type"] for event in market.get(f"/v2/reservation/{made['fid']}/history")["events"]]
    assert kinds == ["Placed", "Terms Set", "Active", "Ended"]


def test_a_pause_of_an_hour_is_credited(market: Any) -> None:
    made = booked(market, price_specification={"offer_key": "flex"})
    path = f"/v2/reservation/{made['fid']}"
    assert market.ask("PATCH", path, {"paused": True}).json()["status"] == "Paused"
    market.advance(HOUR)
    assert market.ask("PATCH", path, {"paused": False}).json()["status"] == "Active"
    market.advance(0)
    summary = market.get(f"{path}/usage")["summary"]
    assert summary["flex_use_credits_cents"] == 2 * 720
    assert summary["net_cost_cents"] == summary["committed_cost_cents"] - 2 * 720
    assert (summary["active_instance_hours"], summary["idle_instance_hours"]) == ("PT0H0M0S", "PT2H0M0S")
    assert [each[0] for each in market.machines.done] == ["boot", "boot", "halt", "halt", "boot", "boot"]


def test_one_instance_can_be_paused_and_given_back(market: Any) -> None:
    made = booked(market, price_specification={"offer_key": "flex"})
    path = f"/v2/reservation/{made['fid']}"
    first, second = market.get(path)["instances"]
    give = {"instances": [first], "reduce_capacity": True}
    assert market.refused("POST", f"{path}/terminate-instances", give)[0] == 400
    told = market.ask("PATCH", "/v2/instances", {"instances": [first], "status": "STATUS_PAUSED"}).json()
    assert told == {"instances": {first: "STATUS_PAUSED"}}
    partly = market.ask("POST", f"{path}/terminate-instances", {**give, "instances": [first, second]})
    assert (partly.status_code, partly.json()) == (207, {"terminated_instances": [first]})
    assert market.get(f"{path}/usage")["summary"]["early_termination_credits_cents"] == 4 * 900
    assert market.get(path)["status"] == "Active"
    assert market.refused("PATCH", "/v2/instances", {"instances": [first], "status": "STATUS_RUNNING"})[0] == 409


def test_it_is_extended_while_there_is_room(market: Any) -> None:
    made = booked(market)
    path = f"/v2/reservation/{made['fid']}"
    assert market.get(f"{path}/extension-availability")["available"]
    later = stamps.written(market.world.now() + 6 * HOUR)
    extended = market.post(f"{path}/extend", {"end_time": later}, 200)
    assert (extended["end_time"], extended["total_price"]) == (later, "$216.00")
    assert market.refused("POST", f"{path}/extend", {"end_time": made["end_time"]})[0] == 409


def test_what_is_booked_is_not_there_for_others(market: Any) -> None:
    booked(market, instance_quantity=15, after_s=HOUR)
    where = {"project": market.project, "instance_type": H100, "region": REGION}
    start, end = (stamps.written(market.world.now() + hours * HOUR) for hours in (1, 5))
    times = {"start_time": start, "end_time": end}
    told = market.ask("GET", "/v2/reservation/availability", **where, mode="slots", **times).json()
    assert told == [{**times, "quantity": 1}]
    for quantity, available in ((1, True), (2, False)):
        asked_for = {**where, **times, "quantity": quantity, "mode": "check"}
        answer = market.loop.run_until_complete(
            market._http.get(
                "/v2/reservation/availability", params=asked_for, headers={"Authorization": f"Bearer {market.key}"}
            )
        ).json()
        market.specification.check_model("CheckAvailabilityResponse", answer)
        assert answer["available"] is available
    assert market.refused("POST", "/v2/reservation", asked(market, after_s=2 * HOUR))[0] == 409


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"hours": 2}, 400), ({"hours": 15 * 24}, 400), ({"after_s": -2 * HOUR}, 400), ({"instance_quantity": 0}, 400),
        ({"instance_type": "it_none"}, 404), ({"region": "mars"}, 404),
        ({"price_specification": {"offer_key": "free"}}, 400), ({"price_specification": {"max_unit_price": 1799}}, 400),
    ],
)  # fmt: skip
def test_a_reservation_that_cannot_be_is_refused(market: Any, wrong: dict[str, Any], status: int) -> None:
    assert market.refused("POST", "/v2/reservation", asked(market, **wrong))[0] == status
