"""Frozen values as JSON's plain ones, without copying what they hold (`dataclasses.asdict` copies a whole environment for each job)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

_NAMES: dict[type, tuple[str, ...]] = {}


def names(kind: type) -> tuple[str, ...]:
    """The fields of a dataclass, in their order."""
    found = _NAMES.get(kind)
    if found is None:
        found = _NAMES[kind] = tuple(field.name for field in fields(kind))
    return found


def parts(value: Any) -> dict[str, Any]:
    """A value's fields by name, as they are."""
    return {name: getattr(value, name) for name in names(type(value))}


def plain(value: Any) -> dict[str, Any]:
    """A value's fields by name, and so on for those that are such values themselves."""
    return {name: plain(one) if is_dataclass(one) else one for name, one in parts(value).items()}


def known(kind: type, said: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a dataclass that are in JSON's values, lists as tuples; what this version does not know is left out."""
    found = ((name, said[name]) for name in names(kind) if name in said)
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found}


def heard(raw: bytes) -> Any:
    """What somebody else has written as JSON. Raises ValueError, also for what is nested deeper than can be read, and for half a
    character: no store, path or terminal takes one."""
    text = raw.decode()
    try:
        said = json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if _HALF.search(text):
        json.dumps(said, ensure_ascii=False).encode()
    return said


_HALF = re.compile(r"\\u[dD]")
"""What may be half a character, and mostly is one of two."""


written = json.JSONEncoder(separators=(",", ":"), default=parts).encode
"""The one line of JSON that a record or a message is; frozen values may stand anywhere in it."""
