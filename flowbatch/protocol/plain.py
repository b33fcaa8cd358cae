"""Frozen values as JSON's plain ones, without copying what they hold (`dataclasses.asdict` copies a whole environment for each job)."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

_NAMES: dict[type, tuple[str, ...]] = {}


def names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass, in their order."""
    found = _NAMES.get(kind)
    if found is None:
        found = _NAMES[kind] = tuple(field.name for field in fields(kind))
    return found


def plain(value: Any) -> dict[str, Any]:
    """A value's fields by name; also json's `default`, for the values inside lists and mappings."""
    found = ((name, getattr(value, name)) for name in names(type(value)))
    return {name: plain(one) if is_dataclass(one) else one for name, one in found}
