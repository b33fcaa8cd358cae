"""Who may ask: API keys, SSH keys, users."""

from __future__ import annotations

from io import StringIO
from typing import Any

import paramiko
import pytest

from flowbatch.sandbox.web import stamps


def test_the_user_and_the_project_are_told(market: Any) -> None:
    me = market.get("/v2/me")
    assert me["fid"].startswith("user_")
    assert [mate["fid"] for mate in market.get("/v2/me/teammates")] == [me["fid"]]
    assert [project["fid"] for project in market.get("/v2/projects")] == [market.project]


def test_paths_that_are_not_published_answer_the_vendors_client(market: Any) -> None:
    me = market.get("/v2/me")
    assert market.get(f"/v2/users/{me['fid']}")["email"] == me["email"]
    assert market.get(f"/users/{me['fid']}/teammates")
    assert market.refused("GET", "/v2/users/user_other")[0] == 404
    assert "us-central1-a" in {region["name"] for region in market.get("/marketplace/v1/regions")}


@pytest.mark.parametrize("key", ["fkey_wrong", ""])
def test_a_wrong_key_is_refused(market: Any, key: str) -> None:
    assert market.ask("GET", "/v2/me", key=key or "x").status_code == 401


def test_a_minted_key_is_accepted_until_it_expires(market: Any) -> None:
    made = market.post("/v2/api-keys", {"name": "task", "expires_at": stamps.written(market.world.now() + 60)})
    assert market.ask("GET", "/v2/me", key=made["secret"]).status_code == 200
    market.advance(60)
    assert market.ask("GET", "/v2/me", key=made["secret"]).status_code == 401


def test_a_revoked_key_is_refused_and_its_secret_is_never_told_again(market: Any) -> None:
    made = market.post("/v2/api-keys", {"name": "task", "expires_at": stamps.written(market.world.now() + 60)})
    assert made["secret"].startswith(made["snippet"].removesuffix("..."))
    assert made["secret"] not in market.ask("GET", "/v2/api-keys").text
    assert made["secret"] not in market.world.state.model_dump_json()
    assert market.ask("DELETE", f"/v2/api-keys/{made['fid']}").status_code == 204
    assert market.ask("GET", "/v2/me", key=made["secret"]).status_code == 401
    assert made["fid"] not in {key["fid"] for key in market.get("/v2/api-keys")}


def test_a_key_without_a_future_is_refused(market: Any) -> None:
    past = {"name": "task", "expires_at": stamps.written(market.world.now())}
    assert market.refused("POST", "/v2/api-keys", past) == (400, "expires_at must be in the future")


def test_an_ssh_pair_is_made_where_no_key_is_sent(market: Any) -> None:
    made = market.post("/v2/ssh-keys", {"project": market.project, "name": "auto"})
    key = paramiko.RSAKey.from_private_key(StringIO(made["private_key"]))
    assert made["public_key"].split()[1] == key.get_base64()
    listed = market.get("/v2/ssh-keys", project=market.project)
    assert listed[0]["fid"] == made["fid"]
    assert "private_key" not in listed[0]


@pytest.mark.parametrize("wrong", ["hello", "ssh-rsa AAAA", "ssh-ed25519"])
def test_what_is_no_public_key_is_refused(market: Any, wrong: str) -> None:
    asked = {"project": market.project, "name": "mine", "public_key": wrong}
    assert market.refused("POST", "/v2/ssh-keys", asked) == (400, "Invalid SSH public key")


def test_an_ssh_key_of_a_live_bid_cannot_be_deleted(market: Any) -> None:
    made = market.post("/v2/ssh-keys", {"project": market.project, "name": "auto"})
    bid = market.bid(ssh_keys=[made["fid"]])
    assert market.refused("DELETE", f"/v2/ssh-keys/{made['fid']}")[0] == 409
    market.ask("DELETE", f"/v2/spot/bids/{bid['fid']}")
    assert market.ask("DELETE", f"/v2/ssh-keys/{made['fid']}").status_code == 204
    assert market.get("/v2/ssh-keys", project=market.project) == []


def test_a_required_key_must_be_in_every_bid(market: Any) -> None:
    made = market.post("/v2/ssh-keys", {"project": market.project, "name": "ours"})
    assert market.ask("PATCH", f"/v2/ssh-keys/{made['fid']}", {"required": True}).json()["required"]
    status, detail = market.refused("POST", "/v2/spot/bids", market.tender())
    assert (status, detail) == (400, "SSH key required by the project is missing: ours")
    market.bid(ssh_keys=[made["fid"]])


def test_an_unknown_project_is_not_found(market: Any) -> None:
    assert market.refused("GET", "/v2/ssh-keys", project="proj_other") == (404, "Project proj_other not found")
