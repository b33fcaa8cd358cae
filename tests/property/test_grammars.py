"""What each grammar writes is read, and read back from its own listing; what nobody wrote is read or refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from lark import Lark

from flowbatch.directives import slurmconf
from flowbatch.directives.values import (
    array,
    begin,
    binding,
    constraint,
    count,
    dependency,
    distribution,
    export,
    filename,
    frequency,
    gres,
    hostlist,
    licenses,
    mail,
    memory,
    nodeinfo,
    nodes,
    signal,
    squeue_format,
    time,
    tres,
)
from flowbatch.directives.values.grammar import source
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.errors import ConfigError
from flowbatch.slurm.hostlist import InvalidHostlist, expand, fold
from flowbatch.units import Instant

BRIEF = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
UTC = ZoneInfo("UTC")
NOW = Instant(1795310128)


@dataclass(frozen=True)
class Spoken:
    """A language: its grammar and start, its reader and writer, and which values come back from what is written."""

    grammar: str
    parse: Callable[[str], Any]
    show: Callable[[Any], str]
    start: str = "start"
    comes_back: Callable[[Any], bool] = field(default=lambda value: True)


LANGUAGES = {
    "time": Spoken("time", time.parse, time.show, comes_back=lambda minutes: minutes < 2**31 // 60),
    "memory": Spoken("memory", memory.parse, memory.show, comes_back=lambda mib: 0 < mib < 2**30),
    "nodes": Spoken("nodes", nodes.parse, nodes.show),
    "count": Spoken("count", count.parse, count.show, comes_back=lambda number: number > 0),
    "gres": Spoken("gres", gres.parse, gres.show, "gres"),
    "gpus": Spoken("gres", gres.parse_gpus, gres.show_gpus, "gpus"),
    "tres": Spoken("tres", tres.parse, tres.show, comes_back=lambda wanted: all(n < 2**63 for _, n in wanted)),
    "array": Spoken("array", array.parse, array.show),
    "dependency": Spoken("dependency", dependency.parse, dependency.show),
    "constraint": Spoken("constraint", constraint.parse, constraint.show),
    "signal": Spoken("signal", signal.parse, signal.show),
    "filename": Spoken("filename", filename.parse, filename.show),
    "hostlist": Spoken("hostlist", hostlist.parse, hostlist.show),
    "begin": Spoken("begin", lambda text: begin.parse(text, NOW, UTC), lambda at: begin.show(at, UTC)),
    "export": Spoken("export", export.parse, export.show),
    "mail": Spoken("", mail.parse, mail.show),
    "distribution": Spoken("distribution", distribution.parse, distribution.show),
    "licenses": Spoken("licenses", licenses.parse, licenses.show),
    "cpu-freq": Spoken("frequency", frequency.parse_cpu, frequency.show, "cpu", lambda text: len(text) < 60),
    "gpu-freq": Spoken("frequency", frequency.parse_gpu, frequency.show, "gpu"),
    "gpu-bind": Spoken("binding", binding.parse_gpu, binding.show, "gpu"),
    "mem-bind": Spoken(
        "binding",
        binding.parse_mem,
        binding.show,
        "mem",
        lambda text: not text.endswith((":", "unset")) and "*" not in text,
    ),
    "nodeinfo": Spoken("nodeinfo", nodeinfo.parse, nodeinfo.show, comes_back=lambda info: False),
    "squeue -o": Spoken("squeue_format", squeue_format.parse_short, squeue_format.show_short, "short"),
    "squeue -O": Spoken("squeue_format", squeue_format.parse_long, squeue_format.show_long, "long"),
}
"""A listing that wraps, rounds or leaves out (huge times, memory past 1P, `1:*:1`) cannot be read back."""

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
