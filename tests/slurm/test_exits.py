"""Codes that the environment names, as 22.05's commands were seen to take them."""

from __future__ import annotations

import pytest

from flowbatch.slurm.exits import ExitCodes, exit_codes

ZERO = "{}: error: SLURM_EXIT_{} has zero value"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("42", 42),
        ("300", 44),
        ("-5", 251),
        ("5x", 5),
        (" 7", 7),
        ("4294967297", 1),
        ("9" * 5000, 255),
        ("0" * 50 + "9", 9),
    ],
)
def test_a_code_is_what_atoi_reads_and_an_exit_can_hold(text, code):
    assert exit_codes({"SLURM_EXIT_ERROR": text}, "srun") == ExitCodes(code, 1)


@pytest.mark.parametrize("text", ["", "0", "abc", "+-5", "4294967296"])
def test_nothing_is_no_code(text):
    named = {"SLURM_EXIT_ERROR": text, "SLURM_EXIT_IMMEDIATE": text}
    both = (ZERO.format("salloc", "ERROR"), ZERO.format("salloc", "IMMEDIATE"))
    assert exit_codes(named, "salloc") == ExitCodes(1, 1, both)
    assert exit_codes(named, "sbatch") == ExitCodes(1, 1, (ZERO.format("sbatch", "ERROR"),))


def test_what_was_not_immediate_has_a_code_of_its_own():
    assert exit_codes({"SLURM_EXIT_IMMEDIATE": "-3", "SLURM_EXIT_ERROR": "4"}, "srun") == ExitCodes(4, 253)
    assert exit_codes({}, "srun") == ExitCodes(1, 1)
