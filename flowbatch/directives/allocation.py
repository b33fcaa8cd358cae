"""The options of salloc, and of srun outside a job: the environment's, then the command line's, which win."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from flowbatch.directives.chosen import Chosen, Surroundings, Use
from flowbatch.directives.reader import Reader
from flowbatch.directives.refusal import error
from flowbatch.directives.settings import Help
from flowbatch.directives.uses import in_argument, options_of
from flowbatch.slurm.getopt import Operand

ASKED = ("help", "usage", "version")


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for: the settled options, the words of the command to run, and what was printed on stderr so far."""

    chosen: Chosen = field(repr=False)
    words: tuple[str, ...]
    said: tuple[str, ...]

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
        self.say_variables(0)
        rest: list[str] = []
        for found in options_of(argv, in_argument(argv), command=self.command):
            if isinstance(found, Operand):
                rest = list(argv[found.index :])
                break
            self._heed(found)
        if ":" in rest:
            sentence = "flowbatch: heterogeneous jobs are not run from the command line here: submit them with sbatch"
            raise error(self.command, sentence)
        self.settle()
        return Wish(self.chosen, tuple(rest), tuple(self.said))

    def _heed(self, use: Use) -> None:
        if use.option.name in ASKED:
            raise Help(use.option.name, 0)
        if use.option.name == "verbose":
            self.chosen.set("verbose", (self.chosen.get("verbose") or 0) + 1)
        self.say(use, at_command_line=True)
