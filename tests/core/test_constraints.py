"""Features with numbers: what 22.05.8 made of them on two nodes that are fast and two that are slow."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flowbatch.core.placing.placement import Occupancy
from flowbatch.spec.cluster import ClusterSpec, NodeSpec, PartitionSpec
from flowbatch.spec.job import JobSpec

FEATURES = {"n1": ("fast", "gpu"), "n2": ("fast", "gpu"), "n3": ("slow",), "n4": ("slow",)}
CLUSTER = ClusterSpec(
    name="two-kinds",
    nodes=tuple(NodeSpec(name=name, cpus=8, cores_per_socket=8, features=has) for name, has in FEATURES.items()),
    partitions=(PartitionSpec(name="debug", nodes=tuple(FEATURES), default=True),),
)


@pytest.mark.parametrize(
    ("words", "nodes"),
    [
        ("-N3 -C [fast*1&slow*2]", "n1 n3 n4"),
        ("-N2 -C fast*1&gpu*1", "n1 n2"),
        ("-N2 -C fast*2&gpu*1", "n1 n2"),
        ("-N2 -C fast&slow*1", "n3 n4"),
        ("-N2 -C fast*1&slow", "n1 n2"),
        ("-N2 -C fast|slow*1", "n3 n4"),
        ("-N3 -C fast*2", "n1 n2 n3"),
        ("-N3 -C fast*1&slow*2", None),
        ("-N2 -C fast*1&slow*1", None),
        ("-N2 -C fast*1|slow*1", None),
    ],
)
def test_numbers_outside_brackets_count_the_same_nodes(
    words: str, nodes: str | None, spec_of: Callable[[str], JobSpec]
) -> None:
    found = Occupancy(CLUSTER).place(spec_of(words), "debug")
    assert (found and " ".join(found.nodes)) == nodes
