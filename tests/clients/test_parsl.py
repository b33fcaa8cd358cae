"""Parsl: blocks of nodes that run workers, started by each of its launchers."""

from __future__ import annotations

import pytest

CLIENT = "parsl"


@pytest.mark.parametrize("launcher", ["simple", "single", "srun"])
def test_apps_on_a_block(client, launcher):
    told = client.program("parsl_apps.py", launcher).told
    assert told.pop("named").startswith("parsl.blocks.block-")
    assert told == {"double": [0, 2, 4, 6], "shell": 0, "shouted": ["well"], "blocks": ["RUNNING"]}
    client.site.until(lambda: not client.site.says("squeue", "-h"), "its blocks are gone")
