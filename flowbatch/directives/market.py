"""What Slurm has no word for: #FLOW lines, FLOW_* variables and options of `flow submit`.

To Slurm a #FLOW line is a comment, so one script runs in both worlds. It stands where #SBATCH lines may stand and has
the same words. Strength: command line, environment, script.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lark import Token, Transformer, v_args

from flowbatch.directives.diagnosis import Diagnosis, DirectiveError, Origin
from flowbatch.directives.options import Verdict
from flowbatch.directives.script import Script
from flowbatch.directives.values import time
from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.getopt import GetoptError, Operand, OptionRow, Table
from flowbatch.spec.job import UNLIMITED
from flowbatch.spec.market import LimitPrice, MarketTerms
from flowbatch.units import MINUTE

FORMS = "an amount is dollars, $2.50; a price may say what for: $2.50/h, $1.25/gpu-h"


@lru_cache(maxsize=256)
def price(text: str) -> LimitPrice:
    """A limit price; an amount alone is for an instance-hour. Raises ValueSyntax."""
    return _MONEY.read(text.strip())


def amount(text: str) -> int:
    """Micro-dollars. Raises ValueSyntax."""
    read = _MONEY.read(text.strip())
    if "/" in text:
        raise ValueSyntax("a budget is an amount, not a price", text.index("/") + 1, hint=FORMS)
    return read.micro_usd_per_hour


def _seconds(text: str) -> int:
    minutes = time.parse(text)
    if minutes == UNLIMITED:
        raise ValueSyntax("a machine that costs money has an end", hint="say how long at most: 24:00:00")
    return minutes * MINUTE


def _words(text: str) -> tuple[str, ...]:
    return tuple(word for word in text.split(",") if word)


@dataclass(frozen=True, slots=True)
class FlowOption:
    """One option of ours: `field` of MarketTerms, how its text is read, whether several add up.

    `here`: why it is only recorded on this machine; `rented`: what it does on a cluster whose machines are rented.
    """

    name: str
    field: str
    read: Callable[[str], Any]
    here: str
    rented: str
    short: str | None = None
    adds: bool = False
    key: str = ""

    def verdict(self, rented: bool) -> tuple[Verdict, str]:
        """What becomes of it there, and why."""
        return ("honoured", self.rented) if rented else ("recorded", self.here)

    @property
    def variable(self) -> str:
        return "FLOW_" + self.name.replace("-", "_").upper()

    @property
    def row(self) -> OptionRow:
        return OptionRow(self.key or self.name, self.name, self.short, "required")


FREE = "this machine costs nothing"
CAP = "no bid for the job is ever above it"
FLOW_OPTIONS: tuple[FlowOption, ...] = (
    FlowOption("budget", "budget_micro_usd", amount, FREE, "all bids for the job together never cost more"),
    FlowOption("image", "image", str, "jobs run on this machine's own system", "the script runs in a container of it"),
    FlowOption(
        "instance-type", "instance_type", str, "this machine is what it is", "no other machine is bid for", short="i"
    ),
    FlowOption("limit-price", "limit_price", price, FREE, CAP),
    FlowOption("max-price-per-hour", "limit_price", price, FREE, CAP, key="limit-price"),
    FlowOption(
        "max-run-time", "max_run_time_s", _seconds, "the time limit of Slurm is what ends a job here",
        "a time limit, kept by the machine itself",
    ),
    FlowOption(
        "mount", "mounts", _words, "nothing is mounted on this machine", "mounted before the script starts", adds=True
    ),
    FlowOption("region", "regions", _words, "this machine stays where it is", "no other region is bid in", adds=True),
    FlowOption(
        "volume", "volumes", _words, "no volume is attached to this machine", "attached, and there at its path", adds=True
    ),
)  # fmt: skip
"""What the market needs; a cluster of this machine keeps it with the job."""

TABLE = Table(one.row for one in FLOW_OPTIONS)
_BY_NAME = {one.name: one for one in FLOW_OPTIONS}


@dataclass(frozen=True, slots=True)
class FlowUse:
    """One time that an option of ours was said, and where."""

    option: FlowOption
    text: str
    origin: Origin


@dataclass(frozen=True, slots=True)
class Market:
    """The terms, and everything that was said of them, the weakest place first."""

    terms: MarketTerms
    uses: tuple[FlowUse, ...]


def read(script: Script | None, environ: Mapping[str, str], argv: Sequence[str] = ()) -> Market:
    """The market terms of a job. Raises DirectiveError for a word that is none of ours."""
    uses = (*(_of_script(script) if script else ()), *_of_environment(environ), *_of_arguments(argv))
    fields: dict[str, Any] = {}
    added: dict[str, str] = {}
    for use in uses:
        value = _value(use)
        if use.option.adds and added.get(use.option.field) == use.origin.place:
            value = (*fields[use.option.field], *value)
        fields[use.option.field] = value
        added[use.option.field] = use.origin.place
    return Market(MarketTerms(**fields), uses)


def _of_script(script: Script) -> Iterator[FlowUse]:
    for line in script.flow:
        split = line.split
        if split.fault:
            sentence, column = split.fault
            raise _error(sentence.partition(" in [")[0], line.origin_at(script.name, column))
        words = split.words
        try:
            for found in TABLE.parse("flow", [word.text for word in words], permute=False):
                origin = line.origin(script.name, words[found.index])
                if isinstance(found, Operand):
                    raise _error(f"stray word {found.word}", origin)
                if found.value_at:
                    origin = line.origin(script.name, words[found.value_at[0]], found.value_at[1])
                yield FlowUse(_BY_NAME[found.row.long or ""], found.value or "", origin)
        except GetoptError as error:
            raise _error(error.line.removeprefix("flow: "), line.origin(script.name, words[error.index])) from None


def _of_environment(environ: Mapping[str, str]) -> Iterator[FlowUse]:
    for one in FLOW_OPTIONS:
        if text := environ.get(one.variable):
            start = len(one.variable) + 2
            yield FlowUse(one, text, Origin("environment", one.variable, 0, start, len(text), f"{one.variable}={text}"))


def _of_arguments(argv: Sequence[str]) -> Iterator[FlowUse]:
    try:
        for found in TABLE.parse("flow", argv):
            if isinstance(found, Operand):
                raise _error(f"stray word {found.word}", Origin("command line", found.word))
            yield FlowUse(_BY_NAME[found.row.long or ""], found.value or "", Origin("command line", argv[found.index]))
    except GetoptError as error:
        raise _error(error.line.removeprefix("flow: "), Origin("command line", argv[error.index])) from None


def _value(use: FlowUse) -> Any:
    try:
        return use.option.read(use.text)
    except ValueSyntax as error:
        origin = use.origin
        if origin.shown:
            origin = Origin(
                origin.place, origin.source, origin.line, origin.column + error.column - 1,
                max(1, origin.width - error.column + 1), origin.shown,
            )  # fmt: skip
        raise _error(f"--{use.option.name}={use.text}: {error.message}", origin, error.hint) from None


def _error(message: str, origin: Origin, hint: str | None = None) -> DirectiveError:
    line = f"sbatch: error: flowbatch: {origin}: {message}"
    return DirectiveError(Diagnosis(message, (line,), 255, origin, hint))


@v_args(inline=True)
class _Reader(Transformer[Token, LimitPrice]):
    def amount(self, dollars: str) -> LimitPrice:
        whole, _, fraction = dollars.lstrip("$").partition(".")
        return LimitPrice(micro_usd_per_hour=int(whole) * 10**6 + int(fraction.ljust(6, "0")))

    def per_hour(self, dollars: str, thing: str | None, _hour: str) -> LimitPrice:
        per_gpu = thing is not None and thing.lower() == "gpu"
        return self.amount(dollars).model_copy(update={"per": "gpu" if per_gpu else "instance"})


_MONEY: Language[LimitPrice] = Language("money", _Reader(), forms=FORMS)
