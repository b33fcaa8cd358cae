"""The words that `flow` says to its commands: `--name`, `--name=value`, and operands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Argv:
    """`flags` are names that were said without a value."""

    flags: frozenset[str]
    values: Mapping[str, str]
    operands: tuple[str, ...]

    @classmethod
    def of(cls, words: Sequence[str]) -> Argv:
        options = [word[2:] for word in words if word.startswith("--")]
        return cls(
            frozenset(option for option in options if "=" not in option),
            {name: value for name, equals, value in (option.partition("=") for option in options) if equals},
            tuple(word for word in words if not word.startswith("--")),
        )

    @property
    def clusters(self) -> str | None:
        """What -M named."""
        return self.values.get("clusters")
