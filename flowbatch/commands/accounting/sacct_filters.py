"""Which jobs sacct lists: what the store is asked for, and the tests of what it cannot be asked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from operator import attrgetter

from flowbatch.commands.accounting.sacct_options import JobId, Wanted
from flowbatch.commands.listing.job_view import JobView
from flowbatch.core.accounting.accounts import NORMAL
from flowbatch.core.jobs import ArrayRest, HetPart
from flowbatch.core.past import JobName, Past
from flowbatch.text import small

ONCE_MORE = frozenset({"REQUEUED", "PREEMPTED", "NODE_FAIL", "PENDING", "RUNNING"})
"""States in which an earlier placement may have been."""

Test = Callable[[JobView], bool]


def past(wanted: Wanted) -> Past:
    """What the store is asked for: never less than what is listed."""
    states = wanted.states
    return Past(
        since=wanted.start,
        until=wanted.end,
        eligible_by=wanted.end if states is None and wanted.jobs is None else None,
        outcomes=states if states is not None and states.isdisjoint(ONCE_MORE) else None,
        users=wanted.users,
        groups=wanted.groups,
        accounts=wanted.names("accounts"),
        names=wanted.names("name"),
    )


def named(ids: Iterable[JobId]) -> list[JobName]:
    """The jobs and tasks of --jobs, as the store knows them."""
    return sorted({(one.job_id, one.task) if one.task is not None else one.job_id for one in ids}, key=repr)


class Naming:
    """The ids of --jobs, found by the records that they name. `whole`: as `Wanted.whole`."""

    def __init__(self, ids: Iterable[JobId], *, whole: bool | None) -> None:
        self._whole = whole
        self._by_number: defaultdict[int, list[JobId]] = defaultdict(list)
        for one in ids:
            self._by_number[one.job_id].append(one)

    def of(self, view: JobView) -> list[JobId]:
        """Those that name the record, or a step of it."""
        job = view.job
        numbers = {job.id, view.array_id} if job.het is None else job.het.ids
        return [
            one
            for number in numbers
            for one in self._by_number.get(number or 0, ())
            if _is_named(view, one, whole=self._whole)
        ]


def tests(wanted: Wanted) -> list[Test]:
    """One test for each filter that was given and that the store does not know."""
    found: list[Test] = []
    if wanted.jobs is not None:
        naming = Naming(wanted.jobs, whole=wanted.whole)
        found.append(lambda view: bool(naming.of(view)))
    if (partitions := wanted.names("partition")) is not None:
        found.append(lambda view: not partitions.isdisjoint(small(view.partition).split(",")))
    for key, value in _BY_WORD.items():
        if (names := wanted.names(key)) is not None:
            found.append(_one_of(value, names))
    if constraints := wanted.names("constraints"):
        found.append(lambda view: constraints.issubset(small(view.wish.constraint_text or "").split(",")))
    return found + _of_sizes(wanted)


_BY_WORD: dict[str, Callable[[JobView], str | None]] = {
    "qos": lambda view: view.qos or NORMAL,
    "wckeys": lambda view: view.spec.wckey or "",
    "reason": lambda view: view.reason,
}


def _one_of(value: Callable[[JobView], str | None], names: frozenset[str]) -> Test:
    return lambda view: (word := value(view)) is not None and small(word) in names


def _of_sizes(wanted: Wanted) -> list[Test]:
    """Whether nodes, CPUs, time limit and scheduler are as asked."""
    found: list[Test] = []
    if (nodes := wanted.nodes) is not None:
        found.append(lambda view: view.allocation is not None and not nodes.isdisjoint(view.allocation.nodes))
    for asked, count in ((wanted.cpu_count, attrgetter("cpu_count")), (wanted.node_count, attrgetter("node_count"))):
        if asked is not None:
            found.append(_held_between(count, *asked))
    if (scheduled := wanted.scheduled) is not None:
        found.append(lambda view: not scheduled.isdisjoint({"startrecieved", f"sched{view.job.scheduled_by}".lower()}))
    if wanted.limit_min is not None:
        least, most = wanted.limit_min
        found.append(lambda view: view.time_limit_min is not None and least <= view.time_limit_min <= most)
    return found


def _held_between(count: Callable[[JobView], int], least: int, most: int) -> Test:
    return lambda view: view.allocation is not None and least <= count(view) <= most


def _is_named(view: JobView, one: JobId, *, whole: bool | None) -> bool:
    """Whether the id names the record; `7` is a whole array too, `7_3` a task that has a record."""
    if view.job.het is not None:
        return _is_component(view.job.het, view.job.id, one, whole=whole)
    if one.component is not None:
        return False
    if one.task is not None:
        return one.job_id == view.array_id and one.task == view.task
    return one.job_id == view.array_id or (one.job_id == view.job.id and not isinstance(view.job.array, ArrayRest))


def _is_component(het: HetPart, id: int, one: JobId, *, whole: bool | None) -> bool:
    """A leader's id names all components unless it is to name one alone; `7+1` and any other id one, unless they are to name all."""
    if one.component is not None and one.job_id != het.leader:
        return False
    named = one.job_id + (one.component or 0)
    if whole:
        return named in het.ids
    return named == id or (whole is None and one.component is None and named == het.leader)
