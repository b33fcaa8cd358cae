"""Payloads that were written or read a moment ago: an array's tasks share one, and a job is launched right after its submission."""

from __future__ import annotations

from collections import OrderedDict

from flowbatch.core.ports import Payload

KEPT = 64
LARGEST = 64 * 1024
"""Bytes of script and environment in memory. With KEPT it bounds what is held; what is larger is read again each time."""

PER_WORD = 40
"""Bytes that each word of an environment takes besides its own: its object, and its place in the list."""


class Payloads:
    """The last ones that are in the store, by their number there: none is ever changed."""

    def __init__(self) -> None:
        self._kept: OrderedDict[int, Payload] = OrderedDict()

    def keep(self, number: int, payload: Payload) -> None:
        if len(payload.script) + sum(PER_WORD + len(word) for word in payload.environment) <= LARGEST:
            self._kept[number] = payload
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)

    def find(self, number: int) -> Payload | None:
        found = self._kept.get(number)
        if found is not None:
            self._kept.move_to_end(number)
        return found
