"""How the tasks of a step are dealt out to its nodes: block, cyclic, plane or as a file says; srun(1) "--distribution".

Pure arithmetic, as observed of 22.05: every node gets one task before any gets its second, as far as its CPUs go; what is
left over then goes round without looking at CPUs (--overcommit).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["block", "cyclic", "plane", "arbitrary"]


@dataclass(frozen=True, slots=True)
class Distribution:
    """`said`: the word as SLURM_DISTRIBUTION tells it. `plane`: tasks of one plane. `pack`: nodes are filled one after the other."""

    kind: Kind
    said: str
    plane: int = 0
    pack: bool = False


def counts(tasks: int, room: Sequence[int], distribution: Distribution) -> list[int]:
    """How many tasks each node gets; `room`: how many have a CPU there."""
    if distribution.pack:
        return _packed(tasks, room)
    at_once = distribution.plane if distribution.kind == "plane" else 1
    dealt, left = [0] * len(room), tasks
    while left:
        limits = room if any(one < limit for one, limit in zip(dealt, room, strict=True)) else [tasks] * len(room)
        for node, limit in enumerate(limits):
            taken = max(0, min(at_once, left, limit - dealt[node]))
            dealt[node] += taken
            left -= taken
    return dealt


def ranks(dealt: Sequence[int], distribution: Distribution) -> list[tuple[int, ...]]:
    """The ranks on each node, which has so many tasks."""
    if distribution.kind == "block":
        starts = [sum(dealt[:node]) for node in range(len(dealt))]
        return [tuple(range(start, start + count)) for start, count in zip(starts, dealt, strict=True)]
    at_once = distribution.plane if distribution.kind == "plane" else 1
    found: list[list[int]] = [[] for _ in dealt]
    rank = 0
    while rank < sum(dealt):
        for node, count in enumerate(dealt):
            for _ in range(min(at_once, count - len(found[node]))):
                found[node].append(rank)
                rank += 1
    return [tuple(one) for one in found]


def as_listed(nodes: Sequence[str], hosts: Sequence[str]) -> list[tuple[int, ...]]:
    """`arbitrary`: rank i runs on the i-th host."""
    return [tuple(rank for rank, host in enumerate(hosts) if host == node) for node in nodes]


def _packed(tasks: int, room: Sequence[int]) -> list[int]:
    """Each node as full as it can be while one task is left for each of the others."""
    dealt: list[int] = []
    left = tasks
    for node, limit in enumerate(room):
        others = len(room) - node - 1
        taken = max(1, min(limit, left - others)) if others else left
        dealt.append(taken)
        left -= taken
    return dealt
