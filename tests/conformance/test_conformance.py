"""The same commands in both worlds: ours against the recorded transcript, and the record against the real Slurm here.

Cases wait for what they ask about, yet a busy machine may be later than a case waits: so each is tried again before it
counts as different, ours once, real Slurm (whose passes are seconds apart) twice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conformance.compare import difference
from tests.conformance.worlds import CASES, WITH_ACCOUNTS, World, recorded

pytestmark = pytest.mark.conformance

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)


def differs(case: Path, world: World, tries: int) -> str:
    """How the world differs from the record in the last of so many tries; empty as soon as it does not."""
    found = ""
    for _ in range(tries):
        found = difference(case.stem, world.transcript(case), recorded(case))
        if not found:
            break
    return found


@each_case
@pytest.mark.timeout(600)
@pytest.mark.xdist_group("conformance-ours")
def test_ours_says_what_was_recorded(case: Path, request: pytest.FixtureRequest) -> None:
    worlds = ["ours_alone"] if case.stem in WITH_ACCOUNTS else ["ours", "ours_alone"]
    found = ""
    for name in worlds:  # again in a world without the jobs of the first time
        found = differs(case, request.getfixturevalue(name), tries=1)
        if not found:
            break
    assert not found, found


@each_case
@pytest.mark.oracle
@pytest.mark.timeout(900)
@pytest.mark.xdist_group("conformance-real")
def test_the_record_is_true(case: Path, request: pytest.FixtureRequest) -> None:
    world = request.getfixturevalue("accounts" if case.stem in WITH_ACCOUNTS else "real")
    found = differs(case, world, tries=3)
    assert not found, found
