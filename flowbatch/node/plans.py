"""What the controller tells a program that a client becomes: one JSON word before the user's own words."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TypeVar

P = TypeVar("P", bound="PlanWord")


@dataclass(frozen=True)
class PlanWord:
    """Plain values that travel as one word."""

    __slots__ = ()

    def word(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def of(cls: type[P], word: str) -> P:
        """The plan in a word; a field that this version does not know is left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in json.loads(word).items() if name in known})
