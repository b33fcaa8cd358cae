"""The words of a directive line, each with the columns its characters came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from lark import Token, Transformer, v_args

from flowbatch.directives.values.grammar import Language
from flowbatch.directives.values.syntax import ValueSyntax


@dataclass(frozen=True, slots=True)
class Word:
    """`columns[i]` is where character i stands in the text that was read (0-based); `end` is one past the word."""

    text: str
    columns: Sequence[int]
    end: int

    @property
    def start(self) -> int:
        return self.columns[0]


@dataclass(frozen=True, slots=True)
class Split:
    """The words of a text up to its end, or up to `fault`: (what sbatch says of it, the column it is at).

    `ended_by`: `hetjob` or `packjob`, where such a word ended it.
    """

    words: tuple[Word, ...]
    ended_by: str | None = None
    fault: tuple[str, int] | None = None


@lru_cache(maxsize=4096)
def split(text: str) -> Split:
    """The words of what follows `#SBATCH` on a line."""
    try:
        return _WORDS.read(text)
    except ValueSyntax as error:
        at = error.column - 1
    sound = _sound(text, at)
    said = "Unexpected `:`" if text[at] == ":" else f"Unmatched `{text[at]}`"
    return Split(sound, fault=(f"{said} in [{text[sound[-1].end if sound else 0 :]}]", at))


def _sound(text: str, at: int) -> tuple[Word, ...]:
    """The words that were whole before the fault at `at`."""
    while at > 0 and text[at - 1] not in _BLANKS:
        at -= 1
    try:
        return _WORDS.read(text[:at]).words
    except ValueSyntax as error:
        return _sound(text, error.column - 1)


_BLANKS = " \t\n\v\f\r"


@v_args(inline=True)
class _Reader(Transformer[Token, Split]):
    def word(self, *pieces: Token) -> Word:
        if len(pieces) == 1 and pieces[0].type == "OPENING":  # a megabyte of it costs no more than its text
            start = pieces[0].start_pos or 0
            return Word(str(pieces[0]), range(start, start + len(pieces[0])), start + len(pieces[0]))
        text: list[str] = []
        columns: list[int] = []
        end = 0
        for piece in pieces:
            start = piece.start_pos or 0
            for at, character in _characters(piece):
                text.append(character)
                columns.append(start + at)
            end = start + len(piece)
        return Word("".join(text), tuple(columns), end)

    def start(self, *parts: Token | Word) -> Split:
        ended_by = next(
            (part[:7].strip().lower() for part in parts if isinstance(part, Token) and part.type == "HETJOB"), None
        )
        return Split(tuple(part for part in parts if isinstance(part, Word)), ended_by)


def _characters(piece: Token) -> list[tuple[int, str]]:
    """What a piece of a word stands for, without its quotes and backslashes, each with its place in the piece."""
    if piece.type in ("OPENING", "PLAIN"):
        return list(enumerate(piece))
    inside = range(1, len(piece) - 1) if piece.type in ("DOUBLE", "SINGLE") else range(len(piece))
    found = []
    escaped = False
    for at in inside:
        escaped = piece[at] == "\\" and not escaped
        if not escaped:
            found.append((at, piece[at]))
    return found


_WORDS: Language[Split] = Language("directive", _Reader())
