"""The words of a directive line."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from flowbatch.directives.words import split

WORDS = Path(__file__).parents[1] / "data/directives/words.jsonl"
PREFIX = len("#SBATCH")
BLANKS = " \t\n\v\f\r"


def test_as_sbatch_splits_them() -> None:
    differences = []
    for entry in map(json.loads, WORDS.read_text().splitlines()):
        found = split(entry["line"][PREFIX:].lstrip(BLANKS))
        got = ([word.text for word in found.words], found.fault[0] if found.fault else None)
        if got != (entry["words"], entry["fault"]):
            differences.append(f"{entry['line']!r}: {got}, not {entry['words'], entry['fault']}")
    assert differences == []


def test_each_character_knows_its_column() -> None:
    (word,) = split("""--x="a b"'c'\\d""").words
    assert word.text == "--x=a bcd"
    assert word.columns == (0, 1, 2, 3, 5, 6, 7, 10, 13)
    assert (word.start, word.end) == (0, 14)


@given(st.text(alphabet=" \\\"'#:ab-\t"))
@example("hetjob")
@example("'")
def test_any_text_is_split_or_faulted(text: str) -> None:
    found = split(text)
    for word in found.words:
        assert word.text
        assert len(word.text) == len(word.columns)
        assert all(text[column] == character for column, character in zip(word.columns, word.text, strict=True))
    if found.fault:
        assert text[found.fault[1]] in ":\"'"
