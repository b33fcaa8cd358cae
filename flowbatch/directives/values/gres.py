"""Generic resources: `--gres` (`parse`) and `--gpus`, `--gpus-per-*` (`parse_gpus`).

sbatch passes the text on, then checks it with the controller's own code; a fault has one of these `where`:

- "gres": `sbatch: error: Invalid generic resource (gres) specification`, exit 1. So has a name that the cluster does
  not know, which admission finds out.
- "mixed": `sbatch: error: Invalid GRES specification (with and without type identification)`, exit 1.
- "tres": the controller's `Invalid Trackable RESource (TRES) specification`; only when nothing above is wrong.

More than a node has, or a type that none has, is no fault here: `Requested node configuration is not available`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import whole
from flowbatch.spec.resources import Gres

FORMS = "a generic resource is NAME[:TYPE][:COUNT]; GPUs are [TYPE:]COUNT"

HELP = frozenset({"help", "list"})
"""The words of `--gres` that ask for a list and end sbatch with 0."""

_PREFIX = "gres:"
_TOO_MANY = 2**64 - 2
_SCALE = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40, "p": 2**50}
_THOUSANDS = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "p": 10**15}


@lru_cache(maxsize=512)
def parse(text: str) -> tuple[Gres, ...]:
    """What `--gres` asks for; `none` asks for nothing. Raises ValueSyntax with `where`."""
    return _checked(_GRES, text)


@lru_cache(maxsize=512)
def parse_gpus(text: str) -> tuple[Gres, ...]:
    """What `--gpus` and its like ask for; an empty text asks for nothing. Raises ValueSyntax with `where`."""
    return _checked(_GPUS, text)


def show(wanted: tuple[Gres, ...]) -> str:
    return ",".join(_PREFIX + _words(g.name, g) for g in wanted) or "none"


def show_gpus(wanted: tuple[Gres, ...]) -> str:
    return ",".join(_words("", g) for g in wanted)


def listed(text: str) -> str:
    """The text of `--gres` as sbatch keeps and lists it: each part says that it is a gres."""
    if text.lower() == "none":
        return text
    return ",".join(part if part.startswith(_PREFIX) else _PREFIX + part for part in text.split(","))


def _words(name: str, wanted: Gres) -> str:
    return ":".join(part for part in (name, wanted.type, str(wanted.count)) if part)


def _checked(language: Language[tuple[Gres | None, ...]], text: str) -> tuple[Gres, ...]:
    try:
        parts = language.read(text)
    except ValueSyntax as error:
        raise ValueSyntax(error.message, error.column, where="gres", hint=FORMS) from None
    wanted = tuple(part for part in parts if part)
    typed: dict[str, bool] = {}
    for one in wanted:
        if typed.setdefault(one.name, one.type is not None) != (one.type is not None):
            raise ValueSyntax("with and without a type", where="mixed", hint=FORMS)
    if None in parts:
        raise ValueSyntax("this is no count", where="tres", hint=FORMS)
    return wanted


def _gres(name: str, kind: str | None, count: str | None) -> Gres | None:
    """One entry; None for a number that cannot be one (`1x`, 2**64), which the controller refuses later than the rest."""
    number = 1 if count is None else _number(count)
    looks_like_a_number = (
        kind is not None and count is None and kind.lstrip(" \t\n\v\f\r").removeprefix("+")[:1].isdigit()
    )
    return None if number >= _TOO_MANY or looks_like_a_number else Gres(name=name, type=kind, count=number)


def _number(text: str) -> int:
    digits = text.strip().lower()
    unit = digits.lstrip("+0123456789")
    scale = _THOUSANDS if len(unit) == 2 else _SCALE
    return min(whole(digits.removesuffix(unit)), 2**64 - 1) * scale[unit[:1]] % 2**64


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[Gres | None, ...]"]):
    def gres(self, *parts: Gres | str | None) -> tuple[Gres | None, ...]:
        return tuple(part for part in parts if not isinstance(part, str))

    def gpus(self, *parts: Iterable[Gres | None] | None) -> tuple[Gres | None, ...]:
        return tuple(gpu for part in parts if part is not None for gpu in part)

    def nothing(self) -> None:
        return None

    def typed(self, _prefix: str | None, name: str, kind: str | None, count: str | None) -> Gres | None:
        return _gres(str(name), None if kind is None else str(kind), count)

    def counted(self, _prefix: str | None, name: str, count: str) -> Gres | None:
        return _gres(str(name), None, count)

    def gpu_typed(self, kind: str, count: str | None) -> tuple[Gres | None]:
        return (_gres("gpu", str(kind), count),)

    def gpu_counted(self, count: str) -> tuple[Gres | None]:
        return (_gres("gpu", None, count),)


_GRES: Language[tuple[Gres | None, ...]] = Language("gres", _Reader(), start="gres", forms=FORMS)
_GPUS: Language[tuple[Gres | None, ...]] = Language("gres", _Reader(), start="gpus", forms=FORMS)
