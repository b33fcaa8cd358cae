"""Features: `--constraint`, `--prefer`. sbatch passes any text on; the controller judges, and says
`Invalid feature specification` to a malformed text and to a feature that no node has alike."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.slurm.integers import whole
from flowbatch.spec.resources import Constraint, FeatureGroup, FeatureTerm

FORMS = "a constraint is features with & or | between them, [a|b] for the same on all nodes, *N for so many nodes"

_SIGN = {"all": "&", "any": "|"}


@lru_cache(maxsize=512)
def parse(text: str) -> Constraint | None:
    """The constraint; None for an empty text. Raises ValueSyntax.

    Operators bind from left to right: `a|b&c` is (a or b) and c. A number counts nodes, within brackets for each part.
    """
    return _CONSTRAINT.read(text)


def show(constraint: Constraint | None) -> str:
    """A text that `parse` reads as the same."""
    return "" if constraint is None else _chain(constraint)


def _chain(constraint: Constraint) -> str:
    """Reading from the left makes groups, so that the first part of a chain needs no parentheses."""
    if isinstance(constraint, FeatureTerm) or constraint.count is not None or constraint.kind == "matching":
        return _operand(constraint)
    first, *rest = constraint.terms
    return _SIGN[constraint.kind].join([_chain(first), *map(_operand, rest)])


def _operand(constraint: Constraint) -> str:
    count = "" if constraint.count is None else f"*{constraint.count}"
    if isinstance(constraint, FeatureTerm):
        return constraint.name + count
    if constraint.kind == "matching":
        sign = "|" if all(term.count is None for term in constraint.terms) else "&"
        return f"[{sign.join(map(_operand, constraint.terms))}]"
    return f"({_chain(constraint.model_copy(update={'count': None}))}){count}"


def _counted(constraint: Constraint, count: str | None) -> Constraint:
    number = None if count is None else whole(count[1:])
    return constraint if number is None else constraint.model_copy(update={"count": number})


def _joined(left: Constraint, operator: str, right: Constraint) -> Constraint:
    """`left operator right`, without a group in a group where one does."""
    kind: Literal["any", "all"] = "any" if operator == "|" else "all"
    return FeatureGroup(kind=kind, terms=(*_terms(left, kind), *_terms(right, kind)))


def _all_terms(constraint: Constraint) -> Iterator[Constraint]:
    """The constraint and everything in it."""
    yield constraint
    if isinstance(constraint, FeatureGroup):
        for term in constraint.terms:
            yield from _all_terms(term)


def _terms(constraint: Constraint, kind: str) -> tuple[Constraint, ...]:
    if isinstance(constraint, FeatureGroup) and constraint.kind == kind and constraint.count is None:
        return constraint.terms
    return (constraint,)


@v_args(inline=True)
class _Reader(Transformer[Token, "Constraint | None"]):
    def start(self, chain: Constraint | None) -> Constraint | None:
        return chain

    def chain(self, first: Constraint, *rest: Constraint | Token | None) -> Constraint:
        found = first
        for operator, operand in zip(rest[::2], rest[1::2], strict=False):
            if isinstance(operator, Token) and isinstance(operand, (FeatureTerm, FeatureGroup)):
                found = _joined(found, operator, operand)
        return found

    inner = chain

    def feature(self, name: str, *counts: str) -> Constraint:
        return _counted(FeatureTerm(name=str(name)), counts[-1] if counts else None)

    def group(self, inner: Constraint, count: str | None) -> Constraint:
        if any(term.count is not None for term in _all_terms(inner)):
            raise ValueSyntax("no number may stand within parentheses", hint=FORMS)
        return _counted(inner, count)

    def bracket(self, *parts: Constraint | Token) -> Constraint:
        operators = {str(part) for part in parts if isinstance(part, Token)}
        terms = tuple(part for part in parts if isinstance(part, (FeatureTerm, FeatureGroup)))
        counts = sum(term.count is not None for term in terms)
        if operators <= {"|"} and counts == 0:
            return FeatureGroup(kind="matching", terms=terms)
        if operators <= {"&", ","} and counts == len(terms):
            return terms[0] if len(terms) == 1 else FeatureGroup(kind="matching", terms=terms)
        raise ValueSyntax("brackets hold a|b, or a*1&b*2", hint=FORMS)


_CONSTRAINT: Language[Constraint | None] = Language("constraint", _Reader(), forms=FORMS)
