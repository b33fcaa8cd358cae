"""The options of salloc, and of srun outside a job: the environment's, then the command line's, which win."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.directives.chosen import Chosen, Surroundings, Use
from flowbatch.directives.reader import Reader
from flowbatch.directives.settings import Help
from flowbatch.directives.uses import in_argument, options_of
from flowbatch.slurm.getopt import Operand

ASKED = ("help", "usage", "version")
COLON = ":"
"""What stands between the components of a heterogeneous job."""


@dataclass(frozen=True, slots=True)
class Component:
    """The settled options of one job, or of one component, and the words of what it runs."""

    chosen: Chosen = field(repr=False)
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: one component, or several of a heterogeneous job; and what was printed on stderr so far."""

    components: tuple[Component, ...]
    said: tuple[str, ...]

    @property
    def chosen(self) -> Chosen:
        """Of the first component, whose options are also the command's own."""
        return self.components[0].chosen

    @property
    def words(self) -> tuple[str, ...]:
        """What is run; of several components the last has salloc's."""
        return self.components[-1].words

    @property
    def quiet(self) -> bool:
        return "quiet" in self.chosen


def read(argv: Sequence[str], around: Surroundings, environ: Mapping[str, str]) -> Wish:
    """The request of `around.command`. Raises DirectiveError, Help and FileWanted."""
    reader = _Reader(around, environ)
    return reader.guarded(lambda: reader.read(argv))


class _Reader(Reader):
    """One run of salloc or srun."""

    def read(self, argv: Sequence[str]) -> Wish:
        components: list[Component] = []
        left: Sequence[str] | None = argv
        while left is not None:
            words, left = self._component(len(components), left)
            components.append(Component(self.chosen, tuple(words)))
        return Wish(tuple(components), tuple(self.said))

    def _component(self, number: int, argv: Sequence[str]) -> tuple[Sequence[str], Sequence[str] | None]:
        """One component is settled: the words of what it runs, and those of the components after it."""
        if number:
            self.chosen = self.chosen.next_component()
        self.say_variables(number)
        rest: Sequence[str] = ()
        for found in options_of(argv, in_argument(argv), number, self.command):
            if isinstance(found, Operand):
                rest = argv[found.index :]
                break
            self._heed(found)
        self.settle()
        return self._parted(rest)

    def _parted(self, rest: Sequence[str]) -> tuple[Sequence[str], Sequence[str] | None]:
        """A lone colon ends a component: of srun's anywhere, as each has a command; of salloc's behind its options alone."""
        if COLON not in rest or (self.command == "salloc" and rest[0] != COLON):
            return rest, None
        at = rest.index(COLON)
        return rest[:at], rest[at + 1 :]

    def _heed(self, use: Use) -> None:
        if use.option.name in ASKED:
            raise Help(use.option.name, 0)
        if use.option.name == "verbose":
            self.chosen.set("verbose", (self.chosen.get("verbose") or 0) + 1)
        self.say(use, at_command_line=True)
