"""Keys on the market: this user's public SSH key, and one API key for each bid.

A bid's key is named as the bid. It outlives the lease, since a bid may win late, and is deleted once the bid is gone: until then a
machine that we do not know of may need it to end itself, so an older key of the same name stays beside a newer one. It stands in
the bid's start-up script, which all members of the project can read through the API: once the machine can be reached it gets
another one over SSH (`ROTATED`), and those before are deleted.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import re

from flowbatch.backends.mithril import wire
from flowbatch.backends.mithril.api import Declined
from flowbatch.backends.mithril.client import Client
from flowbatch.units import DAY

REST_S = 30 * DAY
"""So long a bid's key outlives its lease."""

ROTATED = "-rotated"
"""Ends the name of a key that was never in a start-up script."""

log = logging.getLogger(__name__)


async def register(client: Client, project: str, public: str) -> tuple[str, ...]:
    """The SSH keys that a bid of ours must carry: this one, put on the market unless it is there, and those that the project
    requires of every bid."""
    there = await client.ssh_keys(project)
    mine = next((key for key in there if _blob(key.public_key) == _blob(public)), None)
    if mine is None:
        name = "flowbatch-" + hashlib.sha256(_blob(public).encode()).hexdigest()[:12]
        mine = await client.create_ssh_key(project, name, public)
        log.info("the SSH key is registered", extra={"fields": {"name": name, "fid": mine.fid}})
    return (mine.fid, *(key.fid for key in there if key.required and key.fid != mine.fid))


def _blob(public: str) -> str:
    """The key itself, without kind and comment."""
    words = public.split()
    return words[1] if len(words) > 1 else public


async def mint(client: Client, bid: str, lease_ends_at: int) -> wire.NewApiKey:
    """A new key for the bid of that name. If the market wants names to be unique, it gets a number: an older key may be the one
    that the machine has."""
    expires_at = lease_ends_at + REST_S
    try:
        return await client.create_api_key(bid, expires_at)
    except Declined as no:
        there = {key.name for key in await client.api_keys()}
        if no.status not in (400, 409) or bid not in there:
            raise
        numbered = (f"{bid}-k{number}" for number in itertools.count(2))
        return await client.create_api_key(next(name for name in numbered if name not in there), expires_at)


async def revoke(client: Client, bid: str, but: str | None = None) -> int:
    """No key of the bid is left, but the one whose id is `but`; how many there were."""
    named = re.compile(rf"{re.escape(bid)}({ROTATED})?(-k\d+)?")
    old = [
        key
        for key in await client.api_keys()
        if named.fullmatch(key.name) and key.fid != but and not key.deactivated_at
    ]
    for key in old:
        await delete(client, key.fid)
    return len(old)


async def delete(client: Client, fid: str) -> None:
    """The key is gone; it may have gone before."""
    try:
        await client.delete_api_key(fid)
    except Declined as no:
        if no.status != 404:
            raise
