"""What a node sees of a running task, at one look."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowbatch.protocol.plain import known


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """One task of a step, or the batch script (`step` None), with all processes under it. Amounts are sums of theirs.

    `local`: its number on its `node`; `component`: whose it is, in a heterogeneous job. `read` and `written` are what passed read(2) and write(2).
    """

    step: int | None
    rank: int
    local: int
    node: str
    component: int = 0
    pids: tuple[int, ...] = ()
    """Its own first."""
    rss: int = 0
    """Bytes, as `vm`, `read` and `written`."""
    vm: int = 0
    cpu_ms: int = 0
    pages: int = 0
    """Faults that needed a disk."""
    read: int = 0
    written: int = 0


def task_seen_of(plain: Mapping[str, Any]) -> TaskSeen:
    """The same in JSON's values; a field that this version does not know is left out."""
    return TaskSeen(**known(TaskSeen, plain))
