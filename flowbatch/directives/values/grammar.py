"""The one place where a grammar file becomes a parser.

A parser is built when its first text arrives and kept; nothing of Lark's leaves as an exception.
"""

from __future__ import annotations

from functools import cache, cached_property
from importlib.resources import files
from typing import Any, Generic, TypeVar, cast

from lark import Lark, Transformer
from lark.exceptions import UnexpectedInput, UnexpectedToken

from flowbatch.directives.values.syntax import ValueSyntax

V = TypeVar("V")


@cache
def source(name: str) -> str:
    """The text of grammar/NAME.lark."""
    return files("flowbatch.grammar").joinpath(f"{name}.lark").read_text("utf-8")


class Language(Generic[V]):
    """One start rule of one grammar, read straight into values by `reader`; `forms` is the hint of every refusal."""

    def __init__(self, name: str, reader: Transformer[Any, V], *, start: str = "start", forms: str = "") -> None:
        self.name, self.start, self.forms = name, start, forms
        self._options = {"parser": "lalr", "transformer": reader, "maybe_placeholders": True}

    @cached_property
    def parser(self) -> Lark:
        return Lark(source(self.name), start=self.start, **self._options)

    def read(self, text: str) -> V:
        """The value of `text`. Raises ValueSyntax, from here or from the reader, and nothing else."""
        try:
            return cast("V", self.parser.parse(text))
        except UnexpectedInput as error:
            column = _column(error, text)
            seen = f"unexpected {text[column - 1]!r}" if column <= len(text) else "unexpected end"
            raise ValueSyntax(seen, column, hint=self.forms or None) from None


def _column(error: UnexpectedInput, text: str) -> int:
    if isinstance(error, UnexpectedToken) and error.token.type == "$END":
        return len(text) + 1
    return len(text) + 1 if error.pos_in_stream is None else error.pos_in_stream + 1
