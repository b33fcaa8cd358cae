"""Odd values, each as real sbatch took it: tests/data/values holds what was asked and what it said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from flowbatch.directives.values import array, begin, constraint, count, dependency, gres, licenses
from flowbatch.directives.values.syntax import ValueSyntax
from flowbatch.units import Instant
from tests.languages import LANGUAGES

DATA = Path(__file__).parents[2] / "data" / "values"

SPOKEN = {
    "time": "time", "mem": "memory", "nodes": "nodes", "ntasks-per-node": "count", "signal": "signal", "mail-type": "mail",
    "distribution": "distribution", "export": "export", "extra-node-info": "nodeinfo", "cpu-freq": "cpu-freq",
    "gpu-freq": "gpu-freq", "gpu-bind": "gpu-bind", "mem-bind": "mem-bind",
}  # fmt: skip
"""Which language an option speaks."""

LISTED: dict[str, Callable[[str], str]] = {
    **{option: LANGUAGES[name].listed for option, name in SPOKEN.items()},
    "core-spec": lambda text: count.show(count.parse(text, 0)),
    "array": lambda text: array.show(array.parse(text)) or text,
    "dependency": lambda text: dependency.show(dependency.parse(text)) or text,
    "constraint": lambda text: text if constraint.parse(text) is not None else "",
    "licenses": lambda text: text if licenses.parse(text) is not None else "",
    "gres": lambda text: gres.listed(text) if gres.parse(text) is not None else "",
    "gpus": lambda text: text if gres.parse_gpus(text) is not None else "",
}

SENTENCES = {
    "gres": "Invalid generic resource (gres) specification",
    "mixed": "Invalid GRES specification (with and without type identification)",
    "tres": "Invalid Trackable RESource (TRES) specification",
}
WHOLE = ("cpu-freq", "gpu-freq", "gpu-bind", "mem-bind", "extra-node-info", "nodes")


def records(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (DATA / name).read_text("utf-8").splitlines()]


def outcome(read: Callable[[str], str], text: str) -> str | ValueSyntax:
    try:
        return read(text)
    except ValueSyntax as error:
        return error


@pytest.mark.parametrize("option", LISTED)
def test_odd_values_are_taken_as_sbatch_takes_them(option: str) -> None:
    seen = [record for record in records("recorded.jsonl") if record["option"] == option]
    assert len(seen) > 5
    for record in seen:
        text, said = record["value"], record["refused"]
        found = outcome(LISTED[option], text)
        if record["listed"] is None or said:
            assert isinstance(found, ValueSyntax), (text, found)
            assert 1 <= found.column <= len(text) + 1
            if option in WHOLE:
                assert found.message in said
                assert not found.said or found.said in said
            elif option in ("gres", "gpus"):
                assert [SENTENCES[found.where]] == said, text
        else:
            assert (text, found) == (text, record["listed"])


def test_instants_are_found_in_the_callers_zone() -> None:
    for record in records("instants.jsonl"):
        text, zone = record["value"], ZoneInfo(record["zone"])
        now = Instant(record["now"])
        found = outcome(lambda text, now=now, zone=zone: begin.show(begin.parse(text, now, zone), zone), text)
        if record["listed"] is None:
            assert isinstance(found, ValueSyntax)
            assert found.message == (record["refused"][0] if record["refused"] else "no time")
        else:
            assert (text, found) == (text, record["listed"])


def test_arrays_have_the_tasks_that_scontrol_shows() -> None:
    shown = {
        "-": "0", "%3": "0%3", "[1-3],5": "1-3,5", "1-3%2,5": "1-3,5%2", "1-3%-1": "1-3", "1-3%4294967297": "1-3%1",
        "5,3,1": "1,3,5", "1-9:2,4": "1,3-5,7,9", "1-3,]": "0-3", "1-3%1%2": "1-3%1", "1]-5": "1-5", "- 3": "0-3",
        "1-3:5": "1", "1-3,2-5": "1-5",
    }  # fmt: skip
    for text, wanted in shown.items():
        read = array.parse(text)
        assert read is not None
        assert read.indices().text() + (f"%{read.throttle}" if read.throttle else "") == wanted
    assert array.parse(",") is None


def test_dependencies_have_the_terms_that_scontrol_shows() -> None:
    shown = {
        "after:637+5:636+6": "after:637+5,after:636+6",
        "afterok:637+5": "afterok:637+5",
        "637,636": "afterany:637,afterany:636",
        "636_3": "afterany:636_3",
        "afterok:636_": "afterok:636_0",
        "afterok:636_*": "afterok:636",
        "afterok:636_[1-3]": "afterok:636_1,afterok:636_2,afterok:636_3",
        "afterok:637,singleton?afterany:636": "afterok:637?singleton?afterany:636",
        "afterok:637,afterok:637": "afterok:637",
        "after:637(x)+5": "after:637",
        "after:637+99999999": "after:637+28417210",
        "afterok:-637": "afterok:4294966659",
    }
    for text, wanted in shown.items():
        read = dependency.parse(text)
        assert read is not None
        assert dependency.words(read) == wanted
    assert dependency.parse("0") is None
