"""What is on offer, and what else there is."""

from __future__ import annotations

from typing import Any

H100, H200, REGION = "it_5ECSoHQjLBzrp5YM", "it_7RHoQUztab9lU9Ne", "us-central2-a"


def test_everything_in_an_auction_is_a_known_type(market: Any) -> None:
    types = {row["fid"] for row in market.get("/v2/instance-types")}
    offered = market.get("/v2/spot/availability")
    assert {row["instance_type"] for row in offered} <= types
    assert {H100, H200} <= {row["instance_type"] for row in offered}
    assert all(row["capacity"] > 0 for row in offered)


def test_what_the_user_holds_is_not_on_offer(market: Any) -> None:
    def capacity() -> int:
        rows = market.get("/v2/spot/availability")
        return next(row["capacity"] for row in rows if (row["instance_type"], row["region"]) == (H100, REGION))

    before = capacity()
    market.running()
    assert capacity() == before - 1


def test_the_current_price_says_what_one_must_bid(market: Any) -> None:
    market.post("/sandbox/price", {"instance_type": H100, "region": REGION, "price": "$12.50"}, 200)
    market.advance(130)
    told = market.get("/v2/pricing/current", instance_type=H100, region=REGION)
    assert (told["spot_price_cents"], told["dynamic_win_price_cents"], told["minimum_price_cents"]) == (1250, 1250, 300)


def test_every_region_has_a_price_for_the_large_machines(market: Any) -> None:
    for region in market.get("/marketplace/v1/regions"):
        for instance_type in (H100, H200):
            told = market.get("/v2/pricing/current", instance_type=instance_type, region=region["name"])
            assert told["spot_price_cents"] > 0
    assert market.refused("GET", "/v2/pricing/current", instance_type="it_none")[0] == 404


def test_prices_have_a_history(market: Any) -> None:
    market.post("/sandbox/price", {"instance_type": H100, "region": REGION, "price": "$12.50"}, 200)
    market.advance(240)
    (series,) = market.get("/v2/pricing/history", instance_types=f"{H100},it_none", region=REGION, num_samples=-1)[
        "series"
    ]
    assert series["spot_prices"] == ["$3.00", "$12.50"]
    assert len(series["timestamps"]) == len(series["reserved_prices"]) == 2


def test_volumes_are_made_listed_renamed_and_deleted(market: Any) -> None:
    asked = {
        "name": "data", "project": market.project, "disk_interface": "File", "region": REGION, "size_gb": 10,
    }  # fmt: skip
    made = market.post("/v2/volumes", asked)
    assert market.refused("POST", "/v2/volumes", asked) == (400, "Volume name already exists: data")
    assert market.refused("POST", "/v2/volumes", {**asked, "name": "Data"})[0] == 422
    assert market.refused("POST", "/v2/volumes", {**asked, "size_gb": 0})[0] == 422
    assert market.ask("PATCH", f"/v2/volumes/{made['fid']}", {"name": "other"}).json()["name"] == "other"
    assert [volume["name"] for volume in market.get("/v2/volumes", project=market.project)] == ["other"]
    assert market.ask("DELETE", f"/v2/volumes/{made['fid']}").status_code == 204
    assert market.get("/v2/volumes", project=market.project) == []
    assert market.get("/v2/volumes", project=market.project, include_deleted=True)[0]["deleted_at"] is not None


def test_an_attached_volume_reaches_the_machine_and_cannot_be_deleted(market: Any) -> None:
    asked = {"name": "data", "project": market.project, "disk_interface": "File", "region": REGION, "size_gb": 10}
    volume = market.post("/v2/volumes", asked)["fid"]
    bid = market.bid(volumes=[volume])
    market.advance(130)
    (instance,) = market.get(f"/v2/spot/bids/{bid['fid']}")["instances"]
    assert [name for name, _ in market.machines.orders[instance].volumes] == ["data"]
    (told,) = market.get("/v2/volumes", project=market.project)
    assert (told["bids"], told["attachments"]) == ([bid["fid"]], {instance: bid["fid"]})
    assert market.refused("DELETE", f"/v2/volumes/{volume}")[0] == 409
    assert market.refused("PATCH", f"/v2/spot/bids/{bid['fid']}", {"volumes": []})[0] == 409
    market.bid(volumes=[volume])


def test_a_block_volume_is_one_bids_alone_and_is_not_mounted(market: Any) -> None:
    asked = {"name": "raw", "project": market.project, "disk_interface": "Block", "region": REGION, "size_gb": 10}
    volume = market.post("/v2/volumes", asked)["fid"]
    bid = market.bid(volumes=[volume])
    market.advance(130)
    (instance,) = market.get(f"/v2/spot/bids/{bid['fid']}")["instances"]
    assert market.machines.orders[instance].volumes == ()
    other = market.refused("POST", "/v2/spot/bids", market.tender(volumes=[volume]))
    assert other == (409, f"Volume {volume} is in use by {bid['fid']}")


def test_lifecycle_scripts_are_kept(market: Any) -> None:
    asked = {"project": market.project, "name": "setup", "content": "echo hello\n"}
    made = market.post("/v2/lifecycle-scripts", asked)
    assert market.ask("GET", f"/v2/lifecycle-scripts/{made['fid']}/content").text == "echo hello\n"
    market.advance(5)
    changed = market.ask("PATCH", f"/v2/lifecycle-scripts/{made['fid']}", {"name": "other"}).json()
    assert (changed["name"], changed["created_at"]) == ("other", made["created_at"])
    assert changed["last_modified_at"] > made["last_modified_at"]
    assert market.get("/v2/lifecycle-scripts", project=market.project)["data"] == [changed]
    assert market.ask("DELETE", f"/v2/lifecycle-scripts/{made['fid']}").status_code == 204
    assert market.refused("GET", f"/v2/lifecycle-scripts/{made['fid']}/content")[0] == 404


def test_images_quotas_and_what_is_absent(market: Any) -> None:
    assert [image["stable"] for image in market.get("/v2/image-versions")] == [True, False]
    assert market.get("/v2/mcc-image-versions", region=REGION)
    market.running()
    used = {row["instance_type"]: row["used_quantity"] for row in market.get("/v2/quotas", project=market.project)}
    assert used[H100] == 1
    organization = market.get("/v2/me")["organization_id"]
    assert market.get(f"/v2/organizations/{organization}/quotas")
    assert market.get("/v2/cpu/instance-types")
    assert market.get("/v2/cpu/regions")
    assert market.get("/v2/kubernetes/clusters", project=market.project) == []
    assert market.refused("POST", "/v2/kubernetes/clusters", {})[0] == 501
    assert market.refused("POST", "/v2/cpu/instances", {})[0] == 501
