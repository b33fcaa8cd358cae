"""The order of squeue's rows, as recorded from 22.05 letter by letter, its oddities included."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter

from flowbatch.commands.command_options import Stop
from flowbatch.commands.listing.job_view import JobView
from flowbatch.core.jobs import Job
from flowbatch.slurm import hostlist
from flowbatch.units import MINUTE

JOB_ORDER, STEP_ORDER, START_ORDER = "P,t,-p", "P,i", "S"

_LAST = 1 << 62


def load_order(jobs: Iterable[Job]) -> list[Job]:
    """The order in which slurmctld answers: by age of the record.

    When a task starts, its array's record becomes the task's and the rest gets a new one at the end: so the first task
    stands where the array was, and each later record where the split before it happened.
    """
    placed: list[tuple[int, Job]] = []
    tasks: list[tuple[bool, int, int, Job]] = []
    for job in jobs:
        array = None if job.array is None else job.array_id
        if array is None:
            placed.append((job.id, job))
        else:
            tasks.append((array == job.id, job.id, array, job))
    latest: dict[int, int] = {}
    for _, id, array, job in sorted(tasks, key=itemgetter(0, 1)):
        placed.append((latest.get(array, array), job))
        latest[array] = id
    return [job for _, job in sorted(placed, key=itemgetter(0))]


def by_start(views: list[JobView]) -> list[JobView]:
    """How squeue orders before it sorts: the latest start first; what has none yet comes behind, the last record first."""
    return _sorted_by_start(views, descending=True)


def sort(views: list[JobView], order: str) -> tuple[list[JobView], str]:
    """The rows by the letters of `--sort`, the last one first, and complaints. Raises Stop for a letter that sorts nothing."""
    notes = ""
    if order.lstrip("+-") == "cluster":
        return views, notes
    for at in range(len(order) - 1, -1, -1):
        letter, descending = order[at], at > 0 and order[at - 1] == "-"
        if letter in ",+-" or letter in _CONSTANT:
            continue
        if letter == "b":
            notes += "squeue: Invalid sort specification: b\n"
        elif letter == "S":
            views = _sorted_by_start(views, descending=descending)
        elif letter == "N":
            views = _sorted_by_nodes(views, descending=descending)
        elif letter in _KEYS:
            views = sorted(views, key=_KEYS[letter], reverse=descending)
        else:
            raise Stop(1, err=f"{notes}squeue: error: Invalid sort specification: {letter}\n")
    return views, notes


def _sorted_by_start(views: list[JobView], *, descending: bool) -> list[JobView]:
    """What has no start comes last, turned round each time."""
    begun: list[tuple[int, JobView]] = []
    rest: list[JobView] = []
    for view in views:
        start = view.start_time
        if start:
            begun.append((start, view))
        else:
            rest.append(view)
    begun.sort(key=itemgetter(0), reverse=descending)
    return [view for _, view in begun] + rest[::-1]


def _sorted_by_nodes(views: list[JobView], *, descending: bool) -> list[JobView]:
    """By the first node; what has none comes last and turned round, or first and as it was."""
    placed = sorted((view for view in views if view.nodes), key=_first_node, reverse=descending)
    rest = [view for view in views if not view.nodes]
    return rest + placed if descending else placed + rest[::-1]


def _first_node(view: JobView) -> tuple[str, int, int]:
    return hostlist.sort_key(view.batch_host or "")


def _id(view: JobView) -> tuple[int, int]:
    return view.array_id or view.job.id, _LAST if view.rest else view.task or 0


def _end(view: JobView) -> int:
    return view.end_time or (_LAST if view.start_time else 0)


def _limit(view: JobView) -> int:
    limit = view.time_limit_min
    return _LAST if limit is None else limit * MINUTE


def _left(view: JobView) -> int:
    left = view.time_left_s
    return _LAST if left is None else left


def _or_last(number: int | None) -> int:
    return number or _LAST


_CONSTANT = frozenset("cfhnO")
"""Letters that 22.05 takes and that change nothing."""

_KEYS: dict[str, Callable[[JobView], int | str | tuple[int, ...]]] = {
    "d": lambda view: view.wish.tmp_mib or 0,
    "e": _end,
    "g": lambda view: view.job.owner.group,
    "i": _id,
    "j": lambda view: view.spec.name,
    "l": _limit,
    "m": lambda view: view.memory_mib,
    "p": lambda view: view.priority,
    "t": lambda view: view.state,
    "u": lambda view: view.job.owner.name,
    "v": lambda view: view.spec.reservation or "",
    "z": lambda view: (
        _or_last(view.wish.sockets_per_node), _or_last(view.wish.cores_per_socket), _or_last(view.wish.threads_per_core),
    ),
    "B": lambda view: view.batch_host or "",
    "C": lambda view: view.cpu_count,
    "D": lambda view: view.node_count,
    "G": lambda view: view.job.owner.gid,
    "H": lambda view: _or_last(view.wish.sockets_per_node),
    "I": lambda view: _or_last(view.wish.cores_per_socket),
    "J": lambda view: _or_last(view.wish.threads_per_core),
    "L": _left,
    "M": lambda view: view.time_used_s,
    "P": lambda view: view.partition,
    "Q": lambda view: view.priority,
    "T": lambda view: view.state,
    "U": lambda view: view.job.owner.uid,
    "V": lambda view: view.job.submitted_at,
}  # fmt: skip
