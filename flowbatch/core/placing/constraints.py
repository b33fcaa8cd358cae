"""`--constraint` against a node's features."""

from __future__ import annotations

from collections.abc import Iterator

from flowbatch.spec.cluster import NodeSpec
from flowbatch.spec.resources import Constraint, FeatureTerm


def names(constraint: Constraint) -> Iterator[str]:
    """Every feature that the constraint names."""
    if isinstance(constraint, FeatureTerm):
        yield constraint.name
    else:
        for term in constraint.terms:
            yield from names(term)


def holds(constraint: Constraint, node: NodeSpec) -> bool:
    """Whether a node has what the constraint says of a single node; counts and `matching` say nothing of one node."""
    if isinstance(constraint, FeatureTerm):
        return constraint.name in node.features
    if constraint.kind == "all":
        return all(holds(term, node) for term in constraint.terms)
    return any(holds(term, node) for term in constraint.terms)


def alternatives(constraint: Constraint) -> tuple[Constraint, ...]:
    """The constraints of which all nodes together must meet one: those of `[a|b]`, else the constraint itself."""
    if not isinstance(constraint, FeatureTerm) and constraint.kind == "matching":
        terms = constraint.terms
        if len(terms) == 1 and not isinstance(terms[0], FeatureTerm) and terms[0].kind == "any":
            terms = terms[0].terms
        return tuple(terms)
    return (constraint,)


def counted(constraint: Constraint) -> list[tuple[Constraint, int]]:
    """The parts that want a number of nodes (`fast*2`, `[a*1&b*2]`); empty if no number is said."""
    if constraint.count is not None:
        return [(constraint, constraint.count)]
    if isinstance(constraint, FeatureTerm):
        return []
    return [found for term in constraint.terms for found in counted(term)]
