"""What the controller tells a program that a client becomes: one JSON word before the user's own words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TypeVar

from flowbatch.protocol.plain import known, written

P = TypeVar("P", bound="PlanWord")


@dataclass(frozen=True)
class PlanWord:
    """Plain values that travel as one word."""

    __slots__ = ()

    def word(self) -> str:
        return written(self)

    @classmethod
    def of(cls: type[P], word: str) -> P:
        """The plan in a word; a field that this version does not know is left out."""
        return cls(**known(cls, json.loads(word)))
