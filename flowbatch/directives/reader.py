"""One run of a command over its words: what every place of options has in common, whichever command reads it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TypeVar

from flowbatch.directives.chosen import Chosen, Surroundings, Use
from flowbatch.directives.diagnosis import Diagnosis, DirectiveError, Origin
from flowbatch.directives.options import ENVIRONMENT, Command, Option, option
from flowbatch.directives.refusal import Message, Refusal
from flowbatch.directives.setting import defined, say
from flowbatch.directives.uses import located
from flowbatch.directives.variables import truth
from flowbatch.directives.verify import check_submission, verify
from flowbatch.slurm.exits import exit_codes

T = TypeVar("T")

Defined = tuple[tuple[str, str], ...]
"""One component's list of defined options: (name, value as shown)."""


class Reader:
    """`chosen` is the component being read; `said` grows as the command prints, `tables` as components are settled."""

    def __init__(self, around: Surroundings, environ: Mapping[str, str]) -> None:
        self.command: Command = around.command
        self.around = around
        self.environ = environ
        codes = exit_codes(environ, self.command)
        self.exit_error = codes.error
        self.said = list(codes.complaints)
        self.tables: list[Defined] = []
        self.chosen = Chosen()
        self.ignored: list[Use] = []

    def guarded(self, run: Callable[[], T]) -> T:
        """What `run` gives; a Refusal becomes a DirectiveError that knows everything said before it."""
        try:
            return run()
        except Refusal as stop:
            exit_code = self.exit_error if stop.soft else stop.exit_code
            origin = stop.origin or (self.chosen.origin(stop.option) if stop.option else None)
            fault = Diagnosis(stop.message, stop.lines, exit_code, origin, stop.hint)
            raise DirectiveError(fault, self.said, self.tables) from None

    def say_variables(self, number: int) -> None:
        """What the environment says of a component."""
        for variable, name in ENVIRONMENT[self.command]:
            if (text := self.environ.get(variable)) is not None:
                self._say_variable(variable, option(name, self.command), text, number)

    def _say_variable(self, variable: str, one: Option, text: str, number: int) -> None:
        shown = f"{variable}={text}"
        start = len(variable) + 2
        origin = Origin("environment", variable, 0, start, max(1, len(text)), shown)
        use = Use(one, text, variable, origin, tuple(range(start, start + len(text))), number)
        if one.name == "verbose":
            self.chosen.set("verbose", self._verbosity(use))
            self.chosen.record(use)
        elif one.arity != "none":
            self.say(use)
        elif truth(text):
            self.say(replace(use, text=None))
        else:
            self.chosen.forget(one.name)

    def _verbosity(self, use: Use) -> int:
        """SBATCH_DEBUG: a number; what is neither true nor a number is 0, what is true and no number is refused."""
        text = use.text or ""
        if text and truth(text):
            if not text.isdecimal():
                sentence = f'Invalid numeric value "{text}" for --verbose.'
                raise located(Refusal(sentence, (f"{self.command}: error: {sentence}",)), use.origin)
            return int(text)
        return 0

    def say(self, use: Use, *, at_command_line: bool = False) -> None:
        """Sets one option; some of them are heeded on the command line alone."""
        if use.option.language == "early":
            if at_command_line:
                if use.option.name == "wrap":
                    self.chosen.set("wrap", use.text)
                self.chosen.record(use)
            elif use.origin.place == "script":
                self.ignored.append(use)
            return
        try:
            for message in say(self.chosen, use, self.around):
                self.tell(message)
        except Refusal as stop:
            raise located(stop, use.origin_at(stop.column)) from None

    def settle(self) -> None:
        """The checks after a component's last option, and its list of defined options."""
        failed: Message | None = None
        for message in verify(self.chosen, self.around):
            self.tell(message)
            if message.level == "error":
                failed = failed or message
        if failed:
            raise Refusal(failed.text, (), soft=True)
        self.tables.append(defined(self.chosen, self.command))
        if self.chosen.get("verbose"):
            self.said += listing(self.tables[-1], self.command)
        for message in check_submission(self.chosen, self.around):
            self.tell(message)

    def tell(self, message: Message) -> None:
        if message.is_heard(verbose=bool(self.chosen.get("verbose")), quiet="quiet" in self.chosen):
            self.said.append(message.line(self.command))


def listing(table: Defined, command: Command) -> list[str]:
    """The lines of one list of defined options."""
    rule = f"{command}: {'-' * 20} {'-' * 20}"
    rows = [f"{command}: {name:<20}: {value}" for name, value in table]
    return [f"{command}: defined options", rule, *rows, rule, f"{command}: end of defined options"]
