"""The fields table against what a real squeue printed (tests/data/squeue/recorded.json)."""

from __future__ import annotations

import json
from pathlib import Path
from string import ascii_letters

import pytest

from flowbatch.commands.listing.job_fields import VALUES
from flowbatch.commands.listing.squeue_steps import STEP_VALUES
from flowbatch.slurm import fields

RECORDED = json.loads((Path(__file__).parents[1] / "data/squeue/recorded.json").read_text())


def test_every_letter_is_a_field_of_jobs_in_the_order_of_all() -> None:
    assert "".join(field.letter for field in fields.JOB_FIELDS if field.letter) == ascii_letters


@pytest.mark.parametrize("name", sorted(RECORDED["headers"]))
def test_header(name: str) -> None:
    assert fields.JOBS.by_name[name].header == RECORDED["headers"][name]


def test_no_name_or_letter_stands_twice() -> None:
    for table in (fields.JOBS, fields.STEPS):
        names = [name for field in table.all for name in (field.name, *field.others)]
        letters = [field.letter for field in table.all if field.letter]
        assert len(names) == len(set(names))
        assert len(letters) == len(set(letters))


def test_every_field_has_a_value() -> None:
    assert {field.name for field in fields.JOB_FIELDS} == set(VALUES)
    assert {field.name for field in fields.STEP_FIELDS} == set(STEP_VALUES)
