"""A whole cluster at work while somebody dies: some points of `tests.fault.run` each time, a thousand with `-m long`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fault import run
from tests.fault.cluster import Cluster, rooted
from tests.fault.run import Point

SOME = ("arrays:controller:20:controller", "requeued:node:14:both")
MORE = (
    "suspended:statement:30:controller", "components:controller:8:both", "components:node:1:wrapper",
    "arrays:node:9:both", "arrays:controller:12:client", "requeued:controller:18:controller", "requeued:node:8:machine",
    "suspended:controller:21:controller", "steps:node:6:both", "steps:node:9:both", "steps:controller:16:controller", "steps:controller:16:node",
    "steps:node:8:wrapper", "allocations:controller:36:controller", "allocations:node:12:node", "allocations:chance:300:machine",
    "components:controller:15:client",
)  # fmt: skip
"""One of each kind, and those that once found something."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with rooted() as cluster:
        yield cluster


@pytest.mark.parametrize("words", [*SOME, *(pytest.param(words, marks=pytest.mark.patient) for words in MORE)])
def test_a_point(cluster: Cluster, words: str) -> None:
    result = run.survives(cluster, Point.read(words))
    assert result.found is None, result.found


@pytest.mark.long
@pytest.mark.timeout(6 * 3600)
def test_a_thousand_points() -> None:
    assert run.main(["--points", "1000"]) == 0
