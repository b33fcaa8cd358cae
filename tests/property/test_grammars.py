"""What each grammar writes is read, and read back from its own listing; what nobody wrote is read or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from flowbatch.directives import slurmconf
from flowbatch.directives.values import (
    hostlist,
)
from flowbatch.directives.values.grammar import source
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.errors import ConfigError
from flowbatch.slurm.hostlist import InvalidHostlist, expand, fold
from tests.languages import LANGUAGES, Spoken

BRIEF = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


WRITTEN = [name for name, spoken in LANGUAGES.items() if spoken.grammar]


def _texts(spoken: Spoken) -> st.SearchStrategy[str]:
    return from_lark(Lark(source(spoken.grammar), start=spoken.start), start=spoken.start)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_the_grammar_writes_comes_back(name: str) -> None:
    spoken = LANGUAGES[name]

    @given(_texts(spoken))
    @BRIEF
    def check(text: str) -> None:
        assume(len(text) < 300)
        try:
            value = spoken.parse(text)
        except ValueSyntax:
            return
        if spoken.comes_back(value):
            assert spoken.parse(spoken.show(value)) == value

    check()


PIECES = [
    *"0123456789",
    *":,-+=%@*[]()&|?._; \t\n'\"\\/TRBkKmMgG#",
    "now",
    "gpu",
    "after",
    "singleton",
    "n1",
    "all",
    "é",
    "²",
    "٣",
]


@pytest.mark.parametrize("name", LANGUAGES)
def test_any_text_is_a_value_or_refused(name: str) -> None:
    spoken = LANGUAGES[name]

    @given(st.text() | st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
    @BRIEF
    def check(text: str) -> None:
        try:
            value = spoken.parse(text)
        except ValueSyntax as error:
            assert error.column <= len(text) + 1
        else:
            spoken.show(value)

    check()


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@BRIEF
def test_both_readers_of_host_lists_agree(text: str) -> None:
    def names(read: Callable[[str], Any]) -> list[str] | None:
        try:
            return list(read(text))
        except (ValueSyntax, InvalidHostlist):
            return None

    assert names(expand) == names(hostlist.parse)


@given(st.lists(st.tuples(st.sampled_from(["n", "m", "n-0", ""]), st.integers(0, 120), st.integers(1, 3))))
@BRIEF
def test_folding_loses_no_name(parts: list[tuple[str, int, int]]) -> None:
    names = [f"{prefix}{number:0{width}}" for prefix, number, width in parts]
    assert expand(fold(names)) == names


@given(st.text() | st.lists(st.sampled_from([*PIECES, "NodeName=", "PartitionName=", "CPUs=", "Gres="])).map("".join))
@BRIEF
def test_a_configuration_is_read_or_refused(text: str) -> None:
    for whole in (text, f"NodeName=n1\nPartitionName=p Nodes=ALL\n{text}\n"):
        try:
            slurmconf.parse(whole, text, hostname="here")
        except ConfigError as error:
            assert error.message.startswith(("slurm.conf", "gres.conf"))
