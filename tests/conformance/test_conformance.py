"""The same commands in both worlds: ours against the recorded transcript, and the record against the real Slurm here.

Cases wait for what they ask about, yet a busy machine may be later than a case waits, and a world remembers earlier cases: so each is
tried again in a fresh world before it counts as different, ours once, real Slurm (whose passes are seconds apart) twice.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conformance.compare import difference
from tests.conformance.oracle import real_slurm
from tests.conformance.worlds import CASES, WITH_ACCOUNTS, World, recorded

pytestmark = pytest.mark.conformance


def differs(case: Path, world: World) -> str:
    """How the world differs from the record; empty if it does not."""
    return difference(case.stem, world.transcript(case), recorded(case))


def each_case(group_of: Callable[[Path], str]) -> pytest.MarkDecorator:
    """Those of one group share a world, and run one after the other."""
    cases = [pytest.param(one, id=one.stem, marks=pytest.mark.xdist_group(group_of(one))) for one in CASES]
    return pytest.mark.parametrize("case", cases)


@each_case(lambda case: "conformance-ours")
@pytest.mark.timeout(600)
def test_ours_says_what_was_recorded(case: Path, request: pytest.FixtureRequest) -> None:
    worlds = ["our_accounts"] if case.stem in WITH_ACCOUNTS else ["ours", "ours_alone"]
    found = ""
    for name in worlds:  # again in a world without the jobs of the first time
        found = differs(case, request.getfixturevalue(name))
        if not found:
            break
    assert not found, found


@each_case(lambda case: "conformance-accounts" if case.stem in WITH_ACCOUNTS else "conformance-real")
@pytest.mark.oracle
@pytest.mark.timeout(900)
def test_the_record_is_true(
    case: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    accounts = case.stem in WITH_ACCOUNTS
    found = differs(case, request.getfixturevalue("accounts" if accounts else "real"))
    for _ in range(2):
        if not found:
            break
        with real_slurm(tmp_path_factory.mktemp("again"), accounts=accounts) as env:
            found = differs(case, World("/usr/bin", env))
    assert not found, found
