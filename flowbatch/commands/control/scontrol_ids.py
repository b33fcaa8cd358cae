"""The ids of jobs behind a keyword of scontrol: `7,8_[1-3] 9+1`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from flowbatch.spec.array import IndexRange, IndexSet

_ID = r"(?P<job>\+?[0-9]+)(?:_(?P<tasks>\[[-0-9,]*\]|[-0-9]*)|\+(?P<components>\[[-0-9,]+\]|[0-9]+))?"
_NAMELESS = re.sub(r"\?P<\w+>", "?:", _ID)
_IDS = re.compile(rf"[ ,]*(?:{_NAMELESS}(?:[ ,]+{_NAMELESS})*[ ,]*)?", re.ASCII)
_PREFIX = re.compile(r"(?:jobid|job)=", re.IGNORECASE)
_RANGE = re.compile(r"([0-9]+)(?:-([0-9]+))?", re.ASCII)
_MOST_DIGITS = 9
"""No number has more."""

_MOST_COMPONENTS = 128


@dataclass(frozen=True, slots=True)
class Target:
    """One id as Slurm names it in an answer: a job, tasks of an array, or one component of a heterogeneous job. `job_id` is 0
    where nothing can have the number, and `readable` false where it is no id at all."""

    text: str
    job_id: int
    tasks: IndexSet | None = None
    component: int | None = None
    readable: bool = True


def read(word: str, max_array_size: int) -> Iterator[Target]:
    """The ids of one word, between commas and blanks; the word itself where one of them is none. Indices of tasks stay below
    `max_array_size`."""
    word = _PREFIX.sub("", word, count=1) if _PREFIX.match(word) else word
    if not _IDS.fullmatch(word):
        yield Target(word, 0, readable=False)
        return
    for found in re.finditer(_ID, word, re.ASCII):
        yield from _targets(found, max_array_size)


def _targets(found: re.Match[str], max_array_size: int) -> Iterator[Target]:
    number = found["job"].removeprefix("+")
    job_id = int(number) if len(number) <= _MOST_DIGITS else 0
    text = found[0].replace("[", "").replace("]", "")
    if found["tasks"] is not None:
        tasks = _indices(found["tasks"], max_array_size)
        if tasks is None:
            yield Target(text, 0, readable=False)
        else:
            yield Target(f"{found['job']}_{tasks.text()}", job_id, tasks)
    elif found["components"] is not None:
        components = _indices(found["components"], _MOST_COMPONENTS)
        if components is None:
            yield Target(text, 0, readable=False)
        for one in components or ():
            yield Target(f"{found['job']}+{one}", job_id, component=one)
    else:
        yield Target(text, job_id)


def _indices(ranges: str, below: int) -> IndexSet | None:
    """The numbers of `1-3,5`; None where there is none, or one that is not below."""
    said: list[IndexRange] = []
    for one in ranges.strip("[]").split(","):
        if not one:
            continue
        found = _RANGE.fullmatch(one)
        if found is None or len(one) > 2 * _MOST_DIGITS:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        if not first <= last < below:
            return None
        said.append(IndexRange(first=first, last=last))
    return IndexSet.of(tuple(said)) if said else None
