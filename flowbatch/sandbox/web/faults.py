"""Bad weather on order: what may go wrong between the market and who asks it, by path and count."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import BaseModel, Field

Kind = Literal["latency", "status", "drop", "cut", "stale", "skew"]


class Fault(BaseModel):
    """One thing that goes wrong with the requests that fit `method` and `path` (a glob): with `count` of them, after `spare`.

    `latency`: the answer comes `seconds` late. `status`: `status` is the answer and nothing was done; `seconds`, if any, is its
    Retry-After. `drop`: the connection is cut, nothing was done. `cut`: all was done, and the connection is cut before the
    answer. `stale`: a read is answered as of the moment when the fault was set. `skew`: the Date header is off by `seconds`.
    """

    kind: Kind
    method: str = "*"
    path: str = "*"
    count: int | None = Field(default=1, ge=1)
    """None: until it is taken away."""
    spare: int = Field(default=0, ge=0)
    seconds: float | None = None
    status: int = Field(default=503, ge=400, le=599)

    def fits(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path)


class Weather:
    """The faults that are set, by number; each is used up by the requests that it meets."""

    def __init__(self) -> None:
        self.faults: dict[int, Fault] = {}
        self._given = 0

    def set(self, fault: Fault) -> int:
        self._given += 1
        self.faults[self._given] = fault.model_copy()
        return self._given

    def clear(self) -> None:
        self.faults.clear()

    def meets(self, method: str, path: str) -> dict[Kind, tuple[int, Fault]]:
        """What goes wrong with this request: of each kind the oldest fault that fits, which is counted down."""
        met: dict[Kind, tuple[int, Fault]] = {}
        for number, fault in list(self.faults.items()):
            if fault.kind in met or not fault.fits(method, path) or (fault.kind == "stale" and method != "GET"):
                continue
            if fault.spare:
                fault.spare -= 1
                continue
            met[fault.kind] = number, fault.model_copy()
            if fault.count is not None:
                fault.count -= 1
                if not fault.count:
                    del self.faults[number]
        return met


MINUTE_S = 60
"""After so long without a request an asker's bucket is full again, and nothing is known of him that matters."""
ASKERS = 1000


class Limits:
    """At most `per_minute` requests of one asker in a minute, as a bucket that fills evenly; 0: no limit."""

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._left: dict[str, tuple[float, float]] = {}

    def wait_s(self, asker: str, now: float) -> float:
        """0 and the request is counted, or so long until the next one is free. `now` is real time, in seconds."""
        if not self.per_minute:
            return 0
        if len(self._left) >= ASKERS:
            self._left = {each: (left, then) for each, (left, then) in self._left.items() if now - then < MINUTE_S}
        left, then = self._left.get(asker, (float(self.per_minute), now))
        left = min(self.per_minute, left + (now - then) * self.per_minute / MINUTE_S)
        self._left[asker] = (left - 1 if left >= 1 else left, now)
        return 0 if left >= 1 else (1 - left) * MINUTE_S / self.per_minute
