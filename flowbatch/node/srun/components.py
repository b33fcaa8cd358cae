"""A step over several components of a heterogeneous job: `srun --het-group=0,1 A`, `srun A : B`; srun(1) "--het-group".

The parts between lone colons are steps of their own words, which share one step: the first part's options are also the step's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from flowbatch.node.srun import options
from flowbatch.node.srun.refusals import refusal
from flowbatch.node.srun.wanted import CannotRun, Wanted

SIZE = "SLURM_HET_SIZE"


@dataclass(frozen=True, slots=True)
class Component:
    """What is wanted of one component of the job, by its number."""

    number: int
    wanted: Wanted


def read(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[Component, ...]:
    """What the words ask for, the first component first; one of number 0 where the job is none of several. Raises CannotRun."""
    size = environ.get(SIZE, "")
    if not size.isdecimal():
        wanted = options.read(argv, environ)
        if wanted.het_group is not None:
            raise CannotRun(refusal("no groups"))
        return (Component(0, wanted),)
    return tuple(_components(argv, environ, int(size)))


def _components(argv: Sequence[str], environ: Mapping[str, str], size: int) -> Iterator[Component]:
    for place, words in enumerate(_with_commands(argv, environ)):
        said = options.read(words, environ).het_group
        for number in _numbers(said) if said is not None else [place]:
            if number >= size:
                raise CannotRun(refusal("no such group" if said else "no such part", group=number, last=size - 1))
            yield Component(number, options.read(words, _told(environ, number)))


def _with_commands(argv: Sequence[str], environ: Mapping[str, str]) -> list[list[str]]:
    """The words of each part; one that has no command runs that of the next. Raises CannotRun."""
    parts: list[list[str]] = []
    command: Sequence[str] = ()
    for words in reversed(list(_parts(argv))):
        own = options.read(words, environ).command
        parts.insert(0, words if own else [*words, *command])
        command = own or command
    return parts


def _parts(argv: Sequence[str]) -> Iterator[list[str]]:
    part: list[str] = []
    for word in argv:
        if word == ":":
            yield part
            part = []
        else:
            part.append(word)
    yield part


def _numbers(text: str) -> Iterator[int]:
    """`0,2-3`."""
    for word in text.split(","):
        first, _, last = word.partition("-")
        yield from range(int(first), int(last or first) + 1)


def _told(environ: Mapping[str, str], number: int) -> dict[str, str]:
    """The environment as a component's own job would have it: what is told of it by number stands without one."""
    suffix = f"_HET_GROUP_{number}"
    told = {name for name in environ if "_HET_GROUP_" in name}
    every = {name.partition("_HET_GROUP_")[0] for name in told} - {"SLURM_JOB_ID"}
    kept = {name: value for name, value in environ.items() if name not in every}
    own = {name.removesuffix(suffix): environ[name] for name in told if name.endswith(suffix)}
    return kept | {name: value for name, value in own.items() if name != "SLURM_JOB_ID"}
