"""Whatever is said, it is read or refused with a diagnosis; nothing else comes out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from flowbatch.directives import build, market
from flowbatch.directives.build import Origins
from flowbatch.directives.options import OPTIONS
from flowbatch.directives.values.grammar import source
from flowbatch.spec.job import JobSpec

NAMES = st.sampled_from([one.name for one in OPTIONS if "sbatch" in one.commands and not one.nameless])
VALUES = st.text(max_size=12) | st.text(alphabet="0123456789-:,@%=+[]kKmMgG*/. xa", max_size=10)


def settled(outcome: Any) -> None:
    if outcome.submission:
        for component in outcome.submission.components:
            spec = build.job(component.chosen, Origins("/submit", "/submit/job.sh"), market.MarketTerms())
            assert JobSpec.model_validate_json(spec.model_dump_json()) == spec
    elif outcome.diagnosis:
        assert outcome.exit_code in (1, 255)
        assert outcome.said
        assert outcome.diagnosis.screen()


@given(st.binary(max_size=200))
def test_any_bytes(read: Callable[..., Any], raw: bytes) -> None:
    settled(read(raw))


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_any_values_in_a_script(read: Callable[..., Any], said: list[tuple[str, str]]) -> None:
    lines = "".join(f"#SBATCH --{name}={value}\n" for name, value in said)
    settled(read(f"#!/bin/sh\n{lines}".encode("utf-8", "surrogatepass")))


@given(
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.dictionaries(st.sampled_from(["SBATCH_DEBUG", "SLURM_EXIT_ERROR", "SBATCH_SIGNAL"]), VALUES),
)
def test_any_words_and_variables(
    read: Callable[..., Any], said: list[tuple[str, str]], environ: dict[str, str]
) -> None:
    outcome = read(b"#!/bin/sh\n", [*(f"--{name}={value}" for name, value in said), "job.sh"], environ)
    if outcome.submission:
        settled(outcome)


@given(from_lark(Lark(source("directive"), parser="lalr")))
def test_any_line_that_the_grammar_writes(read: Callable[..., Any], line: str) -> None:
    settled(read(f"#!/bin/sh\n#SBATCH {line}\n".encode()))
