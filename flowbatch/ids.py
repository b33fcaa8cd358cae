"""Identities that must never be given out twice."""

from __future__ import annotations

import secrets
from typing import NewType

StoreId = NewType("StoreId", str)
"""Twelve hex digits, drawn when a store is created; names everything this store owns on machines and markets."""


def new_store_id() -> StoreId:
    return StoreId(secrets.token_hex(6))
