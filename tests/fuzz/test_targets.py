"""Hostile bytes for every reader of words from outside: refused in its own way or taken, and in time. `run.py` has the large counts."""

from __future__ import annotations

import pytest

from tests.fuzz.mutate import inputs
from tests.fuzz.run import FINDINGS, feed
from tests.fuzz.targets import TARGETS

COUNT = 300


@pytest.mark.parametrize("name", TARGETS)
def test_near_what_real_scripts_say(name: str) -> None:
    target = TARGETS[name]
    for data in (*target.seeds, *inputs(target.seeds, COUNT, seed=7)):
        feed(target, data)


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_once(name: str) -> None:
    for file in sorted((FINDINGS / name.replace(" ", "-")).glob("*")):
        feed(TARGETS[name], file.read_bytes())
