"""Job dependencies: `--dependency`. sbatch passes any text on; the controller judges (`Job dependency problem`; to
`expand` it says `Requested operation not supported on this system`, which is admission's affair)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import cast

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import as_long, as_uint32, whole
from flowbatch.spec.dependency import Dependency, DependencyKind, DependencyTerm

FORMS = "a dependency is KIND:JOB[:JOB...], singleton or both, with , for all and ? for any of them"

MAX_TASKS = 100_000
"""Tasks that one `7_[...]` may name: more are refused, as they are more than any array has."""

_ALL_TASKS = 2**32 - 2
_SPAN = re.compile(r"([0-9]+)(?:-([0-9]+))?")


@lru_cache(maxsize=512)
def parse(text: str) -> Dependency | None:
    """The terms, each once; None where there is nothing to wait for (an empty text, `0`). Raises ValueSyntax."""
    any_of, terms = _DEPENDENCY.read(text)
    return Dependency(text=text, any=any_of, terms=tuple(dict.fromkeys(terms))) if terms else None


def show(dependency: Dependency | None) -> str:
    """The text as given, as sbatch shows it."""
    return dependency.text if dependency else ""


def words(dependency: Dependency) -> str:
    """The terms in the language of `parse`, from the values alone."""
    return ("?" if dependency.any else ",").join(map(_words, dependency.terms))


def _words(term: DependencyTerm) -> str:
    if term.kind == "singleton":
        return term.kind
    task = "" if term.task is None else f"_{term.task}"
    delay = f"+{term.delay_minutes}" if term.delay_minutes else ""
    return f"{term.kind}:{term.job_id}{task}{delay}"


def _job_id(digits: str) -> int:
    job_id = as_uint32(as_long(whole(digits)))
    if job_id == 0:
        raise ValueSyntax("0 is no job", hint=FORMS)
    return job_id


def _tasks(text: str | None) -> list[int | None]:
    """The tasks behind an underscore: none said is [None], and so is `*`."""
    if text is None or text == "_*":
        return [None]
    if text.startswith("_["):
        spans = [(int(a), int(b or a)) for a, b in _SPAN.findall(text) if len(a) < 10 and len(b) < 10]
        if sum(b - a + 1 for a, b in spans) > MAX_TASKS or any(b < a for a, b in spans) or not spans:
            raise ValueSyntax("these are no tasks of an array", hint=FORMS)
        return [task for first, last in spans for task in range(first, last + 1)]
    task = as_uint32(as_long(whole(text[1:] or "0")))
    return [None if task >= _ALL_TASKS else task]


def _delay(text: str | None) -> int:
    """Minutes; Slurm keeps seconds in 32 bits."""
    if text is None:
        return 0
    minutes = as_uint32(as_long(whole(text.split("+")[1] or text.split("+")[2])))
    if minutes == 0:
        raise ValueSyntax("a delay is at least one minute", hint=FORMS)
    return as_uint32(minutes * 60) // 60


Terms = list[DependencyTerm]


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[bool, Terms]"]):
    def start(self, found: tuple[bool, Terms]) -> tuple[bool, Terms]:
        return found

    def nothing(self, *_zero: str) -> tuple[bool, Terms]:
        return False, []

    def terms(self, *parts: Terms | str | tuple[bool, Terms]) -> tuple[bool, Terms]:
        any_of, terms = False, []
        for part in parts:
            if isinstance(part, str):
                any_of = any_of or part == "?"
            elif isinstance(part, tuple):
                any_of = any_of or part[0]
                terms += part[1]
            else:
                terms += part
        return any_of, terms

    def singleton(self, _word: str, _state: str | None) -> Terms:
        return [DependencyTerm(kind="singleton")]

    def kind(self, word: str, *jobs: Iterable[tuple[int, int | None, int]]) -> Terms:
        kind = cast("DependencyKind", word.lower())
        return [
            DependencyTerm(kind=kind, job_id=job_id, task=task, delay_minutes=delay)
            for tasks in jobs
            for job_id, task, delay in tasks
        ]

    def job(
        self, number: str, task: str | None, delay: str | None, _state: str | None
    ) -> list[tuple[int, int | None, int]]:
        job_id, minutes = _job_id(number), _delay(delay)
        return [(job_id, one, minutes) for one in _tasks(task)]

    def bare(self, number: str, task: str | None) -> Terms:
        if "-" in number:
            raise ValueSyntax("a job number is not negative", hint=FORMS)
        job_id = _job_id(number)
        return [DependencyTerm(kind="afterany", job_id=job_id, task=one) for one in _tasks(task)]


_DEPENDENCY: Language[tuple[bool, Terms]] = Language("dependency", _Reader(), forms=FORMS)
