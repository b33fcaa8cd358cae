"""The same commands in both worlds: ours against the recorded transcript, and the record against the real Slurm here."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.differences import applied
from tests.conformance.worlds import CASES, RECORDED, World

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)


def recorded(case: Path) -> str:
    return (RECORDED / f"{case.stem}.txt").read_text()


@each_case
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("conformance-ours")
def test_ours_says_what_was_recorded(case: Path, ours: World) -> None:
    said = ours.transcript(case)
    assert applied(case.stem, said).splitlines() == applied(case.stem, recorded(case)).splitlines()


@each_case
@pytest.mark.oracle
@pytest.mark.timeout(400)
@pytest.mark.xdist_group("conformance-real")
def test_the_record_is_true(case: Path, real: World) -> None:
    said = real.transcript(case)
    assert said.splitlines() == recorded(case).splitlines()
