"""The same commands in both worlds: ours against the recorded transcript, and the record against the real Slurm here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.compare import difference
from tests.conformance.worlds import CASES, World, recorded

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)


@each_case
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("conformance-ours")
def test_ours_says_what_was_recorded(case: Path, ours: World) -> None:
    found = difference(case.stem, ours.transcript(case), recorded(case))
    assert not found, found


@each_case
@pytest.mark.oracle
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("conformance-real")
def test_the_record_is_true(case: Path, real: World) -> None:
    said = real.transcript(case)
    assert said.splitlines() == recorded(case).splitlines()
