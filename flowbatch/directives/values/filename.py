"""File name patterns: `--output`, `--error`, `--input`. Any text is one; the node fills it in (`slurm.patterns`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language

MAX_WIDTH = 10

_ESCAPED = re.compile(r"\\(.?)", re.DOTALL)


@dataclass(frozen=True)
class Text:
    """What stands in the name as it is."""

    text: str


@dataclass(frozen=True)
class Field:
    """A letter to be replaced, with at least `width` digits if it is a number."""

    letter: str
    width: int = 0


Piece = Text | Field


@lru_cache(maxsize=256)
def parse(text: str) -> tuple[Piece, ...]:
    """The pieces in order, neighbouring texts as one. Never raises."""
    return _FILENAME.read(text)


def show(pieces: tuple[Piece, ...]) -> str:
    """A pattern of these pieces."""
    return "".join(_written(piece) for piece in pieces)


def fields(text: str) -> frozenset[str]:
    """The letters that a pattern uses."""
    return frozenset(piece.letter for piece in parse(text) if isinstance(piece, Field))


def _written(piece: Piece) -> str:
    if isinstance(piece, Field):
        return f"%{piece.width or ''}{piece.letter}"
    escaped = piece.text.replace("\\", "\\\\")
    return escaped if escaped != piece.text else piece.text.replace("%", "%%")


@v_args(inline=True)
class _Reader(Transformer[Token, "tuple[Piece, ...]"]):
    def verbatim(self, text: str) -> tuple[Piece, ...]:
        plain = _ESCAPED.sub(r"\1", text)
        return (Text(plain),) if plain else ()

    def pieces(self, *pieces: Piece) -> tuple[Piece, ...]:
        joined: list[Piece] = []
        for piece in pieces:
            if isinstance(piece, Text) and joined and isinstance(joined[-1], Text):
                joined[-1] = Text(joined[-1].text + piece.text)
            else:
                joined.append(piece)
        return tuple(joined)

    def field(self, text: str) -> Piece:
        return Field(text[-1], min(int(text[1:-1][-9:] or 0), MAX_WIDTH))

    def percent(self, _text: str) -> Piece:
        return Text("%")

    def text(self, text: str) -> Piece:
        digits = text[1:]
        return Text(digits if text[0] == "%" and digits else str(text))


_FILENAME: Language[tuple[Piece, ...]] = Language("filename", _Reader())
