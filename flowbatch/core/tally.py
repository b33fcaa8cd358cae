"""How many jobs came, began and ended since a certain instant: counted as it happens, as slurmctld does, and kept by the store.

Counting begins at midnight UTC, and whenever an operator says so (`sdiag -r`). As recorded from 22.05, each task of an array is
submitted, a script that fails has completed all the same, and nobody counts what ran into its time limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from flowbatch.core.jobs import Job
from flowbatch.core.states import Finished, Outcome, Pending, Running
from flowbatch.units import DAY


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened `since` that instant. `failed`: by a fault of the cluster's. `backfilled`: of those started."""

    since: int = 0
    submitted: int = 0
    started: int = 0
    completed: int = 0
    cancelled: int = 0
    failed: int = 0
    backfilled: int = 0

    def on(self, at: int) -> Tally:
        """As it is at `at`: nothing has happened yet on a new day."""
        midnight = at - at % DAY
        return self if self.since >= midnight else Tally(midnight)

    def plus(self, counted: Mapping[str, int]) -> Tally:
        return replace(self, **{name: getattr(self, name) + number for name, number in counted.items()})


_ENDED: Mapping[Outcome, str] = {
    "COMPLETED": "completed",
    "FAILED": "completed",
    "OUT_OF_MEMORY": "completed",
    "CANCELLED": "cancelled",
    "NODE_FAIL": "failed",
    "BOOT_FAIL": "failed",
}


def counted(old: Job, new: Job) -> tuple[str, ...]:
    """What is to be counted where a record has changed so. A heterogeneous job has one end, its leader's."""
    if isinstance(new.state, Running) and isinstance(old.state, Pending):
        return ("started", "backfilled") if new.scheduled_by == "Backfill" else ("started",)
    if isinstance(new.state, Finished) and not isinstance(old.state, Finished) and not new.follows:
        name = _ENDED.get(new.state.ending.outcome)
        return (name,) if name is not None else ()
    return ()
