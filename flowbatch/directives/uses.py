"""Words of one place as options, each with the place it stands at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from flowbatch.directives.chosen import Use
from flowbatch.directives.diagnosis import Origin
from flowbatch.directives.options import COMMAND, TABLES, Command, later, option
from flowbatch.directives.refusal import USAGE, Refusal
from flowbatch.directives.script import Line
from flowbatch.directives.words import Word
from flowbatch.slurm.getopt import GetoptError, Operand

TRY_HELP = 'Try "{} --help" for more information'

Place = Callable[[int], tuple[Origin, Sequence[int]]]
"""Where word number so-and-so stands, and the columns of its characters."""


def options_of(
    words: Sequence[str], place: Place, component: int = 0, command: Command = COMMAND
) -> Iterator[Use | Operand]:
    """The options among `words`, and what is none. Raises Refusal for a word that getopt refuses."""
    # The later components of srun and salloc are read as if the colon before them were the program's name.
    program = ":" if component and command != COMMAND else command
    try:
        for found in TABLES[command].parse(program, words, permute=False):
            if isinstance(found, Operand):
                yield found
                continue
            origin, _ = place(found.index)
            columns = () if found.value_at is None else place(found.value_at[0])[1][found.value_at[1] :]
            yield Use(option(found.row.long or "", command), found.value, found.spelled, origin, columns, component)
    except GetoptError as error:
        stop = Refusal(error.line.removeprefix(f"{program}: "), (error.line, TRY_HELP.format(command)), USAGE)
        newer = later(words[error.index].lstrip("-").partition("=")[0], command)
        if newer:
            stop.hint = f"--{newer.name} came with Slurm {newer.since}, and this is 22.05; {newer.reason}"
        raise located(stop, place(error.index)[0]) from None


def in_argument(words: Sequence[str]) -> Place:
    """A word of the command line stands nowhere but in itself."""
    return lambda index: (Origin("command line", words[index]), ())


def in_script(name: str, words: Sequence[tuple[Line, Word]]) -> Place:
    """A word of a script stands in a line."""

    def place(index: int) -> tuple[Origin, Sequence[int]]:
        line, word = words[index]
        return line.origin(name, word), _shifted(word.columns, line.at + 1)

    return place


def _shifted(columns: Sequence[int], by: int) -> Sequence[int]:
    if isinstance(columns, range):
        return range(columns.start + by, columns.stop + by)
    return tuple(column + by for column in columns)


def located(stop: Refusal, origin: Origin) -> Refusal:
    """The refusal, which now knows where; the first place stays."""
    stop.origin = stop.origin or origin
    return stop
