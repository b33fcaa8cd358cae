"""sbatch's options from all their places, in its order: script, #PBS or #BSUB, environment, command line.

Two passes, as in sbatch: the command line alone, which finds the script and may end it all; then, once the script is
read, everything again for each component. A later place wins; what was said is remembered with its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from flowbatch.directives import refusal
from flowbatch.directives.chosen import Chosen, Surroundings, Use
from flowbatch.directives.diagnosis import Origin
from flowbatch.directives.foreign import DIALECTS, Dialect, Ignored, Wrong, normal_words
from flowbatch.directives.options import COMMAND, option
from flowbatch.directives.reader import Defined, Reader
from flowbatch.directives.refusal import Message, Refusal
from flowbatch.directives.script import Line, Script, fault
from flowbatch.directives.settings import Help
from flowbatch.directives.uses import in_argument, in_script, located, options_of
from flowbatch.directives.variables import truth
from flowbatch.directives.words import Word
from flowbatch.slurm.getopt import GetoptError, Given, Operand

HELP = ("help", "usage", "version")
WRAPPED = "#!/bin/sh\n# This script was created by sbatch --wrap.\n\n{}\n"
SLURM_LINE = "Change from #SLURM to #SBATCH in your script and verify the options are valid in sbatch"
PACKJOB_LINE = 'Warning: the "packjob" component separator is being deprecated. Please, use "hetjob" instead.'


@dataclass(frozen=True, slots=True)
class CommandLine:
    """What the command line alone says."""

    groups: tuple[tuple[Use, ...], ...] = ((),)
    script: str | None = None
    arguments: tuple[str, ...] = ()
    wrap: str | None = None
    verbose: int = 0
    said: tuple[str, ...] = ()
    tried: Chosen = field(default_factory=Chosen, repr=False)
    """What the first pass set. What of it is carried from component to component is there before the first one."""


@dataclass(frozen=True, slots=True)
class Component:
    """One component of a job, settled: its slots, everything that was said of it, and sbatch's list."""

    chosen: Chosen = field(repr=False)
    table: Defined

    def uses(self) -> tuple[Use, ...]:
        """All that was said, in sbatch's order, what was overridden included."""
        return tuple(self.chosen.history)


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that sbatch would send to the controller. `said`: what it printed on stderr until then, in order."""

    line: CommandLine
    script: Script
    components: tuple[Component, ...]
    said: tuple[str, ...]
    ignored: tuple[Use, ...] = ()
    """Options of the script that sbatch heeds on its command line alone (--wrap, --help, --verbose ...)."""

    @property
    def chosen(self) -> Chosen:
        """The first component, or the one job."""
        return self.components[0].chosen

    @property
    def verbose(self) -> int:
        verbosity = self.chosen.get("verbose")
        return verbosity if isinstance(verbosity, int) else 0

    @property
    def quiet(self) -> bool:
        return "quiet" in self.chosen

    def asks_for(self, flag: str) -> bool:
        """Whether --wait, --parsable, --test-only ... holds."""
        return bool(self.chosen.get(flag))


def command_line(argv: Sequence[str], around: Surroundings, environ: Mapping[str, str]) -> CommandLine:
    """The first pass. Raises DirectiveError, Help and FileWanted."""
    reader = _Reader(around, environ)
    return reader.guarded(lambda: reader.first_pass(argv))


def read(line: CommandLine, raw: bytes, name: str, around: Surroundings, environ: Mapping[str, str]) -> Submission:
    """The whole request; `raw` is the script and `name` what messages call it. Raises what `command_line` raises."""
    reader = _Reader(around, environ)
    return reader.guarded(lambda: reader.second_pass(line, raw, name))


def wrapped(command: str) -> str:
    """The script that --wrap makes."""
    return WRAPPED.format(command)


class _Reader(Reader):
    """One run of sbatch."""

    def __init__(self, around: Surroundings, environ: Mapping[str, str]) -> None:
        super().__init__(around, environ)
        self.packjob_told = False

    # the command line alone

    def first_pass(self, argv: Sequence[str]) -> CommandLine:
        groups: list[tuple[Use, ...]] = []
        words = list(argv)
        while True:
            uses: list[Use] = []
            rest: list[str] = []
            for found in options_of(words, in_argument(words)):
                if isinstance(found, Operand):
                    rest = words[found.index :]
                    break
                uses.append(found)
                if found.option.name in HELP:
                    raise Help(found.option.name, 0)
                self.say(found)
            groups.append(tuple(uses))
            if rest[:1] != [":"]:
                break
            words = rest[1:]
        wrap = next((use.text for group in groups for use in reversed(group) if use.option.name == "wrap"), None)
        if wrap is not None and rest:
            raise refusal.error(COMMAND, "Script arguments not permitted with --wrap option", option="wrap")
        every = [use.option.name for group in groups for use in group]
        return CommandLine(
            tuple(groups), rest[0] if rest else None, tuple(rest[1:]), wrap, every.count("verbose"),
            tuple(self.said), self.chosen,
        )  # fmt: skip

    # everything, component by component

    def second_pass(self, line: CommandLine, raw: bytes, name: str) -> Submission:
        self.said = list(line.said)
        problem = fault(raw)
        if problem:
            lines = tuple(f"{COMMAND}: error: {text}" for text in problem.lines)
            raise Refusal(problem.message, lines, soft=True, hint=problem.hint)
        script = Script(raw, name)
        components = []
        self.chosen = line.tried
        for number in range(max(len(script.components), len(line.groups))):
            self.chosen = self.chosen.next_component()
            self.chosen.set("verbose", line.verbose)
            self._say_all(number, line, script)
            self.settle()
            components.append(Component(self.chosen, self.tables[-1]))
        return Submission(line, script, tuple(components), tuple(self.said), tuple(self.ignored))

    def _say_all(self, number: int, line: CommandLine, script: Script) -> None:
        """The options of one component, from the weakest place to the strongest."""
        ignore = "SBATCH_IGNORE_PBS"
        if truth(self.environ.get(ignore)):
            self.say(Use(option("ignore-pbs"), None, ignore, Origin("environment", ignore), (), number))
        words = self._directive_words(number, script)
        for found in options_of([word.text for _, word in words], in_script(script.name, words), number):
            if isinstance(found, Operand):
                raise self._stray(script.name, *words[found.index])
            self.say(found)
        spoken = any(use.option.name == "ignore-pbs" for group in line.groups for use in group)
        if not spoken and "ignore-pbs" not in self.chosen:
            self._say_foreign(number, script)
        self.say_variables(number)
        for use in line.groups[min(number, len(line.groups) - 1)]:
            self.say(replace(use, component=number), at_command_line=True)

    def _directive_words(self, number: int, script: Script) -> list[tuple[Line, Word]]:
        """The words of one component's lines, with sbatch's remarks on the lines that it passes on its way."""
        words: list[tuple[Line, Word]] = []
        component, slurm_told = 0, False
        for line in script.header:
            if line.kind == "#SLURM" and not slurm_told:
                slurm_told = True
                self.tell(Message("notice", SLURM_LINE))
            if line.separator:
                component += 1
                if component > number:
                    break
                self._tell_packjob(line)
            elif component == number:
                words += self._words_of(script.name, line)
        return words

    def _words_of(self, name: str, line: Line) -> list[tuple[Line, Word]]:
        split = line.split
        if split.fault:
            sentence, column = split.fault
            stop = refusal.fatal(COMMAND, f"{name}: line {line.number}: {sentence}")
            stop.message = sentence.partition(" in [")[0]
            stop.origin = line.origin_at(name, column)
            raise stop
        self._tell_packjob(line)
        return [(line, word) for word in split.words]

    def _tell_packjob(self, line: Line) -> None:
        if line.split.ended_by == "packjob" and not self.packjob_told:
            self.packjob_told = True
            self.tell(Message("info", PACKJOB_LINE))

    def _stray(self, name: str, line: Line, word: Word) -> Refusal:
        stop = refusal.usage(COMMAND, f"Invalid directive found in batch script: {word.text}")
        stop.message = f"stray word {word.text}"
        stop.hint = "an option begins with - or --; quote a value that holds blanks"
        stop.origin = line.origin(name, word)
        return stop

    def _say_foreign(self, number: int, script: Script) -> None:
        """#PBS or #BSUB lines, which win over sbatch's own."""
        words = [pair for line in script.foreign for pair in self._words_of(script.name, line)]
        if not words:
            return
        dialect = DIALECTS[words[0][0].kind]
        texts = normal_words(words[0][0].kind, [word.text for _, word in words])
        try:
            for found in dialect.table.parse(COMMAND, texts, permute=False):
                line, word = words[found.index]
                origin = line.origin(script.name, word)
                if isinstance(found, Operand):
                    raise located(refusal.error(COMMAND, f"Invalid argument: {found.word}"), origin)
                self._say_letter(dialect, found, origin, number)
        except GetoptError as error:
            lines = (error.line, f"{COMMAND}: error: Unrecognized command line parameter ?")
            line, word = words[min(error.index, len(words) - 1)]
            stop = Refusal(error.line.removeprefix(f"{COMMAND}: "), lines, soft=True)
            raise located(stop, line.origin(script.name, word)) from None

    def _say_letter(self, dialect: Dialect, found: Given, origin: Origin, number: int) -> None:
        meaning = dialect.meanings.get(found.row.key)
        if meaning is None:
            return
        try:
            for name, text in meaning(found.value or ""):
                self.say(Use(option(name), text, found.spelled, origin, (), number))
        except Wrong as wrong:
            raise located(refusal.error(COMMAND, wrong.message), origin) from None
        except Ignored as ignored:
            self.tell(Message("verbose", ignored.message))
