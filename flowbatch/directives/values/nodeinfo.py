"""The shape of a node: `--extra-node-info`. sbatch judges, part by part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import whole

FORMS = "a node's shape is SOCKETS[:CORES[:THREADS]]"

_PLACES = ("first", "second", "third")
_SCALE = {"k": 2**10, "m": 2**20}
_INT_MAX = 2**31 - 1


@dataclass(frozen=True)
class NodeInfo:
    """How many sockets, cores of each and threads of each; None for no wish."""

    sockets: int | None = None
    cores: int | None = None
    threads: int | None = None


@lru_cache(maxsize=256)
def parse(text: str) -> NodeInfo:
    """The shape; what follows the third is passed over. Raises ValueSyntax with sbatch's sentence."""
    try:
        return _NODEINFO.read(text)
    except ValueSyntax as error:
        if error.said:
            raise
        place = text[: error.column - 1].count(":")
        part = text.split(":")[place]
        raise _fault(f'Invalid numeric value "{part}"', place, error.column) from None


def show(info: NodeInfo) -> str:
    """As in sbatch's list of options, which leaves out what is not wished (`1:*:1` is `1:1`); `unset` without a wish."""
    sockets = "" if info.sockets is None else str(info.sockets)
    inner = "".join(f":{part}" for part in (info.cores, info.threads) if part is not None)
    return sockets + inner or "unset"


def _fault(message: str, place: int, column: int = 1) -> ValueSyntax:
    said = f"{message} for {_PLACES[min(place, 2)]} arg of -B."
    return ValueSyntax(said, column, said=said, hint=FORMS)


def _count(text: str, place: int) -> int:
    first = text.split("-")[0].strip().lower()
    number = whole(first.rstrip("km")) * _SCALE.get(first[-1], 1)
    if number > _INT_MAX:
        raise _fault(f"Numeric argument ({text}) to big", place)
    return number


@v_args(inline=True)
class _Reader(Transformer[Token, NodeInfo]):
    def start(self, *parts: Token | None) -> NodeInfo:
        counts = (None if part is None else _count(part, place) for place, part in enumerate(parts[:3]))
        return NodeInfo(*counts)

    def part(self, word: Token | None) -> Token | None:
        return None if word is None or word.type == "ANY" else word


_NODEINFO: Language[NodeInfo] = Language("nodeinfo", _Reader(), forms=FORMS)
