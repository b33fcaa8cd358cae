"""Tests that share a world run on one worker: a pytest that its distributing plugin does not know gives them to all."""

from __future__ import annotations

import os

import pytest


@pytest.mark.xdist_group("one worker")
@pytest.mark.skipif("PYTEST_XDIST_WORKER" not in os.environ, reason="nothing is distributed")
def test_groups_are_heeded(request: pytest.FixtureRequest) -> None:
    assert request.node.nodeid.endswith("@one worker")
