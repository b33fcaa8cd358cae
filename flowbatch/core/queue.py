"""The queue in memory, and `step`: one fact in; changed records, orders and a reply out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from flowbatch.core.effects import Effect
from flowbatch.core.events import Event, Reply
from flowbatch.core.jobs import Job
from flowbatch.spec.cluster import ClusterSpec


@dataclass(slots=True)
class Stepped:
    """What one step did. `changed`: records as they are now, by id. `dropped`: ids that left the queue (the store keeps them)."""

    changed: dict[int, Job] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)
    orders: list[Effect] = field(default_factory=list)
    reply: Reply = None


class Queue:
    """Every job that is not yet history, and what follows from them (indexes, what nodes hold), kept up to date by `step`."""

    def __init__(self, cluster: ClusterSpec, next_job_id: int, jobs: Iterable[Job] = ()) -> None:
        raise NotImplementedError

    cluster: ClusterSpec
    next_job_id: int
    jobs: dict[int, Job]

    def next_wake(self) -> int | None:
        """The next instant at which `Passed` must come, or None while only other facts can change anything."""
        raise NotImplementedError


def step(queue: Queue, event: Event) -> Stepped:
    """Applies one fact to the queue, in place. Bad input is answered by the reply; an impossible (state, fact) pair
    changes nothing. Never raises for anything a user or a node can send."""
    raise NotImplementedError
