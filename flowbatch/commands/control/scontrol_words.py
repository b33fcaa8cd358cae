"""The words behind `update`, `create` and `delete`: settings of an entity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

ALONE = frozenset({"nice", "resetaccruetime"})
"""Keys that may come without a value."""


@dataclass(frozen=True, slots=True)
class Setting:
    """`key=value`, `key+=value` or `key-=value`, the key in small letters; `written` is the key alone where no value came."""

    key: str
    sign: str
    value: str
    written: str


def settings_of(words: Sequence[str]) -> Iterator[Setting]:
    """The words, where a key without `=` takes the word behind it as its value."""
    rest = iter(words)
    for word in rest:
        key, equals, value = word.partition("=")
        if key.lower() in ALONE and not equals:
            yield Setting(key.lower(), "", "", word)
            continue
        if not equals and (value := next(rest, "")):
            word = f"{key}={value}"
        sign = key[-1:] if equals and key.endswith(("+", "-")) else ""
        yield Setting(key.removesuffix(sign).lower(), sign, value, word)
