"""Keys on the market: one SSH key a user, API keys that live as long as their bid."""

from __future__ import annotations

import asyncio

import pytest

from flowbatch.backends.mithril import keys
from flowbatch.backends.mithril.api import Declined
from flowbatch.backends.mithril.wire import stamp
from flowbatch.units import DAY

PUBLIC = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGc2rgsv2VnYUi2MrhfjEFkrLN+Pt1Ck5w7hWGkoMXRM flowbatch"


def test_the_ssh_key_is_registered_once(market, client):
    async def go():
        first = await keys.register(client, "proj_1", PUBLIC)
        again = await keys.register(client, "proj_1", PUBLIC.removesuffix("flowbatch") + "another comment")
        assert first == again == (market.ssh_keys[0]["fid"],)

    asyncio.run(go())
    assert len(market.ssh_keys) == 1


def test_a_lost_answer_registers_no_second_key(market, client):
    market.fail("POST /v2/ssh-keys", "lost")

    async def go():
        with pytest.raises(Exception, match="lost"):
            await keys.register(client, "proj_1", PUBLIC)
        await keys.register(client, "proj_1", PUBLIC)

    asyncio.run(go())
    assert len(market.ssh_keys) == 1


def test_keys_that_the_project_requires_go_into_every_bid(market, client):
    market.ssh_keys.append({"fid": "sshkey_admin", "name": "a", "public_key": "ssh-rsa AAAA admin", "required": True})
    market.ssh_keys.append({"fid": "sshkey_other", "name": "b", "public_key": "ssh-rsa BBBB other", "required": False})
    fids = asyncio.run(keys.register(client, "proj_1", PUBLIC))
    assert fids == (market.ssh_keys[2]["fid"], "sshkey_admin")


def test_a_bids_key_outlives_its_lease(market, client):
    made = asyncio.run(keys.mint(client, "flowbatch-s-1-1", 1_900_000_000))
    assert market.keys[made.fid]["expires_at"] == stamp(1_900_000_000 + 30 * DAY)
    assert made.secret.get_secret_value() not in repr(made)


def test_an_older_key_stays_also_where_names_must_be_unique(market, client):
    async def go():
        first = await keys.mint(client, "n", 1)
        second = await keys.mint(client, "n", 1)
        assert set(market.keys) == {first.fid, second.fid}
        market.fail("POST /v2/api-keys", 409, body={"detail": "name already used"})
        third = await keys.mint(client, "n", 1)
        assert set(market.keys) == {first.fid, second.fid, third.fid}
        assert market.keys[third.fid]["name"] == "n-k2"
        assert await keys.revoke(client, "n", but=second.fid) == 2

    asyncio.run(go())


def test_a_no_that_is_not_about_the_name_is_passed_on(market, client):
    market.fail("POST /v2/api-keys", 400)
    with pytest.raises(Declined):
        asyncio.run(keys.mint(client, "n", 1))


def test_revoking_leaves_other_bids_keys(market, client):
    async def go():
        for name in ("n", "n" + keys.ROTATED, "n", "n2"):
            await keys.mint(client, name, 1)
        kept = next(iter(market.keys))
        market.fail("DELETE /v2/api-keys", 404)
        assert await keys.revoke(client, "n", but=kept) == 2
        await keys.revoke(client, "n")
        assert [key["name"] for key in market.keys.values()] == ["n2"]

    asyncio.run(go())
