"""Words of a command line as options and operands, by the rules and in the words of GNU getopt_long(3).

Every Slurm command reads its words this way; each brings its own table of rows. Results come one at a time, from left
to right, because what a command does with one option may come before the next word's fault is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from flowbatch import text

Arity = Literal["none", "required", "optional"]


class GetoptError(Exception):
    """A word that no row allows: `line` is what getopt prints (`sbatch: invalid option -- 'Z'`), `index` its place."""

    def __init__(self, line: str, index: int) -> None:
        super().__init__(line)
        self.line = line
        self.index = index


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One spelling: long name, short letter, or both. Rows with the same `key` are one option under several names."""

    key: str
    long: str | None = None
    short: str | None = None
    arity: Arity = "none"


@dataclass(frozen=True, slots=True)
class Given:
    """An option that was given. `spelled` is it as written (`--nod`, `-N`); `index` the place of its word, and
    `value_at` (place of the word, character in it) where its value begins, if it has one."""

    row: OptionRow
    value: str | None
    spelled: str
    index: int
    value_at: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Operand:
    """A word that is no option."""

    word: str
    index: int


class Table:
    """The rows of one command, in the order in which getopt names them when a prefix fits several."""

    def __init__(self, rows: Iterable[OptionRow]) -> None:
        self.rows = tuple(rows)
        self._long = {row.long: row for row in self.rows if row.long}
        self._short = {row.short: row for row in self.rows if row.short}

    def parse(self, command: str, argv: Sequence[str], *, permute: bool = True) -> Iterator[Given | Operand]:
        """The options and operands of `argv` (without the command's own name); `--` ends the options.

        Without `permute` the first operand ends them too, as in sbatch and srun. Raises GetoptError when it gets there.
        """
        words = enumerate(argv)
        for index, word in words:
            if word == "--":
                break
            if word.startswith("--"):
                yield self._long_option(command, word, index, words)
            elif word.startswith("-") and word != "-":
                yield from self._short_options(command, word, index, words)
            else:
                yield Operand(word, index)
                if not permute:
                    break
        for index, word in words:
            yield Operand(word, index)

    def _long_option(self, command: str, word: str, index: int, words: Iterator[tuple[int, str]]) -> Given:
        name, equals, value = word[2:].partition("=")
        row = self._find(command, word, name, index)
        spelled = f"--{name}"
        if equals:
            if row.arity == "none":
                raise GetoptError(f"{command}: option '--{row.long}' doesn't allow an argument", index)
            return Given(row, value, spelled, index, (index, len(spelled) + 1))
        if row.arity == "required":
            place, value = next(words, (None, ""))
            if place is None:
                raise GetoptError(f"{command}: option '--{row.long}' requires an argument", index)
            return Given(row, value, spelled, index, (place, 0))
        return Given(row, None, spelled, index)

    def _find(self, command: str, word: str, name: str, index: int) -> OptionRow:
        """The row of a long name or of a prefix that only one option has."""
        if exact := self._long.get(name):
            return exact
        fitting = [row for row in self.rows if row.long and row.long.startswith(name)]
        if not fitting:
            raise GetoptError(f"{command}: unrecognized option '{word}'", index)
        first = fitting[0]
        others = [row for row in fitting if (row.key, row.arity) != (first.key, first.arity)]
        if others:
            names = " ".join(f"'--{row.long}'" for row in [first, *others])
            raise GetoptError(f"{command}: option '{word}' is ambiguous; possibilities: {names}", index)
        return first

    def _short_options(self, command: str, word: str, index: int, words: Iterator[tuple[int, str]]) -> Iterator[Given]:
        for at, letter in enumerate(word[1:], 1):
            row = self._short.get(letter)
            if row is None:
                byte = text.decode(text.encode(letter)[:1])
                raise GetoptError(f"{command}: invalid option -- '{byte}'", index)
            spelled = f"-{letter}"
            rest = word[at + 1 :]
            if row.arity == "none":
                yield Given(row, None, spelled, index)
            elif rest:
                yield Given(row, rest, spelled, index, (index, at + 1))
                return
            elif row.arity == "optional":
                yield Given(row, None, spelled, index)
            else:
                place, value = next(words, (None, ""))
                if place is None:
                    raise GetoptError(f"{command}: option requires an argument -- '{letter}'", index)
                yield Given(row, value, spelled, index, (place, 0))
                return
