"""Node counts: `--nodes`."""

from __future__ import annotations

from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import as_int32, as_long, whole
from flowbatch.spec.resources import NodeCount

FORMS = "a node count is N or MIN-MAX, with k or m for thousands"

_SCALE = {"K": 1024, "M": 1024**2}


@lru_cache(maxsize=1024)
def parse(text: str) -> NodeCount:
    """The counts. A maximum of 0 is none. Raises ValueSyntax with sbatch's own sentence."""
    try:
        return _NODES.read(text)
    except ValueSyntax as error:
        raise error if error.message.startswith("Maximum") else _not_a_count(text, error) from None


def show(count: NodeCount) -> str:
    if count.maximum == count.minimum:
        return str(count.minimum)
    return f"{count.minimum}-{count.maximum or 0}"


def _not_a_count(text: str, error: ValueSyntax) -> ValueSyntax:
    """sbatch names the half that it could not read."""
    least, dash, most = text.partition("-")
    part = most if dash and error.column > len(least) + 1 else least
    return ValueSyntax(f'"{part}" is not a valid node count', error.column, hint=error.hint)


def _number(text: str | None, missing: int) -> int:
    if text is None or not text.strip():
        return missing
    digits = text.strip()
    scale = _SCALE.get(digits[-1].upper(), 1)
    return as_int32(as_long(whole(digits.rstrip("kKmM"))) * scale)


@v_args(inline=True)
class _Reader(Transformer[Token, NodeCount]):
    def exactly(self, text: str) -> NodeCount:
        count = _number(text, 0)
        if count < 0:
            raise ValueSyntax("negative", hint=FORMS)
        return NodeCount(minimum=count, maximum=count)

    def between(self, least: str | None, most: str | None) -> NodeCount:
        minimum, maximum = _number(least, 1), _number(most, -1)
        if minimum < 0:
            minimum = 1
        if maximum < minimum and maximum != 0:
            raise ValueSyntax(f"Maximum node count {maximum} is less than minimum node count {minimum}", hint=FORMS)
        return NodeCount(minimum=minimum, maximum=maximum or (0 if minimum == 0 else None))


_NODES: Language[NodeCount] = Language("nodes", _Reader(), forms=FORMS)
