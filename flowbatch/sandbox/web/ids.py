"""Ids of the kind that the API also has: UUIDs, always the same one for the same thing."""

from __future__ import annotations

from uuid import NAMESPACE_DNS, uuid5


def uuid_of(name: str) -> str:
    return str(uuid5(NAMESPACE_DNS, f"{name}.sandbox.example"))
