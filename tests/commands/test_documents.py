"""--json and --yaml: what is written is read back as what it was, and looks as Slurm writes it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from flowbatch.commands import documents
from flowbatch.commands.documents import as_json, as_yaml, document, said, written

names = st.from_regex(r"[a-zA-Z][a-zA-Z_0-9]{0,8}", fullmatch=True).filter(lambda name: yaml.safe_load(name) == name)
scalars = st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)
SAMPLE: Any = {"a": "x/y", "b": [], "c": [{"d": 1.0, "e": None}, {"f": True}], "g": {}, "h": '"\u00e9'}


@settings(deadline=None, max_examples=50)
@given(values)
def test_json_is_read_as_it_was(value: Any) -> None:
    assert json.loads(as_json(value)) == value


@settings(deadline=None, max_examples=50)
@given(st.lists(st.dictionaries(names, scalars, min_size=1)))
def test_yaml_says_what_json_says(records: list[dict[str, Any]]) -> None:
    """An empty text is null in YAML, as 22.05 has it."""
    data = document("jobs", [{**record, "list": [1, "a b", {"x": 2}], "map": {"y": "z"}} for record in records])
    assert yaml.safe_load(as_yaml(data)) == without_empty_texts(json.loads(as_json(data)))


def test_long_texts_are_not_kept() -> None:
    documents._short.cache_clear()
    assert as_json(["a/" * 127, "a/" * 128]) == '[\n  "' + "a\\/" * 127 + '",\n  "' + "a\\/" * 128 + '"\n]'
    assert documents._short.cache_info().currsize == 1


def without_empty_texts(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_empty_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [without_empty_texts(item) for item in value]
    return value or None if isinstance(value, str) else value


def test_it_looks_as_slurm_writes_it() -> None:
    assert as_json(SAMPLE) == (
        '{\n  "a": "x\\/y",\n  "b": [\n  ],\n  "c": [\n    {\n      "d": 1.0,\n      "e": null\n    },\n    {\n      "f": true\n    }\n  ],\n'
        '  "g": {\n  },\n  "h": "\\"\u00e9"\n}'
    )
    assert as_yaml({"a": "Slurm OpenAPI v0.0.38", "b": "x: y", "c": " z"}).endswith(
        '!!str a: !!str Slurm OpenAPI v0.0.38\n!!str b: !!str "x: y"\n!!str c: !!str " z"\n...\n'
    )
    assert '!!str h: !!str "\\"\\xE9"\n' in as_yaml(SAMPLE)


@pytest.mark.parametrize(("flags", "begins"), [({"json"}, "{"), ({"yaml"}, "%YAML 1.1\n--- !!map\n")])
def test_the_flag_says_which(flags: set[str], begins: str) -> None:
    assert written(document("jobs", []), frozenset(flags)).startswith(begins)


def test_of_both_the_last_holds() -> None:
    assert said(said({"all"}, "json"), "yaml") == {"all", "yaml"}
    assert said({"yaml"}, "all") == {"all", "yaml"}
