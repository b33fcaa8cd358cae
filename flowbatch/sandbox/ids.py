"""Ids as the API has them: drawn at random, or always the same one for the same thing."""

from __future__ import annotations

import secrets
import string
from uuid import NAMESPACE_DNS, uuid5

ALPHABET = string.ascii_letters + string.digits


def fid(kind: str) -> str:
    """A new id: `vol_` and sixteen letters or digits."""
    return f"{kind}_" + "".join(secrets.choice(ALPHABET) for _ in range(16))


def uuid_of(name: str) -> str:
    """The UUID of what has a name alone here."""
    return str(uuid5(NAMESPACE_DNS, f"{name}.sandbox.example"))
