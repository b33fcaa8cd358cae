"""`--constraint` against a node's features."""

from __future__ import annotations

from collections.abc import Iterator

from flowbatch.spec.cluster import NodeSpec
from flowbatch.spec.resources import Constraint, FeatureGroup, FeatureTerm


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
        return constraint.name in node.active_features
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
    """The parts that want a number of nodes; empty if no number is said.

    Within brackets (`[a*1&b*2]`) each part has nodes of its own. Elsewhere all that is counted must be on the same nodes,
    and what is not counted is not asked for (observed on 22.05.8).
    """
    found = list(_with_counts(constraint))
    if len(found) < 2 or (isinstance(constraint, FeatureGroup) and constraint.kind == "matching"):
        return found
    together = FeatureGroup(kind="all", terms=tuple(one for one, _ in found))
    return [(together, max(count for _, count in found))]


def _with_counts(constraint: Constraint) -> Iterator[tuple[Constraint, int]]:
    if constraint.count is not None:
        yield constraint, constraint.count
    elif isinstance(constraint, FeatureGroup):
        for term in constraint.terms:
            yield from _with_counts(term)
