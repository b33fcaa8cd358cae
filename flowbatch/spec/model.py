"""What every value of a request is made of."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value: compared by content, never changed, and strict about names it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


TOO_LONG = "too long"
"""Where the fault of a text lies that is longer than the controller reads."""


class Malformed(Frozen):
    """A text that sbatch passes on unread and the controller refuses: the refusal waits for its turn in admission.

    `where` tells two faults of one language apart when the controller answers them differently.
    """

    kind: Literal["malformed"] = "malformed"
    text: str
    where: str = ""
