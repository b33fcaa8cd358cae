"""When the market says no."""

from __future__ import annotations

from typing import Literal

from flowbatch.errors import FlowError

Ground = Literal["unknown", "price", "quantity", "conflict"]
"""`unknown`: there is no such bid, instance or auction. `price`: not a price that one can bid. `quantity`: not a number of instances
that one can ask for. `conflict`: the bid is in no state for it."""


class Refused(FlowError):
    """Nothing was changed but the time. `ground` tells the API which of its answers this is."""

    def __init__(self, ground: Ground, message: str) -> None:
        super().__init__(message)
        self.ground: Ground = ground
