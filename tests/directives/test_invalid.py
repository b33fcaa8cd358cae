"""Scripts that are refused: sbatch's own stderr, and the screen of `flow submit` below it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CASES = sorted((Path(__file__).parents[1] / "data/directives/invalid").glob("*.sh"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_refused_with_these_words(read: Callable[..., Any], case: Path) -> None:
    outcome = read(case.read_bytes(), [case.name], name=case.name)
    assert outcome.diagnosis is not None
    said = "\n".join([*outcome.said, "--", outcome.diagnosis.screen(), f"exit {outcome.exit_code}"])
    assert said + "\n" == case.with_suffix(".txt").read_text()


def test_there_are_cases() -> None:
    assert len(CASES) >= 10
