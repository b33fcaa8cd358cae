"""Instants as the API writes them: RFC 3339, in UTC. What a request says must name its zone (pydantic's AwareDatetime)."""

from __future__ import annotations

from datetime import datetime, timezone

from flowbatch.units import Instant


def written(at: int) -> str:
    """`2026-01-31T12:00:00Z`"""
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def written_if(at: int | None) -> str | None:
    return None if at is None else written(at)


def instant(moment: datetime) -> Instant:
    """The whole second that a request's moment lies in."""
    return Instant(int(moment.timestamp()))
