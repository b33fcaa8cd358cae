"""How loud each of sbatch's remarks is: as seen on 22.05 with -v, without it, and with -Q."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

VERBOSE: tuple[tuple[tuple[str, ...], Mapping[str, str], str], ...] = (
    (("-B1:2:1",), {}, "Number of tasks implicitly set to 2."),
    (("--threads-per-core=1",), {}, "Setting --cpu-bind=threads as a default of --threads-per-core use"),
    (("-B1:1:1", "--hint=nomultithread"), {}, "mutually exclusive with --hint"),
    ((), {"SBATCH_HINT": "nomultithread", "SBATCH_THREADS_PER_CORE": "1"}, "Ignoring SLURM_HINT."),
)
"""Said with -v alone."""


@pytest.mark.parametrize(("argv", "environ", "remark"), VERBOSE)
def test_what_only_verbose_says(
    read: Callable[..., Any], argv: tuple[str, ...], environ: Mapping[str, str], remark: str
) -> None:
    assert read(argv=(*argv, "job.sh"), environ=environ).said == ()
    assert any(remark in line for line in read(argv=("-v", *argv, "job.sh"), environ=environ).said)
    assert any(remark in line for line in read(argv=(*argv, "job.sh"), environ={**environ, "SBATCH_DEBUG": "1"}).said)


def test_ignored_attributes_of_pbs_are_a_word_of_verbose(read: Callable[..., Any]) -> None:
    script = b"#!/bin/sh\n#PBS -W foo=1\n"
    assert read(script).said == ()
    assert "sbatch: Ignored PBS attributes: foo=1" in read(script, ("-v", "job.sh")).said


def test_a_warning_is_said_unless_it_must_be_quiet(read: Callable[..., Any]) -> None:
    assert "can't run 1 processes on 2 nodes" in read(argv=("-n1", "-N2", "job.sh")).said[0]
    assert read(argv=("-Q", "-n1", "-N2", "job.sh")).said == ()


def test_an_error_is_said_though_it_must_be_quiet(read: Callable[..., Any]) -> None:
    assert "Ignoring -S" in read(argv=("-Q", "--core-spec=1", "job.sh")).said[0]
